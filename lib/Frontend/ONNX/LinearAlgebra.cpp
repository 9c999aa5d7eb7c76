// Determinants and inverses: elimination with partial pivoting, a column at a time,
// of all matrices of a batch at once.
#include "lib/Frontend/Import/Repetition.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

namespace {

/// A step of an elimination in (B, n, m): the row of the largest element of column `number`, from there on, has changed
/// places with row `number`.
struct PivotStep {
  Expression matrix;    ///< (B, n, m), rows swapped
  Expression column;    ///< (B, n, 1), the column of it
  Expression row;       ///< (B, 1, m), the row of the pivot
  Expression pivot;     ///< (B, 1, 1)
  Expression isSwapped; ///< (B, 1, 1), whether two different rows changed places
  Expression rows;      ///< (1, n, 1), 0, 1, ...
};

} // namespace

static PivotStep findPivot(NodeBinder &node, Expression matrix, Expression number) {
  PivotStep step;
  step.rows = Expression::range(matrix.extent(1)).unsqueeze({0, 2});
  Expression column = matrix.gather(number, 2).unsqueeze({2});
  Expression size = (step.rows >= number).choose(column.unary<nn::AbsOp>(), column.like(-1));
  Expression largest(node, node.create<nn::ArgReduceOp>(size, 1, /*keepdims=*/true, /*min=*/false, /*last=*/false));
  Expression isPivot = step.rows.equals(largest), isTop = step.rows.equals(number);
  auto pick = [&](Expression of) {
    return isPivot.choose(of, of.like(0)).reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/true);
  };
  step.row = pick(matrix);
  step.pivot = pick(column);
  auto swap = [&](Expression x, Expression pivot) {
    Expression top = x.gather(number, 1).unsqueeze({1});
    return Expression(node, keepShape(node, isTop.choose(pivot, isPivot.choose(top, x)), x));
  };
  step.matrix = swap(matrix, step.row);
  step.column = swap(column, step.pivot);
  step.isSwapped = ~largest.equals(number);
  return step;
}

/// x (..., n, n) as (B, n, n) of f32 or f64; null where it is no square of floats.
static Expression flattenSquares(NodeBinder &node, Expression x) {
  int64_t rank = x.getRank();
  if (rank < 2 || !isa<FloatType>(x.getElementType())) {
    (void)node.reject("needs matrices of floats");
    return {};
  }
  int64_t rows = x.getExtent(rank - 2), columns = x.getExtent(rank - 1);
  if (!ShapedType::isDynamic(rows) && !ShapedType::isDynamic(columns) && rows != columns) {
    (void)node.reject("needs square matrices");
    return {};
  }
  if (!x.getElementType().isF64())
    x = x.cast(node.getBuilder().getF32Type());
  if (rank == 2)
    return x.unsqueeze({0});
  if (rank == 3)
    return x;
  Expression batch = Expression(node, node.create<nn::ReduceOp>(x.shape(0, rank - 2), nn::ReductionKind::Prod,
                                                                ArrayRef<int64_t>{0}, /*keepdims=*/true));
  Expression shape = Expression::concat(node, {batch, x.shape(rank - 2, rank)}, 0);
  return {node, node.create<nn::ReshapeOp>(x, shape, /*allow_zero=*/true)};
}

static LogicalResult importDet(NodeBinder &node) {
  Expression x(node, node.operand(0));
  if (node.failed())
    return failure();
  Expression matrix = flattenSquares(node, x);
  if (node.failed())
    return failure();
  Expression one = matrix.like(1).broadcast(
      Expression::concat(node, {matrix.extent(0), Expression::ints(node, {1, 1})}, 0));
  // Eliminates below the pivot; the determinant is the product of the pivots.
  auto step = [&](Expression number, ArrayRef<Expression> carried) -> frontend::Iteration {
    PivotStep found = findPivot(node, carried[0], number);
    Expression canDivide = (found.rows > number) & ~found.pivot.equals(0);
    Expression factor = canDivide.choose(found.column / found.pivot, found.column.like(0));
    Expression next = found.matrix - factor * found.row;
    Expression product = carried[1] * found.isSwapped.choose(found.pivot.unary<nn::NegOp>(), found.pivot);
    return {{Expression(node, keepShape(node, next, carried[0])), Expression(node, keepShape(node, product, carried[1]))}, {}};
  };
  SmallVector<Expression> results = frontend::repeat(node, matrix.extent(2), {matrix, one}, step);
  if (node.failed())
    return failure();
  Expression shape = x.shape(0, x.getRank() - 2);
  Value result = node.create<nn::ReshapeOp>(results[1], shape, /*allow_zero=*/true);
  return node.result(node.failed() ? Expression() : Expression(node, result).cast(x.getElementType()));
}

static LogicalResult importInverse(NodeBinder &node) {
  Expression x(node, node.operand(0));
  if (node.failed())
    return failure();
  Expression matrix = flattenSquares(node, x);
  if (node.failed())
    return failure();
  Expression rows = Expression::range(matrix.extent(1)), columns = Expression::range(matrix.extent(2));
  Expression unit = rows.unsqueeze({1}).equals(columns.unsqueeze({0})).cast(matrix.getElementType());
  Expression both = Expression::concat(node, {matrix, unit.broadcast(matrix.shape())}, 2);
  // Makes the left half the unit matrix, and by the same steps the right half the inverse.
  auto step = [&](Expression number, ArrayRef<Expression> carried) -> frontend::Iteration {
    PivotStep found = findPivot(node, carried.front(), number);
    Expression row = found.row / found.pivot;
    Expression next = found.rows.equals(number).choose(row, found.matrix - found.column * row);
    return {{Expression(node, keepShape(node, next, carried.front()))}, {}};
  };
  SmallVector<Expression> results = frontend::repeat(node, matrix.extent(2), {both}, step);
  if (node.failed())
    return failure();
  Expression inverse = results.front().slice(2, matrix.extent(2), matrix.extent(2) * 2).cast(x.getElementType());
  return node.result(node.create<nn::ReshapeOp>(inverse, x.shape(), /*allow_zero=*/true));
}

static const OpEntry table[] = {
    {"Det", 11, importDet},
    {"Inverse", 1, importInverse, "com.microsoft"},
};

ArrayRef<OpEntry> getLinearAlgebraOps() { return table; }

} // namespace nnc::onnx
