// ONNX operators of the element-wise family.
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Strings.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

/// One operand, one NN operation.
template <typename OpTy> static LogicalResult importUnary(NodeBinder &node) {
  Value x = node.operand(0);
  return node.result(node.create<OpTy>(x));
}

/// Two operands that broadcast, one NN operation.
template <typename OpTy> static LogicalResult importBinary(NodeBinder &node) {
  Value x = node.operand(0), y = node.operand(1);
  return node.result(node.create<OpTy>(x, y));
}

/// Any number of operands that broadcast, combined from left to right.
template <typename OpTy> static Value combine(NodeBinder &node) {
  SmallVector<Value> operands = node.allOperands();
  if (operands.empty())
    return node.operand(0);
  Value result = operands.front();
  for (Value operand : ArrayRef<Value>(operands).drop_front())
    result = node.create<OpTy>(result, operand);
  return result;
}

template <typename OpTy> static LogicalResult importVariadic(NodeBinder &node) {
  return node.result(combine<OpTy>(node));
}

static LogicalResult importMean(NodeBinder &node) {
  Value sum = combine<nn::AddOp>(node);
  if (node.failed())
    return failure();
  Value count = node.scalar(getElementTypeOrSelf(sum), node.getNumOperands());
  return node.result(node.create<nn::DivOp>(sum, count));
}

/// One operand and the float attribute `alpha`.
template <typename OpTy> static LogicalResult importAlpha(NodeBinder &node, double alpha) {
  Value x = node.operand(0);
  APFloat value(static_cast<float>(node.floatAttr("alpha", alpha)));
  return node.result(node.create<OpTy>(x, value));
}

static LogicalResult importLeakyRelu(NodeBinder &node) { return importAlpha<nn::LeakyReluOp>(node, 0.01); }
static LogicalResult importElu(NodeBinder &node) { return importAlpha<nn::EluOp>(node, 1); }
static LogicalResult importCelu(NodeBinder &node) { return importAlpha<nn::CeluOp>(node, 1); }
static LogicalResult importThresholdedRelu(NodeBinder &node) { return importAlpha<nn::ThresholdedReluOp>(node, 1); }
static LogicalResult importSwish(NodeBinder &node) { return importAlpha<nn::SiluOp>(node, 1); }

static LogicalResult importSelu(NodeBinder &node) {
  Value x = node.operand(0);
  APFloat alpha(static_cast<float>(node.floatAttr("alpha", 1.67326319217681884765625)));
  APFloat gamma(static_cast<float>(node.floatAttr("gamma", 1.05070102214813232421875)));
  return node.result(node.create<nn::SeluOp>(x, alpha, gamma));
}

static LogicalResult importHardSigmoid(NodeBinder &node) {
  Value x = node.operand(0);
  APFloat alpha(static_cast<float>(node.floatAttr("alpha", 0.2)));
  APFloat beta(static_cast<float>(node.floatAttr("beta", 0.5)));
  return node.result(node.create<nn::HardSigmoidOp>(x, alpha, beta));
}

static LogicalResult importShrink(NodeBinder &node) {
  Value x = node.operand(0);
  APFloat bias(static_cast<float>(node.floatAttr("bias", 0)));
  APFloat lambda(static_cast<float>(node.floatAttr("lambd", 0.5)));
  return node.result(node.create<nn::ShrinkOp>(x, bias, lambda));
}

static LogicalResult importGelu(NodeBinder &node) {
  Value x = node.operand(0);
  std::string name = node.stringAttr("approximate", "none");
  std::optional<nn::GeluForm> form = nn::symbolizeGeluForm(name);
  if (!form)
    return node.reject("approximate '" + name + "' is not known");
  return node.result(node.create<nn::GeluOp>(x, *form));
}

/// The bounds are attributes up to opset 10, operands from 11 on.
static LogicalResult importClip(NodeBinder &node) {
  Value x = node.operand(0);
  if (!x)
    return failure();
  if (node.getOpset() >= 11)
    return node.result(node.create<nn::ClipOp>(x, node.optionalOperand(1), node.optionalOperand(2)));
  Type type = getElementTypeOrSelf(x);
  Value minimum = node.hasAttr("min") ? node.scalar(type, node.floatAttr("min", 0)) : Value();
  Value maximum = node.hasAttr("max") ? node.scalar(type, node.floatAttr("max", 0)) : Value();
  return node.result(node.create<nn::ClipOp>(x, minimum, maximum));
}

static LogicalResult importIsInf(NodeBinder &node) {
  Value x = node.operand(0);
  bool negative = node.intAttr("detect_negative", 1), positive = node.intAttr("detect_positive", 1);
  return node.result(node.create<nn::IsInfOp>(x, negative, positive));
}

static LogicalResult importMod(NodeBinder &node) {
  Value x = node.operand(0), y = node.operand(1);
  bool fmod = node.intAttr("fmod", 0);
  return node.result(node.create<nn::ModOp>(x, y, fmod));
}

static LogicalResult importBitShift(NodeBinder &node) {
  Value x = node.operand(0), y = node.operand(1);
  std::string direction = node.stringAttr("direction", "");
  if (direction == "LEFT")
    return node.result(node.create<nn::ShiftLeftOp>(x, y));
  if (direction == "RIGHT")
    return node.result(node.create<nn::ShiftRightOp>(x, y));
  return node.reject("direction '" + direction + "' is not known");
}

template <nn::ComparePredicate predicate> static LogicalResult importCompare(NodeBinder &node) {
  Value x = node.operand(0), y = node.operand(1);
  if (node.failed())
    return failure();
  if (text::isStrings(x.getType()) != text::isStrings(y.getType()))
    return node.reject("strings are compared with numbers");
  if (text::isStrings(x.getType()) && predicate == nn::ComparePredicate::Equal)
    return node.result(node.create<text::EqualOp>(x, y));
  return node.result(node.create<nn::CompareOp>(x, y, predicate));
}

static LogicalResult importWhere(NodeBinder &node) {
  Value condition = node.operand(0), x = node.operand(1), y = node.operand(2);
  return node.result(node.create<nn::WhereOp>(condition, x, y));
}

static LogicalResult createCast(NodeBinder &node, Value x, Type to) {
  bool saturate = node.intAttr("saturate", 1);
  std::string name = node.stringAttr("round_mode", "up");
  auto rounding = nn::symbolizePowerRounding(name);
  if (!rounding)
    return node.reject("round_mode '" + name + "' is not known");
  if (x && to && (text::isStrings(x.getType()) || to.isIndex()))
    return node.result(castStrings(node, x, to));
  return node.result(node.create<nn::CastOp>(x, to, saturate, *rounding));
}

static LogicalResult importCast(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t number = node.intAttr("to", 0);
  Type to = isStringType(number) ? Type(node.getBuilder().getIndexType()) : node.elementType(number);
  return createCast(node, x, to);
}

static LogicalResult importCastLike(NodeBinder &node) {
  Value x = node.operand(0), like = node.operand(1);
  if (node.failed())
    return failure();
  return createCast(node, x, getElementTypeOrSelf(like));
}

static LogicalResult importBitCast(NodeBinder &node) {
  Value x = node.operand(0);
  Type to = node.elementType(node.intAttr("to", 0));
  return node.result(node.create<nn::BitcastOp>(x, to));
}

static LogicalResult importSwiGlu(NodeBinder &node) {
  Value gate = node.operand(0), x = node.operand(1);
  APFloat alpha(static_cast<float>(node.floatAttr("alpha", 1)));
  return node.result(node.create<nn::MulOp>(node.create<nn::SiluOp>(gate, alpha), x));
}

static const OpEntry table[] = {
    {"Abs", 6, importUnary<nn::AbsOp>},
    {"Acos", 7, importUnary<nn::AcosOp>},
    {"Acosh", 9, importUnary<nn::AcoshOp>},
    {"Add", 7, importBinary<nn::AddOp>},
    {"And", 7, importBinary<nn::AndOp>},
    {"Asin", 7, importUnary<nn::AsinOp>},
    {"Asinh", 9, importUnary<nn::AsinhOp>},
    {"Atan", 7, importUnary<nn::AtanOp>},
    {"Atanh", 9, importUnary<nn::AtanhOp>},
    {"BitCast", 26, importBitCast},
    {"BitShift", 11, importBitShift},
    {"BitwiseAnd", 18, importBinary<nn::BitwiseAndOp>},
    {"BitwiseNot", 18, importUnary<nn::BitwiseNotOp>},
    {"BitwiseOr", 18, importBinary<nn::BitwiseOrOp>},
    {"BitwiseXor", 18, importBinary<nn::BitwiseXorOp>},
    {"Cast", 6, importCast},
    {"CastLike", 15, importCastLike},
    {"Ceil", 6, importUnary<nn::CeilOp>},
    {"Celu", 12, importCelu},
    {"Clip", 6, importClip},
    {"Cos", 7, importUnary<nn::CosOp>},
    {"Cosh", 9, importUnary<nn::CoshOp>},
    {"Div", 7, importBinary<nn::DivOp>},
    {"Elu", 6, importElu},
    {"Equal", 7, importCompare<nn::ComparePredicate::Equal>},
    {"Erf", 9, importUnary<nn::ErfOp>},
    {"Exp", 6, importUnary<nn::ExpOp>},
    {"Floor", 6, importUnary<nn::FloorOp>},
    {"Gelu", 20, importGelu},
    {"Greater", 7, importCompare<nn::ComparePredicate::Greater>},
    {"GreaterOrEqual", 12, importCompare<nn::ComparePredicate::GreaterEqual>},
    {"HardSigmoid", 6, importHardSigmoid},
    {"HardSwish", 14, importUnary<nn::HardSwishOp>},
    {"IsInf", 10, importIsInf},
    {"IsNaN", 9, importUnary<nn::IsNaNOp>},
    {"LeakyRelu", 6, importLeakyRelu},
    {"Less", 7, importCompare<nn::ComparePredicate::Less>},
    {"LessOrEqual", 12, importCompare<nn::ComparePredicate::LessEqual>},
    {"Log", 6, importUnary<nn::LogOp>},
    {"Max", 6, importVariadic<nn::MaxOp>},
    {"Mean", 6, importMean},
    {"Min", 6, importVariadic<nn::MinOp>},
    {"Mish", 18, importUnary<nn::MishOp>},
    {"Mod", 10, importMod},
    {"Mul", 7, importBinary<nn::MulOp>},
    {"Neg", 6, importUnary<nn::NegOp>},
    {"Not", 1, importUnary<nn::NotOp>},
    {"Or", 7, importBinary<nn::OrOp>},
    {"PRelu", 7, importBinary<nn::PReluOp>},
    {"Pow", 7, importBinary<nn::PowOp>},
    {"Reciprocal", 6, importUnary<nn::ReciprocalOp>},
    {"Relu", 6, importUnary<nn::ReluOp>},
    {"Round", 11, importUnary<nn::RoundOp>},
    {"Selu", 6, importSelu},
    {"Shrink", 9, importShrink},
    {"Sigmoid", 6, importUnary<nn::SigmoidOp>},
    {"Sign", 9, importUnary<nn::SignOp>},
    {"Sin", 7, importUnary<nn::SinOp>},
    {"Sinh", 9, importUnary<nn::SinhOp>},
    {"Softplus", 1, importUnary<nn::SoftplusOp>},
    {"Softsign", 1, importUnary<nn::SoftsignOp>},
    {"Sqrt", 6, importUnary<nn::SqrtOp>},
    {"Sub", 7, importBinary<nn::SubOp>},
    {"Sum", 6, importVariadic<nn::AddOp>},
    {"SwiGLU", 28, importSwiGlu},
    {"Swish", 24, importSwish},
    {"Tan", 7, importUnary<nn::TanOp>},
    {"Tanh", 6, importUnary<nn::TanhOp>},
    {"ThresholdedRelu", 1, importThresholdedRelu},
    {"Where", 9, importWhere},
    {"Xor", 7, importBinary<nn::XorOp>},
};

ArrayRef<OpEntry> getElementwiseOps() { return table; }

} // namespace nnc::onnx
