// Layers that set elements in relation to their neighbours, or to statistics of the training data.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

static Value fill(LayerBinder &layer, int64_t count, float value) {
  return layer.failed() ? Value() : layer.floats({count}, std::vector<float>(count, value));
}

static void listBatchNormalization(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  unsigned number = 0;
  auto add = [&](bool isTrainable) { slots.push_back({"vars/" + std::to_string(number++), isTrainable}); };
  if (parameters.getBool("scale", true))
    add(true);
  if (parameters.getBool("center", true))
    add(true);
  add(false);
  add(false);
}

static LogicalResult importBatchNormalization(LayerBinder &layer) {
  Value x = layer.input();
  layer.expectInputs(1);
  int64_t rank = layer.getRank(x), axis = layer.axis("axis", -1, rank);
  if (layer.failed())
    return failure();
  int64_t channels = layer.extent(x, axis);
  bool hasScale = layer.parameters().getBool("scale", true), hasCenter = layer.parameters().getBool("center", true);
  Value scale = hasScale ? layer.weight({channels}) : Value(), bias = hasCenter ? layer.weight({channels}) : Value();
  // Only a weight proves that there are so many channels.
  Value mean = layer.weight({channels}), variance = layer.weight({channels});
  scale = scale ? scale : fill(layer, channels, 1);
  bias = bias ? bias : fill(layer, channels, 0);
  llvm::APFloat epsilon(layer.parameters().getNumber("epsilon", 1e-3));
  // The channels stand first or last for the operation; of vectors and of other axes that is a matter of order.
  if (axis == rank - 1 || axis == 1) {
    nn::Layout layout = axis == 1 ? nn::Layout::ChannelsFirst : nn::Layout::ChannelsLast;
    return layer.result(layer.create<nn::BatchNormOp>(x, scale, bias, mean, variance, layout, epsilon));
  }
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < rank; ++i)
    order.push_back(i);
  std::swap(order[axis], order[rank - 1]);
  x = layer.create<nn::BatchNormOp>(layer.transpose(x, order), scale, bias, mean, variance, nn::Layout::ChannelsLast,
                                    epsilon);
  return layer.result(layer.transpose(x, order));
}

//===--- Statistics of the sample itself ---===//

static void listScaleAndCenter(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  unsigned number = 0;
  for (StringRef key : {"scale", "center"})
    if (parameters.getBool(key, true))
      slots.push_back({"vars/" + std::to_string(number++)});
}

/// The axes of a parameter, ascending.
static SmallVector<int64_t> getAxes(LayerBinder &layer, int64_t rank) {
  SmallVector<int64_t> axes = layer.parameters().getInts("axis").value_or(SmallVector<int64_t>{-1});
  for (int64_t &axis : axes)
    axis = layer.normalizeAxis(axis, rank);
  llvm::sort(axes);
  if (axes.empty() || std::unique(axes.begin(), axes.end()) != axes.end())
    (void)layer.reject("'axis' must be one axis or several");
  return axes;
}

/// The next weight, with the extents of x along `axes` and 1 elsewhere.
static Expression alignedWeight(LayerBinder &layer, Value x, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> shape, aligned(layer.getRank(x), 1);
  for (int64_t axis : axes)
    shape.push_back(aligned[axis] = layer.extent(x, axis));
  Value weight = layer.weight(shape);
  return {layer, layer.failed() ? Value() : layer.reshape(weight, aligned)};
}

/// (x - mean) / sqrt(variance + epsilon) over `axes`, or without the mean x / sqrt(mean of squares + epsilon).
static Expression standardize(Expression x, ArrayRef<int64_t> axes, double epsilon, bool isCentered) {
  if (isCentered)
    x = x - x.reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/true);
  Expression variance = (x * x).reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/true);
  return x / (variance + epsilon).unary<nn::SqrtOp>();
}

static LogicalResult importLayerNormalization(LayerBinder &layer) {
  Value x = layer.input();
  SmallVector<int64_t> axes = getAxes(layer, layer.getRank(x));
  layer.refuse({"rms_scaling"});
  if (layer.failed())
    return failure();
  Expression scale, center;
  if (layer.parameters().getBool("scale", true))
    scale = alignedWeight(layer, x, axes);
  if (layer.parameters().getBool("center", true))
    center = alignedWeight(layer, x, axes);
  double epsilon = layer.parameters().getNumber("epsilon", 1e-3);
  // The operation takes the last axes; others are put together.
  if (axes.front() == layer.getRank(x) - static_cast<int64_t>(axes.size()))
    return layer.result(layer.create<nn::LayerNormOp>(x, scale, center, axes.front(), llvm::APFloat(epsilon)));
  Expression result = standardize({layer, x}, axes, epsilon, /*isCentered=*/true);
  result = scale ? result * scale : result;
  return layer.result(center ? result + center : result);
}

static LogicalResult importRMSNormalization(LayerBinder &layer) {
  Value x = layer.input();
  SmallVector<int64_t> axes = getAxes(layer, layer.getRank(x));
  if (layer.failed())
    return failure();
  Expression scale = alignedWeight(layer, x, axes);
  double epsilon = layer.parameters().getNumber("epsilon", 1e-6);
  return layer.result(standardize({layer, x}, axes, epsilon, /*isCentered=*/false) * scale);
}

static void listRMSNormalization(const Parameters &, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0"});
}

/// A factor for each channel: a layer of keras.applications' ConvNeXt.
static LogicalResult importLayerScale(LayerBinder &layer) {
  Value x = layer.input();
  int64_t channels = layer.positive("projection_dim", 0);
  return layer.result(layer.mul(x, layer.weight({channels})));
}

static void listLayerScale(const Parameters &, SmallVectorImpl<WeightSlot> &slots) { slots.push_back({"vars/0"}); }

/// The channels in groups; each group of a sample has its own statistics.
static LogicalResult importGroupNormalization(LayerBinder &layer) {
  Value input = layer.input();
  int64_t rank = layer.getRank(input), axis = layer.axis("axis", -1, rank);
  int64_t groups = layer.parameters().getInt("groups", 32);
  if (layer.failed())
    return failure();
  int64_t channels = layer.extent(input, axis);
  groups = groups == -1 ? channels : groups;
  if (layer.failed() || axis == 0 || groups < 1 || channels % groups)
    return layer.reject("its channels cannot be divided into groups");
  Expression x(layer, input), shape = x.shape();
  SmallVector<Expression> extents{x.shape(0, axis), Expression::ints(layer, {groups, channels / groups})};
  if (axis + 1 < rank)
    extents.push_back(x.shape(axis + 1, rank));
  SmallVector<int64_t> axes;
  for (int64_t i = 1; i < rank + 1; ++i)
    if (i != axis)
      axes.push_back(i);
  x = standardize(x.reshape(Expression::concat(layer, extents, 0)), axes, layer.parameters().getNumber("epsilon", 1e-3),
                  /*isCentered=*/true);
  x = x.reshape(shape);
  if (layer.parameters().getBool("scale", true))
    x = x * alignedWeight(layer, input, {axis});
  if (layer.parameters().getBool("center", true))
    x = x + alignedWeight(layer, input, {axis});
  return layer.result(x);
}

static LogicalResult importUnitNormalization(LayerBinder &layer) {
  Expression x(layer, layer.input());
  SmallVector<int64_t> axes = getAxes(layer, x.getRank());
  if (layer.failed())
    return failure();
  Expression length = (x * x).reduce(nn::ReductionKind::Sum, axes, /*keepdims=*/true).unary<nn::SqrtOp>();
  return layer.result(x / length.max(x.like(1e-12)));
}

//===--- Weights ---===//

/// Training has divided the weights of the layer that it holds by their largest singular value; they are used as they are.
static LogicalResult importSpectralNormalization(LayerBinder &layer) {
  Value x = layer.input();
  layer.expectInputs(1);
  if (layer.failed())
    return failure();
  Operand operand;
  operand.kind = Argument::Tensor;
  operand.value = x;
  Operands operands;
  operands.positional.push_back(operand);
  for (Value result : layer.importInner(*layer.get().inner.front().second, operands))
    if (failed(layer.result(Expression(layer, result).cast(Expression(layer, x).getElementType()))))
      return failure();
  return failure(layer.failed());
}

/// The vector that training finds the singular value with, which nobody needs afterwards.
static void listSpectralNormalization(const Parameters &, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0", /*isTrainable=*/false});
}

//===--- Input data ---===//

/// A number, or one for each channel, as numbers that broadcast against the last axis.
static Expression getNumbers(LayerBinder &layer, Value x, StringRef key, double otherwise) {
  const llvm::json::Value *value = layer.parameters().find(key);
  const llvm::json::Array *list = value ? value->getAsArray() : nullptr;
  if (!list)
    return Expression(layer, x).like(layer.parameters().getNumber(key, otherwise));
  std::vector<float> numbers;
  for (const llvm::json::Value &entry : *list)
    numbers.push_back(static_cast<float>(entry.getAsNumber().value_or(0)));
  int64_t count = numbers.size();
  return Expression(layer, layer.floats({count}, std::move(numbers))).cast(Expression(layer, x).getElementType());
}

static Value inputAsFloat(LayerBinder &layer) {
  Value x = layer.input();
  return layer.failed() ? Value() : Value(Expression(layer, x).cast(layer.getComputeType()));
}

static LogicalResult importRescaling(LayerBinder &layer) {
  Value x = inputAsFloat(layer);
  if (layer.failed())
    return failure();
  return layer.result(Expression(layer, x) * getNumbers(layer, x, "scale", 1) + getNumbers(layer, x, "offset", 0));
}

/// Mean and variance are parameters, or have been computed from data: mean, variance and a count in the file.
static bool isAdapted(const Parameters &parameters) { return !parameters.has("mean"); }

static void listNormalization(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  if (isAdapted(parameters))
    for (StringRef path : {"vars/0", "vars/1", "vars/2"})
      slots.push_back({path.str(), /*isTrainable=*/false});
}

static LogicalResult importNormalization(LayerBinder &layer) {
  Value x = inputAsFloat(layer);
  if (layer.failed())
    return failure();
  Expression mean, variance;
  if (isAdapted(layer.parameters())) {
    int64_t rank = layer.getRank(x);
    SmallVector<int64_t> axes;
    if (layer.parameters().has("axis") || !layer.parameters().get().get("axis"))
      axes = getAxes(layer, rank);
    if (layer.failed())
      return failure();
    mean = alignedWeight(layer, x, axes);
    variance = alignedWeight(layer, x, axes);
  } else {
    mean = getNumbers(layer, x, "mean", 0);
    variance = getNumbers(layer, x, "variance", 1);
  }
  Expression deviation = variance.unary<nn::SqrtOp>().max(variance.like(1e-7));
  if (layer.parameters().getBool("invert", false))
    return layer.result(mean + Expression(layer, x) * deviation);
  return layer.result((Expression(layer, x) - mean) / deviation);
}

static const LayerEntry table[] = {
    {"BatchNormalization", importBatchNormalization, listBatchNormalization},
    {"GroupNormalization", importGroupNormalization, listScaleAndCenter},
    {"LayerNormalization", importLayerNormalization, listScaleAndCenter},
    {"LayerScale", importLayerScale, listLayerScale},
    {"Normalization", importNormalization, listNormalization},
    {"RMSNormalization", importRMSNormalization, listRMSNormalization},
    {"Rescaling", importRescaling},
    {"SpectralNormalization", importSpectralNormalization, listSpectralNormalization},
    {"UnitNormalization", importUnitNormalization},
};

ArrayRef<LayerEntry> getNormalizationLayers() { return table; }

} // namespace nnc::keras
