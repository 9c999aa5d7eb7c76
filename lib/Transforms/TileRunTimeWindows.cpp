// Blocks of rows, as in TileWindows.cpp, of a convolution and windows whose extents are known at run time only.
//
// How high blocks are, and whether there are several, is computed in front of them. The first block stands outside the
// loop, since only its windows begin before the image; it is the whole image where blocks do not pay. Where windows end
// behind the image, kernels find out themselves: along rows they look at the extents that they get, not at the padding.
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
  Value shouldTile(Value blocks, Value firstEnd, Value scratch, Value height, Value rowBytes);
  void allocateScratch();
  void emitImage(OpFoldResult image);
  void emitFirstBlock(OpFoldResult image);
  void emitBlock(OpFoldResult image, Value number);
  Value take(Value operand, OpFoldResult image, Value row, Value count) {
    return takeRows(builder, operand, image, OpFoldResult(row), OpFoldResult(count));
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
  Value isLess(Value a, Value b) { return builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b); }
  Value getExtent(Value memref, int64_t dim) { return builder.createOrFold<memref::DimOp>(memref, dim); }

  WindowPair pair;
  ImplicitLocOpBuilder builder;
  Value inputs, middles, outputs; ///< rows of the image, between the kernels, of the result
  Value needed;                   ///< of the rows between, those that windows read
  Value height, numBlocks;        ///< of blocks, in rows of windows
  Value firstRows, scratchRows;   ///< between the kernels: of the first block, and of the buffer
  Value isTiled;
  Value scratch;
};

} // namespace

void RunTimeTiling::run() {
  remark::passed(builder.getLoc(), about::fusion)
      << "a convolution and the windows behind it in blocks of rows, where the image between exceeds the cache";
  chooseBlocks();
  allocateScratch();
  forEachImage(builder, pair, [&](OpFoldResult image) { emitImage(image); });
  pair.erase();
}

/// As RowBlocks::cut does.
void RunTimeTiling::chooseBlocks() {
  const RowWindow &w = pair.ofWindows;
  MemRefType type = pair.getMiddle().getType();
  inputs = getExtent(pair.conv.getInput(), WindowPair::rowDim);
  middles = getExtent(pair.getMiddle(), WindowPair::rowDim);
  outputs = getExtent(pair.getResult(), WindowPair::rowDim);
  needed = min(middles, getEnd(w, outputs));
  Value rowBytes = index(llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  for (int64_t dim = WindowPair::rowDim + 1; dim < type.getRank(); ++dim)
    rowBytes = multiply(rowBytes, getExtent(pair.getMiddle(), dim));
  rowBytes = max(rowBytes, index(1));

  int64_t overlap = w.getOverlap(), least = llvm::divideCeil(overlap + w.padBegin, w.stride);
  Value fittingRows = subtract(divide(index(pair.getCacheBytes() / 4), rowBytes), index(overlap));
  Value fitting = max(divide(fittingRows, index(w.stride)), index(std::max<int64_t>(least, 2)));
  Value equal = divideUp(outputs, max(divideUp(outputs, fitting), index(1)));
  Value tiledHeight = max(equal, index(std::max<int64_t>(least, 1)));
  Value blocks = divideUp(outputs, tiledHeight), firstEnd = getEnd(w, tiledHeight);
  Value tiledScratch = max(firstEnd, add(multiply(tiledHeight, w.stride), index(overlap)));

  isTiled = shouldTile(blocks, firstEnd, tiledScratch, tiledHeight, rowBytes);
  height = select(isTiled, tiledHeight, outputs);
  numBlocks = select(isTiled, blocks, index(1));
  firstRows = select(isTiled, firstEnd, middles);
  scratchRows = select(isTiled, tiledScratch, middles);
}

/// Whether the image between exceeds the cache, and blocks are as RowBlocks::cut wants them.
Value RunTimeTiling::shouldTile(Value blocks, Value firstEnd, Value scratch, Value height, Value rowBytes) {
  const RowWindow &w = pair.ofWindows, &c = pair.ofConv;
  Value last = getEnd(w, multiply(subtract(blocks, index(1)), height)), cache = index(pair.getCacheBytes());
  Value half = index(pair.getCacheBytes() / 2);
  SmallVector<Value> conditions{isLess(index(2), blocks),
                                isLess(cache, multiply(middles, rowBytes)),
                                isLess(last, needed),
                                isLess(index(0), firstEnd),
                                isLess(multiply(scratch, rowBytes), add(half, index(1))),
                                isLess(index(0), getEnd(c, firstEnd)),
                                isLess(index(-1), getBegin(c, firstEnd)),
                                isLess(getEnd(c, last), add(inputs, index(1))),
                                isLess(getBegin(c, last), inputs)};
  Value all = conditions.front();
  for (Value condition : ArrayRef(conditions).drop_front())
    all = builder.createOrFold<arith::AndIOp>(all, condition);
  return all;
}

void RunTimeTiling::allocateScratch() {
  MemRefType middle = pair.getMiddle().getType();
  SmallVector<int64_t> shape(middle.getShape());
  shape[0] = 1;
  shape[WindowPair::rowDim] = ShapedType::kDynamic;
  SmallVector<Value> sizes{scratchRows};
  for (int64_t dim = WindowPair::rowDim + 1; dim < middle.getRank(); ++dim)
    if (middle.isDynamicDim(dim))
      sizes.push_back(getExtent(pair.getMiddle(), dim));
  scratch = memref::AllocOp::create(builder, MemRefType::get(shape, middle.getElementType()), sizes,
                                    builder.getI64IntegerAttr(64));
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
  Value zero = index(0);
  Value read = select(isTiled, getEnd(pair.ofConv, firstRows), inputs);
  cloneForRows(builder, pair.conv, take(pair.conv.getInput(), image, zero, read), take(scratch, builder.getIndexAttr(0), zero, firstRows),
               pair.ofConv.padBegin);
  cloneForRows(builder, pair.windows, take(scratch, builder.getIndexAttr(0), zero, firstRows),
               take(pair.getResult(), image, zero, height), pair.ofWindows.padBegin);
}

/// Moves the rows that the block before left for this one to the front and computes those behind them.
void RunTimeTiling::emitBlock(OpFoldResult image, Value number) {
  const RowWindow &w = pair.ofWindows, &c = pair.ofConv;
  Value zero = index(0), overlap = index(w.getOverlap()), step = multiply(height, w.stride);
  OpFoldResult buffer = builder.getIndexAttr(0);
  Value isSecond = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, number, index(1));
  if (w.getOverlap() > 0) {
    Value before = select(isSecond, firstRows, add(overlap, step)); // rows that it had
    memref::CopyOp::create(builder, take(scratch, buffer, subtract(before, overlap), overlap), take(scratch, buffer, zero, overlap));
  }
  Value output = multiply(number, height), count = min(height, subtract(outputs, output));
  Value begin = getEnd(w, output), end = min(needed, getEnd(w, add(output, count))), rows = subtract(end, begin);
  Value first = getBegin(c, begin), read = subtract(min(getEnd(c, end), inputs), first);
  cloneForRows(builder, pair.conv, take(pair.conv.getInput(), image, first, read), take(scratch, buffer, overlap, rows), 0);
  cloneForRows(builder, pair.windows, take(scratch, buffer, zero, add(overlap, rows)),
               take(pair.getResult(), image, output, count), 0);
}

void tileRunTimeWindows(WindowPair pair) { RunTimeTiling(pair).run(); }

} // namespace nnc
