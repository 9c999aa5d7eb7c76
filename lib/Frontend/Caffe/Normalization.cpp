// Layers of the normalization family, and the affine layers that go with them.
#include "lib/Frontend/Caffe/LayerTable.h"

#include <cmath>

using namespace mlir;

namespace nnc::caffe {

static format::Filler makeFiller(float value) {
  format::Filler filler;
  filler.set_value(value);
  return filler;
}

/// Mean over `axes`, which stay as axes of extent 1.
static Value reduceMean(LayerBinder &layer, Value x, ArrayRef<int64_t> axes) {
  return layer.create<nn::ReduceOp>(x, nn::ReductionKind::Mean, axes, /*keepdims=*/true);
}

//===--- Batch normalisation ---===//

/// (x - mean) / sqrt(variance + eps) of the batch, with its own mean and variance.
static Value normalizeBatch(LayerBinder &layer, Value x, double eps) {
  SmallVector<int64_t> axes{0};
  axes.append(llvm::to_vector(llvm::seq<int64_t>(2, layer.getRank(x))));
  Value centered = layer.create<nn::SubOp>(x, reduceMean(layer, x, axes));
  Value power = reduceMean(layer, layer.create<nn::MulOp>(centered, centered), axes);
  Value deviation = layer.create<nn::SqrtOp>(layer.create<nn::AddOp>(power, layer.number(eps)));
  return layer.create<nn::DivOp>(centered, deviation);
}

/// The statistics of the file are sums that the third blob divides; scale and shift are a layer of their own.
static LogicalResult importBatchNorm(LayerBinder &layer) {
  Value x = layer.bottom(0);
  if (layer.failed())
    return failure();
  const format::BatchNormParam &param = layer.get().batch_norm_param();
  int64_t rank = layer.getRank(x), channels = rank > 1 ? layer.getShape(x)[1] : 1;
  std::vector<float> mean = layer.weightNumbers(0, {channels}, format::Filler());
  std::vector<float> variance = layer.weightNumbers(1, {channels}, makeFiller(0));
  std::vector<float> factor = layer.weightNumbers(2, {1}, makeFiller(0));
  if (layer.failed())
    return failure();
  if (rank < 2)
    return layer.reject("its bottom needs at least two axes");
  if (param.has_use_global_stats() && !param.use_global_stats()) {
    layer.remark("statistics of the batch, as use_global_stats: false asks for");
    return layer.result(normalizeBatch(layer, x, param.eps()));
  }
  float scale = factor[0] == 0 ? 0 : 1 / factor[0];
  for (float &value : mean)
    value *= scale;
  for (float &value : variance)
    value *= scale;
  Value ones = layer.floats({channels}, std::vector<float>(channels, 1));
  Value zeros = layer.floats({channels}, std::vector<float>(channels, 0));
  Value means = layer.floats({channels}, std::move(mean)), variances = layer.floats({channels}, std::move(variance));
  return layer.result(layer.create<nn::BatchNormOp>(x, ones, zeros, means, variances, nn::Layout::ChannelsFirst,
                                                    APFloat(static_cast<double>(param.eps()))));
}

/// Of two families of forks. SegNet's has scale and shift, applied as they are in mode INFERENCE, else after the batch
/// is normalised; the others' (PSPNet) slope, bias, mean and variance.
static LogicalResult importBN(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  const format::BNParam &param = layer.get().bn_param();
  if (layer.failed())
    return failure();
  int64_t channels = layer.getShape(x)[1];
  bool hasStatistics = layer.getNumWeights() > 2 || param.has_slope_filler() || param.has_bias_filler();
  if (hasStatistics && param.has_bn_mode())
    return layer.reject("has SegNet's bn_mode, which needs two weight blobs, and the four blobs of other forks");
  if (hasStatistics && !param.moving_average())
    return layer.reject("moving_average: false is not supported");
  bool isOther =
      param.has_scale_filler() || param.has_shift_filler() || param.has_decay() || param.has_moving_average();
  if (hasStatistics && isOther && !param.has_var_eps() && !param.has_eps())
    return layer.reject("says neither eps nor var_eps, whose defaults forks with such parameters differ in");
  auto read = [&](unsigned index, const format::Filler &filler) {
    return layer.weightNumbers(index, layer.getVectorShape(index, channels), filler);
  };
  std::vector<float> scale = read(0, format::Filler()), shift = read(1, makeFiller(0));
  if (hasStatistics) {
    std::vector<float> mean = read(2, makeFiller(0)), variance = read(3, makeFiller(0));
    if (layer.failed())
      return failure();
    double eps = param.has_var_eps() ? param.var_eps() : param.eps();
    SmallVector<Value> operands;
    for (std::vector<float> *values : {&scale, &shift, &mean, &variance})
      operands.push_back(layer.floats({channels}, std::move(*values)));
    return layer.result(layer.create<nn::BatchNormOp>(x, operands[0], operands[1], operands[2], operands[3],
                                                      nn::Layout::ChannelsFirst, APFloat(eps)));
  }
  if (layer.failed())
    return failure();
  constexpr double segNetEps = 1e-9;
  if (param.bn_mode() == format::BNParam::LEARN) {
    layer.remark("statistics of the batch, as bn_mode: LEARN asks for, which is what it has where none is given");
    x = normalizeBatch(layer, x, segNetEps);
  }
  SmallVector<int64_t> shape{1, channels, 1, 1};
  Value product = layer.create<nn::MulOp>(x, layer.floats(shape, std::move(scale)));
  return layer.result(layer.create<nn::AddOp>(product, layer.floats(shape, std::move(shift))));
}

/// The axes of `x` that a learned operand covers: `count` from `axis` on, all for -1.
static SmallVector<int64_t> getCoveredShape(LayerBinder &layer, Value x, int64_t axis, int64_t count) {
  int64_t rank = layer.getRank(x);
  if (count == -1)
    count = rank - axis;
  if (count < 0 || axis + count > rank) {
    (void)layer.reject("axis and num_axes reach beyond its bottom's axes");
    return {};
  }
  return SmallVector<int64_t>(layer.getShape(x).slice(axis, count));
}

/// The operand of Scale or Bias, made to broadcast: the second bottom, or a weight. Sets `shape` to its own shape.
template <typename Param>
static Value getOperand(LayerBinder &layer, Value x, const Param &param, const format::Filler &filler,
                        SmallVectorImpl<int64_t> &shape) {
  int64_t rank = layer.getRank(x);
  if (layer.getNumBottoms() > 1) {
    Value operand = layer.bottom(1);
    shape.assign(layer.getShape(operand).begin(), layer.getShape(operand).end());
    int64_t axis = shape.empty() ? 0 : layer.getAxis(param.axis(), x);
    return layer.alignWithAxis(operand, axis, rank);
  }
  int64_t axis = rank ? layer.getAxis(param.axis(), x) : 0;
  shape = getCoveredShape(layer, x, axis, param.num_axes());
  return layer.failed() ? Value() : layer.alignWithAxis(layer.weight(0, shape, filler), axis, rank);
}

static LogicalResult importScale(LayerBinder &layer) {
  Value x = layer.bottom(0);
  if (layer.failed())
    return failure();
  const format::ScaleParam &param = layer.get().scale_param();
  SmallVector<int64_t> shape;
  Value scale = getOperand(layer, x, param, param.has_filler() ? param.filler() : makeFiller(1), shape);
  Value result = layer.create<nn::MulOp>(x, scale);
  if (param.bias_term() && !layer.failed()) {
    int64_t axis = shape.empty() ? 0 : layer.getAxis(param.axis(), x);
    Value bias = layer.weight(layer.getNumBottoms() > 1 ? 0 : 1, shape, param.bias_filler());
    result = layer.create<nn::AddOp>(result, layer.alignWithAxis(bias, axis, layer.getRank(x)));
  }
  if (layer.failed() || layer.getShape(result) != layer.getShape(x))
    return layer.reject("its second bottom does not fit the first");
  return layer.result(result);
}

static LogicalResult importBias(LayerBinder &layer) {
  Value x = layer.bottom(0);
  if (layer.failed())
    return failure();
  const format::BiasParam &param = layer.get().bias_param();
  SmallVector<int64_t> shape;
  Value result = layer.create<nn::AddOp>(x, getOperand(layer, x, param, param.filler(), shape));
  if (layer.failed() || layer.getShape(result) != layer.getShape(x))
    return layer.reject("its second bottom does not fit the first");
  return layer.result(result);
}

//===--- Normalisation by neighbours ---===//

static LogicalResult importLRN(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  const format::LRNParam &param = layer.get().lrn_param();
  int64_t size = param.local_size();
  if (layer.failed())
    return failure();
  if (size < 1 || size % 2 == 0 || size > (1 << 20))
    return layer.reject("local_size must be odd");
  if (param.norm_region() == format::LRNParam::ACROSS_CHANNELS)
    return layer.result(layer.create<nn::LrnOp>(x, nn::Layout::ChannelsFirst, size, APFloat(double(param.alpha())),
                                                APFloat(double(param.beta())), APFloat(double(param.k()))));
  SmallVector<int64_t> window{size, size}, ones{1, 1}, pads{(size - 1) / 2, (size - 1) / 2};
  Value squares = layer.create<nn::MulOp>(x, x);
  Value mean = layer.create<nn::AvgPoolOp>(squares, nn::Layout::ChannelsFirst, window, ones, ones, pads, pads,
                                           /*ceil=*/false, /*count_include_pad=*/true);
  Value base = layer.create<nn::MulOp>(mean, layer.number(param.alpha()));
  base = layer.create<nn::AddOp>(base, layer.number(1));
  return layer.result(layer.create<nn::MulOp>(x, layer.create<nn::PowOp>(base, layer.number(-param.beta()))));
}

/// (x - mean) / (deviation + eps) per image and channel, or per image; the result has four axes.
static LogicalResult importMVN(LayerBinder &layer) {
  Value x = layer.bottom(0);
  if (layer.failed())
    return failure();
  if (layer.getRank(x) > 4)
    return layer.reject("its bottom has more than four axes");
  const format::MVNParam &param = layer.get().mvn_param();
  SmallVector<int64_t> shape(layer.getShape(x));
  shape.resize(4, 1);
  x = layer.reshape(x, shape);
  SmallVector<int64_t> axes = param.across_channels() ? SmallVector<int64_t>{1, 2, 3} : SmallVector<int64_t>{2, 3};
  Value centered = layer.create<nn::SubOp>(x, reduceMean(layer, x, axes));
  if (!param.normalize_variance())
    return layer.result(centered);
  Value deviation =
      layer.create<nn::SqrtOp>(reduceMean(layer, layer.create<nn::MulOp>(centered, centered), axes));
  deviation = layer.create<nn::AddOp>(deviation, layer.number(param.eps()));
  return layer.result(layer.create<nn::DivOp>(centered, deviation));
}

/// Of SSD: x / norm * scale per position, or per image.
static LogicalResult importNormalize(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  if (layer.failed())
    return failure();
  const format::NormalizeParam &param = layer.get().norm_param();
  SmallVector<int64_t> axes = param.across_spatial() ? SmallVector<int64_t>{1, 2, 3} : SmallVector<int64_t>{1};
  Value sum = layer.create<nn::ReduceOp>(x, nn::ReductionKind::SumSquare, axes, /*keepdims=*/true);
  Value norm = layer.create<nn::SqrtOp>(layer.create<nn::AddOp>(sum, layer.number(param.eps())));
  SmallVector<int64_t> shape{param.channel_shared() ? 1 : layer.getShape(x)[1]};
  format::Filler filler = param.has_scale_filler() ? param.scale_filler() : makeFiller(1);
  if (param.channel_shared())
    shape.clear();
  Value scale = layer.weight(0, shape, filler);
  if (!shape.empty())
    scale = layer.alignWithAxis(scale, 1, 4);
  return layer.result(layer.create<nn::MulOp>(layer.create<nn::DivOp>(x, norm), scale));
}

static LogicalResult importSoftmax(LayerBinder &layer) {
  Value x = layer.bottom(0);
  int64_t axis = x ? layer.getAxis(layer.get().softmax_param().axis(), x) : 0;
  return layer.result(layer.create<nn::SoftmaxOp>(x, axis));
}

static const LayerEntry table[] = {
    {"BN", importBN, OpenExtents::First},
    {"BatchNorm", importBatchNorm, OpenExtents::First},
    {"Bias", importBias, OpenExtents::First},
    {"LRN", importLRN},
    {"MVN", importMVN},
    {"Normalize", importNormalize},
    {"Scale", importScale, OpenExtents::First},
    {"Softmax", importSoftmax, OpenExtents::First},
};

ArrayRef<LayerEntry> getNormalizationLayers() { return table; }

} // namespace nnc::caffe
