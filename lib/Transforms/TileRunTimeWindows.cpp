// Blocks of rows, as in TileWindows.cpp, of a convolution and windows whose extents are known at run time only.
//
// How high blocks are, and whether there are several, is computed in front of them. The first block stands outside the
// loop, since only its windows begin before the image; it is the whole image where blocks do not pay. Where windows end
// behind the image, kernels find out themselves: along rows they look at the extents that they get, not at the padding.
//
// A buffer of blocks has the size of the cache, which is that of the largest image without blocks: a workspace for some
// extents is large enough for smaller ones. A buffer that a kernel takes for the rows that a block reads has room for all
// rows of the image, for the same reason.
#include "lib/Support/Decision.h"
#include "lib/Transforms/WindowPair.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

namespace {

/// Emits the blocks of `pair` before its windows.
class RunTimeTiling {
public:
  explicit RunTimeTiling(WindowPair pair)
      : pair(pair),
        builder(FusedLoc::get(pair.conv.getContext(), {pair.windows->getLoc(), pair.conv.getLoc()}), pair.windows) {}

  void run();

private:
  void chooseBlocks();
  void allocateScratch(Value rowBytes, Value tiledRows);
  void emitImage(OpFoldResult image);
  void emitFirstBlock(OpFoldResult image);
  void emitBlock(OpFoldResult image, Value number);
  Value take(Value operand, OpFoldResult image, Value row, Value count) {
    return takeRows(builder, operand, image, OpFoldResult(row), OpFoldResult(count));
  }
  /// `count` rows of the convolution's input.
  Value takeInput(OpFoldResult image, Value row, Value count) {
    return take(pair.conv.getInput(), image, row, kernel::BoundedOp::create(builder, count, inputs));
  }

  /// What RowWindow::getBegin and getEnd are, of values.
  Value getBegin(const RowWindow &window, Value output) {
    return add(multiply(output, window.stride), index(-window.padBegin));
  }
  Value getEnd(const RowWindow &window, Value output) {
    return add(getBegin(window, output), index(window.getOverlap()));
  }

  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, value); }
  Value add(Value a, Value b) { return builder.createOrFold<arith::AddIOp>(a, b); }
  Value subtract(Value a, Value b) { return builder.createOrFold<arith::SubIOp>(a, b); }
  Value multiply(Value a, Value b) { return builder.createOrFold<arith::MulIOp>(a, b); }
  Value multiply(Value a, int64_t b) { return multiply(a, index(b)); }
  Value divide(Value a, Value b) { return builder.createOrFold<arith::DivSIOp>(a, b); }
  /// Of numbers that are not negative by positive ones.
  Value divideUp(Value a, Value b) { return divide(add(a, subtract(b, index(1))), b); }
  Value min(Value a, Value b) { return builder.createOrFold<arith::MinSIOp>(a, b); }
  Value max(Value a, Value b) { return builder.createOrFold<arith::MaxSIOp>(a, b); }
  Value select(Value condition, Value a, Value b) { return builder.createOrFold<arith::SelectOp>(condition, a, b); }
  Value both(Value a, Value b) { return builder.createOrFold<arith::AndIOp>(a, b); }
  Value isLess(Value a, Value b) { return builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b); }
  Value getExtent(Value memref, int64_t dim) { return builder.createOrFold<memref::DimOp>(memref, dim); }

  WindowPair pair;
  ImplicitLocOpBuilder builder;
  Value inputs, middles, outputs; ///< rows of the image, between the kernels, of the result
  Value needed;                   ///< of the rows between, those that windows read
  Value height, numBlocks;        ///< of blocks, in rows of windows
  Value firstEnd;                 ///< rows between the kernels that the first block's windows read, were there as many
  Value isTiled;
  Value scratch;
};

} // namespace

void RunTimeTiling::run() {
  remark::passed(builder.getLoc(), about::fusion)
      << "a convolution and the windows behind it in blocks of rows, where the image between exceeds the cache";
  chooseBlocks();
  forEachImage(builder, pair, [&](OpFoldResult image) { emitImage(image); });
  pair.erase();
}

/// As RowBlocks::cut does. Blocks pay where the image between exceeds the cache, and theirs do not.
void RunTimeTiling::chooseBlocks() {
  const RowWindow &w = pair.ofWindows;
  MemRefType type = pair.getMiddle().getType();
  inputs = getExtent(pair.conv.getInput(), WindowPair::rowDim);
  middles = getExtent(pair.getMiddle(), WindowPair::rowDim);
  outputs = getExtent(pair.getResult(), WindowPair::rowDim);
  needed = min(middles, getEnd(w, outputs));
  Value rowBytes = index(llvm::divideCeil(type.getElementTypeBitWidth(), 8)), one = index(1);
  for (int64_t dim = WindowPair::rowDim + 1; dim < type.getRank(); ++dim)
    rowBytes = multiply(rowBytes, getExtent(pair.getMiddle(), dim));
  rowBytes = max(rowBytes, one);

  // What moves to the front of the buffer does not lie there already, and only the first block reads in front of the image.
  int64_t overlap = w.getOverlap(), beforeImage = llvm::divideCeil(pair.ofConv.padBegin, pair.ofConv.stride);
  int64_t least = llvm::divideCeil(std::max(overlap, beforeImage - overlap) + w.padBegin, w.stride);
  Value fittingRows = subtract(divide(index(pair.getCacheBytes() / 4), rowBytes), index(overlap));
  Value fitting = max(divide(fittingRows, index(w.stride)), index(std::max<int64_t>(least, 2)));
  Value equal = divideUp(outputs, max(divideUp(outputs, fitting), one));
  Value tiledHeight = max(equal, index(std::max<int64_t>(least, 1)));
  Value tiledRows = max(getEnd(w, tiledHeight), add(multiply(tiledHeight, w.stride), index(overlap)));

  isTiled = both(isLess(index(pair.getCacheBytes()), multiply(middles, rowBytes)),
                 isLess(multiply(tiledRows, rowBytes), index(pair.getCacheBytes() / 2 + 1)));
  height = select(isTiled, tiledHeight, outputs);
  numBlocks = select(isTiled, divideUp(outputs, tiledHeight), one);
  firstEnd = select(isTiled, getEnd(w, tiledHeight), middles);
  allocateScratch(rowBytes, tiledRows);
}

void RunTimeTiling::allocateScratch(Value rowBytes, Value tiledRows) {
  MemRefType middle = pair.getMiddle().getType();
  auto bytesType = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  Value bytes = select(isTiled, index(pair.getCacheBytes()), multiply(middles, rowBytes));
  Value buffer = memref::AllocOp::create(builder, bytesType, bytes, builder.getI64IntegerAttr(64));
  SmallVector<int64_t> shape(middle.getShape());
  shape[0] = 1;
  shape[WindowPair::rowDim] = ShapedType::kDynamic;
  SmallVector<Value> sizes{select(isTiled, tiledRows, middles)};
  for (int64_t dim = WindowPair::rowDim + 1; dim < middle.getRank(); ++dim)
    if (middle.isDynamicDim(dim))
      sizes.push_back(getExtent(pair.getMiddle(), dim));
  scratch = memref::ViewOp::create(builder, MemRefType::get(shape, middle.getElementType()), buffer, index(0), sizes);
}

void RunTimeTiling::emitImage(OpFoldResult image) {
  emitFirstBlock(image);
  auto loop = scf::ForOp::create(builder, index(1), numBlocks, index(1));
  loop->setAttr(holdsKernels, builder.getUnitAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  emitBlock(image, loop.getInductionVar());
}

void RunTimeTiling::emitFirstBlock(OpFoldResult image) {
  OpFoldResult buffer = builder.getIndexAttr(0);
  Value zero = index(0), rows = select(isTiled, min(firstEnd, needed), middles);
  Value read = select(isTiled, min(getEnd(pair.ofConv, rows), inputs), inputs);
  cloneForRows(builder, pair.conv, takeInput(image, zero, max(read, zero)),
               take(scratch, buffer, zero, rows), pair.ofConv.padBegin);
  cloneForRows(builder, pair.windows, take(scratch, buffer, zero, rows), take(pair.getResult(), image, zero, height),
               pair.ofWindows.padBegin);
}

/// Moves the rows that the block before left for this one to the front and computes those behind them. There may be none:
/// the last windows may read what those before them read, and padding.
void RunTimeTiling::emitBlock(OpFoldResult image, Value number) {
  const RowWindow &w = pair.ofWindows, &c = pair.ofConv;
  Value zero = index(0), overlap = index(w.getOverlap()), step = multiply(height, w.stride);
  OpFoldResult buffer = builder.getIndexAttr(0);
  Value isSecond = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, number, index(1));
  if (w.getOverlap() > 0) {
    Value before = select(isSecond, firstEnd, add(overlap, step)); // the rows of that block
    Value left = take(scratch, buffer, subtract(before, overlap), overlap);
    memref::CopyOp::create(builder, left, take(scratch, buffer, zero, overlap));
  }
  Value output = multiply(number, height), count = min(height, subtract(outputs, output));
  Value begin = getEnd(w, output), end = min(needed, getEnd(w, add(output, count)));
  Value rows = max(subtract(end, begin), zero), available = max(add(subtract(end, begin), overlap), zero);
  Value first = getBegin(c, begin), read = max(subtract(min(getEnd(c, end), inputs), first), zero);
  cloneForRows(builder, pair.conv, takeInput(image, first, read), take(scratch, buffer, overlap, rows), 0);
  cloneForRows(builder, pair.windows, take(scratch, buffer, zero, available), take(pair.getResult(), image, output, count), 0);
}

void tileRunTimeWindows(WindowPair pair) { RunTimeTiling(pair).run(); }

} // namespace nnc
