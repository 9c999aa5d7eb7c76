// TFLite operators that put elements elsewhere, by positions that are computed.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// The first lengths[b] steps of each batch b backwards, the others as they are.
static LogicalResult importReverseSequence(OpBinder &op) {
  const auto &options = op.options<format::ReverseSequenceOptions>();
  Expression x(op, op.operand(0)), lengths(op, op.operand(1));
  if (op.failed())
    return failure();
  int64_t time = op.normalizeAxis(options.seq_dim(), x.getRank()), batch = op.normalizeAxis(options.batch_dim(), x.getRank());
  if (op.failed() || time == batch)
    return op.reject("batch and time must be different axes");
  SmallVector<int64_t> there{batch, time}, back(x.getRank());
  for (int64_t axis = 0; axis < x.getRank(); ++axis)
    if (axis != batch && axis != time)
      there.push_back(axis);
  for (auto [place, axis] : llvm::enumerate(there))
    back[axis] = place;
  Expression ordered = x.transpose(there), length = lengths.cast(op.getBuilder().getI64Type()).unsqueeze({1});
  Expression step = Expression::range(ordered.extent(1)).unsqueeze({0});
  Expression from = (step < length).choose(length - 1 - step, step);
  Expression result(op, op.create<nn::GatherNDOp>(ordered, from.unsqueeze({2}), /*batch_dims=*/1));
  return op.result(result.transpose(back));
}

/// A part of a tensor is replaced; where it would stand out, it is moved inside.
static LogicalResult importDynamicUpdateSlice(OpBinder &op) {
  Expression x(op, op.operand(0)), update(op, op.operand(1)), starts(op, op.indexList(2));
  if (op.failed())
    return failure();
  int64_t rank = x.getRank();
  if (update.getRank() != rank || starts.getExtent(0) != rank)
    return op.reject("its operands have different numbers of axes");
  Expression inside;
  for (int64_t axis = 0; axis < rank; ++axis) {
    int64_t extent = x.getExtent(axis), count = update.getExtent(axis);
    if (!ShapedType::isDynamic(extent) && extent == count)
      continue;
    if (!ShapedType::isDynamic(extent) && !ShapedType::isDynamic(count) && count > extent)
      return op.reject("what it puts in is larger than the tensor");
    Expression start = starts.slice(0, axis, axis + 1), most = x.extent(axis) - update.extent(axis);
    start = start.max(start.like(0)).min(most);
    Expression place = Expression::range(x.extent(axis)) - start, last = update.extent(axis) - 1;
    Expression isHere = (place >= 0.0) & (place <= last);
    update = update.gather(place.max(place.like(0)).min(last), axis);
    SmallVector<int64_t> others = llvm::to_vector(llvm::seq<int64_t>(1, rank - axis));
    isHere = others.empty() ? isHere : isHere.unsqueeze(others);
    inside = inside ? inside & isHere : isHere;
  }
  return op.result(inside ? inside.choose(update, x) : update);
}

/// Whether row and column of a matrix of known extents are equal, (rows, columns).
static Expression makeDiagonal(OpBinder &op, int64_t rows, int64_t columns) {
  auto count = [&](int64_t end) { return Expression(op, op.ints(llvm::to_vector(llvm::seq<int64_t>(0, end)))); };
  return count(rows).unsqueeze({1}).equals(count(columns).unsqueeze({0}));
}

static bool isReasonable(int64_t extent) { return extent >= 0 && extent <= (1 << 16); }

static LogicalResult importMatrixDiag(OpBinder &op) {
  Expression x(op, op.operand(0));
  if (op.failed() || x.getRank() < 1 || !isReasonable(x.getExtent(x.getRank() - 1)))
    return op.reject("its diagonals must have a length that is known at compile time and reasonable");
  int64_t extent = x.getExtent(x.getRank() - 1);
  Expression columns = x.unsqueeze({x.getRank()});
  return op.result(makeDiagonal(op, extent, extent).choose(columns, columns.like(0)));
}

static LogicalResult importMatrixSetDiag(OpBinder &op) {
  Expression x(op, op.operand(0)), diagonal(op, op.operand(1));
  int64_t rank = op.failed() ? 0 : x.getRank();
  if (op.failed() || rank < 2 || diagonal.getRank() != rank - 1 || !isReasonable(x.getExtent(rank - 2)) ||
      !isReasonable(x.getExtent(rank - 1)))
    return op.reject("its matrices must have extents that are known at compile time and reasonable");
  int64_t rows = x.getExtent(rank - 2), columns = x.getExtent(rank - 1);
  // Along the shorter side the diagonal has all elements.
  Expression spread = diagonal.unsqueeze({rows <= columns ? rank - 1 : rank - 2});
  return op.result(makeDiagonal(op, rows, columns).choose(spread, x));
}

/// The shape that two shapes broadcast to.
static LogicalResult importBroadcastArgs(OpBinder &op) {
  Expression a(op, op.indexList(0)), b(op, op.indexList(1));
  if (op.failed())
    return failure();
  int64_t longer = std::max(a.getExtent(0), b.getExtent(0));
  for (Expression *shape : {&a, &b}) {
    int64_t count = shape->getExtent(0);
    if (ShapedType::isDynamic(count) || ShapedType::isDynamic(longer))
      return op.reject("the lengths of its shapes must be known at compile time");
    if (count < longer)
      *shape = Expression::concat(op, {Expression::ints(op, SmallVector<int64_t>(longer - count, 1)), *shape}, 0);
  }
  return op.result(op.cast(a.equals(1.0).choose(b, a), op.getResultType(0)));
}

/// The same bits.
static LogicalResult importBitcast(OpBinder &op) {
  Value x = op.operand(0);
  Type to = op.getResultType(0);
  if (op.failed() || !to)
    return op.reject("its result has elements of a type that is not supported");
  if (to.getIntOrFloatBitWidth() != getElementTypeOrSelf(x).getIntOrFloatBitWidth())
    return op.reject("it is supported between types of one width");
  return op.result(op.create<nn::BitcastOp>(x, to));
}

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::BITCAST, importBitcast},
    {Op::BROADCAST_ARGS, importBroadcastArgs},
    {Op::DYNAMIC_UPDATE_SLICE, importDynamicUpdateSlice, importDynamicUpdateSlice},
    {Op::MATRIX_DIAG, importMatrixDiag, importMatrixDiag},
    {Op::MATRIX_SET_DIAG, importMatrixSetDiag, importMatrixSetDiag},
    {Op::REVERSE_SEQUENCE, importReverseSequence, importReverseSequence},
};

ArrayRef<OpEntry> getArrangementOps() { return table; }

} // namespace nnc::tflite
