// nn.quantize and nn.dequantize as QuantizeLinear and DequantizeLinear.
#include "lib/Export/ONNX/Quantization.h"

#include "dialects/NN/Extent.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace nnc::onnx_export {

namespace {

/// A scale or zero point as ONNX has it: one number, or one for each place along an axis.
struct Parameter {
  std::string name;
  int64_t axis = 0;
  int64_t count = 1; ///< kDynamic where not known
  bool isScalar = true;
};

} // namespace

/// The parameter `value`, broadcast to a tensor of `rank`; refuses one along several axes.
static Parameter getParameter(OpWriter &writer, Value value, int64_t rank) {
  RankedTensorType type = getRanked(value);
  Parameter parameter;
  for (auto [axis, extent] : llvm::enumerate(type.getShape())) {
    if (extent == 1)
      continue;
    if (!parameter.isScalar)
      writer.refuse("a scale or zero point along several axes");
    parameter = {"", rank - type.getRank() + static_cast<int64_t>(axis), extent, false};
  }
  DenseElementsAttr constant = nn::getDenseConstant(value);
  if (parameter.isScalar)
    parameter.name = writer.asScalar(value);
  else if (constant && type.getRank() > 1)
    parameter.name = writer.constant(
        constant.reshape(RankedTensorType::get({type.getNumElements()}, type.getElementType())));
  else
    parameter.name = type.getRank() == 1 ? writer.name(value) : writer.add("Reshape", {writer.name(value), writer.ints({-1})});
  return parameter;
}

/// The zero point `value`, or zeros of `type`, as long as `scale`.
static std::string getZeroPoint(OpWriter &writer, Value value, Type type, const Parameter &scale, int64_t rank) {
  if (value) {
    Parameter zero = getParameter(writer, value, rank);
    if (zero.isScalar != scale.isScalar || (!zero.isScalar && zero.axis != scale.axis))
      writer.refuse("a scale and a zero point of other shapes");
    return zero.name;
  }
  if (scale.isScalar)
    return writer.scalar(type, 0);
  if (ShapedType::isDynamic(scale.count)) {
    writer.refuse("a scale whose length is known at run time only, without a zero point");
    return "";
  }
  auto zeros = RankedTensorType::get({scale.count}, type);
  return writer.constant(cast<ElementsAttr>(Builder(type.getContext()).getZeroAttr(zeros)));
}

/// Whether ONNX has `real` and `integer` in the opset that is written; of 32 bits with `isWide` only.
static bool hasTypes(OpWriter &writer, Type real, Type integer, bool isWide) {
  bool isShort = integer.isInteger(16);
  if ((!real.isF32() && !real.isF16()) || !(isShort || integer.isInteger(8) || (isWide && integer.isInteger(32)))) {
    writer.refuse("quantised numbers of these types");
    return false;
  }
  return writer.needsOpset(isShort ? 21 : real.isF16() ? 19 : 13);
}

/// Halves away from zero, in f32: ONNX has no such operator. NaN is the least integer.
static void writeRoundedAway(OpWriter &writer, nn::QuantizeOp op) {
  Type integer = getElementTypeOrSelf(op.getResult()), real = getElementTypeOrSelf(op.getInput());
  unsigned width = integer.getIntOrFloatBitWidth();
  if (!real.isF32() || width > 16)
    return writer.refuse("quantisation that rounds halves away from zero, of others than f32 or to more than 16 bits");
  auto number = [&](double value) { return writer.scalar(real, value); };
  std::string quotient = writer.add("Div", {writer.name(op.getInput()), writer.name(op.getScale())});
  std::string magnitude = writer.add("Abs", {quotient}), whole = writer.add("Floor", {magnitude});
  std::string isUp = writer.add("GreaterOrEqual", {writer.add("Sub", {magnitude, whole}), number(0.5)});
  Attribute toReal("to", int64_t(getDataType(real)));
  whole = writer.add("Add", {whole, writer.add("Cast", {isUp}, {toReal})});
  // Infinite quotients have no fraction; they are beyond all integers either way.
  std::string limited = writer.add("Clip", {whole, "", number(1 << 20)});
  std::string sum = writer.add("Mul", {writer.add("Sign", {quotient}), limited});
  if (op.getZeroPoint())
    sum = writer.add("Add", {sum, writer.add("Cast", {writer.name(op.getZeroPoint())}, {toReal})});
  bool isUnsigned = integer.isUnsignedInteger();
  double least = isUnsigned ? 0 : -std::ldexp(1, width - 1), most = std::ldexp(1, width - !isUnsigned) - 1;
  sum = writer.add("Where", {writer.add("IsNaN", {writer.name(op.getInput())}), number(least), sum});
  sum = writer.add("Clip", {sum, number(least), number(most)});
  writer.finish("Cast", {sum}, {{"to", int64_t(getDataType(integer))}});
}

static void writeQuantize(OpWriter &writer, nn::QuantizeOp op) {
  Type real = getElementTypeOrSelf(op.getInput()), integer = getElementTypeOrSelf(op.getResult());
  if (!isa<IntegerType>(integer))
    return writer.refuse("quantisation to floats");
  if (op.getRounding() != nn::IntegerRounding::HalfToEven)
    return writeRoundedAway(writer, op);
  if (getElementTypeOrSelf(op.getScale()) != real)
    return writer.refuse("a scale of another type than the numbers");
  if (!hasTypes(writer, real, integer, /*isWide=*/false))
    return;
  int64_t rank = getRanked(op.getInput()).getRank();
  Parameter scale = getParameter(writer, op.getScale(), rank);
  std::string zero = getZeroPoint(writer, op.getZeroPoint(), integer, scale, rank);
  SmallVector<Attribute> attributes;
  if (!scale.isScalar)
    attributes.push_back({"axis", scale.axis});
  writer.finish("QuantizeLinear", {writer.name(op.getInput()), scale.name, zero}, attributes);
}

/// Whether `value` is a constant of zeros, of whatever size.
static bool isAllZero(Value value) {
  ElementsAttr elements;
  return matchPattern(value, m_Zero()) || (matchPattern(value, m_Constant(&elements)) &&
                                           llvm::all_of(getRawData(elements), [](char byte) { return byte == 0; }));
}

static void writeDequantize(OpWriter &writer, nn::DequantizeOp op) {
  Type real = getElementTypeOrSelf(op.getResult()), integer = getElementTypeOrSelf(op.getInput());
  if (!isa<IntegerType>(integer) || getElementTypeOrSelf(op.getScale()) != real)
    return writer.refuse("dequantisation of floats, or with a scale of another type than its result");
  bool isZero = !op.getZeroPoint() || isAllZero(op.getZeroPoint());
  if (!hasTypes(writer, real, integer, /*isWide=*/isZero))
    return;
  int64_t rank = getRanked(op.getInput()).getRank();
  Parameter scale = getParameter(writer, op.getScale(), rank);
  SmallVector<Attribute> attributes;
  if (!scale.isScalar)
    attributes.push_back({"axis", scale.axis});
  // Where ONNX Runtime moves a pair of nodes, it takes one without a zero point for one of ui8.
  bool hasZero = !integer.isInteger(32);
  std::string zero = hasZero ? getZeroPoint(writer, op.getZeroPoint(), integer, scale, rank) : "";
  writer.finish("DequantizeLinear", {writer.name(op.getInput()), scale.name, zero}, attributes);
}

std::string getProductZeroPoint(OpWriter &writer, Value value, int64_t rank, int64_t axis) {
  if (!value)
    return "";
  Parameter zero = getParameter(writer, value, rank);
  if (!zero.isScalar && zero.axis != axis)
    writer.refuse("a zero point along another axis than that of the outputs");
  return zero.name;
}

static const WriterEntry table[] = {row<nn::DequantizeOp, writeDequantize>(), row<nn::QuantizeOp, writeQuantize>()};

ArrayRef<WriterEntry> getQuantizationWriters() { return table; }

} // namespace nnc::onnx_export
