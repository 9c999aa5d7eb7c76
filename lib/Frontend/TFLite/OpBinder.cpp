// Operands, options and results of one TFLite operator.
#include "lib/Frontend/TFLite/OpBinder.h"

#include "lib/Frontend/TFLite/ModelReader.h"

#include "dialects/NN/ConstantFolding.h"

#include "mlir/IR/TypeUtilities.h"

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
  const auto *given = static_cast<const flatbuffers::Table *>(op.builtin_options());
  size_t size = flatbuffers::ReadScalar<flatbuffers::voffset_t>(given->GetVTable());
  for (size_t place = 4 + 2 * numFields; place < size; place += 2)
    if (given->CheckField(place))
      (void)reject("it has an option (field " + Twine((place - 4) / 2) + ") that is not supported");
  return given;
}

//===--- Building ---===//

Type OpBinder::getResultType(unsigned index) const {
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

LogicalResult OpBinder::result(Value value) {
  if (!value || failed())
    return failure();
  if (results.size() < resultTensors.size()) {
    const format::Tensor &tensor = *resultTensors[results.size()];
    if (getElementTypeOrSelf(value) != getResultType(results.size()))
      return reject("its operands have elements that do not give " + Twine(format::EnumNameTensorType(tensor.type())));
  }
  results.push_back(value);
  return success();
}

} // namespace nnc::tflite
