// Computes a convolution and the windows that read it a block of rows at a time, so that what lies between them stays in
// the cache and takes a few rows of memory.
//
// Expects kernels on memrefs, pairs as in WindowPair.h, whose middle is larger than the cache holds beside the rest. Windows
// of neighbouring blocks overlap: the rows that both read are moved to the front of the block's buffer. The first and the
// last block stand outside the loop, since only their windows reach beyond the image. Elements are computed as before, in
// the same order. Of run-time extents TileRunTimeWindows.cpp does this.
#include "lib/Support/Decision.h"
#include "lib/Transforms/LikelyExtents.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/WindowPair.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_TILEWINDOWS
#include "lib/Transforms/Passes.h.inc"

namespace {

/// Blocks of `block` rows of windows, each of which needs `step` more rows of the convolution and `overlap` of those that
/// the block before it computed.
struct RowBlocks {
  RowWindow windows;
  int64_t block, step, overlap, numBlocks;

  /// Blocks whose rows, of `rowBytes` each, take a quarter of the cache, more where the windows overlap by more than that.
  static FailureOr<RowBlocks> cut(const WindowPair &pair, int64_t rowBytes, int64_t cacheBytes);
  /// Whether each block computes rows, the first one reads some of the image, and the windows of those in the loop lie inside.
  bool fit(const RowWindow &conv) const;
  /// Rows of the convolution that the blocks before `number` have computed.
  int64_t getComputed(int64_t number) const {
    return number == numBlocks ? std::min(windows.inputs, windows.getEnd(windows.outputs)) : windows.getEnd(number * block);
  }
  int64_t getScratchRows() const {
    int64_t last = overlap + getComputed(numBlocks) - getComputed(numBlocks - 1);
    return std::max({getComputed(1), overlap + step, last});
  }
};

/// Emits the loops before the windows of `pair`.
class WindowTiling {
public:
  WindowTiling(WindowPair pair, RowBlocks blocks)
      : pair(pair), blocks(blocks),
        builder(FusedLoc::get(pair.conv.getContext(), {pair.windows->getLoc(), pair.conv.getLoc()}), pair.windows) {}

  void run();

private:
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, value); }
  void emitImage(OpFoldResult image);
  void emitBlock(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, int64_t outputs);
  void emitConv(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, Value init);
  Value take(Value operand, OpFoldResult image, OpFoldResult row, int64_t count) {
    return takeRows(builder, operand, image, row, builder.getIndexAttr(count));
  }
  OpFoldResult scaleRow(OpFoldResult number, int64_t factor, int64_t offset);

  WindowPair pair;
  RowBlocks blocks;
  ImplicitLocOpBuilder builder;
  Value scratch;
};

} // namespace

FailureOr<RowBlocks> RowBlocks::cut(const WindowPair &pair, int64_t rowBytes, int64_t cacheBytes) {
  const RowWindow &w = pair.ofWindows;
  int64_t overlap = w.getOverlap(), fitting = (cacheBytes / 4 / rowBytes - overlap) / w.stride;
  // What moves to the front of the buffer must not lie there already.
  int64_t least = llvm::divideCeil(overlap + w.padBegin, w.stride);
  int64_t block = std::max<int64_t>({least, fitting, 2});
  block = std::max<int64_t>(llvm::divideCeil(w.outputs, llvm::divideCeil(w.outputs, block)), least); // of equal height
  // The last block may be so low that it needs no new rows: others are higher then.
  constexpr int64_t mostTries = 4;
  for (int64_t end = block + mostTries; block < end; ++block) {
    RowBlocks blocks{w, block, block * w.stride, overlap, static_cast<int64_t>(llvm::divideCeil(w.outputs, block))};
    if (blocks.numBlocks >= 3 && blocks.getScratchRows() * rowBytes <= cacheBytes / 2 && blocks.fit(pair.ofConv))
      return blocks;
  }
  return failure();
}

bool RowBlocks::fit(const RowWindow &conv) const {
  int64_t second = getComputed(1), last = getComputed(numBlocks - 1);
  return last < getComputed(numBlocks) && second >= 1 && conv.getEnd(second) > 0 && conv.getBegin(second) >= 0 &&
         conv.getEnd(last) <= conv.inputs && conv.getBegin(last) < conv.inputs;
}

//===--- Tiling ---===//

void WindowTiling::run() {
  remark::passed(builder.getLoc(), about::fusion)
      << remark::add("a convolution and the windows behind it in blocks of {0} rows", blocks.block);
  MemRefType middle = pair.getMiddle().getType();
  SmallVector<int64_t> shape(middle.getShape());
  shape[0] = 1;
  shape[WindowPair::rowDim] = blocks.getScratchRows();
  scratch = memref::AllocOp::create(builder, MemRefType::get(shape, middle.getElementType()), builder.getI64IntegerAttr(64));
  forEachImage(builder, pair, [&](OpFoldResult image) { emitImage(image); });
  pair.erase();
}

void WindowTiling::emitImage(OpFoldResult image) {
  int64_t before = blocks.getComputed(blocks.numBlocks - 1);
  emitBlock(image, builder.getIndexAttr(0), 0, blocks.getComputed(1), blocks.block);
  {
    auto loop = scf::ForOp::create(builder, index(1), index(blocks.numBlocks - 1), index(1));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    emitBlock(image, loop.getInductionVar(), blocks.overlap, blocks.step, blocks.block);
  }
  emitBlock(image, builder.getIndexAttr(blocks.numBlocks - 1), blocks.overlap, blocks.getComputed(blocks.numBlocks) - before,
            pair.ofWindows.outputs - (blocks.numBlocks - 1) * blocks.block);
}

/// Block `number`: `rows` new rows of the convolution go behind the `at` rows that the block before it left; of all these,
/// `outputs` rows of windows. Then the last rows move to the front.
void WindowTiling::emitBlock(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, int64_t outputs) {
  const RowWindow &w = pair.ofWindows;
  OpFoldResult zero = builder.getIndexAttr(0);
  emitConv(image, number, at, rows, take(scratch, zero, builder.getIndexAttr(at), rows));
  int64_t padBegin = at == 0 && getConstantIntValue(number) == 0 ? w.padBegin : 0, available = at + rows;
  int64_t padEnd = std::max<int64_t>((outputs - 1) * w.stride + w.size - padBegin - available, 0);
  cloneForRows(builder, pair.windows, take(scratch, zero, zero, available),
              take(pair.getResult(), image, scaleRow(number, blocks.block, 0), outputs), padBegin, padEnd);
  if (blocks.overlap && getConstantIntValue(number) != blocks.numBlocks - 1)
    memref::CopyOp::create(builder, take(scratch, zero, builder.getIndexAttr(available - blocks.overlap), blocks.overlap),
                           take(scratch, zero, zero, blocks.overlap));
}

/// `rows` rows of the convolution, the first that block `number` lacks.
void WindowTiling::emitConv(OpFoldResult image, OpFoldResult number, int64_t at, int64_t rows, Value init) {
  const RowWindow &c = pair.ofConv;
  int64_t inputs = (rows - 1) * c.stride + c.size, padBegin = 0, padEnd = 0;
  OpFoldResult first;
  if (auto known = getConstantIntValue(number)) {
    int64_t begin = c.getBegin(*known == 0 ? 0 : blocks.getComputed(*known)), end = begin + inputs;
    padBegin = std::max<int64_t>(-begin, 0);
    padEnd = std::max<int64_t>(end - c.inputs, 0);
    first = builder.getIndexAttr(begin + padBegin);
  } else {
    int64_t step = blocks.step * c.stride;
    first = scaleRow(number, step, c.getBegin(blocks.getComputed(1)) - step);
  }
  cloneForRows(builder, pair.conv, take(pair.conv.getInput(), image, first, inputs - padBegin - padEnd), init, padBegin, padEnd);
}

/// number * factor + offset.
OpFoldResult WindowTiling::scaleRow(OpFoldResult number, int64_t factor, int64_t offset) {
  if (auto known = getConstantIntValue(number))
    return builder.getIndexAttr(*known * factor + offset);
  Value scaled = arith::MulIOp::create(builder, cast<Value>(number), index(factor));
  return arith::AddIOp::create(builder, scaled, index(offset)).getResult();
}

namespace {

struct TileWindowsPass : public impl::TileWindowsBase<TileWindowsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> windows;
    getOperation()->walk([&](Operation *op) {
      if (isa<kernel::DepthwiseOp, kernel::PoolOp>(op))
        windows.push_back(op);
    });
    if (windows.empty())
      return;
    LikelyExtents likely(getOperation());
    for (Operation *op : windows)
      if (FailureOr<WindowPair> pair = WindowPair::match(op); succeeded(pair))
        tile(*pair, likely);
  }

private:
  static void tile(WindowPair pair, LikelyExtents &likely) {
    MemRefType type = pair.getMiddle().getType();
    int64_t rowBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8), cache = pair.getCacheBytes();
    std::optional<int64_t> rows = likely.get(pair.getMiddle(), WindowPair::rowDim);
    for (int64_t dim = WindowPair::rowDim + 1; dim < type.getRank(); ++dim) {
      std::optional<int64_t> extent = likely.get(pair.getMiddle(), dim);
      rowBytes = extent ? rowBytes * *extent : 0;
    }
    if (!rows || rowBytes <= 0)
      return;
    // Each block reads the filter again.
    auto filter = cast<MemRefType>(pair.conv.getFilter().getType());
    if (filter.getNumElements() * llvm::divideCeil(filter.getElementTypeBitWidth(), 8) > static_cast<uint64_t>(cache) / 2)
      return;
    if (!pair.hasStaticImages()) {
      if (*rows * rowBytes > cache) // or images a little larger than usual would be slow
        tileRunTimeWindows(pair);
    } else if (*rows * rowBytes > cache) {
      if (FailureOr<RowBlocks> blocks = RowBlocks::cut(pair, rowBytes, cache); succeeded(blocks))
        WindowTiling(pair, *blocks).run();
    }
  }
};

} // namespace
} // namespace nnc
