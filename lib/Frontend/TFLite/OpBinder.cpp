// Operands, options and results of one TFLite operator.
#include "lib/Frontend/TFLite/OpBinder.h"

#include "lib/Frontend/TFLite/ModelReader.h"

#include "dialects/NN/ConstantFolding.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace nnc::tflite {

//===--- Operands ---===//

Value OpBinder::operand(unsigned index) {
  if (Value value = optionalOperand(index))
    return value;
  (void)reject("operand " + Twine(index) + " is missing");
  return {};
}

Value OpBinder::optionalOperand(unsigned index) const { return index < operands.size() ? operands[index] : Value(); }

SmallVector<Value> OpBinder::allOperands() {
  SmallVector<Value> all;
  for (unsigned i = 0; i < operands.size(); ++i)
    if (Value value = operand(i))
      all.push_back(value);
  if (all.empty())
    (void)reject("it has no operands");
  return all;
}

SmallVector<int64_t> OpBinder::constantInts(unsigned index) {
  Value value = operand(index);
  if (!value)
    return {};
  if (auto ints = nn::getConstantInts(value))
    return *ints;
  (void)reject("operand " + Twine(index) + " must be known at compile time");
  return {};
}

int64_t OpBinder::constantInt(unsigned index) {
  SmallVector<int64_t> ints = constantInts(index);
  if (ints.size() == 1)
    return ints.front();
  (void)reject("operand " + Twine(index) + " must be one number");
  return 0;
}

int64_t OpBinder::constantAxis(unsigned index, Value of) { return normalizeAxis(constantInt(index), getRank(of)); }

Value OpBinder::indexList(unsigned index) {
  Value value = operand(index);
  if (!value)
    return {};
  if (!isa<IntegerType>(getElementTypeOrSelf(value)) || getRank(value) > 1) {
    (void)reject("operand " + Twine(index) + " must be a list of integers");
    return {};
  }
  if (getRank(value) == 0)
    value = create<nn::UnsqueezeOp>(value, ArrayRef<int64_t>{0});
  return cast(value, builder.getI64Type());
}

//===--- Quantised numbers ---===//

bool OpBinder::isOperandQuantized(unsigned index) const {
  return operandTensors[index] && isQuantized(*operandTensors[index]);
}

bool OpBinder::isOperandOf(unsigned index, format::TensorType type) const {
  return index < operandTensors.size() && operandTensors[index] && operandTensors[index]->type() == type;
}

Quantization OpBinder::readQuantization(const format::Tensor *tensor) {
  // Harmless numbers, for what is computed before anybody asks whether the operator failed.
  Quantization result{{1}, {0}, 0, 0, 1};
  Type type = tensor ? getElementType(builder.getContext(), tensor->type()) : Type();
  if (!type || !tensor->quantization() || !isa<IntegerType>(type) || type.getIntOrFloatBitWidth() > 32 ||
      getElements(tensor->quantization()->scale()).empty()) {
    (void)reject("an operand or result of it is not quantised, while others are");
    return result;
  }
  unsigned bits = type.getIntOrFloatBitWidth();
  result.lowest = type.isUnsignedInteger() ? 0 : -(int64_t(1) << (bits - 1));
  result.highest = result.lowest + (int64_t(1) << bits) - 1;
  ArrayRef<float> scales = getElements(tensor->quantization()->scale());
  SmallVector<int64_t> zeroPoints = getElements(tensor->quantization()->zero_point());
  if (tensor->quantization()->details_type() != format::QuantizationDetails::NONE)
    (void)reject("another kind of quantisation than by scale and zero point");
  for (float scale : scales)
    if (!(scale > 0) || !std::isfinite(scale))
      (void)reject("a scale that is not positive");
  for (int64_t zeroPoint : zeroPoints)
    if (zeroPoint < result.lowest || zeroPoint > result.highest)
      (void)reject("a zero point that its type does not have");
  if (zeroPoints.size() > 1 && zeroPoints.size() != scales.size())
    (void)reject("as many zero points as scales are needed");
  if (failed())
    return result;
  result.scales.assign(scales.begin(), scales.end());
  result.zeroPoints.assign(scales.size(), zeroPoints.empty() ? 0 : zeroPoints.front());
  if (zeroPoints.size() > 1)
    result.zeroPoints.assign(zeroPoints.begin(), zeroPoints.end());
  result.axis = tensor->quantization()->quantized_dimension();
  return result;
}

Quantization OpBinder::requireOne(Quantization quantization) {
  if (quantization.scales.size() != 1)
    (void)reject("a scale for each slice of a tensor that must have one");
  return quantization;
}

Quantization OpBinder::quantizationOf(unsigned index) {
  return readQuantization(index < operandTensors.size() ? operandTensors[index] : nullptr);
}

Quantization OpBinder::intermediateQuantization(unsigned index) {
  return readQuantization(index < intermediates.size() ? intermediates[index] : nullptr);
}

Quantization OpBinder::resultQuantization(unsigned index) {
  return readQuantization(index < resultTensors.size() ? resultTensors[index] : nullptr);
}

//===--- Options ---===//

/// A table without fields: every one has its default.
alignas(4) static const uint8_t emptyTable[] = {4, 0, 4, 0, 4, 0, 0, 0};

const void *OpBinder::checkOptions(format::BuiltinOptions kind, size_t numFields) {
  const void *defaults = emptyTable + 4;
  if (op.builtin_options_type() == format::BuiltinOptions::NONE || !op.builtin_options())
    return defaults;
  if (op.builtin_options_type() != kind) {
    (void)reject("it has options of another operator");
    return defaults;
  }
  return checkFields(op.builtin_options(), numFields);
}

const void *OpBinder::checkOptions2(format::BuiltinOptions2 kind, size_t numFields) {
  const void *defaults = emptyTable + 4;
  if (op.builtin_options_2_type() == format::BuiltinOptions2::NONE || !op.builtin_options_2())
    return defaults;
  if (op.builtin_options_2_type() == kind)
    return checkFields(op.builtin_options_2(), numFields);
  (void)reject("it has options of another operator");
  return defaults;
}

const void *OpBinder::checkFields(const void *options, size_t numFields) {
  const auto *given = static_cast<const flatbuffers::Table *>(options);
  size_t size = flatbuffers::ReadScalar<flatbuffers::voffset_t>(given->GetVTable());
  for (size_t place = 4 + 2 * numFields; place < size; place += 2)
    if (given->CheckField(place))
      (void)reject("it has an option (field " + Twine((place - 4) / 2) + ") that is not supported");
  return given;
}

//===--- Building ---===//

bool OpBinder::isQuantizedAfterwards(unsigned index) const {
  return isInFloats && index < resultTensors.size() && isQuantized(*resultTensors[index]);
}

Type OpBinder::getResultType(unsigned index) const {
  if (isQuantizedAfterwards(index))
    return builder.getF32Type();
  return index < resultTensors.size() ? getElementType(builder.getContext(), resultTensors[index]->type()) : Type();
}

Value OpBinder::cast(Value value, Type elementType) {
  if (!value || !elementType || getElementTypeOrSelf(value) == elementType)
    return value;
  return create<nn::CastOp>(value, elementType);
}

Value OpBinder::clip(Value value, double minimum, double maximum) {
  if (!value)
    return {};
  Type type = getElementTypeOrSelf(value);
  return create<nn::ClipOp>(value, scalar(type, minimum), scalar(type, maximum));
}

Value OpBinder::activate(Value value, format::Activation activation) {
  if (!value)
    return {};
  switch (activation) {
  case format::Activation::NONE:
    return value;
  case format::Activation::RELU:
    return create<nn::ReluOp>(value);
  case format::Activation::RELU_N1_TO_1:
    return clip(value, -1, 1);
  case format::Activation::RELU6:
    return clip(value, 0, 6);
  case format::Activation::TANH:
    return create<nn::TanhOp>(value);
  default:
    (void)reject("activation " + Twine(static_cast<int>(activation)) + " is not supported");
    return {};
  }
}

Value OpBinder::sliceAxis(Value value, int64_t axis, int64_t start, int64_t end) {
  return create<nn::SliceOp>(value, ints({start}), ints({end}), Value(), ArrayRef<int64_t>{axis});
}

//===--- Ending ---===//

/// Halves go to even integers, as in ONNX's QuantizeLinear.
Value OpBinder::quantize(Value value, const Quantization &numbers, const format::Tensor &tensor) {
  Type type = getElementType(builder.getContext(), tensor.type());
  Value zeroPoint = numbers.zeroPoint() ? scalar(type, numbers.zeroPoint()) : Value();
  return create<nn::QuantizeOp>(value, number(numbers.scale()), zeroPoint, type, nn::IntegerRounding::HalfToEven,
                                /*saturate=*/true);
}

/// Whether a value has real and imaginary parts.
static bool isPairs(Value value) {
  ArrayRef<int64_t> shape = frontend::NodeBuilder::getShape(value);
  return getElementTypeOrSelf(value).isF32() && !shape.empty() && shape.back() == 2;
}

LogicalResult OpBinder::result(Value value) {
  if (!value || failed())
    return failure();
  if (results.size() < resultTensors.size()) {
    const format::Tensor &tensor = *resultTensors[results.size()];
    bool isComplex = tensor.type() == format::TensorType::COMPLEX64;
    if (isComplex ? !isPairs(value) : getElementTypeOrSelf(value) != getResultType(results.size()))
      return reject("its operands have elements that do not give " + Twine(format::EnumNameTensorType(tensor.type())));
  }
  if (isQuantizedAfterwards(results.size()))
    value = quantize(value, resultTensorQuantization(results.size()), *resultTensors[results.size()]);
  if (failed())
    return failure();
  results.push_back(value);
  return success();
}

LogicalResult OpBinder::declaredResult(Value value) {
  unsigned index = results.size();
  if (!value || failed() || index >= resultTensors.size() || !operand(0) || !operandTensors.front())
    return result(value);
  SmallVector<int64_t> said = ModelReader::getShape(*resultTensors[index]);
  ArrayRef<int64_t> shape = getShape(value);
  if (said.empty() || getShape(operands.front()) != ArrayRef(ModelReader::getShape(*operandTensors.front())))
    return result(value);
  auto differ = [](std::tuple<int64_t, int64_t> pair) {
    auto [a, b] = pair;
    return a != b && !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b);
  };
  if (said.size() != shape.size() || llvm::any_of(llvm::zip(said, shape), differ))
    return reject("its result has not the shape that the file says it has");
  return result(value);
}

void OpBinder::setState(unsigned index, Value value) {
  if (failed())
    return;
  if (!operands[index] || value.getType() != operands[index].getType())
    (void)reject("its state has another type or shape than what it computes for it");
  states.emplace_back(index, value);
}

} // namespace nnc::tflite
