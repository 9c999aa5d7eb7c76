// Computes a convolution and the windows that read it a block of rows at a time, so that what lies between them stays in
// the cache and takes a few rows of memory.
//
// Expects kernels on memrefs, in the pattern
//
//     kernel.conv(image) -> middle, kernel.depthwise(middle) or a maximum of kernel.pool(middle)
//
// where nothing else reads `middle`, of static extents, and it is larger than the cache holds beside the rest. Windows of
// neighbouring blocks overlap: the rows that both read are moved to the front of the block's buffer. The first and the last
// block stand outside the loop, since only their windows reach beyond the image. Elements are computed as before, in the
// same order.
#include "dialects/Kernel/Kernel.h"
#include "lib/Support/Decision.h"
#include "lib/Support/ViewedBuffer.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_TILEWINDOWS
#include "lib/Transforms/Passes.h.inc"

/// The dimension that is cut into blocks: N, rows, ..., C.
static constexpr int64_t rowDim = 1;

namespace {

/// Which rows the windows of a kernel read.
struct RowWindow {
  int64_t size, stride, padBegin; ///< `size` with dilation
  int64_t inputs, outputs;        ///< rows

  int64_t getBegin(int64_t output) const { return output * stride - padBegin; }
  int64_t getEnd(int64_t output) const { return getBegin(output - 1) + size; } ///< of the windows before `output`
};

/// What is tiled: blocks of `block` rows of windows, each of which needs `step` more rows of the convolution and `overlap`
/// of those that the block before it computed.
struct WindowPair {
  kernel::ConvOp conv;
  Operation *windows; ///< kernel.depthwise or kernel.pool
  RowWindow ofConv, ofWindows;
  int64_t block = 0, step = 0, overlap = 0, numBlocks = 0;

  static FailureOr<WindowPair> match(Operation *windows);
  /// Rows of the convolution that the blocks before `number` have computed.
  int64_t getComputed(int64_t number) const {
    return number == numBlocks ? std::min(ofWindows.inputs, ofWindows.getEnd(ofWindows.outputs))
                               : ofWindows.getEnd(number * block);
  }
  int64_t getScratchRows() const {
    int64_t last = overlap + getComputed(numBlocks) - getComputed(numBlocks - 1);
    return std::max({getComputed(1), overlap + step, last});
  }

private:
  LogicalResult cut(int64_t rowBytes, int64_t cacheBytes);
};

/// Emits the loops before `pair.windows`.
class WindowTiling {
public:
  explicit WindowTiling(WindowPair pair)
      : pair(pair),
        builder(FusedLoc::get(pair.conv.getContext(), {pair.windows->getLoc(), pair.conv.getLoc()}), pair.windows) {}

  void run();

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, value); }
  void emitImage(OpFoldResult image);
  void emitBlock(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, int64_t outputs);
  void emitConv(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, Value init);
  Value takeRows(Value operand, OpFoldResult image, OpFoldResult row, int64_t count);
  OpFoldResult scaleRow(OpFoldResult number, int64_t factor, int64_t offset);
  void cloneKernel(Operation *op, Value input, Value init, int64_t padBegin, int64_t padEnd);

  WindowPair pair;
  ImplicitLocOpBuilder builder;
  Value scratch;
};

} // namespace

//===--- What can be tiled ---===//

static int64_t getEntry(Operation *op, StringRef name) {
  return op->getAttrOfType<DenseI64ArrayAttr>(name)[0];
}

static RowWindow getRowWindow(Operation *op, int64_t taps) {
  auto getRows = [&](Value value) { return cast<MemRefType>(value.getType()).getDimSize(rowDim); };
  Value init = cast<DestinationStyleOpInterface>(op).getDpsInits()[0];
  return {(taps - 1) * getEntry(op, "dilations") + 1, getEntry(op, "strides"), getEntry(op, "pads_begin"),
          getRows(op->getOperand(0)), getRows(init)};
}

/// All but the batch.
static bool hasStaticImages(Value value) {
  auto type = cast<MemRefType>(value.getType());
  return type.getRank() > 3 && !ShapedType::isDynamicShape(type.getShape().drop_front());
}

/// Whether blocks need no other elements of the epilogue's inputs than the whole does: they are per channel.
static bool hasSimpleEpilogue(kernel::EpilogueOpInterface op, int64_t rank) {
  return llvm::all_of(op->getAttrOfType<ArrayAttr>("epilogue_maps").getAsValueRange<AffineMapAttr>(), [&](AffineMap map) {
    return llvm::all_of(llvm::seq<unsigned>(0, rank - 1), [&](unsigned dim) { return !map.isFunctionOfDim(dim); });
  });
}

/// Whether nothing happens between two operations of a block.
static bool areNeighbours(Operation *first, Operation *second) {
  if (first->getBlock() != second->getBlock() || !first->isBeforeInBlock(second))
    return false;
  for (Operation *op = first->getNextNode(); op != second; op = op->getNextNode())
    if (!isMemoryEffectFree(op) && !isa<memref::AllocOp>(op))
      return false;
  return true;
}

/// Chooses blocks whose rows take a quarter of the cache, more where the windows overlap by more than that.
LogicalResult WindowPair::cut(int64_t rowBytes, int64_t cacheBytes) {
  const RowWindow &w = ofWindows;
  overlap = w.size - w.stride;
  if (overlap < 0)
    return failure(); // some rows are read by no window
  // What moves to the front of the buffer must not lie there already.
  int64_t least = llvm::divideCeil(overlap + w.padBegin, w.stride), fitting = (cacheBytes / 4 / rowBytes - overlap) / w.stride;
  block = std::max<int64_t>({least, fitting, 2});
  block = llvm::divideCeil(w.outputs, llvm::divideCeil(w.outputs, block)); // of equal height
  block = std::max(block, least);
  numBlocks = llvm::divideCeil(w.outputs, block);
  step = block * w.stride;
  if (numBlocks < 3 || getComputed(numBlocks - 1) >= std::min(w.inputs, getComputed(numBlocks)) || getComputed(1) < 1 ||
      getScratchRows() * rowBytes > cacheBytes / 2)
    return failure();
  // The first block reads some of the image, and the windows of the blocks in the loop lie inside of it.
  int64_t second = getComputed(1), last = getComputed(numBlocks - 1);
  return success(ofConv.getEnd(second) > 0 && ofConv.getBegin(second) >= 0 && ofConv.getEnd(last) <= ofConv.inputs &&
                 ofConv.getBegin(last) < ofConv.inputs);
}

FailureOr<WindowPair> WindowPair::match(Operation *windows) {
  auto kernel = cast<kernel::EpilogueOpInterface>(windows);
  auto middle = windows->getOperand(0).getDefiningOp<memref::AllocOp>();
  Value init = cast<DestinationStyleOpInterface>(windows).getDpsInits()[0];
  if (!middle || !hasStaticImages(middle) || !hasStaticImages(init) || llvm::range_size(middle->getUses()) != 2)
    return failure();
  if (!isa<func::FuncOp>(windows->getParentOp()))
    return failure(); // what a loop carries may be read and written under two names
  auto type = middle.getType();
  WindowPair pair;
  pair.windows = windows;
  for (Operation *user : middle->getUsers())
    if (auto conv = dyn_cast<kernel::ConvOp>(user))
      pair.conv = conv;
  if (!pair.conv || pair.conv.getInit() != middle || pair.conv.getTransposed() || !hasStaticImages(pair.conv.getInput()) ||
      !areNeighbours(pair.conv, windows) || !hasSimpleEpilogue(kernel, type.getRank()) ||
      !hasSimpleEpilogue(cast<kernel::EpilogueOpInterface>(pair.conv.getOperation()), type.getRank()))
    return failure();
  // Results must not take the place of what later blocks read.
  if (llvm::any_of(pair.conv->getOperands(), [&](Value operand) { return getViewedBuffer(operand) == getViewedBuffer(init); }))
    return failure();
  int64_t taps = 0;
  if (auto depthwise = dyn_cast<kernel::DepthwiseOp>(windows)) {
    auto filter = cast<MemRefType>(depthwise.getFilter().getType());
    if (filter.getShape().back() != type.getShape().back())
      return failure(); // each image has a filter of its own
    taps = filter.getDimSize(0);
  } else if (auto pool = cast<kernel::PoolOp>(windows); pool.getKind() == kernel::PoolKind::Max) {
    taps = pool.getWindow()[0];
  } else {
    return failure();
  }
  pair.ofWindows = getRowWindow(windows, taps);
  pair.ofConv = getRowWindow(pair.conv, cast<MemRefType>(pair.conv.getFilter().getType()).getDimSize(2));
  int64_t cache = kernel::getTarget(windows).getL2Bytes();
  int64_t rowBytes = ShapedType::getNumElements(type.getShape().drop_front(2)) * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  if (rowBytes == 0 || pair.ofWindows.inputs * rowBytes <= cache || failed(pair.cut(rowBytes, cache)))
    return failure();
  return pair;
}

//===--- Tiling ---===//

void WindowTiling::run() {
  remark::passed(builder.getLoc(), about::fusion)
      << remark::add("a convolution and the windows behind it in blocks of {0} rows", pair.block);
  auto middle = cast<MemRefType>(pair.conv.getInit().getType());
  SmallVector<int64_t> shape(middle.getShape());
  shape[0] = 1;
  shape[rowDim] = pair.getScratchRows();
  scratch = memref::AllocOp::create(builder, MemRefType::get(shape, middle.getElementType()), builder.getI64IntegerAttr(64));
  Operation *old = pair.conv.getInit().getDefiningOp();
  if (middle.getDimSize(0) == 1) {
    emitImage(builder.getIndexAttr(0));
  } else {
    Value images = memref::DimOp::create(builder, pair.conv.getInput(), 0);
    auto loop = scf::ForOp::create(builder, index(0), images, index(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emitImage(loop.getInductionVar());
  }
  pair.windows->erase();
  pair.conv.erase();
  old->erase();
}

void WindowTiling::emitImage(OpFoldResult image) {
  int64_t before = pair.getComputed(pair.numBlocks - 1);
  emitBlock(image, builder.getIndexAttr(0), 0, pair.getComputed(1), pair.block);
  {
    auto loop = scf::ForOp::create(builder, index(1), index(pair.numBlocks - 1), index(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emitBlock(image, loop.getInductionVar(), pair.overlap, pair.step, pair.block);
  }
  emitBlock(image, builder.getIndexAttr(pair.numBlocks - 1), pair.overlap, pair.getComputed(pair.numBlocks) - before,
            pair.ofWindows.outputs - (pair.numBlocks - 1) * pair.block);
}

/// Block `number`: `rows` new rows of the convolution go behind the `at` rows that the block before it left; of all these,
/// `outputs` rows of windows. Then the last rows move to the front.
void WindowTiling::emitBlock(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, int64_t outputs) {
  const RowWindow &w = pair.ofWindows;
  OpFoldResult zero = builder.getIndexAttr(0);
  emitConv(image, number, at, rows, takeRows(scratch, zero, builder.getIndexAttr(at), rows));
  int64_t padBegin = at == 0 && getConstantIntValue(number) == 0 ? w.padBegin : 0, available = at + rows;
  int64_t padEnd = std::max<int64_t>((outputs - 1) * w.stride + w.size - padBegin - available, 0);
  Value init = cast<DestinationStyleOpInterface>(pair.windows).getDpsInits()[0];
  cloneKernel(pair.windows, takeRows(scratch, zero, zero, available),
              takeRows(init, image, scaleRow(number, pair.block, 0), outputs), padBegin, padEnd);
  if (pair.overlap && getConstantIntValue(number) != pair.numBlocks - 1)
    memref::CopyOp::create(builder, takeRows(scratch, zero, builder.getIndexAttr(available - pair.overlap), pair.overlap),
                           takeRows(scratch, zero, zero, pair.overlap));
}

/// `rows` rows of the convolution, the first that block `number` lacks.
void WindowTiling::emitConv(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, Value init) {
  const RowWindow &c = pair.ofConv;
  int64_t inputs = (rows - 1) * c.stride + c.size, padBegin = 0, padEnd = 0;
  OpFoldResult first;
  if (auto known = getConstantIntValue(number)) {
    int64_t begin = c.getBegin(*known == 0 ? 0 : pair.getComputed(*known)), end = begin + inputs;
    padBegin = std::max<int64_t>(-begin, 0);
    padEnd = std::max<int64_t>(end - c.inputs, 0);
    first = builder.getIndexAttr(begin + padBegin);
  } else {
    int64_t step = pair.step * c.stride;
    first = scaleRow(number, step, c.getBegin(pair.getComputed(1)) - step);
  }
  cloneKernel(pair.conv, takeRows(pair.conv.getInput(), image, first, inputs - padBegin - padEnd), init, padBegin, padEnd);
}

/// number * factor + offset.
OpFoldResult WindowTiling::scaleRow(OpFoldResult number, int64_t factor, int64_t offset) {
  if (auto known = getConstantIntValue(number))
    return builder.getIndexAttr(*known * factor + offset);
  Value scaled = arith::MulIOp::create(builder, cast<Value>(number), index(factor));
  return arith::AddIOp::create(builder, scaled, index(offset)).getResult();
}

Value WindowTiling::takeRows(Value operand, OpFoldResult image, OpFoldResult row, int64_t count) {
  auto type = cast<MemRefType>(operand.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)), strides(type.getRank(), builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = getAsIndexOpFoldResult(builder.getContext(), type.getShape());
  offsets[0] = image;
  sizes[0] = builder.getIndexAttr(1);
  offsets[rowDim] = row;
  sizes[rowDim] = builder.getIndexAttr(count);
  return memref::SubViewOp::create(builder, operand, offsets, sizes, strides);
}

void WindowTiling::cloneKernel(Operation *op, Value input, Value init, int64_t padBegin, int64_t padEnd) {
  Operation *tile = builder.clone(*op);
  tile->setLoc(builder.getLoc());
  tile->setOperand(0, input);
  cast<DestinationStyleOpInterface>(tile).getDpsInitsMutable()[0].set(init);
  auto setRows = [&](StringRef name, int64_t value) {
    SmallVector<int64_t> pads(op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef());
    pads[0] = value;
    tile->setAttr(name, builder.getDenseI64ArrayAttr(pads));
  };
  setRows("pads_begin", padBegin);
  setRows("pads_end", padEnd);
}

namespace {

struct TileWindowsPass : public impl::TileWindowsBase<TileWindowsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> windows;
    getOperation()->walk([&](Operation *op) {
      if (isa<kernel::DepthwiseOp, kernel::PoolOp>(op))
        windows.push_back(op);
    });
    for (Operation *op : windows)
      if (FailureOr<WindowPair> pair = WindowPair::match(op); succeeded(pair))
        WindowTiling(*pair).run();
  }
};

} // namespace
} // namespace nnc
