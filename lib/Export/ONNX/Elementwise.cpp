// Element-wise operations: most have a counterpart of the same meaning.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace nnc::onnx_export {

/// ONNX's name of an operation with the same operands and no attributes, and the opset that has it.
struct Counterpart {
  StringRef type;
  int64_t since;
};

static const llvm::StringMap<Counterpart> &getCounterparts() {
  static const llvm::StringMap<Counterpart> counterparts{
      {"nn.abs", {"Abs", 13}},         {"nn.neg", {"Neg", 13}},           {"nn.sign", {"Sign", 13}},
      {"nn.ceil", {"Ceil", 13}},       {"nn.floor", {"Floor", 13}},       {"nn.round", {"Round", 11}},
      {"nn.sqrt", {"Sqrt", 13}},       {"nn.exp", {"Exp", 13}},           {"nn.log", {"Log", 13}},
      {"nn.erf", {"Erf", 13}},         {"nn.sin", {"Sin", 7}},            {"nn.cos", {"Cos", 7}},
      {"nn.tan", {"Tan", 7}},          {"nn.asin", {"Asin", 7}},          {"nn.acos", {"Acos", 7}},
      {"nn.atan", {"Atan", 7}},        {"nn.sinh", {"Sinh", 9}},          {"nn.cosh", {"Cosh", 9}},
      {"nn.tanh", {"Tanh", 13}},       {"nn.asinh", {"Asinh", 9}},        {"nn.acosh", {"Acosh", 9}},
      {"nn.atanh", {"Atanh", 9}},      {"nn.not", {"Not", 1}},            {"nn.bitwise_not", {"BitwiseNot", 18}},
      {"nn.is_nan", {"IsNaN", 13}},    {"nn.sigmoid", {"Sigmoid", 13}},   {"nn.softplus", {"Softplus", 1}},
      {"nn.softsign", {"Softsign", 1}}, {"nn.mish", {"Mish", 18}},        {"nn.hard_swish", {"HardSwish", 14}},
      {"nn.reciprocal", {"Reciprocal", 13}}, {"nn.add", {"Add", 13}},     {"nn.sub", {"Sub", 13}},
      {"nn.mul", {"Mul", 13}},         {"nn.div", {"Div", 13}},           {"nn.max", {"Max", 13}},
      {"nn.min", {"Min", 13}},         {"nn.and", {"And", 7}},            {"nn.or", {"Or", 7}},
      {"nn.xor", {"Xor", 7}},          {"nn.bitwise_and", {"BitwiseAnd", 18}}, {"nn.bitwise_or", {"BitwiseOr", 18}},
      {"nn.bitwise_xor", {"BitwiseXor", 18}}, {"nn.prelu", {"PRelu", 9}}, {"nn.pow", {"Pow", 13}},
      {"nn.where", {"Where", 9}}};
  return counterparts;
}

static void writeCounterpart(OpWriter &writer, Operation *op) {
  const Counterpart &counterpart = getCounterparts().find(op->getName().getStringRef())->second;
  if (writer.needsOpset(counterpart.since))
    writer.finish(counterpart.type, writer.operands());
}

static Type getElement(Operation *op) { return getElementTypeOrSelf(op->getResult(0).getType()); }

static void writeRelu(OpWriter &writer, nn::ReluOp op) {
  if (isa<FloatType>(getElement(op)) || writer.needsOpset(14))
    writer.finish("Relu", writer.operands());
}

static void writeIsInf(OpWriter &writer, nn::IsInfOp op) {
  writer.finish("IsInf", writer.operands(),
                {{"detect_negative", int64_t(op.getDetectNegative())}, {"detect_positive", int64_t(op.getDetectPositive())}});
}

static void writeSilu(OpWriter &writer, nn::SiluOp op) {
  std::string x = writer.name(op.getInput()), scaled = x;
  double alpha = op.getAlpha().convertToFloat();
  if (alpha != 1)
    scaled = writer.add("Mul", {x, writer.scalar(getElement(op), alpha)});
  writer.finish("Mul", {x, writer.add("Sigmoid", {scaled})});
}

/// Before opset 20 its formula.
static void writeGelu(OpWriter &writer, nn::GeluOp op) {
  bool isTanh = op.getApproximate() == nn::GeluForm::Tanh;
  std::string x = writer.name(op.getInput());
  if (writer.getOpset() >= 20)
    return writer.finish("Gelu", {x}, {{"approximate", std::string(isTanh ? "tanh" : "none")}});
  Type type = getElement(op);
  auto constant = [&](double value) { return writer.scalar(type, value); };
  std::string inner;
  if (isTanh) {
    std::string cube = writer.add("Mul", {writer.add("Mul", {x, x}), x});
    std::string sum = writer.add("Add", {x, writer.add("Mul", {cube, constant(0.044715)})});
    inner = writer.add("Tanh", {writer.add("Mul", {sum, constant(std::sqrt(2 / M_PI))})});
  } else {
    inner = writer.add("Erf", {writer.add("Mul", {x, constant(std::sqrt(0.5))})});
  }
  std::string half = writer.add("Mul", {x, constant(0.5)});
  writer.finish("Mul", {half, writer.add("Add", {inner, constant(1)})});
}

template <typename OpTy> static void writeAlpha(OpWriter &writer, OpTy op) {
  StringRef type = llvm::StringSwitch<StringRef>(op->getName().getStringRef())
                       .Case("nn.leaky_relu", "LeakyRelu")
                       .Case("nn.elu", "Elu")
                       .Case("nn.celu", "Celu")
                       .Default("ThresholdedRelu");
  writer.finish(type, writer.operands(), {{"alpha", op.getAlpha().convertToFloat()}});
}

static void writeSelu(OpWriter &writer, nn::SeluOp op) {
  writer.finish("Selu", writer.operands(),
                {{"alpha", op.getAlpha().convertToFloat()}, {"gamma", op.getGamma().convertToFloat()}});
}

static void writeHardSigmoid(OpWriter &writer, nn::HardSigmoidOp op) {
  writer.finish("HardSigmoid", writer.operands(),
                {{"alpha", op.getAlpha().convertToFloat()}, {"beta", op.getBeta().convertToFloat()}});
}

static void writeShrink(OpWriter &writer, nn::ShrinkOp op) {
  writer.finish("Shrink", writer.operands(),
                {{"bias", op.getBias().convertToFloat()}, {"lambd", op.getLambda().convertToFloat()}});
}

static void writeClip(OpWriter &writer, nn::ClipOp op) {
  std::string low = op.getMinimum() ? writer.asScalar(op.getMinimum()) : "";
  std::string high = op.getMaximum() ? writer.asScalar(op.getMaximum()) : "";
  writer.finish("Clip", {writer.name(op.getInput()), low, high});
}

static void writeMod(OpWriter &writer, nn::ModOp op) {
  if (isa<FloatType>(getElement(op)) && !op.getFmod())
    return writer.refuse("the remainder of floats with the divisor's sign");
  writer.finish("Mod", writer.operands(), {{"fmod", int64_t(op.getFmod())}});
}

/// The powers of two by which signed integers are multiplied or divided, as a constant of their type; "" where a number of
/// bits is not constant, or the power would be negative (`isSignFree`), or more than all bits.
template <typename OpTy> static std::string getPowers(OpWriter &writer, OpTy op, bool isSignFree) {
  auto type = cast<RankedTensorType>(op.getRhs().getType());
  DenseElementsAttr bits = nn::getDenseConstant(op.getRhs());
  unsigned width = type.getElementTypeBitWidth();
  if (!bits)
    return "";
  SmallVector<APInt> powers;
  for (const APInt &number : bits.getValues<APInt>()) {
    if (number.uge(isSignFree ? width - 1 : width))
      return "";
    powers.push_back(APInt::getOneBitSet(width, number.getZExtValue()));
  }
  return writer.constant(DenseElementsAttr::get(type, powers));
}

namespace {

/// The operands of a shift as i64: x, and powers of two whose product is that of the second. Of up to 64 bits there are
/// two, none of which is negative.
struct WideShift {
  std::string x;
  SmallVector<std::string, 2> powers;
};

} // namespace

template <typename OpTy> static WideShift widen(OpWriter &writer, OpTy op) {
  Builder builder(op.getContext());
  Type i64 = builder.getI64Type(), ui64 = builder.getIntegerType(64, /*isSigned=*/false);
  auto most = static_cast<int64_t>(getElement(op).getIntOrFloatBitWidth());
  auto cast = [&](const std::string &value, Type type) {
    return writer.add("Cast", {value}, {{"to", int64_t(getDataType(type))}});
  };
  auto raise = [&](const std::string &bits) {
    Attribute left("direction", std::string("LEFT"));
    return cast(writer.add("BitShift", {writer.scalar(ui64, 1), cast(bits, ui64)}, {left}), i64);
  };
  std::string bits = cast(writer.name(op.getRhs()), i64);
  // As an unsigned number a negative one is beyond all.
  std::string isFar = writer.add("Or", {writer.add("Less", {bits, writer.scalar(i64, 0)}),
                                        writer.add("Greater", {bits, writer.scalar(i64, most)})});
  bits = writer.add("Where", {isFar, writer.scalar(i64, most), bits});
  WideShift shift{cast(writer.name(op.getLhs()), i64), {}};
  if (most < 64) {
    shift.powers = {raise(bits)};
    return shift;
  }
  std::string half = writer.add("Div", {bits, writer.scalar(i64, 2)});
  shift.powers = {raise(half), raise(writer.add("Sub", {bits, half}))};
  return shift;
}

/// ONNX shifts unsigned integers only; signed ones are multiplied by powers of two.
static void writeSignedShiftLeft(OpWriter &writer, nn::ShiftLeftOp op) {
  if (std::string powers = getPowers(writer, op, /*isSignFree=*/false); !powers.empty())
    return writer.finish("Mul", {writer.name(op.getLhs()), powers});
  WideShift shift = widen(writer, op);
  for (const std::string &power : shift.powers)
    shift.x = writer.add("Mul", {shift.x, power});
  writer.finish("Cast", {shift.x}, {{"to", int64_t(getDataType(getElement(op)))}});
}

/// Without the remainder, which is never negative, a division leaves no fraction: it rounds down.
static void writeSignedShiftRight(OpWriter &writer, nn::ShiftRightOp op) {
  std::string x = writer.name(op.getLhs()), powers = getPowers(writer, op, /*isSignFree=*/true);
  Type type = getElement(op);
  bool isNarrow = type.getIntOrFloatBitWidth() < 32; // of which ONNX Runtime divides none
  auto divide = [&](const std::string &number, const std::string &power) {
    return SmallVector<std::string>{writer.add("Sub", {number, writer.add("Mod", {number, power})}), power};
  };
  if (!powers.empty() && !isNarrow)
    return writer.finish("Div", divide(x, powers));
  WideShift shift = widen(writer, op);
  for (const std::string &power : shift.powers)
    shift.x = writer.add("Div", divide(shift.x, power));
  writer.finish("Cast", {shift.x}, {{"to", int64_t(getDataType(type))}});
}

template <typename OpTy> static void writeShift(OpWriter &writer, OpTy op) {
  constexpr bool isLeft = std::is_same_v<OpTy, nn::ShiftLeftOp>;
  if (getElement(op).isUnsignedInteger())
    return writer.finish("BitShift", writer.operands(), {{"direction", std::string(isLeft ? "LEFT" : "RIGHT")}});
  if constexpr (isLeft)
    writeSignedShiftLeft(writer, op);
  else
    writeSignedShiftRight(writer, op);
}

static void writeCompare(OpWriter &writer, nn::CompareOp op) {
  switch (op.getPredicate()) {
  case nn::ComparePredicate::Equal:
    return writer.finish("Equal", writer.operands());
  case nn::ComparePredicate::Less:
    return writer.finish("Less", writer.operands());
  case nn::ComparePredicate::LessEqual:
    return writer.finish("LessOrEqual", writer.operands());
  case nn::ComparePredicate::Greater:
    return writer.finish("Greater", writer.operands());
  case nn::ComparePredicate::GreaterEqual:
    return writer.finish("GreaterOrEqual", writer.operands());
  }
}

static void writeCast(OpWriter &writer, nn::CastOp op) {
  writer.finish("Cast", writer.operands(), {{"to", int64_t(getDataType(op.getTo()))}});
}

static std::vector<WriterEntry> makeTable() {
  std::vector<WriterEntry> rows{row<nn::ReluOp, writeRelu>(),
                                row<nn::IsInfOp, writeIsInf>(),
                                row<nn::SiluOp, writeSilu>(),
                                row<nn::GeluOp, writeGelu>(),
                                row<nn::LeakyReluOp, writeAlpha<nn::LeakyReluOp>>(),
                                row<nn::EluOp, writeAlpha<nn::EluOp>>(),
                                row<nn::CeluOp, writeAlpha<nn::CeluOp>>(),
                                row<nn::ThresholdedReluOp, writeAlpha<nn::ThresholdedReluOp>>(),
                                row<nn::SeluOp, writeSelu>(),
                                row<nn::HardSigmoidOp, writeHardSigmoid>(),
                                row<nn::ShrinkOp, writeShrink>(),
                                row<nn::ClipOp, writeClip>(),
                                row<nn::ModOp, writeMod>(),
                                row<nn::ShiftLeftOp, writeShift<nn::ShiftLeftOp>>(),
                                row<nn::ShiftRightOp, writeShift<nn::ShiftRightOp>>(),
                                row<nn::CompareOp, writeCompare>(),
                                row<nn::CastOp, writeCast>()};
  for (const auto &counterpart : getCounterparts())
    rows.push_back({counterpart.first(), writeCounterpart});
  return rows;
}

ArrayRef<WriterEntry> getElementwiseWriters() {
  static const std::vector<WriterEntry> table = makeTable();
  return table;
}

} // namespace nnc::onnx_export
