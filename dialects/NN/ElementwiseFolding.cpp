// Folders of the element-wise family: identities, and a table of scalar
// evaluators that is applied to constant operands. Evaluation is exact or the
// operation is left alone (division by 0, a float that no integer can hold).
#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/APSInt.h"
#include "llvm/ADT/StringMap.h"
#include <variant>

using namespace mlir;

namespace nnc::nn {

/// One element. Integers know their sign: ui8 and boolean are unsigned.
using Scalar = std::variant<APSInt, APFloat>;
using Evaluator = std::function<std::optional<Scalar>(Operation *, ArrayRef<Scalar>)>;

static const APSInt &asInt(const Scalar &scalar) { return std::get<APSInt>(scalar); }
static const APFloat &asFloat(const Scalar &scalar) { return std::get<APFloat>(scalar); }
static bool isInt(const Scalar &scalar) { return std::holds_alternative<APSInt>(scalar); }
static Scalar getBool(bool value) { return APSInt(APInt(1, value), /*isUnsigned=*/true); }

//===----------------------------------------------------------------------===//
// Evaluators
//===----------------------------------------------------------------------===//

/// An evaluator from one function on integers and one on floats.
template <typename OnInts, typename OnFloats>
static Evaluator numeric(OnInts onInts, OnFloats onFloats) {
  return [=](Operation *op, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    if (isInt(x[0]))
      return onInts(op, x);
    return onFloats(op, x);
  };
}

/// An evaluator from a function that reads both kinds the same way.
template <typename Function>
static Evaluator binary(Function function) {
  return [=](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    if (isInt(x[0]))
      return Scalar(APSInt(function(asInt(x[0]), asInt(x[1]))));
    return Scalar(APFloat(function(asFloat(x[0]), asFloat(x[1]))));
  };
}

static std::optional<Scalar> divideInts(Operation *, ArrayRef<Scalar> x) {
  const APSInt &lhs = asInt(x[0]), &rhs = asInt(x[1]);
  if (rhs == 0 || (lhs.isSigned() && lhs.isMinSignedValue() && rhs.isAllOnes()))
    return std::nullopt;
  return lhs / rhs;
}

static std::optional<Scalar> remainderOfInts(Operation *op, ArrayRef<Scalar> x) {
  const APSInt &lhs = asInt(x[0]), &rhs = asInt(x[1]);
  if (rhs == 0 || (rhs.isSigned() && rhs.isAllOnes()))
    return std::nullopt;
  APSInt result = lhs % rhs;
  bool adjust = !cast<ModOp>(op).getFmod() && result != 0 && result.isSigned() && result.isNegative() != rhs.isNegative();
  return adjust ? APSInt(result + rhs) : result;
}

static std::optional<Scalar> remainderOfFloats(Operation *op, ArrayRef<Scalar> x) {
  APFloat result = asFloat(x[0]), rhs = asFloat(x[1]);
  result.mod(rhs);
  if (!cast<ModOp>(op).getFmod() && !result.isZero() && result.isNegative() != rhs.isNegative())
    result = result + rhs;
  return result;
}

static std::optional<Scalar> compare(Operation *op, ArrayRef<Scalar> x) {
  bool less, equal, unordered = false;
  if (isInt(x[0])) {
    less = asInt(x[0]) < asInt(x[1]);
    equal = asInt(x[0]) == asInt(x[1]);
  } else {
    APFloat::cmpResult result = asFloat(x[0]).compare(asFloat(x[1]));
    less = result == APFloat::cmpLessThan;
    equal = result == APFloat::cmpEqual;
    unordered = result == APFloat::cmpUnordered;
  }
  switch (cast<CompareOp>(op).getPredicate()) {
  case ComparePredicate::Equal:
    return getBool(equal);
  case ComparePredicate::Less:
    return getBool(less);
  case ComparePredicate::LessEqual:
    return getBool(less || equal);
  case ComparePredicate::Greater:
    return getBool(!less && !equal && !unordered);
  case ComparePredicate::GreaterEqual:
    return getBool(!less && !unordered);
  }
  llvm_unreachable("all predicates are handled");
}

static std::optional<Scalar> castScalar(Operation *op, ArrayRef<Scalar> x) {
  Type to = cast<CastOp>(op).getTo();
  bool losesInfo;
  // Narrow formats have rules of their own: evaluated by running the code that has them.
  for (Type type : {to, getElementTypeOrSelf(op->getOperand(0))})
    if (!type.isInteger(1) && (type.getIntOrFloatBitWidth() < 8 || (isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8)))
      return std::nullopt;
  if (auto type = dyn_cast<FloatType>(to)) {
    APFloat result(type.getFloatSemantics());
    if (isInt(x[0])) {
      result.convertFromAPInt(asInt(x[0]), asInt(x[0]).isSigned(), APFloat::rmNearestTiesToEven);
      return result;
    }
    result = asFloat(x[0]);
    result.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return result;
  }
  if (to.isInteger(1))
    return getBool(isInt(x[0]) ? asInt(x[0]) != 0 : !asFloat(x[0]).isZero());
  unsigned width = to.getIntOrFloatBitWidth();
  if (isInt(x[0])) {
    APSInt result = asInt(x[0]).extOrTrunc(width);
    result.setIsUnsigned(to.isUnsignedInteger());
    return result;
  }
  APSInt result(width, to.isUnsignedInteger());
  bool isExact;
  if (asFloat(x[0]).convertToInteger(result, APFloat::rmTowardZero, &isExact) == APFloat::opInvalidOp)
    return std::nullopt;
  return result;
}

static std::optional<Scalar> squareRoot(Operation *, ArrayRef<Scalar> x) {
  APFloat value = asFloat(x[0]);
  if (&value.getSemantics() != &APFloat::IEEEsingle() && &value.getSemantics() != &APFloat::IEEEdouble())
    return std::nullopt;
  if (&value.getSemantics() == &APFloat::IEEEsingle())
    return APFloat(std::sqrt(value.convertToFloat()));
  return APFloat(std::sqrt(value.convertToDouble()));
}

static Evaluator rounding(APFloat::roundingMode mode) {
  return [=](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    APFloat result = asFloat(x[0]);
    result.roundToIntegral(mode);
    return result;
  };
}

static Evaluator signedUnary(std::function<APSInt(const APSInt &)> onInt, std::function<APFloat(const APFloat &)> onFloat) {
  return [=](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    if (isInt(x[0]))
      return onInt(asInt(x[0]));
    return onFloat(asFloat(x[0]));
  };
}

static const llvm::StringMap<Evaluator> &getEvaluators() {
  auto add = [](const auto &a, const auto &b) { return a + b; };
  auto subtract = [](const auto &a, const auto &b) { return a - b; };
  auto multiply = [](const auto &a, const auto &b) { return a * b; };
  auto conjunction = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> { return asInt(x[0]) & asInt(x[1]); };
  auto disjunction = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> { return asInt(x[0]) | asInt(x[1]); };
  auto exclusive = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> { return asInt(x[0]) ^ asInt(x[1]); };
  auto complement = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> { return ~asInt(x[0]); };
  auto smaller = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    return std::min(asInt(x[0]), asInt(x[1]));
  };
  auto larger = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    return std::max(asInt(x[0]), asInt(x[1]));
  };
  auto minimum = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    return llvm::minimum(asFloat(x[0]), asFloat(x[1]));
  };
  auto maximum = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    return llvm::maximum(asFloat(x[0]), asFloat(x[1]));
  };
  auto divideFloats = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    return asFloat(x[0]) / asFloat(x[1]);
  };
  auto reciprocal = [](Operation *, ArrayRef<Scalar> x) -> std::optional<Scalar> {
    return APFloat(APFloat(asFloat(x[0]).getSemantics(), 1) / asFloat(x[0]));
  };
  static const llvm::StringMap<Evaluator> evaluators = {
      {AddOp::getOperationName(), binary(add)},
      {SubOp::getOperationName(), binary(subtract)},
      {MulOp::getOperationName(), binary(multiply)},
      {DivOp::getOperationName(), numeric(divideInts, divideFloats)},
      {ModOp::getOperationName(), numeric(remainderOfInts, remainderOfFloats)},
      {MinOp::getOperationName(), numeric(smaller, minimum)},
      {MaxOp::getOperationName(), numeric(larger, maximum)},
      {AndOp::getOperationName(), conjunction},
      {OrOp::getOperationName(), disjunction},
      {XorOp::getOperationName(), exclusive},
      {BitwiseAndOp::getOperationName(), conjunction},
      {BitwiseOrOp::getOperationName(), disjunction},
      {BitwiseXorOp::getOperationName(), exclusive},
      {NotOp::getOperationName(), complement},
      {BitwiseNotOp::getOperationName(), complement},
      {CompareOp::getOperationName(), compare},
      {CastOp::getOperationName(), castScalar},
      {SqrtOp::getOperationName(), squareRoot},
      {FloorOp::getOperationName(), rounding(APFloat::rmTowardNegative)},
      {CeilOp::getOperationName(), rounding(APFloat::rmTowardPositive)},
      {RoundOp::getOperationName(), rounding(APFloat::rmNearestTiesToEven)},
      {ReciprocalOp::getOperationName(), reciprocal},
      {NegOp::getOperationName(), signedUnary([](const APSInt &x) { return -x; }, [](const APFloat &x) { return -x; })},
      {AbsOp::getOperationName(), signedUnary([](const APSInt &x) { return x.isNegative() ? APSInt(-x) : x; },
                                              [](const APFloat &x) { return abs(x); })},
      {WhereOp::getOperationName(),
       [](Operation *, ArrayRef<Scalar> x) { return std::optional<Scalar>(asInt(x[0]) != 0 ? x[1] : x[2]); }},
  };
  return evaluators;
}

//===----------------------------------------------------------------------===//
// Application to tensors
//===----------------------------------------------------------------------===//

static SmallVector<Scalar> getScalars(DenseElementsAttr dense) {
  Type type = dense.getElementType();
  SmallVector<Scalar> scalars;
  if (isa<FloatType>(type))
    for (const APFloat &value : dense.getValues<APFloat>())
      scalars.push_back(value);
  else
    for (const APInt &value : dense.getValues<APInt>())
      scalars.push_back(APSInt(value, type.isUnsignedInteger() || type.isInteger(1)));
  return scalars;
}

static DenseElementsAttr getDense(RankedTensorType type, ArrayRef<Scalar> scalars) {
  if (isa<FloatType>(type.getElementType()))
    return DenseElementsAttr::get(type, llvm::map_to_vector(scalars, [](const Scalar &x) { return asFloat(x); }));
  return DenseElementsAttr::get(type, llvm::map_to_vector(scalars, [](const Scalar &x) -> APInt { return asInt(x); }));
}

/// The row-major position of element `linear` of `result` in an operand that was
/// broadcast to it.
static int64_t getBroadcastPosition(int64_t linear, ArrayRef<int64_t> result, ArrayRef<int64_t> operand) {
  int64_t position = 0, stride = 1;
  for (size_t i = 1; i <= result.size(); ++i) {
    int64_t index = linear % result[result.size() - i];
    linear /= result[result.size() - i];
    if (i > operand.size())
      break;
    int64_t extent = operand[operand.size() - i];
    position += extent == 1 ? 0 : index * stride;
    stride *= extent;
  }
  return position;
}

static Attribute evaluate(Operation *op, ArrayRef<Attribute> operands) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto evaluator = getEvaluators().find(op->getName().getStringRef());
  if (evaluator == getEvaluators().end() || !type.hasStaticShape() || type.getNumElements() > maxFoldedElements)
    return {};
  SmallVector<SmallVector<Scalar>> values;
  SmallVector<DenseElementsAttr> constants;
  for (Attribute operand : operands) {
    constants.push_back(getDenseConstant(operand));
    if (!constants.back())
      return {};
    values.push_back(getScalars(constants.back()));
  }
  // Operations are folded before they are verified: their operands may not fit each other.
  ArrayRef<DenseElementsAttr> alike = ArrayRef(constants).drop_front(isa<WhereOp>(op) ? 1 : 0);
  if (!llvm::all_of(alike, [&](DenseElementsAttr x) { return x.getElementType() == alike.front().getElementType(); }))
    return {};
  SmallVector<Scalar> results;
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    SmallVector<Scalar> arguments;
    for (auto [constant, scalars] : llvm::zip(constants, values))
      arguments.push_back(scalars[getBroadcastPosition(i, type.getShape(), constant.getType().getShape())]);
    std::optional<Scalar> result = evaluator->second(op, arguments);
    if (!result)
      return {};
    results.push_back(*result);
  }
  return getDense(type, results);
}

/// Whether every element of a constant is `number`.
static bool isAll(Attribute attribute, int64_t number) {
  auto dense = dyn_cast_if_present<DenseElementsAttr>(attribute);
  if (!dense || !dense.isSplat())
    return false;
  if (isa<FloatType>(dense.getElementType()))
    return dense.getSplatValue<APFloat>().isExactlyValue(static_cast<double>(number));
  APInt value = dense.getSplatValue<APInt>();
  return number == 0 ? value.isZero() : value.isOne();
}

/// The operand that a binary operation with a neutral constant yields, or null.
/// Adding +0.0 turns -0.0 into +0.0, so it is neutral for integers only.
static Value getNeutral(Operation *op, ArrayRef<Attribute> operands) {
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(op->getResult(0)));
  bool neutralRight = (isa<MulOp, DivOp>(op) && isAll(operands[1], 1)) || (isa<SubOp>(op) && isAll(operands[1], 0)) ||
                      (isa<AddOp>(op) && !isFloat && isAll(operands[1], 0));
  if (neutralRight && op->getOperand(0).getType() == op->getResult(0).getType())
    return op->getOperand(0);
  bool neutralLeft =
      (isa<MulOp>(op) && isAll(operands[0], 1)) || (isa<AddOp>(op) && !isFloat && isAll(operands[0], 0));
  if (neutralLeft && op->getOperand(1).getType() == op->getResult(0).getType())
    return op->getOperand(1);
  return {};
}

OpFoldResult foldElementwise(Operation *op, ArrayRef<Attribute> operands) {
  if (operands.size() == 2)
    if (Value neutral = getNeutral(op, operands))
      return neutral;
  if (Attribute constant = evaluate(op, operands))
    return constant;
  return foldKnownInts(op);
}

OpFoldResult WhereOp::fold(FoldAdaptor adaptor) {
  auto condition = dyn_cast_if_present<DenseElementsAttr>(adaptor.getCondition());
  if (condition && condition.isSplat()) {
    Value chosen = condition.getSplatValue<bool>() ? getLhs() : getRhs();
    if (chosen.getType() == getType())
      return chosen;
  }
  return foldElementwise(*this, adaptor.getOperands());
}

OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return foldElementwise(*this, adaptor.getOperands());
}

} // namespace nnc::nn
