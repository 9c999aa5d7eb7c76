// Loops over the rows of [O, R, I] and over the elements of a row.
#include "lib/Conversion/KernelToVector/RowSpace.h"

#include "lib/Codegen/Accumulators.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

/// Sums in flight at once, to hide the latency of an addition.
static constexpr int64_t chains = 4;

RowSpace::RowSpace(OpBuilder &builder, Operation *kernel, Value input, int64_t gatheredVectors) : loc(kernel->getLoc()), input(input) {
  auto epilogue = cast<kernel::EpilogueOpInterface>(kernel);
  accumulatorType = getAccumulatorType(epilogue.getEpilogue().front().getArgument(0).getType());
  lanes = kernel::getTarget(kernel).getLanes(accumulatorType);
  auto type = cast<MemRefType>(input.getType());
  alongRow = type.getDimSize(2) == 1;
  length = getBufferExtent(builder, loc, input, 1);
  // Along a row there would be few vectors with empty lanes, and one logarithm or quotient at a time.
  alongOuter = alongRow && lanes > 1 && !type.isDynamicDim(1) && type.getDimSize(1) > 1 &&
               type.getDimSize(1) <= gatheredVectors * lanes;
  alongRow &= !alongOuter;
}

/// A vector of whole rows at a time, which threads may share, then what is left.
void RowSpace::forEachVectorOfRows(OpBuilder &builder, llvm::function_ref<void(OpBuilder &)> body) {
  Index index(builder, loc);
  OpFoldResult rows = getBufferExtent(builder, loc, input, 0), vectors = index.div(rows, lanes);
  inner = index.constant(0);
  rowWidth = lanes;
  parallelForEach(builder, loc, vectors, [&](OpBuilder &nested, Value number) {
    Index at(nested, loc);
    outer = at.get(at.mul(number, at.fold(lanes)));
    body(nested);
  });
  OpFoldResult grouped = index.mul(vectors, index.fold(lanes));
  forEachVector(builder, loc, index.sub(rows, grouped), lanes, [&](OpBuilder &nested, Value row, int64_t width) {
    Index at(nested, loc);
    outer = at.get(at.add(grouped, row));
    rowWidth = width;
    body(nested);
  });
}

void RowSpace::forEachRow(OpBuilder &builder, llvm::function_ref<void(OpBuilder &)> body) {
  if (alongOuter)
    return forEachVectorOfRows(builder, body);
  OpFoldResult rows = getBufferExtent(builder, loc, input, 0);
  parallelForEach(builder, loc, rows, [&](OpBuilder &nested, Value row) {
    outer = row;
    if (alongRow) {
      inner = arith::ConstantIndexOp::create(nested, loc, 0);
      rowWidth = 1;
      return body(nested);
    }
    forEachVector(nested, loc, getBufferExtent(nested, loc, input, 2), lanes,
                  [&](OpBuilder &innermost, Value column, int64_t width) {
                    inner = column;
                    rowWidth = width;
                    body(innermost);
                  });
  });
}

Value RowSpace::load(OpBuilder &builder, Value source, Value row, int64_t width) const {
  Value element = loadWide(builder, loc, source, {outer, row, inner}, width, getAlong());
  return convertElements(builder, loc, element, accumulatorType);
}

/// `accumulated` may be null.
Value RowSpace::combineElement(OpBuilder &builder, const RowReduction &reduction, Value accumulated, Value row,
                               int64_t width) const {
  Value element = load(builder, input, row, width);
  if (reduction.transform)
    element = reduction.transform(builder, element);
  if (!accumulated)
    return element;
  return reduction.combine(builder, accumulated, element);
}

Value RowSpace::reduce(OpBuilder &builder, const RowReduction &reduction) const {
  return alongRow ? reduceAlongRow(builder, reduction) : reduceAcrossRows(builder, reduction);
}

/// Over the elements below `count`, a multiple of `chains` times `step`: every `step`-th goes to the next accumulator.
SmallVector<Value> RowSpace::reduceChains(OpBuilder &builder, const RowReduction &reduction, OpFoldResult count,
                                          int64_t step, int64_t width) const {
  Value identity = createConstant(builder, loc, getWideType(accumulatorType, width), reduction.identity);
  SmallVector<Value> start(chains, identity);
  return forEachCarrying(builder, loc, Index(builder, loc).fold(0), count, chains * step, start,
                         [&](OpBuilder &nested, Value row, ValueRange carried) {
                           Index index(nested, loc);
                           SmallVector<Value> next;
                           for (auto [i, accumulated] : llvm::enumerate(carried)) {
                             Value at = index.get(index.add(row, index.fold(static_cast<int64_t>(i) * step)));
                             next.push_back(combineElement(nested, reduction, accumulated, at, width));
                           }
                           return next;
                         });
}

/// The elements from `begin` to `end`, every `step`-th, are combined with `accumulated`.
Value RowSpace::reduceChain(OpBuilder &builder, const RowReduction &reduction, Value accumulated, OpFoldResult begin,
                            OpFoldResult end, int64_t step, int64_t width) const {
  return forEachCarrying(builder, loc, begin, end, step, accumulated,
                         [&](OpBuilder &nested, Value row, ValueRange carried) -> SmallVector<Value> {
                           return {combineElement(nested, reduction, carried.front(), row, width)};
                         })
      .front();
}

Value RowSpace::reduceAcrossRows(OpBuilder &builder, const RowReduction &reduction) const {
  Index index(builder, loc);
  OpFoldResult blocks = index.mul(index.div(length, chains), index.fold(chains));
  SmallVector<Value> partial = reduceChains(builder, reduction, blocks, 1, rowWidth);
  partial[0] = reduceChain(builder, reduction, partial[0], blocks, length, 1, rowWidth);
  for (int64_t distance = chains / 2; distance > 0; distance /= 2)
    for (int64_t i = 0; i < distance; ++i)
      partial[i] = reduction.combine(builder, partial[i], partial[i + distance]);
  return partial[0];
}

/// Of a row of fewer vectors than need a loop: each is an accumulator, as is each remainder of a power of two.
SmallVector<Value> RowSpace::loadShortRow(OpBuilder &builder, const RowReduction &reduction, int64_t from,
                                          int64_t count) const {
  Index index(builder, loc);
  SmallVector<Value> values;
  for (int64_t width : splitIntoPowersOfTwo(count, lanes)) {
    Value start; // needed where NaN must not stay: what reduces the vectors counts on that
    if (reduction.horizontal == vector::CombiningKind::MAXNUMF)
      start = createConstant(builder, loc, getWideType(accumulatorType, width), reduction.identity);
    values.push_back(combineElement(builder, reduction, start, index.constant(from), width));
    from += width;
  }
  return values;
}

/// Several vectors at once, then single vectors, then what is left.
Value RowSpace::reduceAlongRow(OpBuilder &builder, const RowReduction &reduction) const {
  Index index(builder, loc);
  OpFoldResult blocks = index.mul(index.div(length, chains * lanes), index.fold(chains * lanes));
  SmallVector<Value> partial;
  if (auto known = getStatic(length)) {
    if (*known == 0)
      return createConstant(builder, loc, accumulatorType, reduction.identity);
    int64_t looped = *known / lanes < 2 * chains ? 0 : *getStatic(blocks);
    if (looped > 0)
      partial = reduceChains(builder, reduction, index.fold(looped), lanes, lanes);
    llvm::append_range(partial, loadShortRow(builder, reduction, looped, *known - looped));
  } else {
    OpFoldResult vectors = index.mul(index.div(length, lanes), index.fold(lanes));
    partial = reduceChains(builder, reduction, blocks, lanes, lanes);
    partial[0] = reduceChain(builder, reduction, partial[0], blocks, vectors, lanes, lanes);
    Value identity = createConstant(builder, loc, accumulatorType, reduction.identity);
    partial.push_back(reduceChain(builder, reduction, identity, vectors, length, 1, 1));
  }
  return combineAccumulators(builder, loc, partial, reduction.combine, reduction.horizontal);
}

void RowSpace::forEachElement(OpBuilder &builder, Value source,
                              llvm::function_ref<void(OpBuilder &, Value, ValueRange, int64_t)> body) const {
  Index index(builder, loc);
  auto visit = [&](OpBuilder &nested, Value row, int64_t width) {
    body(nested, load(nested, source, row, width), {outer, row, inner}, width);
  };
  if (alongRow)
    return forEachVector(builder, loc, length, lanes, visit);
  forEach(builder, loc, index.fold(0), length, 1,
          [&](OpBuilder &nested, Value row) { visit(nested, row, rowWidth); });
}

Value RowSpace::widen(OpBuilder &builder, Value reduced, int64_t width) const {
  return broadcastTo(builder, loc, reduced, width);
}

RowReduction RowSpace::getSum() const {
  Location at = loc;
  return {0.0, nullptr, [at](OpBuilder &b, Value x, Value y) { return createAdd(b, at, x, y); },
          vector::CombiningKind::ADD};
}

RowReduction RowSpace::getMaxIgnoringNaN() const {
  Location at = loc;
  return {-std::numeric_limits<double>::infinity(), nullptr,
          [at](OpBuilder &b, Value x, Value y) -> Value {
            Value isLarger = arith::CmpFOp::create(b, at, arith::CmpFPredicate::OGT, y, x);
            return arith::SelectOp::create(b, at, isLarger, y, x);
          },
          vector::CombiningKind::MAXNUMF};
}

} // namespace nnc
