// Finds pairs of a convolution and windows, and takes rows of them.
#include "lib/Transforms/WindowPair.h"

#include "lib/Support/ViewedBuffer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace nnc {

static int64_t getEntry(Operation *op, StringRef name) {
  return op->getAttrOfType<DenseI64ArrayAttr>(name)[0];
}

static RowWindow getRowWindow(Operation *op, int64_t taps) {
  auto getRows = [&](Value value) { return cast<MemRefType>(value.getType()).getDimSize(WindowPair::rowDim); };
  Value init = cast<DestinationStyleOpInterface>(op).getDpsInits()[0];
  return {(taps - 1) * getEntry(op, "dilations") + 1, getEntry(op, "strides"), getEntry(op, "pads_begin"),
          getRows(op->getOperand(0)), getRows(init)};
}

/// Images of (N, rows, ..., C) with as many channels as the kernel says.
static bool isImage(Value value) {
  auto type = cast<MemRefType>(value.getType());
  return type.getRank() > 3 && !type.isDynamicDim(type.getRank() - 1);
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

/// Taps along the rows of windows that can be cut; nullopt of others.
static std::optional<int64_t> getRowTaps(Operation *windows, int64_t channels) {
  if (auto depthwise = dyn_cast<kernel::DepthwiseOp>(windows)) {
    auto filter = cast<MemRefType>(depthwise.getFilter().getType());
    if (filter.getShape().back() != channels || filter.isDynamicDim(0))
      return std::nullopt; // each image has a filter of its own, or only a run knows the window
    return filter.getDimSize(0);
  }
  auto pool = cast<kernel::PoolOp>(windows);
  return pool.getKind() == kernel::PoolKind::Max ? std::optional(pool.getWindow()[0]) : std::nullopt;
}

FailureOr<WindowPair> WindowPair::match(Operation *windows) {
  auto kernel = cast<kernel::EpilogueOpInterface>(windows);
  auto middle = windows->getOperand(0).getDefiningOp<memref::AllocOp>();
  Value init = cast<DestinationStyleOpInterface>(windows).getDpsInits()[0];
  if (!middle || !isImage(middle) || !isImage(init) || llvm::range_size(middle->getUses()) != 2)
    return failure();
  if (!isa<func::FuncOp>(windows->getParentOp()))
    return failure(); // what a loop carries may be read and written under two names
  auto type = middle.getType();
  WindowPair pair;
  pair.windows = windows;
  for (Operation *user : middle->getUsers())
    if (auto conv = dyn_cast<kernel::ConvOp>(user))
      pair.conv = conv;
  if (!pair.conv || !cast<MemRefType>(pair.conv.getFilter().getType()).hasStaticShape())
    return failure();
  if (pair.conv.getInit() != middle || pair.conv.getTransposed() || !isImage(pair.conv.getInput()) ||
      !areNeighbours(pair.conv, windows) || !hasSimpleEpilogue(kernel, type.getRank()) ||
      !hasSimpleEpilogue(cast<kernel::EpilogueOpInterface>(pair.conv.getOperation()), type.getRank()))
    return failure();
  // Results must not take the place of what later blocks read.
  if (llvm::any_of(pair.conv->getOperands(), [&](Value operand) { return getViewedBuffer(operand) == getViewedBuffer(init); }))
    return failure();
  std::optional<int64_t> taps = getRowTaps(windows, type.getShape().back());
  if (!taps)
    return failure();
  pair.ofWindows = getRowWindow(windows, *taps);
  pair.ofConv = getRowWindow(pair.conv, cast<MemRefType>(pair.conv.getFilter().getType()).getDimSize(2));
  if (pair.ofWindows.getOverlap() < 0)
    return failure(); // some rows are read by no window
  return pair;
}

TypedValue<MemRefType> WindowPair::getMiddle() const {
  return cast<TypedValue<MemRefType>>(windows->getOperand(0));
}

Value WindowPair::getResult() const { return cast<DestinationStyleOpInterface>(windows).getDpsInits()[0]; }

bool WindowPair::hasStaticImages() const {
  return llvm::all_of(ArrayRef<Value>{getMiddle(), getResult(), windows->getOperand(0), conv->getOperand(0)}, [](Value value) {
    return !ShapedType::isDynamicShape(cast<MemRefType>(value.getType()).getShape().drop_front());
  });
}

void WindowPair::erase() {
  Operation *middle = getMiddle().getDefiningOp();
  windows->erase();
  conv.erase();
  middle->erase();
}

void forEachImage(ImplicitLocOpBuilder &builder, const WindowPair &pair, function_ref<void(OpFoldResult)> body) {
  if (pair.getMiddle().getType().getDimSize(0) == 1)
    return body(builder.getIndexAttr(0));
  auto index = [&](int64_t value) { return arith::ConstantIndexOp::create(builder, value); };
  Value zero = index(0), images = memref::DimOp::create(builder, kernel::ConvOp(pair.conv).getInput(), 0);
  auto loop = scf::ForOp::create(builder, zero, images, index(1));
  loop->setAttr(holdsKernels, builder.getUnitAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

Value takeRows(ImplicitLocOpBuilder &builder, Value operand, OpFoldResult image, OpFoldResult row, OpFoldResult count) {
  auto rank = cast<MemRefType>(operand.getType()).getRank();
  SmallVector<OpFoldResult> offsets(rank, builder.getIndexAttr(0)), strides(rank, builder.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = memref::getMixedSizes(builder, builder.getLoc(), operand);
  offsets[0] = image;
  sizes[0] = builder.getIndexAttr(1);
  offsets[WindowPair::rowDim] = row;
  sizes[WindowPair::rowDim] = count;
  return memref::SubViewOp::create(builder, operand, offsets, sizes, strides);
}

void cloneForRows(ImplicitLocOpBuilder &builder, Operation *op, Value input, Value init, int64_t padBegin,
                  std::optional<int64_t> padEnd) {
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
  if (padEnd)
    setRows("pads_end", *padEnd);
}

} // namespace nnc
