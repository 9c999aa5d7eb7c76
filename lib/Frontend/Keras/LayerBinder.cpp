// Typed access to one layer.
#include "lib/Frontend/Keras/LayerBinder.h"

#include "lib/Frontend/Keras/ModelImporter.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::keras {

/// Parameters that are still believed.
static constexpr int64_t maxPositive = (int64_t(1) << 31) - 1;

Type parseElementType(Builder &builder, StringRef name) {
  return llvm::StringSwitch<Type>(name)
      .Case("float16", builder.getF16Type())
      .Case("bfloat16", builder.getBF16Type())
      .Case("float32", builder.getF32Type())
      .Case("float64", builder.getF64Type())
      .Case("bool", builder.getI1Type())
      .Case("int8", builder.getIntegerType(8))
      .Case("int16", builder.getIntegerType(16))
      .Case("int32", builder.getIntegerType(32))
      .Case("int64", builder.getIntegerType(64))
      .Case("uint8", builder.getIntegerType(8, false))
      .Case("uint16", builder.getIntegerType(16, false))
      .Case("uint32", builder.getIntegerType(32, false))
      .Case("uint64", builder.getIntegerType(64, false))
      .Default({});
}

static void flatten(const Operand &operand, std::vector<Operand> &tensors) {
  if (operand.kind == Argument::Tensor)
    tensors.push_back(operand);
  for (const Operand &item : operand.items)
    flatten(item, tensors);
}

LayerBinder::LayerBinder(ModelImporter &importer, OpBuilder &builder, Location loc, const Layer &layer,
                         const Operands &operands)
    : NodeBuilder(builder, loc), importer(importer), layer(layer), operands(operands) {
  for (const Operand &operand : operands.positional)
    flatten(operand, inputs);
  if (const Operand *named = argument("inputs"); inputs.empty() && named)
    flatten(*named, inputs);
}

//===--- Parameters ---===//

SmallVector<int64_t> LayerBinder::positives(StringRef key, size_t count, int64_t otherwise) {
  SmallVector<int64_t> numbers(count, otherwise);
  if (parameters().has(key)) {
    std::optional<SmallVector<int64_t>> given = parameters().getInts(key, count);
    if (given && given->size() == 1)
      given->assign(count, given->front());
    if (!given || given->size() != count ||
        llvm::any_of(*given, [](int64_t number) { return number < 1 || number > maxPositive; }))
      (void)reject("'" + key + "' must be " + Twine(count) + " positive number" + (count == 1 ? "" : "s"));
    else
      numbers = *given;
  } else if (otherwise < 1) {
    (void)reject("it lacks the parameter '" + key + "'");
  }
  // After a failure nothing is built, but sizes are still computed with.
  for (int64_t &number : numbers)
    number = std::max<int64_t>(number, 1);
  return numbers;
}

void LayerBinder::refuse(std::initializer_list<StringRef> keys) {
  for (StringRef key : keys) {
    const llvm::json::Value *value = parameters().find(key);
    if (value && value->getAsBoolean() != false && value->getAsNumber() != 0.0)
      (void)reject("'" + key + "' is not supported");
  }
}

nn::Layout LayerBinder::getLayout() {
  StringRef format = parameters().getString("data_format", "channels_last");
  if (format != "channels_last" && format != "channels_first")
    (void)reject("data_format '" + format + "' is not known");
  return format == "channels_first" ? nn::Layout::ChannelsFirst : nn::Layout::ChannelsLast;
}

bool LayerBinder::isBeforeKeras3() const { return importer.getKerasVersion() < 3; }

int64_t LayerBinder::axis(StringRef key, int64_t otherwise, int64_t rank) {
  std::optional<SmallVector<int64_t>> given = parameters().getInts(key);
  if ((parameters().has(key) && !given) || (given && given->size() != 1)) {
    (void)reject("'" + key + "' must be one axis");
    return 0;
  }
  return normalizeAxis(given ? given->front() : otherwise, rank);
}

Type LayerBinder::getComputeType() {
  const llvm::json::Value *dtype = parameters().find("dtype");
  StringRef name = dtype ? dtype->getAsString().value_or("") : "float32";
  if (std::optional<TypedObject> policy = asTypedObject(dtype); policy && policy->config)
    name = Parameters(*policy->config).getString("name");
  if (name == "float32")
    return builder.getF32Type();
  if (name == "float64")
    return builder.getF64Type();
  if (name == "float16" || name == "mixed_float16")
    return builder.getF16Type();
  if (name == "bfloat16" || name == "mixed_bfloat16")
    return builder.getBF16Type();
  (void)reject("dtype '" + name + "' is not supported");
  return builder.getF32Type();
}

//===--- Arguments ---===//

Value LayerBinder::input(unsigned index) {
  if (index >= inputs.size()) {
    (void)reject("it needs " + Twine(index + 1) + " inputs, and has " + Twine(inputs.size()));
    return {};
  }
  Value value = inputs[index].value;
  // Layers convert floats to what they compute in; operations leave them as they are.
  if (!layer.isOperation && isa<FloatType>(getElementTypeOrSelf(value)))
    if (Type type = getComputeType(); getElementTypeOrSelf(value) != type)
      value = create<nn::CastOp>(value, type);
  return value;
}

Value LayerBinder::inputOfRank(int64_t rank) {
  Value value = input();
  if (value && getRank(value) != rank) {
    (void)reject("its input must have " + Twine(rank) + " dimensions, and has " + Twine(getRank(value)));
    return {};
  }
  return value;
}

void LayerBinder::expectInputs(unsigned count) {
  if (inputs.size() != count)
    (void)reject("it needs " + Twine(count) + " inputs, and has " + Twine(inputs.size()));
}

const Operand *LayerBinder::argument(StringRef name, int position) const {
  for (const auto &[key, operand] : operands.named)
    if (key == name)
      return &operand;
  bool isThere = position >= 0 && position < static_cast<int>(operands.positional.size());
  return isThere ? &operands.positional[position] : nullptr;
}

Value LayerBinder::mask() {
  if (const Operand *given = argument("mask"); given && given->kind == Argument::Tensor)
    return given->value;
  if (inputs.empty() || !inputs.front().isMasked)
    return {};
  if (!inputs.front().mask)
    (void)reject("which steps the mask of its input leaves out is not known here");
  return inputs.front().mask;
}

//===--- Weights ---===//

Value LayerBinder::weight() {
  if (failed())
    return {};
  const Hdf5Dataset *dataset = nextWeight < layer.weights.size() ? layer.weights[nextWeight++] : nullptr;
  if (!dataset) {
    (void)reject("the file lacks weight " + Twine(nextWeight) + " of it");
    return {};
  }
  Value value = importer.getWeight(*this, *dataset);
  if (value && isa<FloatType>(getElementTypeOrSelf(value)) && getElementTypeOrSelf(value) != getComputeType())
    value = create<nn::CastOp>(value, getComputeType());
  return value;
}

static std::string printShape(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(shape, stream << "[");
  stream << "]";
  return text;
}

/// Whether a shape is that of a kernel of one axis as Keras 1 had it: an image of one column.
static bool isColumn(ArrayRef<int64_t> given, ArrayRef<int64_t> shape) {
  return given.size() == 4 && shape.size() == 3 && given[0] == shape[0] && given[1] == 1 &&
         given.drop_front(2) == shape.drop_front();
}

Value LayerBinder::weight(ArrayRef<int64_t> shape) {
  if (!failed() && isBeforeKeras3() && nextWeight < layer.weights.size() && layer.weights[nextWeight] &&
      isColumn(layer.weights[nextWeight]->shape, shape))
    return reshape(weight(), shape);
  if (!failed() && nextWeight < layer.weights.size() && layer.weights[nextWeight] &&
      ArrayRef<int64_t>(layer.weights[nextWeight]->shape) != shape) {
    (void)reject("weight '" + layer.weights[nextWeight]->path + "' has the shape " +
                 printShape(layer.weights[nextWeight]->shape) + " where " + printShape(shape) + " is needed");
    return {};
  }
  return weight();
}

llvm::Expected<frontend::SharedBytes> LayerBinder::readAsset(StringRef name) {
  return importer.readAsset(layer, name);
}

//===--- Building ---===//

int64_t LayerBinder::extent(Value value, int64_t axis) {
  if (failed())
    return 1;
  int64_t extent = getShape(value)[axis];
  if (!ShapedType::isDynamic(extent))
    return extent;
  (void)reject("the extent of axis " + Twine(axis) + " of its input must be known; give it with --shape");
  return 1;
}

Value LayerBinder::like(Value value, double number) {
  return failed() ? Value() : scalar(getElementTypeOrSelf(value), number);
}

Value LayerBinder::transpose(Value value, ArrayRef<int64_t> permutation) {
  return create<nn::TransposeOp>(value, permutation);
}

Value LayerBinder::alignWithAxis(Value value, int64_t axis, int64_t rank) {
  if (failed())
    return {};
  SmallVector<int64_t> shape(rank, 1);
  shape[axis] = getShape(value)[0];
  while (axis > 0 && shape.size() > 1 && shape.front() == 1 && axis-- > 0)
    shape.erase(shape.begin());
  return reshape(value, shape);
}

LogicalResult LayerBinder::result(Value value) {
  if (failed() || !value)
    return failure();
  results.push_back(value);
  return success();
}

SmallVector<Value> LayerBinder::importInner(const Layer &inner, const Operands &arguments) {
  if (failed())
    return {};
  std::vector<Operand> values;
  SmallVector<Value> innerResults;
  if (!importer.importLayer(inner, arguments, values)) {
    (void)reject("the layer '" + inner.name + "' that it holds cannot be imported");
    return {};
  }
  for (const Operand &operand : values)
    innerResults.push_back(operand.value);
  return innerResults;
}

} // namespace nnc::keras
