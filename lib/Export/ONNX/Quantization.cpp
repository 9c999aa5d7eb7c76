// nn.quantize and nn.dequantize as QuantizeLinear and DequantizeLinear.
#include "lib/Export/ONNX/Quantization.h"

#include "dialects/NN/Extent.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

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
  if (parameter.isScalar)
    parameter.name = writer.asScalar(value);
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
  return (!real.isF16() || writer.needsOpset(19)) && (!isShort || writer.needsOpset(21));
}

static void writeQuantize(OpWriter &writer, nn::QuantizeOp op) {
  Type real = getElementTypeOrSelf(op.getInput()), integer = getElementTypeOrSelf(op.getResult());
  if (!isa<IntegerType>(integer) || op.getRounding() != nn::IntegerRounding::HalfToEven)
    return writer.refuse("quantisation that rounds halves away from zero, or to floats");
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

static void writeDequantize(OpWriter &writer, nn::DequantizeOp op) {
  Type real = getElementTypeOrSelf(op.getResult()), integer = getElementTypeOrSelf(op.getInput());
  if (!isa<IntegerType>(integer) || getElementTypeOrSelf(op.getScale()) != real)
    return writer.refuse("dequantisation of floats, or with a scale of another type than its result");
  if (!hasTypes(writer, real, integer, /*isWide=*/!op.getZeroPoint()))
    return;
  int64_t rank = getRanked(op.getInput()).getRank();
  Parameter scale = getParameter(writer, op.getScale(), rank);
  SmallVector<Attribute> attributes;
  if (!scale.isScalar)
    attributes.push_back({"axis", scale.axis});
  std::string zero = op.getZeroPoint() ? getZeroPoint(writer, op.getZeroPoint(), integer, scale, rank) : "";
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
