// ONNX operators of the normalization family. Those without an NN operation of
// their own are put together from reductions and element-wise operations.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Precision.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static Value getShape(NodeBinder &node, Value x) { return node.create<nn::ShapeOp>(x, 0, node.getRank(x)); }

static Value reduceMean(NodeBinder &node, Value x, ArrayRef<int64_t> axes) {
  return node.create<nn::ReduceOp>(x, nn::ReductionKind::Mean, axes, /*keepdims=*/true);
}

//===--- Along one axis ---===//

using AxisBuilder = function_ref<Value(Value, int64_t)>;

/// An operator that works along one axis; before opset 13 along all axes from one on, taken together.
static LogicalResult importAlongAxis(NodeBinder &node, AxisBuilder build) {
  Value x = node.operand(0);
  bool flattens = node.getOpset() < 13;
  int64_t axis = node.axisAttr("axis", flattens ? 1 : -1, x);
  if (node.failed())
    return failure();
  if (!flattens || axis == node.getRank(x) - 1)
    return node.result(build(x, axis));
  Value flat = node.create<nn::FlattenOp>(x, axis);
  if (!flat)
    return failure();
  return node.result(node.create<nn::ReshapeOp>(build(flat, 1), getShape(node, x), /*allow_zero=*/true));
}

static LogicalResult importSoftmax(NodeBinder &node) {
  return importAlongAxis(node, [&](Value x, int64_t axis) { return node.create<nn::SoftmaxOp>(x, axis); });
}

static LogicalResult importLogSoftmax(NodeBinder &node) {
  return importAlongAxis(node, [&](Value x, int64_t axis) { return node.create<nn::LogSoftmaxOp>(x, axis); });
}

/// 1 at the first largest element along the axis, which may have no elements, 0 elsewhere. NaN is above all numbers.
static Value markLargest(NodeBinder &node, Value x, int64_t axis) {
  frontend::Expression all(node, x), isLargest = all >= all.reduce(nn::ReductionKind::Max, {axis}, /*keepdims=*/true);
  isLargest = isLargest | all.unary<nn::IsNaNOp>();
  frontend::Expression count(node, node.create<nn::CumSumOp>(isLargest.cast(node.getBuilder().getI64Type()), axis,
                                                             /*exclusive=*/false, /*reverse=*/false));
  return (isLargest & count.equals(1)).choose(all.like(1), all.like(0));
}

/// 1 at the first largest element along the axis, 0 elsewhere.
static LogicalResult importHardmax(NodeBinder &node) {
  return importAlongAxis(node, [&](Value x, int64_t axis) {
    if (!node.failed() && node.getType(x).getDimSize(axis) == 0)
      return x;
    if (node.failed() || node.getType(x).isDynamicDim(axis))
      return markLargest(node, x, axis);
    Value largest = node.create<nn::ArgReduceOp>(x, axis, /*keepdims=*/false, /*min=*/false, /*last=*/false);
    Value depth = node.create<nn::ShapeOp>(x, axis, axis + 1);
    Type type = getElementTypeOrSelf(x);
    Value off = node.create<nn::UnsqueezeOp>(node.scalar(type, 0), ArrayRef<int64_t>{0});
    Value on = node.create<nn::UnsqueezeOp>(node.scalar(type, 1), ArrayRef<int64_t>{0});
    Value values = node.create<nn::ConcatOp>(ValueRange{off, on}, 0);
    return node.create<nn::OneHotOp>(largest, depth, values, axis);
  });
}

/// x / norm; elements of norm 0 stay 0.
static LogicalResult importLpNormalization(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t axis = node.axisAttr("axis", -1, x), p = node.intAttr("p", 2);
  if (node.failed())
    return failure();
  if (p != 1 && p != 2)
    return node.reject("p must be 1 or 2");
  auto kind = p == 1 ? nn::ReductionKind::SumAbs : nn::ReductionKind::SumSquare;
  Type original = getElementTypeOrSelf(x);
  x = widenHalf(node, x);
  Value norm = node.create<nn::ReduceOp>(x, kind, ArrayRef<int64_t>{axis}, /*keepdims=*/true);
  if (p == 2)
    norm = node.create<nn::SqrtOp>(norm);
  Type type = getElementTypeOrSelf(x);
  Value isZero = node.create<nn::CompareOp>(norm, node.scalar(type, 0), nn::ComparePredicate::Equal);
  Value divisor = node.create<nn::WhereOp>(isZero, node.scalar(type, 1), norm);
  return node.result(castTo(node, node.create<nn::DivOp>(x, divisor), original));
}

//===--- Zero mean, unit variance ---===//

static APFloat getEpsilon(NodeBinder &node) { return APFloat(node.floatAttr("epsilon", 9.999999747378752e-06)); }

/// A parameter in the element type of `x`.
static Value castLike(NodeBinder &node, Value parameter, Value x) {
  Type type = getElementTypeOrSelf(x);
  if (!parameter || getElementTypeOrSelf(parameter) == type)
    return parameter;
  return node.create<nn::CastOp>(parameter, type);
}

/// Normalizes by the statistics of the batch, and moves the running ones (results 1 and 2) towards them.
static LogicalResult trainBatchNormalization(NodeBinder &node, Value x, Value scale, Value bias, Value mean,
                                             Value variance, double momentum, APFloat epsilon) {
  SmallVector<int64_t> axes{0};
  llvm::append_range(axes, llvm::seq<int64_t>(2, node.getRank(x)));
  Expression input(node, widenHalf(node, x)), all = input.reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/true);
  Expression centered = input - all;
  Expression batchMean = all.reshape({-1});
  Expression batchVariance = (centered * centered).reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/false);
  if (failed(node.result(node.create<nn::BatchNormOp>(x, castLike(node, scale, x), castLike(node, bias, x),
                                                      castLike(node, batchMean, x), castLike(node, batchVariance, x),
                                                      nn::Layout::ChannelsFirst, epsilon))))
    return failure();
  for (auto [running, batch] : {std::pair(mean, batchMean), std::pair(variance, batchVariance)}) {
    Expression old = Expression(node, running).cast(batch.getElementType());
    Expression next = old * momentum + batch * (1 - momentum);
    if (failed(node.result(next.cast(getElementTypeOrSelf(running)))))
      return failure();
  }
  return success();
}

/// The f32 that a convolution of f16 computed, rather than what it was rounded to: so that the normalisation
/// becomes part of its weights.
static Value takeUnrounded(Value x) {
  auto wide = x ? x.getDefiningOp<nn::CastOp>() : nn::CastOp();
  auto rounded = wide ? wide.getInput().getDefiningOp<nn::CastOp>() : nn::CastOp();
  bool isOfConv = rounded && isa_and_present<nn::ConvOp, nn::ConvTransposeOp>(rounded.getInput().getDefiningOp());
  return isOfConv && getElementTypeOrSelf(rounded.getInput()) == getElementTypeOrSelf(x) ? rounded.getInput() : x;
}

static LogicalResult importBatchNormalization(NodeBinder &node) {
  Value x = node.operand(0), scale = node.operand(1), bias = node.operand(2), mean = node.operand(3),
        variance = node.operand(4);
  bool isTraining = node.intAttr("training_mode", 0);
  double momentum = node.floatAttr("momentum", 0.9f);
  if (node.wantsResult(1) && !isTraining)
    return node.reject("training mode is not supported before opset 14");
  if (!node.intAttr("spatial", 1))
    return node.reject("statistics per element (spatial = 0) are not supported");
  APFloat epsilon = getEpsilon(node);
  if (node.failed())
    return failure();
  if (isTraining)
    return node.getRank(x) < 2 ? node.reject("needs an axis of channels")
                               : trainBatchNormalization(node, x, scale, bias, mean, variance, momentum, epsilon);
  Value wide = getElementTypeOrSelf(x).isF16() ? takeUnrounded(widenHalf(node, x)) : x;
  Value result = node.create<nn::BatchNormOp>(wide, castLike(node, scale, wide), castLike(node, bias, wide),
                                              castLike(node, mean, wide), castLike(node, variance, wide),
                                              nn::Layout::ChannelsFirst, epsilon);
  return node.result(castLike(node, result, x));
}

static LogicalResult importInstanceNormalization(NodeBinder &node) {
  Value x = node.operand(0), scale = node.operand(1), bias = node.operand(2);
  APFloat epsilon = getEpsilon(node);
  return node.result(node.create<nn::InstanceNormOp>(x, scale, bias, nn::Layout::ChannelsFirst, epsilon));
}

/// The second and third result: the mean and the inverse of the standard deviation, in f32 for half precision.
static LogicalResult addStatistics(NodeBinder &node, Value x, int64_t axis, APFloat epsilon) {
  x = widenHalf(node, x);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(axis, node.getRank(x)));
  Value mean = reduceMean(node, x, axes);
  if (failed(node.result(mean)) || !node.wantsResult(2))
    return success(!node.failed());
  Value centered = node.create<nn::SubOp>(x, mean);
  Value variance = reduceMean(node, node.create<nn::MulOp>(centered, centered), axes);
  variance = node.create<nn::AddOp>(variance, node.scalar(getElementTypeOrSelf(x), epsilon.convertToDouble()));
  return node.result(node.create<nn::ReciprocalOp>(node.create<nn::SqrtOp>(variance)));
}

static LogicalResult importLayerNormalization(NodeBinder &node) {
  node.ignoreAttrs({"stash_type"}); // statistics are always kept in f32
  Value x = node.operand(0), scale = node.operand(1), bias = node.optionalOperand(2);
  int64_t axis = node.axisAttr("axis", -1, x);
  APFloat epsilon = getEpsilon(node);
  if (node.failed())
    return failure();
  Value result = node.create<nn::LayerNormOp>(x, castLike(node, scale, x), castLike(node, bias, x), axis, epsilon);
  if (failed(node.result(result)))
    return failure();
  return node.wantsResult(1) || node.wantsResult(2) ? addStatistics(node, x, axis, epsilon) : success();
}

static LogicalResult importRmsNormalization(NodeBinder &node) {
  node.ignoreAttrs({"stash_type"});
  Value x = node.operand(0), scale = node.operand(1);
  int64_t axis = node.axisAttr("axis", -1, x);
  APFloat epsilon = getEpsilon(node);
  if (node.failed())
    return failure();
  return node.result(node.create<nn::RmsNormOp>(x, castLike(node, scale, x), axis, epsilon));
}

/// `parameter` [C] with one axis of extent 1 for each spatial dimension of `x`.
static Value alignWithChannels(NodeBinder &node, Value parameter, int64_t rank) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
  return node.create<nn::UnsqueezeOp>(parameter, axes);
}

/// Scale and bias have one element per group up to opset 20, per channel from 21 on.
static LogicalResult importGroupNormalization(NodeBinder &node) {
  node.ignoreAttrs({"stash_type"});
  Value x = node.operand(0), scale = node.operand(1), bias = node.operand(2);
  int64_t groups = node.intAttr("num_groups", 0), rank = node.getRank(x);
  APFloat epsilon = getEpsilon(node);
  if (node.failed())
    return failure();
  if (rank < 2 || groups < 1)
    return node.reject("needs channels and a positive number of groups");
  Value shape = getShape(node, x);
  Value grouped = node.create<nn::ReshapeOp>(x, node.ints({0, groups, -1}), /*allow_zero=*/false);
  Value result = node.create<nn::LayerNormOp>(grouped, Value(), Value(), 2, epsilon);
  bool perGroup = node.getOpset() < 21;
  auto apply = [&](int64_t ofRank) {
    Value normalised = result;
    result = node.create<nn::MulOp>(result, alignWithChannels(node, castLike(node, scale, x), ofRank));
    result = node.create<nn::AddOp>(result, alignWithChannels(node, castLike(node, bias, x), ofRank));
    result = keepShape(node, result, normalised);
  };
  if (node.failed())
    return failure();
  if (perGroup)
    apply(3);
  result = node.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/true);
  if (!perGroup)
    apply(rank);
  return node.result(result);
}

static LogicalResult importMeanVarianceNormalization(NodeBinder &node) {
  Value x = node.operand(0);
  bool isEarly = node.getOpset() < 9, keepsVariance = isEarly && !node.intAttr("normalize_variance", 1);
  SmallVector<int64_t> axes = isEarly && node.intAttr("across_channels", 0) ? SmallVector<int64_t>{0, 1, 2, 3}
                                                                            : node.intsAttr("axes", {0, 2, 3});
  for (int64_t &axis : axes)
    axis = node.normalizeAxis(axis, node.getRank(x));
  llvm::sort(axes);
  if (node.failed())
    return failure();
  Type original = getElementTypeOrSelf(x);
  x = widenHalf(node, x);
  Value centered = node.create<nn::SubOp>(x, reduceMean(node, x, axes));
  if (keepsVariance)
    return node.result(castTo(node, centered, original));
  Value variance = reduceMean(node, node.create<nn::MulOp>(centered, centered), axes);
  Value deviation = node.create<nn::SqrtOp>(variance);
  deviation = node.create<nn::AddOp>(deviation, node.scalar(getElementTypeOrSelf(x), 1e-9));
  return node.result(castTo(node, node.create<nn::DivOp>(centered, deviation), original));
}

static LogicalResult importLrn(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t size = node.intAttr("size", 0);
  APFloat alpha(node.floatAttr("alpha", 9.999999747378752e-05)), beta(node.floatAttr("beta", 0.75)),
      bias(node.floatAttr("bias", 1));
  return node.result(node.create<nn::LrnOp>(x, nn::Layout::ChannelsFirst, size, alpha, beta, bias));
}

static const OpEntry table[] = {
    {"BatchNormalization", 7, importBatchNormalization},
    {"GroupNormalization", 18, importGroupNormalization},
    {"Hardmax", 1, importHardmax},
    {"InstanceNormalization", 6, importInstanceNormalization},
    {"LRN", 1, importLrn},
    {"LayerNormalization", 1, importLayerNormalization},
    {"LogSoftmax", 1, importLogSoftmax},
    {"LpNormalization", 1, importLpNormalization},
    {"MeanVarianceNormalization", 1, importMeanVarianceNormalization},
    {"RMSNormalization", 23, importRmsNormalization},
    {"Softmax", 1, importSoftmax},
};

ArrayRef<OpEntry> getNormalizationOps() { return table; }

} // namespace nnc::onnx
