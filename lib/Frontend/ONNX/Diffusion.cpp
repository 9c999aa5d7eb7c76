// Operators of com.microsoft that ONNX Runtime's optimisers make of diffusion models, and
// others that fuse a few element-wise operations.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "com.microsoft";

static Expression addTo(NodeBinder &node, Expression x, Expression addend) {
  return {node, keepShape(node, x + addend, x)};
}

static LogicalResult importBiasAdd(NodeBinder &node) {
  Expression x(node, node.operand(0)), bias(node, node.operand(1)), skip(node, node.operand(2));
  if (node.failed())
    return failure();
  return node.result(addTo(node, addTo(node, x, bias), skip));
}

/// The first half of x + bias times gelu of the second.
static LogicalResult importBiasSplitGelu(NodeBinder &node) {
  Expression x(node, node.operand(0)), bias(node, node.operand(1));
  if (node.failed())
    return failure();
  int64_t axis = x.getRank() - 1, size = axis < 0 ? ShapedType::kDynamic : x.getExtent(axis);
  if (ShapedType::isDynamic(size) || size % 2)
    return node.reject("the last axis must be known to be even");
  Expression sum = addTo(node, x, bias), gate = sum.slice(axis, size / 2, size).unary<nn::GeluOp>(nn::GeluForm::None);
  return node.result(sum.slice(axis, 0, size / 2) * gate);
}

/// The softmax over all axes from one on of the sum.
static LogicalResult importBiasSoftmax(NodeBinder &node) {
  Expression x(node, node.operand(0)), bias(node, node.operand(1));
  int64_t axis = node.axisAttr("axis", 1, x);
  node.ignoreAttrs({"is_inner_broadcast"}); // shapes that broadcast say the same
  if (node.failed())
    return failure();
  Expression sum = addTo(node, x, bias);
  if (axis == x.getRank() - 1)
    return node.result(sum.softmax(axis));
  Expression flat(node, node.create<nn::FlattenOp>(sum, axis));
  return node.result(node.failed() ? Value() : node.create<nn::ReshapeOp>(flat.softmax(1), x.shape(), /*allow_zero=*/true));
}

//===--- Norms of groups of channels ---===//

/// x, with the channels last or first, normalized in groups; in f32.
static Expression normalizeGroups(NodeBinder &node, Expression x, Expression scale, Expression shift) {
  int64_t groups = node.intAttr("groups", 0), activation = node.intAttr("activation", 0);
  bool isChannelsLast = node.intAttr("channels_last", 1);
  double epsilon = node.floatAttr("epsilon", 1e-5f);
  if (node.failed())
    return {};
  int64_t rank = x.getRank(), channels = rank == 4 ? x.getExtent(isChannelsLast ? 3 : 1) : ShapedType::kDynamic;
  if (ShapedType::isDynamic(channels) || groups < 1 || channels % groups || activation < 0 || activation > 1) {
    (void)node.reject("needs 4 dimensions, a known number of channels that the groups divide, and activation 0 or 1");
    return {};
  }
  Type type = x.getElementType(), f32 = node.getBuilder().getF32Type();
  Expression parts = isChannelsLast ? x.cast(f32).reshape({0, -1, groups, channels / groups})
                                    : x.cast(f32).reshape({0, groups, channels / groups, -1});
  SmallVector<int64_t> axes = isChannelsLast ? SmallVector<int64_t>{1, 3} : SmallVector<int64_t>{2, 3};
  Expression centered = parts - parts.reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/true);
  Expression variance = (centered * centered).reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/true);
  Expression normal(node, node.create<nn::ReshapeOp>(centered / (variance + epsilon).unary<nn::SqrtOp>(), x.shape(),
                                                     /*allow_zero=*/true));
  auto align = [&](Expression parameter) {
    parameter = parameter.cast(f32);
    return isChannelsLast ? parameter : parameter.unsqueeze({1, 2});
  };
  if (node.failed())
    return {};
  Expression result = addTo(node, {node, keepShape(node, normal * align(scale), normal)}, align(shift));
  if (activation == 1)
    result = result.unary<nn::SiluOp>(APFloat(1.0f));
  return node.failed() ? Expression() : result.cast(type);
}

static LogicalResult importGroupNorm(NodeBinder &node) {
  Expression x(node, node.operand(0)), scale(node, node.operand(1)), shift(node, node.operand(2));
  if (node.failed())
    return failure();
  return node.result(normalizeGroups(node, x, scale, shift));
}

/// The norm of x + skip + bias; output 1 is that sum. The skip is of the shape of x, or has one number for each channel.
static LogicalResult importSkipGroupNorm(NodeBinder &node) {
  Expression x(node, node.operand(0)), scale(node, node.operand(1)), shift(node, node.operand(2)),
      skip(node, node.operand(3)), bias(node, node.optionalOperand(4));
  bool isChannelsLast = node.intAttr("channels_last", 1);
  if (node.failed())
    return failure();
  if (skip.getRank() == 2)
    skip = isChannelsLast ? skip.unsqueeze({1, 2}) : skip.unsqueeze({2, 3});
  Expression sum = addTo(node, x, skip);
  if (bias)
    sum = addTo(node, sum, isChannelsLast ? bias : bias.unsqueeze({1, 2}));
  if (node.failed() || failed(node.result(normalizeGroups(node, sum, scale, shift))))
    return failure();
  return node.result(sum);
}

//===--- Distances ---===//

/// The (squared) distances of all rows of one matrix from those of another.
static LogicalResult importCDist(NodeBinder &node) {
  Expression a(node, node.operand(0)), b(node, node.operand(1));
  std::string metric = node.stringAttr("metric", "sqeuclidean");
  if (node.failed())
    return failure();
  if (metric != "sqeuclidean" && metric != "euclidean")
    return node.reject("metric '" + metric + "' is not supported");
  if (a.getRank() != 2 || b.getRank() != 2)
    return node.reject("needs two matrices");
  Expression difference = a.unsqueeze({1}) - b.unsqueeze({0});
  Expression sum = difference.reduce(nn::ReductionKind::SumSquare, {2}, /*keepdims=*/false);
  return node.result(node.failed() || metric == "sqeuclidean" ? sum : sum.unary<nn::SqrtOp>());
}

static const OpEntry table[] = {
    {"BiasAdd", 1, importBiasAdd, domain},           {"BiasSoftmax", 1, importBiasSoftmax, domain},
    {"BiasSplitGelu", 1, importBiasSplitGelu, domain}, {"CDist", 1, importCDist, domain},
    {"GroupNorm", 1, importGroupNorm, domain},       {"SkipGroupNorm", 1, importSkipGroupNorm, domain},
};

ArrayRef<OpEntry> getDiffusionOps() { return table; }

} // namespace nnc::onnx
