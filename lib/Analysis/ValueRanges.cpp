// Interval arithmetic on the values of NN operations, in f64. Ends are moved outward by
// more than what an operation's own rounding can be.
#include "lib/Analysis/ValueRanges.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace nnc {

static constexpr double infinity = std::numeric_limits<double>::infinity();

static NumberRange join(NumberRange a, NumberRange b) { return {std::min(a.lower, b.lower), std::max(a.upper, b.upper)}; }

/// What no rounding to a float of this type leads out of; nothing is known of integers that may have wrapped around.
static NumberRange widen(NumberRange range, Type type) {
  if (std::isnan(range.lower) || std::isnan(range.upper))
    return {};
  if (auto integer = dyn_cast<IntegerType>(type)) {
    double most = std::ldexp(1, std::min<unsigned>(integer.getWidth(), 53) - (integer.isUnsigned() ? 0 : 1));
    bool fits = range.lower >= (integer.isUnsigned() ? 0 : -most) && range.upper < most;
    return fits ? range : NumberRange();
  }
  auto floating = dyn_cast<FloatType>(type);
  if (!floating)
    return {};
  double error = std::ldexp(1, 2 - static_cast<int>(std::min(floating.getFPMantissaWidth(), 50u)));
  auto outward = [&](double end, double sign) { return end + sign * (std::abs(end) * error + 1e-30); };
  return {outward(range.lower, -1), outward(range.upper, 1)};
}

/// All of a function of two ranges that is monotone in each operand.
template <typename Function> static NumberRange applyToCorners(NumberRange a, NumberRange b, Function function) {
  double corners[] = {function(a.lower, b.lower), function(a.lower, b.upper), function(a.upper, b.lower),
                      function(a.upper, b.upper)};
  NumberRange range{corners[0], corners[0]};
  for (double corner : corners) {
    if (std::isnan(corner)) // of infinities
      return {};
    range = join(range, {corner, corner});
  }
  return range;
}

namespace {

/// Follows values back to what bounds them.
class RangeFinder {
public:
  NumberRange find(Value value, std::optional<int64_t> position = std::nullopt);

private:
  NumberRange compute(Value value, std::optional<int64_t> position);
  NumberRange ofArithmetic(Operation *op);
  NumberRange ofQuotient(Operation *op);
  NumberRange ofClip(nn::ClipOp op);
  NumberRange ofReduction(nn::ReduceOp op);
  NumberRange ofCast(nn::CastOp op);
  NumberRange ofConcat(nn::ConcatOp op, std::optional<int64_t> position);
  NumberRange ofGather(nn::GatherOp op);
  NumberRange ofBranches(nn::IfOp op, unsigned result);
  NumberRange joinAll(ValueRange values);

  /// Steps back from a value; beyond, nothing is known.
  static constexpr unsigned mostDepth = 64;
  unsigned depth = 0;
  llvm::DenseMap<std::pair<Value, int64_t>, NumberRange> known;
};

} // namespace

NumberRange RangeFinder::find(Value value, std::optional<int64_t> position) {
  std::pair<Value, int64_t> key{value, position.value_or(-1)};
  if (auto found = known.find(key); found != known.end())
    return found->second;
  if (depth == mostDepth)
    return {};
  ++depth;
  NumberRange range = compute(value, position);
  --depth;
  // What an integer holds that is not known: at least nothing below 0 where it has no sign.
  auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(value));
  if (integer && (integer.isUnsigned() || integer.getWidth() == 1)) {
    range.lower = std::max(range.lower, 0.0);
    range.upper = std::min(range.upper, std::ldexp(1, integer.getWidth()) - 1);
  }
  known[key] = range;
  return range;
}

NumberRange RangeFinder::joinAll(ValueRange values) {
  NumberRange range = find(values.front());
  for (Value value : values.drop_front())
    range = join(range, find(value));
  return range;
}

template <typename List> static NumberRange getHull(const List &numbers, std::optional<int64_t> position) {
  if (numbers.empty())
    return {};
  if (position && *position < static_cast<int64_t>(numbers.size())) {
    double number = static_cast<double>(numbers[*position]);
    return {number, number};
  }
  NumberRange range{infinity, -infinity};
  for (double number : numbers)
    if (!std::isnan(number))
      range = join(range, {number, number});
  return range.lower <= range.upper ? range : NumberRange();
}

static NumberRange getExtentRange(Value tensor, int64_t axis) {
  int64_t extent = getRanked(tensor).getDimSize(axis);
  return ShapedType::isDynamic(extent) ? NumberRange{0, infinity} : NumberRange{double(extent), double(extent)};
}

/// Positions along an axis.
static NumberRange getPositions(Value tensor, int64_t axis) {
  return {0, std::max(getExtentRange(tensor, axis).upper - 1, 0.0)};
}

NumberRange RangeFinder::compute(Value value, std::optional<int64_t> position) {
  if (auto ints = nn::getConstantInts(value))
    return getHull(*ints, position);
  if (auto floats = nn::getConstantFloats(value))
    return getHull(*floats, position);
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  return llvm::TypeSwitch<Operation *, NumberRange>(op)
      .Case<nn::AddOp, nn::SubOp, nn::MulOp, nn::MinOp, nn::MaxOp, nn::FloorOp, nn::CeilOp, nn::RoundOp, nn::NegOp,
            nn::ReluOp, nn::AbsOp>([&](Operation *arithmetic) { return widen(ofArithmetic(arithmetic), getElementTypeOrSelf(value)); })
      .Case([&](nn::DivOp div) { return widen(ofQuotient(div), getElementTypeOrSelf(value)); })
      .Case([&](nn::ClipOp clip) { return ofClip(clip); })
      .Case([&](nn::CastOp cast) { return ofCast(cast); })
      .Case<nn::SigmoidOp, nn::SoftmaxOp>(
          [&](Operation *) { return widen(NumberRange{0, 1}, getElementTypeOrSelf(value)); })
      .Case([&](nn::TanhOp) { return widen(NumberRange{-1, 1}, getElementTypeOrSelf(value)); })
      .Case<nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp, nn::FlattenOp>([&](Operation *moved) {
        bool isSame = getRanked(moved->getOperand(0)).getRank() == 1 && getRanked(value).getRank() == 1;
        return find(moved->getOperand(0), isSame ? position : std::nullopt);
      })
      .Case<nn::TransposeOp, nn::SliceOp, nn::ReverseOp, nn::BroadcastToOp, nn::TileOp>(
          [&](Operation *moved) { return find(moved->getOperand(0)); })
      .Case([&](nn::ConcatOp concat) { return ofConcat(concat, position); })
      .Case([&](nn::GatherOp gather) { return ofGather(gather); })
      .Case<nn::GatherNDOp, nn::GatherElementsOp>([&](Operation *gather) { return find(gather->getOperand(0)); })
      .Case([&](nn::WhereOp where) { return joinAll({where.getLhs(), where.getRhs()}); })
      .Case([&](nn::FillOp fill) { return find(fill.getValue()); })
      .Case([&](nn::ReduceOp reduce) { return ofReduction(reduce); })
      .Case([&](nn::ArgReduceOp arg) { return getPositions(arg.getInput(), arg.getAxis()); })
      .Case([&](nn::TopKOp top) {
        return value == top.getValues() ? find(top.getInput()) : getPositions(top.getInput(), top.getAxis());
      })
      .Case([&](nn::ShapeOp shape) {
        if (position)
          return getExtentRange(shape.getInput(), shape.getStart() + *position);
        return NumberRange{0, infinity};
      })
      .Case([&](nn::NonZeroOp) { return NumberRange{0, infinity}; })
      .Case([&](nn::IfOp branches) { return ofBranches(branches, cast<OpResult>(value).getResultNumber()); })
      .Default(NumberRange());
}

NumberRange RangeFinder::ofArithmetic(Operation *op) {
  NumberRange a = find(op->getOperand(0)), b = op->getNumOperands() > 1 ? find(op->getOperand(1)) : a;
  return llvm::TypeSwitch<Operation *, NumberRange>(op)
      .Case([&](nn::AddOp) { return NumberRange{a.lower + b.lower, a.upper + b.upper}; })
      .Case([&](nn::SubOp) { return NumberRange{a.lower - b.upper, a.upper - b.lower}; })
      .Case([&](nn::MulOp) { return applyToCorners(a, b, [](double x, double y) { return x * y; }); })
      .Case([&](nn::MinOp) { return NumberRange{std::min(a.lower, b.lower), std::min(a.upper, b.upper)}; })
      .Case([&](nn::MaxOp) { return NumberRange{std::max(a.lower, b.lower), std::max(a.upper, b.upper)}; })
      .Case<nn::FloorOp, nn::CeilOp, nn::RoundOp>([&](Operation *) {
        return NumberRange{std::floor(a.lower), std::ceil(a.upper)};
      })
      .Case([&](nn::NegOp) { return NumberRange{-a.upper, -a.lower}; })
      .Case([&](nn::ReluOp) { return NumberRange{std::max(a.lower, 0.0), std::max(a.upper, 0.0)}; })
      .Case([&](nn::AbsOp) { return NumberRange{0, std::max(std::abs(a.lower), std::abs(a.upper))}; })
      .Default(NumberRange());
}

/// By numbers of one sign; that of integers is toward zero, between the ends of the exact one and 0.
NumberRange RangeFinder::ofQuotient(Operation *op) {
  NumberRange a = find(op->getOperand(0)), b = find(op->getOperand(1));
  if (b.lower <= 0 && b.upper >= 0)
    return {};
  NumberRange quotient = applyToCorners(a, b, [](double x, double y) { return x / y; });
  return isa<IntegerType>(getElementTypeOrSelf(op->getResult(0))) ? join(quotient, {0, 0}) : quotient;
}

NumberRange RangeFinder::ofClip(nn::ClipOp op) {
  NumberRange range = find(op.getInput());
  auto limit = [&](Value bound, auto choose) {
    if (!bound)
      return;
    NumberRange limits = find(bound);
    range = {choose(range.lower, limits.lower), choose(range.upper, limits.upper)};
  };
  limit(op.getMinimum(), [](double x, double y) { return std::max(x, y); });
  limit(op.getMaximum(), [](double x, double y) { return std::min(x, y); });
  return range;
}

/// Extremes of some elements are among them; sums of integers are of as many as there are.
NumberRange RangeFinder::ofReduction(nn::ReduceOp op) {
  NumberRange count{1, 1};
  for (int64_t axis : op.getAxes()) {
    NumberRange extent = getExtentRange(op.getInput(), axis);
    count = {count.lower * extent.lower, count.upper * extent.upper};
  }
  NumberRange range = find(op.getInput());
  Type type = getElementTypeOrSelf(op.getType());
  if (op.getKind() == nn::ReductionKind::Sum && isa<IntegerType>(type)) {
    auto multiply = [](double x, double n) { return x == 0 ? 0 : x * n; };
    double upper = range.upper > 0 ? multiply(range.upper, count.upper) : 0;
    return widen({range.lower < 0 ? multiply(range.lower, count.upper) : 0, upper}, type);
  }
  bool isMax = op.getKind() == nn::ReductionKind::Max;
  if ((!isMax && op.getKind() != nn::ReductionKind::Min) || !(count.lower > 0))
    return {};
  // Of numbers put together, the maximum is not below the least that any of them can be.
  auto concat = op.getInput().getDefiningOp<nn::ConcatOp>();
  if (!concat || getRanked(concat).getRank() != 1 || op.getAxes().empty())
    return range;
  for (Value part : concat.getInputs()) {
    NumberRange each = getRanked(part).getDimSize(0) > 0 ? find(part) : NumberRange();
    if (isMax)
      range.lower = std::max(range.lower, each.lower);
    else
      range.upper = std::min(range.upper, each.upper);
  }
  return range;
}

/// Of what does not fit the type nothing is known; the fraction is cut off.
NumberRange RangeFinder::ofCast(nn::CastOp op) {
  NumberRange range = find(op.getInput());
  Type to = op.getTo();
  if (to.isInteger(1))
    return {0, 1};
  if (isa<IntegerType>(to))
    return widen({std::floor(range.lower), std::ceil(range.upper)}, to);
  return widen(range, to);
}

NumberRange RangeFinder::ofConcat(nn::ConcatOp op, std::optional<int64_t> position) {
  for (Value input : op.getInputs()) {
    int64_t length = getRanked(input).getRank() == 1 ? getRanked(input).getDimSize(0) : ShapedType::kDynamic;
    if (!position || ShapedType::isDynamic(length))
      return joinAll(op.getInputs());
    if (*position < length)
      return find(input, *position);
    *position -= length;
  }
  return {};
}

/// Of one element of a 1-D tensor, where its position is known.
NumberRange RangeFinder::ofGather(nn::GatherOp op) {
  auto indices = nn::getConstantInts(op.getIndices());
  if (getRanked(op.getData()).getRank() != 1 || !indices || indices->size() != 1)
    return find(op.getData());
  int64_t length = getRanked(op.getData()).getDimSize(0), index = indices->front();
  if (index < 0 && ShapedType::isDynamic(length))
    return find(op.getData());
  return find(op.getData(), index < 0 ? index + length : index);
}

NumberRange RangeFinder::ofBranches(nn::IfOp op, unsigned result) {
  NumberRange range{infinity, -infinity};
  if (op.getThenRegion().empty() || op.getElseRegion().empty()) // it is being converted
    return {};
  for (Region *region : {&op.getThenRegion(), &op.getElseRegion()})
    range = join(range, find(region->front().getTerminator()->getOperand(result)));
  return range;
}

NumberRange findValueRange(Value value, std::optional<int64_t> position) { return RangeFinder().find(value, position); }

} // namespace nnc
