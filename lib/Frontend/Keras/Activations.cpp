// Activation functions by their names, and the layers that apply one.
#include "lib/Frontend/Keras/Activations.h"

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

template <typename OpTy, typename... Args> static Expression unary(Expression x, Args... args) {
  return x.unary<OpTy>(args...);
}

static FloatAttr f32(LayerBinder &layer, double number) {
  return layer.getBuilder().getF32FloatAttr(static_cast<float>(number));
}

/// log(1 + exp(x)) and log(1 / (1 + exp(-x))) have one form that does not overflow.
static Expression logSigmoid(Expression x) { return unary<nn::NegOp>(unary<nn::SoftplusOp>(unary<nn::NegOp>(x))); }

static Expression clip(Expression x, double low, double high) { return x.max(x.like(low)).min(x.like(high)); }

/// x where `condition` holds, else 0.
static Expression keep(Expression condition, Expression x) { return condition.choose(x, x.like(0)); }

static Expression applyGlu(LayerBinder &layer, Expression x) {
  int64_t axis = x.getRank() - 1, extent = layer.extent(x, axis);
  if (extent % 2)
    (void)layer.reject("glu halves an axis of an odd extent");
  return x.slice(axis, 0, extent / 2) * x.slice(axis, extent / 2, extent).unary<nn::SigmoidOp>();
}

static Expression applyBySign(LayerBinder &layer, StringRef name, Expression x) {
  if (name == "relu")
    return unary<nn::ReluOp>(x);
  if (name == "relu6")
    return clip(x, 0, 6);
  if (name == "leaky_relu")
    return unary<nn::LeakyReluOp>(x, f32(layer, 0.2));
  if (name == "elu")
    return unary<nn::EluOp>(x, f32(layer, 1));
  if (name == "celu")
    return unary<nn::CeluOp>(x, f32(layer, 1));
  if (name == "selu")
    return unary<nn::SeluOp>(x, f32(layer, 1.6732632423543772), f32(layer, 1.0507009873554805));
  if (name == "hard_tanh")
    return clip(x, -1, 1);
  if (name == "soft_shrink")
    return unary<nn::ShrinkOp>(x, f32(layer, 0.5), f32(layer, 0.5));
  if (name == "hard_shrink")
    return keep(x.unary<nn::AbsOp>() > x.like(0.5), x);
  if (name == "sparse_plus")
    return (x > x.like(1)).choose(x, keep(x > x.like(-1), (x + 1) * (x + 1) / 4));
  if (name == "sparse_sigmoid")
    return clip((x + 1) / 2, 0, 1);
  return {};
}

static Expression applySmooth(LayerBinder &layer, StringRef name, Expression x) {
  if (name == "sigmoid")
    return unary<nn::SigmoidOp>(x);
  if (name == "tanh")
    return unary<nn::TanhOp>(x);
  if (name == "softplus")
    return unary<nn::SoftplusOp>(x);
  if (name == "softsign")
    return unary<nn::SoftsignOp>(x);
  if (name == "silu" || name == "swish")
    return unary<nn::SiluOp>(x, f32(layer, 1));
  if (name == "gelu")
    return unary<nn::GeluOp>(x, nn::GeluForm::None);
  if (name == "mish")
    return unary<nn::MishOp>(x);
  if (name == "exponential" || name == "exp")
    return unary<nn::ExpOp>(x);
  if (name == "log_sigmoid")
    return logSigmoid(x);
  if (name == "tanh_shrink")
    return x - unary<nn::TanhOp>(x);
  if (name == "squareplus")
    return (x + unary<nn::SqrtOp>(x * x + 4)) / 2;
  // The slope changed with Keras 3.
  if (name == "hard_sigmoid")
    return unary<nn::HardSigmoidOp>(x, f32(layer, layer.isBeforeKeras3() ? 0.2 : 1.0 / 6), f32(layer, 0.5));
  if (name == "hard_silu" || name == "hard_swish")
    return unary<nn::HardSwishOp>(x);
  return {};
}

Value applyActivation(LayerBinder &layer, Value value, StringRef name) {
  if (layer.failed() || name == "linear")
    return value;
  Expression x(layer, value);
  int64_t last = x.getRank() - 1;
  if (name == "softmax" || name == "log_softmax" || name == "glu") {
    if (last < 0) {
      (void)layer.reject("its activation needs an axis");
      return {};
    }
    if (name == "glu")
      return applyGlu(layer, x);
    return name == "softmax" ? x.softmax(last) : unary<nn::LogSoftmaxOp>(x, last);
  }
  Expression result = applyBySign(layer, name, x);
  if (!result)
    result = applySmooth(layer, name, x);
  if (!result && !layer.failed())
    (void)layer.reject("the activation '" + name + "' is not supported");
  return result;
}

/// Layers with parameters, which can be a layer's activation as well.
static Value applyLayer(LayerBinder &layer, Value value, StringRef className, const Parameters &parameters);

/// A name, or an object with the name of a function, or a layer.
static Value applySpecified(LayerBinder &layer, Value x, const llvm::json::Value &spec) {
  if (auto name = spec.getAsString())
    return applyActivation(layer, x, *name);
  const llvm::json::Object *object = spec.getAsObject();
  StringRef className = object ? object->getString("class_name").value_or("") : "";
  if (className == "function")
    return applyActivation(layer, x, object->getString("config").value_or("?"));
  static const llvm::json::Object none;
  const llvm::json::Object *config = object ? object->getObject("config") : nullptr;
  return applyLayer(layer, x, className, Parameters(config ? *config : none));
}

Value LayerBinder::activate(Value x, StringRef key) {
  const llvm::json::Value *spec = parameters().find(key);
  return spec && !failed() ? applySpecified(*this, x, *spec) : x;
}

//===--- Layers ---===//

/// The parameter's name changed from alpha to negative_slope.
static double getSlope(const Parameters &parameters, double otherwise) {
  return parameters.getNumber("negative_slope", parameters.getNumber("alpha", otherwise));
}

static Value applyRelu(LayerBinder &layer, Value value, const Parameters &parameters) {
  double slope = getSlope(parameters, 0), threshold = parameters.getNumber("threshold", 0);
  Expression x(layer, value), result = x;
  if (threshold != 0)
    result = (x >= x.like(threshold)).choose(x, (x - threshold) * slope);
  else
    result = slope == 0 ? x.unary<nn::ReluOp>() : unary<nn::LeakyReluOp>(x, f32(layer, slope));
  return parameters.has("max_value") ? result.min(x.like(parameters.getNumber("max_value", 0))) : result;
}

static Value applySoftmax(LayerBinder &layer, Value value, const Parameters &parameters) {
  std::optional<SmallVector<int64_t>> axes = parameters.getInts("axis");
  if (parameters.has("axis") && (!axes || axes->size() != 1)) {
    (void)layer.reject("a softmax over several axes is not supported");
    return {};
  }
  int64_t axis = layer.normalizeAxis(axes ? axes->front() : -1, layer.getRank(value));
  return layer.failed() ? Value() : Value(Expression(layer, value).softmax(axis));
}

static Value applyLayer(LayerBinder &layer, Value value, StringRef className, const Parameters &parameters) {
  if (layer.failed())
    return {};
  Expression x(layer, value);
  if (className == "Activation") {
    const llvm::json::Value *spec = parameters.find("activation");
    return spec ? applySpecified(layer, value, *spec) : value;
  }
  if (className == "ReLU")
    return applyRelu(layer, value, parameters);
  if (className == "LeakyReLU")
    return unary<nn::LeakyReluOp>(x, f32(layer, getSlope(parameters, 0.3)));
  if (className == "ELU")
    return unary<nn::EluOp>(x, f32(layer, parameters.getNumber("alpha", 1)));
  if (className == "ThresholdedReLU")
    return unary<nn::ThresholdedReluOp>(x, f32(layer, parameters.getNumber("theta", 1)));
  if (className == "Softmax")
    return applySoftmax(layer, value, parameters);
  (void)layer.reject("the activation '" + className + "' is not supported");
  return {};
}

static LogicalResult importActivationLayer(LayerBinder &layer) {
  layer.expectInputs(1);
  return layer.result(applyLayer(layer, layer.input(), layer.get().className, layer.parameters()));
}

/// What a mask leaves out gets nothing.
static LogicalResult importSoftmax(LayerBinder &layer) {
  Expression x(layer, layer.input()), counts(layer, layer.mask());
  if (!counts || layer.failed())
    return importActivationLayer(layer);
  layer.expectInputs(1);
  // One that comes with the input is one of steps, which its elements are only without channels.
  bool isGiven = layer.argument("mask") && layer.argument("mask")->kind == Argument::Tensor;
  if (layer.isBeforeKeras3() || counts.getRank() > x.getRank() || (!isGiven && counts.getRank() != x.getRank()))
    return layer.reject("a mask of its input is not supported here");
  if (!counts.getElementType().isInteger(1))
    counts = counts > counts.like(isa<FloatType>(counts.getElementType()) ? 0.5 : 0);
  double least = x.getElementType().isF16() ? -3e4 : -1e9;
  Value shares = applySoftmax(layer, counts.choose(x, x.like(least)), layer.parameters());
  Expression result(layer, shares);
  if (layer.failed())
    return failure();
  layer.setMask(isGiven ? Value() : Value(counts));
  return layer.result(counts.choose(result, result.like(0)));
}

/// One slope for each element of a sample; axes that share it have one.
static LogicalResult importPReLU(LayerBinder &layer) {
  Value x = layer.input();
  if (layer.failed())
    return failure();
  if (layer.getRank(x) < 2)
    return layer.reject("its input has no axis beside the batch");
  return layer.result(layer.create<nn::PReluOp>(x, layer.weight()));
}

static void listPReLU(const Parameters &, SmallVectorImpl<WeightSlot> &slots) { slots.push_back({"vars/0"}); }

static const LayerEntry table[] = {
    {"Activation", importActivationLayer},      {"ELU", importActivationLayer},  {"LeakyReLU", importActivationLayer},
    {"PReLU", importPReLU, listPReLU},          {"ReLU", importActivationLayer}, {"Softmax", importSoftmax},
    {"ThresholdedReLU", importActivationLayer},
};

ArrayRef<LayerEntry> getActivationLayers() { return table; }

} // namespace nnc::keras
