// Layers of the element-wise family.
#include "lib/Frontend/Caffe/LayerTable.h"

#include <cmath>

using namespace mlir;

namespace nnc::caffe {

template <typename OpTy> static LogicalResult importUnary(LayerBinder &layer) {
  return layer.result(layer.create<OpTy>(layer.bottom(0)));
}

/// Identity at inference.
static LogicalResult importDropout(LayerBinder &layer) { return layer.result(layer.bottom(0)); }

static LogicalResult importReLU(LayerBinder &layer) {
  Value x = layer.bottom(0);
  float slope = layer.get().relu_param().negative_slope();
  return layer.result(slope == 0 ? layer.create<nn::ReluOp>(x) : layer.create<nn::LeakyReluOp>(x, APFloat(slope)));
}

/// Of forks: max(0, min(6, x)).
static LogicalResult importReLU6(LayerBinder &layer) {
  return layer.result(layer.create<nn::ClipOp>(layer.bottom(0), layer.number(0), layer.number(6)));
}

static LogicalResult importPReLU(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::PReLUParam &param = layer.get().prelu_param();
  if (layer.failed())
    return failure();
  if (layer.getRank(x) < 2)
    return layer.reject("its bottom needs at least two axes");
  format::Filler filler = param.filler();
  if (!param.has_filler())
    filler.set_value(0.25);
  SmallVector<int64_t> shape;
  if (!param.channel_shared())
    shape.push_back(layer.getShape(x)[1]);
  Value slope = layer.weight(0, shape, filler);
  if (!param.channel_shared())
    slope = layer.alignWithAxis(slope, 1, layer.getRank(x));
  return layer.result(layer.create<nn::PReluOp>(x, slope));
}

static LogicalResult importELU(LayerBinder &layer) {
  return layer.result(layer.create<nn::EluOp>(layer.bottom(0), APFloat(layer.get().elu_param().alpha())));
}

static LogicalResult importSwish(LayerBinder &layer) {
  return layer.result(layer.create<nn::SiluOp>(layer.bottom(0), APFloat(layer.get().swish_param().beta())));
}

static LogicalResult importClip(LayerBinder &layer) {
  const format::ClipParam &param = layer.get().clip_param();
  if (!layer.get().has_clip_param())
    return layer.reject("clip_param is missing");
  return layer.result(
      layer.create<nn::ClipOp>(layer.bottom(0), layer.number(param.min()), layer.number(param.max())));
}

/// 1 where the element is greater, else 0.
static LogicalResult importThreshold(LayerBinder &layer) {
  Value limit = layer.number(layer.get().threshold_param().threshold());
  Value isGreater = layer.create<nn::CompareOp>(layer.bottom(0), limit, nn::ComparePredicate::Greater);
  return layer.result(layer.create<nn::CastOp>(isGreater, layer.getBuilder().getF32Type()));
}

/// shift + scale * x, without what changes nothing.
static Value applyAffine(LayerBinder &layer, Value x, float scale, float shift) {
  if (scale != 1)
    x = layer.create<nn::MulOp>(x, layer.number(scale));
  if (shift != 0)
    x = layer.create<nn::AddOp>(x, layer.number(shift));
  return x;
}

/// A tensor like `x` with one value everywhere.
static Value fillLike(LayerBinder &layer, Value x, float value) {
  return layer.create<nn::BroadcastToOp>(layer.number(value), layer.ints(layer.getShape(x)));
}

/// (shift + scale * x) ^ power
static LogicalResult importPower(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::PowerParam &param = layer.get().power_param();
  if (layer.failed())
    return failure();
  // What does not depend on x is a constant, even where x is not a number.
  if (param.power() * param.scale() == 0)
    return layer.result(fillLike(layer, x, param.power() == 0 ? 1.0f : std::pow(param.shift(), param.power())));
  x = applyAffine(layer, x, param.scale(), param.shift());
  if (param.power() == 1)
    return layer.result(param.scale() == 1 && param.shift() == 0 ? layer.bottom(0) : x);
  if (param.power() == 2)
    return layer.result(layer.create<nn::MulOp>(x, x));
  if (param.power() == 0.5f)
    return layer.result(layer.create<nn::SqrtOp>(x));
  if (param.power() == -1)
    return layer.result(layer.create<nn::ReciprocalOp>(x));
  return layer.result(layer.create<nn::PowOp>(x, layer.number(param.power())));
}

/// base ^ (shift + scale * x); a base of -1 stands for e
static LogicalResult importExp(LayerBinder &layer) {
  const format::AffineExponentParam &param = layer.get().exp_param();
  if (param.base() != -1 && param.base() <= 0)
    return layer.reject("the base must be positive, or -1 for e");
  float logarithm = param.base() == -1 ? 1.0f : std::log(param.base());
  Value x = applyAffine(layer, layer.bottom(0), param.scale() * logarithm, param.shift() * logarithm);
  return layer.result(layer.create<nn::ExpOp>(x));
}

/// log(shift + scale * x) to a base, where -1 stands for e
static LogicalResult importLog(LayerBinder &layer) {
  const format::AffineExponentParam &param = layer.get().log_param();
  if (param.base() != -1 && (param.base() <= 0 || param.base() == 1))
    return layer.reject("the base must be positive and not 1, or -1 for e");
  Value x = layer.create<nn::LogOp>(applyAffine(layer, layer.bottom(0), param.scale(), param.shift()));
  if (param.base() != -1)
    x = layer.create<nn::MulOp>(x, layer.number(1 / std::log(param.base())));
  return layer.result(x);
}

static LogicalResult importEltwise(LayerBinder &layer) {
  const format::EltwiseParam &param = layer.get().eltwise_param();
  if (layer.getNumBottoms() < 2)
    return layer.reject("needs at least two bottoms");
  if (param.coeff_size() && param.coeff_size() != static_cast<int>(layer.getNumBottoms()))
    return layer.reject("needs as many coefficients as bottoms");
  if (param.coeff_size() && param.operation() != format::EltwiseParam::SUM)
    return layer.reject("coefficients are for sums only");
  Value result;
  for (unsigned i = 0; i < layer.getNumBottoms(); ++i) {
    Value x = layer.bottom(i);
    if (layer.getShape(x) != layer.getShape(layer.bottom(0)))
      return layer.reject("its bottoms differ in shape");
    if (param.coeff_size())
      x = applyAffine(layer, x, param.coeff(i), 0);
    if (!result)
      result = x;
    else if (param.operation() == format::EltwiseParam::PROD)
      result = layer.create<nn::MulOp>(result, x);
    else if (param.operation() == format::EltwiseParam::MAX)
      result = layer.create<nn::MaxOp>(result, x);
    else
      result = layer.create<nn::AddOp>(result, x);
  }
  return layer.result(result);
}

/// Of forks: bottom 0, one number per image and channel, times bottom 1, plus bottom 2.
static LogicalResult importAxpy(LayerBinder &layer) {
  Value scale = layer.bottom(0), x = layer.bottom(1), y = layer.bottom(2);
  if (layer.failed())
    return failure();
  if (layer.getShape(x) != layer.getShape(y) || layer.getRank(scale) > layer.getRank(x))
    return layer.reject("its bottoms do not fit each other");
  Value product = layer.create<nn::MulOp>(layer.alignWithAxis(scale, 0, layer.getRank(x)), x);
  return layer.result(layer.create<nn::AddOp>(product, y));
}

/// Of forks: what is positive, then what is negative, as channels behind each other.
static LogicalResult importCReLU(LayerBinder &layer) {
  Value x = layer.bottom(0);
  if (layer.failed())
    return failure();
  if (layer.getRank(x) < 2 || layer.getShape(x)[0] != 1)
    return layer.reject("forks differ in the order of its elements for other than one image");
  Value negated = layer.create<nn::NegOp>(x);
  SmallVector<Value> halves{layer.create<nn::ReluOp>(x), layer.create<nn::ReluOp>(negated)};
  return layer.result(layer.create<nn::ConcatOp>(halves, 1));
}

static const LayerEntry table[] = {
    {"AbsVal", importUnary<nn::AbsOp>, OpenExtents::Any},
    {"Axpy", importAxpy},
    {"BNLL", importUnary<nn::SoftplusOp>, OpenExtents::Any},
    {"CReLU", importCReLU},
    {"Clip", importClip, OpenExtents::Any},
    {"Dropout", importDropout, OpenExtents::Any},
    {"ELU", importELU, OpenExtents::Any},
    {"Eltwise", importEltwise, OpenExtents::First},
    {"Exp", importExp},
    {"Log", importLog},
    {"PReLU", importPReLU, OpenExtents::First},
    {"Power", importPower},
    {"ReLU", importReLU, OpenExtents::Any},
    {"ReLU6", importReLU6, OpenExtents::Any},
    {"Sigmoid", importUnary<nn::SigmoidOp>, OpenExtents::Any},
    {"Swish", importSwish, OpenExtents::Any},
    {"TanH", importUnary<nn::TanhOp>, OpenExtents::Any},
    {"Threshold", importThreshold, OpenExtents::Any},
};

ArrayRef<LayerEntry> getElementwiseLayers() { return table; }

} // namespace nnc::caffe
