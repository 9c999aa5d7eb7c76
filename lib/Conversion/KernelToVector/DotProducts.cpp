// Products by a matrix whose rows, not columns, are contiguous: few rows times [N, K]. A vector holds neighbours along K;
// as many columns as it has lanes are summed side by side, and their vectors of partial sums are transposed in registers,
// which gives one vector of results.
#include "lib/Conversion/KernelToVector/Batches.h"
#include "lib/Conversion/KernelToVector/KernelToVector.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Transpose.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

namespace {

class DotProducts {
public:
  DotProducts(OpBuilder &builder, kernel::ContractOp op, Value matrix)
      : op(op), loc(op.getLoc()), lhs(op.getLhs()), matrix(matrix), init(op.getInit()),
        type(cast<MemRefType>(init.getType())), element(type.getElementType()),
        lanes(kernel::getTarget(op).getLanes(element)), k(cast<MemRefType>(lhs.getType()).getShape().back()),
        columns(getBufferExtent(builder, loc, init, type.getRank() - 1)) {}

  void expand(OpBuilder &builder);

private:
  /// Results [column, column + count) of one row.
  struct Place {
    SmallVector<Value> batch;
    Value row, column;
    int64_t count;
  };

  void emitRow(OpBuilder &builder, ArrayRef<Value> batch, Value row);
  void emitGroup(OpBuilder &builder, const Place &place);
  SmallVector<Value> accumulate(OpBuilder &builder, const Place &place, Value at, int64_t width, ValueRange sums);
  Value addUp(OpBuilder &builder, SmallVector<Value> sums);

  kernel::ContractOp op;
  Location loc;
  Value lhs, matrix, init;
  MemRefType type;
  Type element;
  int64_t lanes, k;
  OpFoldResult columns;
};

} // namespace

void DotProducts::expand(OpBuilder &builder) {
  Index index(builder, loc);
  OpFoldResult rows = getBufferExtent(builder, loc, init, type.getRank() - 2);
  parallelForEach(builder, loc, index.mul(getBatchCount(builder, loc, init), rows), [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    SmallVector<Value> batch = getBatch(nested, loc, init, inner.quotient(linear, rows));
    emitRow(nested, batch, inner.get(inner.rem(linear, rows)));
  });
}

void DotProducts::emitRow(OpBuilder &builder, ArrayRef<Value> batch, Value row) {
  Index index(builder, loc);
  OpFoldResult whole = index.mul(index.div(columns, lanes), index.fold(lanes));
  auto emit = [&](OpBuilder &nested, Value column, int64_t count) {
    emitGroup(nested, {SmallVector<Value>(batch), row, column, count});
  };
  forEach(builder, loc, index.fold(0), whole, lanes, [&](OpBuilder &nested, Value column) { emit(nested, column, lanes); });
  if (auto all = getStatic(columns); all && *all % lanes)
    return emit(builder, index.get(whole), *all % lanes);
  forEach(builder, loc, whole, columns, 1, [&](OpBuilder &nested, Value column) { emit(nested, column, 1); });
}

void DotProducts::emitGroup(OpBuilder &builder, const Place &place) {
  Index index(builder, loc);
  SmallVector<Value> sums(place.count, createConstant(builder, loc, getWideType(element, lanes), 0));
  int64_t whole = k / lanes * lanes;
  sums = forEachCarrying(builder, loc, index.fold(0), index.fold(whole), lanes, sums,
                         [&](OpBuilder &nested, Value at, ValueRange carried) {
                           return accumulate(nested, place, at, lanes, carried);
                         });
  if (whole < k)
    sums = accumulate(builder, place, index.constant(whole), k - whole, sums);
  SmallVector<Value> at(place.batch);
  at.append({place.row, place.column});
  storePartially(builder, cast<kernel::EpilogueOpInterface>(op.getOperation()), addUp(builder, sums), at, place.count);
}

/// Adds the products of `width` neighbours along K, from `at` on.
SmallVector<Value> DotProducts::accumulate(OpBuilder &builder, const Place &place, Value at, int64_t width,
                                           ValueRange sums) {
  Index index(builder, loc);
  SmallVector<Value> from = getOperandBatch(builder, loc, lhs, init, place.batch), next;
  from.append({place.row, at});
  Value row = loadFirst(builder, loc, lhs, from, width, lanes);
  for (auto [i, sum] : llvm::enumerate(sums)) {
    SmallVector<Value> of = getOperandBatch(builder, loc, matrix, init, place.batch);
    of.append({index.get(index.add(place.column, index.fold(i))), at});
    Value column = loadFirst(builder, loc, matrix, of, width, lanes);
    next.push_back(multiplyAdd(builder, loc, row, column, sum, kernel::getTarget(op).getFma()));
  }
  return next;
}

/// A vector of the sums of the lanes of each of `sums`; with zeros behind them.
Value DotProducts::addUp(OpBuilder &builder, SmallVector<Value> sums) {
  if (lanes == 1)
    return sums[0];
  sums.resize(lanes, createConstant(builder, loc, getWideType(element, lanes), 0));
  SmallVector<Value> parts = transposeSquare(builder, loc, sums);
  while (parts.size() > 1) {
    for (size_t i = 0; i < parts.size() / 2; ++i)
      parts[i] = createAdd(builder, loc, parts[2 * i], parts[2 * i + 1]);
    parts.truncate(parts.size() / 2);
  }
  return parts[0];
}

void expandDotProducts(RewriterBase &rewriter, kernel::ContractOp op, Value matrix) {
  DotProducts(rewriter, op, matrix).expand(rewriter);
}

} // namespace nnc
