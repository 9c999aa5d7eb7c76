// Products by a matrix whose rows, not columns, are contiguous: few rows times [N, K]. A vector holds neighbours along K;
// as many columns as it has lanes are summed side by side, and their vectors of partial sums are transposed in registers,
// which gives one vector of results. All rows that are multiplied by them come one after the other, those of batches that
// share the matrix too, so that only the first reads them from memory.
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

  std::pair<OpFoldResult, OpFoldResult> countMatrices(OpBuilder &builder) const;
  void emitColumns(OpBuilder &builder, OpFoldResult begin, OpFoldResult end,
                   function_ref<void(OpBuilder &, Value, int64_t)> emit);
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

/// How many matrices there are, and how many batches, one after the other, are known to be multiplied by each.
std::pair<OpFoldResult, OpFoldResult> DotProducts::countMatrices(OpBuilder &builder) const {
  Index index(builder, loc);
  auto matrixType = cast<MemRefType>(matrix.getType());
  OpFoldResult matrices = index.fold(1), sharing = index.fold(1);
  bool isShared = true;
  for (int64_t dim = type.getRank() - 3; dim >= 0; --dim) {
    isShared &= matrixType.getDimSize(dim) == 1;
    OpFoldResult &count = isShared ? sharing : matrices;
    count = index.mul(count, getBufferExtent(builder, loc, init, dim));
  }
  return {matrices, sharing};
}

void DotProducts::expand(OpBuilder &builder) {
  Index index(builder, loc);
  constexpr int64_t groupsOfThread = 16;
  OpFoldResult rows = getBufferExtent(builder, loc, init, type.getRank() - 2), parts = index.fold(1);
  std::pair<OpFoldResult, OpFoldResult> counts = countMatrices(builder);
  OpFoldResult matrices = counts.first, shared = counts.second;
  bool isReadOnce = getStatic(rows) == 1 && getStatic(shared) == 1;
  int64_t width = groupsOfThread * lanes;
  if (!isReadOnce)
    parts = index.ceilDiv(columns, width);
  parallelForEach(builder, loc, index.mul(matrices, parts), [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    OpFoldResult first = inner.mul(inner.quotient(linear, parts), shared), begin = inner.fold(0), end = columns;
    if (!isReadOnce) {
      begin = inner.mul(inner.rem(linear, parts), inner.fold(width));
      end = inner.min(inner.add(begin, inner.fold(width)), columns);
    }
    emitColumns(nested, begin, end, [&](OpBuilder &group, Value column, int64_t count) {
      forEach(group, loc, inner.fold(0), shared, 1, [&](OpBuilder &each, Value number) {
        SmallVector<Value> batch = getBatch(each, loc, init, Index(each, loc).add(first, number));
        forEach(each, loc, inner.fold(0), rows, 1,
                [&](OpBuilder &body, Value row) { emitGroup(body, {batch, row, column, count}); });
      });
    });
  });
}

/// Covers columns [begin, end), which start at a multiple of the lanes and end at one or at the last column.
void DotProducts::emitColumns(OpBuilder &builder, OpFoldResult begin, OpFoldResult end,
                              function_ref<void(OpBuilder &, Value, int64_t)> emit) {
  Index index(builder, loc);
  OpFoldResult whole = index.mul(index.div(end, lanes), index.fold(lanes));
  forEach(builder, loc, begin, whole, lanes, [&](OpBuilder &nested, Value column) { emit(nested, column, lanes); });
  auto all = getStatic(columns);
  int64_t rest = all ? *all % lanes : 1;
  if (rest)
    forEach(builder, loc, whole, end, rest, [&](OpBuilder &nested, Value column) { emit(nested, column, rest); });
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
