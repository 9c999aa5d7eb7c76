// Shapes computed from axes, all of them arithmetic on single elements: sizes of
// buffers are made of it (ShapeEntries).
#include "lib/Frontend/ONNX/RunTimeAxes.h"

#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// The arithmetic grows with the square of the number of axes.
static constexpr int64_t maxAxes = 8;

bool isKnownAtRunTime(NodeBinder &node, unsigned index) {
  Value value = node.optionalOperand(index);
  return value && !nn::getConstantInts(value) && !llvm::is_contained(NodeBinder::getShape(value), 0);
}

/// `x` in a shape whose entries are what they are: 0 does not copy an extent.
static Expression reshapeTo(NodeBinder &node, Expression x, Expression shape) {
  return {node, node.create<nn::ReshapeOp>(x, shape, /*allow_zero=*/true)};
}

Expression multiplyWhere(Expression condition, Expression extents) {
  return condition.choose(extents, extents.like(1)).reduce(nn::ReductionKind::Prod, {0}, /*keepdims=*/true);
}

static Expression sum(Expression entries) { return entries.reduce(nn::ReductionKind::Sum, {0}, /*keepdims=*/true); }

RunTimeAxes::RunTimeAxes(NodeBinder &node, Value operand, int64_t rank) : node(node), rank(rank) {
  RankedTensorType type = NodeBinder::getType(operand);
  if (!type || node.failed())
    return;
  if (type.getRank() > 1 || !type.hasStaticShape()) {
    (void)node.reject("the number of axes is not known at compile time");
    return;
  }
  count = type.getNumElements();
  if (count > rank) {
    (void)node.reject(Twine(count) + " axes of a tensor of " + Twine(rank) + " dimensions");
    return;
  }
  if (rank > maxAxes) {
    (void)node.reject("axes that are known at run time only, of a tensor of more than " + Twine(maxAxes) +
                      " dimensions, are not supported");
    return;
  }
  Expression given(node, operand);
  given = given.cast(node.getBuilder().getI64Type());
  given = type.getRank() == 0 ? given.unsqueeze({0}) : given;
  axes = (given < 0).choose(given + rank, given);
  for (int64_t i = 0; i < count; ++i) {
    Expression isNamed = positions().equals(getEntry(i)).choose(number(1), number(0));
    chosen = chosen ? chosen.max(isNamed) : isNamed;
  }
}

Expression RunTimeAxes::positions() const { return ints(llvm::to_vector(llvm::seq<int64_t>(0, rank))); }

Value RunTimeAxes::check(Value x) const {
  if (node.failed())
    return x;
  // As many different ones as are named are in range.
  return require(node, x, sum(chosen).equals(number(count)));
}

Expression RunTimeAxes::spread(Expression entries) const {
  Expression result;
  for (int64_t i = 0; i < count && !node.failed(); ++i) {
    Expression own = positions().equals(getEntry(i)).choose(entries.slice(0, i, i + 1), number(0));
    result = result ? result + own : own;
  }
  return result;
}

Expression RunTimeAxes::isBefore() const { return positions() < getEntry(0); }
Expression RunTimeAxes::isAfter() const { return positions() > getEntry(0); }

Expression RunTimeAxes::countOthers() const {
  SmallVector<Expression> counts{number(0)};
  for (int64_t axis = 0; axis + 1 < rank; ++axis)
    counts.push_back(counts.back() + (number(1) - chosen.slice(0, axis, axis + 1)));
  return Expression::concat(node, counts, 0);
}

Expression RunTimeAxes::getOthers(Expression extents) const {
  if (count == rank || node.failed())
    return ints({});
  // Which of the others each axis is; none where it is named.
  Expression place = chosen.equals(1).choose(number(rank), countOthers());
  SmallVector<Expression> others;
  for (int64_t i = 0; i < rank - count; ++i)
    others.push_back(multiplyWhere(place.equals(number(i)), extents));
  return Expression::concat(node, others, 0);
}

Expression RunTimeAxes::insertOnes(Expression extents) const {
  if (count == rank || node.failed())
    return ints(SmallVector<int64_t>(rank, 1));
  Expression place = countOthers(), from = ints(llvm::to_vector(llvm::seq<int64_t>(0, rank - count)));
  SmallVector<Expression> result;
  for (int64_t axis = 0; axis < rank; ++axis) {
    Expression own = multiplyWhere(from.equals(place.slice(0, axis, axis + 1)), extents);
    result.push_back(chosen.slice(0, axis, axis + 1).equals(1).choose(number(1), own));
  }
  return Expression::concat(node, result, 0);
}

/// Runs of axes that are all reduced, or all not, become one axis each: counted from the last axis, those of odd number
/// are reduced. There are at most as many runs as axes, and one that is not reduced after the last; those that are not
/// there have one element.
Value reduceAlong(NodeBinder &node, Value x, const RunTimeAxes &axes, nn::ReductionKind kind, bool keepdims) {
  int64_t rank = NodeBinder::getRank(x);
  x = axes.check(x);
  if (node.failed())
    return {};
  Expression chosen = axes.getChosen(), input(node, x), extents = input.shape();
  SmallVector<Expression> numbers(rank);
  for (int64_t axis = rank - 1; axis >= 0; --axis) {
    Expression own = chosen.slice(0, axis, axis + 1);
    if (axis + 1 == rank) {
      numbers[axis] = own;
      continue;
    }
    Expression next = chosen.slice(0, axis + 1, axis + 2);
    numbers[axis] = numbers[axis + 1] + (own - next).max(next - own);
  }
  Expression run = Expression::concat(node, numbers, 0);
  SmallVector<Expression> runs;
  SmallVector<int64_t> reduced;
  for (int64_t number = rank; number >= 0; --number) {
    if (number % 2)
      reduced.push_back(rank - number);
    runs.push_back(multiplyWhere(run.equals(static_cast<double>(number)), extents));
  }
  Expression result =
      reshapeTo(node, input, Expression::concat(node, runs, 0)).reduce(kind, reduced, /*keepdims=*/false);
  Expression shape = keepdims ? chosen.equals(1).choose(extents.like(1), extents) : axes.getOthers(extents);
  return reshapeTo(node, result, shape);
}

} // namespace nnc::onnx
