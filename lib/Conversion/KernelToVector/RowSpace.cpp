// Loops over the rows of [O, R, I] and over the elements of a row.
#include "lib/Conversion/KernelToVector/RowSpace.h"

#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

/// Sums in flight at once, to hide the latency of an addition.
static constexpr int64_t chains = 4;

RowSpace::RowSpace(OpBuilder &builder, Operation *kernel, Value input) : loc(kernel->getLoc()), input(input) {
  auto epilogue = cast<kernel::EpilogueOpInterface>(kernel);
  accumulatorType = getAccumulatorType(epilogue.getEpilogue().front().getArgument(0).getType());
  lanes = kernel::getTarget(kernel).getLanes(accumulatorType);
  alongRow = cast<MemRefType>(input.getType()).getDimSize(2) == 1;
  length = getBufferExtent(builder, loc, input, 1);
}

void RowSpace::forEachRow(OpBuilder &builder, llvm::function_ref<void(OpBuilder &)> body) {
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

Value RowSpace::combineElement(OpBuilder &builder, const RowReduction &reduction, Value accumulated, Value row,
                               int64_t width) const {
  Value element = load(builder, input, row, width);
  if (reduction.transform)
    element = reduction.transform(builder, element);
  return reduction.combine(builder, accumulated, element);
}

Value RowSpace::reduce(OpBuilder &builder, const RowReduction &reduction) const {
  return alongRow ? reduceAlongRow(builder, reduction) : reduceAcrossRows(builder, reduction);
}

Value RowSpace::reduceAcrossRows(OpBuilder &builder, const RowReduction &reduction) const {
  Index index(builder, loc);
  Value start = createConstant(builder, loc, getWideType(accumulatorType, rowWidth), reduction.identity);
  return forEachCarrying(builder, loc, index.fold(0), length, 1, start,
                         [&](OpBuilder &nested, Value row, ValueRange carried) -> SmallVector<Value> {
                           return {combineElement(nested, reduction, carried.front(), row, rowWidth)};
                         })
      .front();
}

/// Several vectors at once, then single vectors, then what is left.
Value RowSpace::reduceAlongRow(OpBuilder &builder, const RowReduction &reduction) const {
  Index index(builder, loc);
  Type wide = getWideType(accumulatorType, lanes);
  auto combineAt = [&](OpBuilder &nested, Value accumulated, Value row, int64_t offset, int64_t width) {
    Index at(nested, loc);
    return combineElement(nested, reduction, accumulated, at.get(at.add(row, at.fold(offset))), width);
  };
  OpFoldResult blocks = index.mul(index.div(length, chains * lanes), index.fold(chains * lanes));
  SmallVector<Value> partial(chains, createConstant(builder, loc, wide, reduction.identity));
  partial = forEachCarrying(builder, loc, index.fold(0), blocks, chains * lanes, partial,
                            [&](OpBuilder &nested, Value row, ValueRange carried) {
                              SmallVector<Value> next;
                              for (int64_t i = 0; i < chains; ++i)
                                next.push_back(combineAt(nested, carried[i], row, i * lanes, lanes));
                              return next;
                            });
  for (int64_t distance = chains / 2; distance > 0; distance /= 2)
    for (int64_t i = 0; i < distance; ++i)
      partial[i] = reduction.combine(builder, partial[i], partial[i + distance]);
  OpFoldResult vectors = index.mul(index.div(length, lanes), index.fold(lanes));
  Value sum = forEachCarrying(builder, loc, blocks, vectors, lanes, partial.front(),
                              [&](OpBuilder &nested, Value row, ValueRange carried) -> SmallVector<Value> {
                                return {combineAt(nested, carried.front(), row, 0, lanes)};
                              })
                  .front();
  Value total = sum;
  if (lanes > 1) {
    auto flags = isa<FloatType>(accumulatorType) ? arith::FastMathFlags::reassoc : arith::FastMathFlags::none;
    if (reduction.horizontal == vector::CombiningKind::MAXNUMF)
      flags = arith::FastMathFlags::nnan;
    total = vector::ReductionOp::create(builder, loc, reduction.horizontal, sum, flags);
  }
  if (lanes == 1)
    return total;
  return forEachCarrying(builder, loc, vectors, length, 1, total,
                         [&](OpBuilder &nested, Value row, ValueRange carried) -> SmallVector<Value> {
                           return {combineAt(nested, carried.front(), row, 0, 1)};
                         })
      .front();
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
