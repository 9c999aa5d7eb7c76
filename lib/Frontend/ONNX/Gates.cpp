// Operators of com.microsoft for decoders with gates and several streams: element-wise, behind norms of parts of a row.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "com.microsoft";

static Type getF32(NodeBinder &node) { return node.getBuilder().getF32Type(); }

/// x / sqrt(mean of its squares along the last axis + epsilon)
static Expression divideByRoot(Expression x, double epsilon) {
  Expression squares = (x * x).reduce(nn::ReductionKind::Mean, {x.getRank() - 1}, /*keepdims=*/true);
  return x / (squares + epsilon).unary<nn::SqrtOp>();
}

static Expression sigmoid(Expression x) { return x.unary<nn::SigmoidOp>(); }

/// `result` in the shape of `target`, of which it has as many elements.
static Expression reshapeLike(NodeBinder &node, Expression result, Expression target) {
  if (node.failed())
    return {};
  return {node, node.create<nn::ReshapeOp>(result, target.shape(), /*allow_zero=*/true)};
}

/// The norm of each group of as many elements as the scale has, times the gate's activation.
static LogicalResult importGatedRmsNorm(NodeBinder &node) {
  Expression x(node, node.operand(0)), scale(node, node.operand(1)), gate(node, node.operand(2));
  std::string activation = node.stringAttr("activation", "silu");
  double epsilon = node.floatAttr("epsilon", 1e-5);
  if (node.failed())
    return failure();
  if (activation != "silu" && activation != "swish" && activation != "sigmoid")
    return node.reject("activation '" + activation + "' is not known");
  if (scale.getRank() != 1 || ShapedType::isDynamic(scale.getExtent(0)))
    return node.reject("the scale must be one row of a known extent");
  int64_t width = scale.getExtent(0), last = x.getRank() ? x.getExtent(x.getRank() - 1) : 0;
  if (width < 1 || last == 0 || (!ShapedType::isDynamic(last) && last % width))
    return node.reject("the scale must divide the last extent");
  gate = {node, keepShape(node, gate, x)}; // one that broadcasts is not allowed
  Expression flat = x.cast(getF32(node)).reshape({-1, width}), open = gate.cast(getF32(node)).reshape({-1, width});
  Expression factor = activation == "sigmoid" ? sigmoid(open) : open * sigmoid(open);
  Expression result = divideByRoot(flat, epsilon) * scale.cast(getF32(node)) * factor;
  return node.result(reshapeLike(node, result.cast(x.getElementType()), x));
}

static LogicalResult importGatedAdd(NodeBinder &node) {
  Expression x(node, node.operand(0)), y(node, node.operand(1)), gate(node, node.operand(2));
  if (node.optionalOperand(3))
    return node.reject("a gate that is projected is not supported");
  if (node.failed())
    return failure();
  return node.result(keepShape(node, x + y * gate, x));
}

static LogicalResult importScaledSilu(NodeBinder &node) {
  Expression x(node, node.operand(0)), scale(node, node.optionalOperand(1));
  double alpha = node.floatAttr("alpha", 1);
  if (node.failed())
    return failure();
  if (scale)
    scale = scale.cast(x.getElementType()).reshape(ArrayRef<int64_t>{});
  Expression scaled = scale ? x * scale : x * alpha;
  return node.result(scaled * sigmoid(scaled));
}

/// decay_scale * softplus(a + dt_bias), and the sigmoid of b.
static LogicalResult importLinearAttentionGate(NodeBinder &node) {
  Expression a(node, node.operand(0)), bias(node, node.operand(1)), scale(node, node.operand(2)),
      b(node, node.optionalOperand(3));
  if (node.failed())
    return failure();
  Expression decay = scale * (a.cast(getF32(node)) + bias).unary<nn::SoftplusOp>();
  if (failed(node.result(keepShape(node, decay.cast(a.getElementType()), a))) || !node.wantsResult(1))
    return success(!node.failed());
  if (!b)
    return node.reject("its second result needs its fourth operand");
  return node.result(sigmoid(b));
}

//===--- Streams ---===//

/// Streams (..., C, H), which may come as (..., C * H).
static Expression splitStreams(NodeBinder &node, Expression x, int64_t count) {
  if (node.failed() || count == 0)
    return x;
  int64_t last = x.getRank() - 1;
  if (count < 0 || last < 0 || ShapedType::isDynamic(x.getExtent(last)) || x.getExtent(last) % count) {
    (void)node.reject("num_branches does not divide the last extent");
    return {};
  }
  Expression tail = Expression::ints(node, {count, x.getExtent(last) / count});
  return {node, node.create<nn::ReshapeOp>(x, last ? Expression::concat(node, {x.shape(0, last), tail}, 0) : tail,
                                           /*allow_zero=*/true)};
}

static LogicalResult importBranchwiseRmsNorm(NodeBinder &node) {
  Expression x(node, node.operand(0)), scale(node, node.optionalOperand(1));
  double epsilon = node.floatAttr("epsilon", 1e-5);
  Expression streams = splitStreams(node, x, node.intAttr("num_branches", 0));
  if (node.failed())
    return failure();
  int64_t rank = streams.getRank();
  if (rank < 2)
    return node.reject("needs streams, or num_branches");
  Expression result = divideByRoot(streams.cast(getF32(node)), epsilon);
  if (scale) {
    int64_t width = streams.getExtent(rank - 1);
    scale = scale.cast(getF32(node));
    if (scale.getRank() == 1 && scale.getExtent(0) != width) {
      if (ShapedType::isDynamic(width))
        return node.reject("the width of a stream must be known");
      scale = scale.reshape({-1, width});
    }
    result = {node, keepShape(node, result * scale, streams)};
  }
  return node.result(reshapeLike(node, result.cast(x.getElementType()), x));
}

/// Gates (..., C), (..., C, 1), (..., C, H) or (..., C * H) so that they broadcast to the streams.
static Expression alignGates(NodeBinder &node, Expression gates, Expression streams) {
  int64_t rank = streams.getRank();
  if (gates.getRank() != rank - 1)
    return gates;
  int64_t count = streams.getExtent(rank - 2), last = gates.getExtent(rank - 2);
  if (last == count || ShapedType::isDynamic(last) || ShapedType::isDynamic(count))
    return gates.unsqueeze({rank - 1});
  return splitStreams(node, gates, count);
}

static LogicalResult importHyperConnectionPreMix(NodeBinder &node) {
  Expression x(node, node.operand(0)), gates(node, node.operand(1));
  double scale = node.floatAttr("reduction_scale", 1);
  Expression streams = splitStreams(node, x, node.intAttr("num_branches", 0));
  if (node.failed())
    return failure();
  int64_t rank = streams.getRank();
  if (rank < 2)
    return node.reject("needs streams, or num_branches");
  Expression mixed = streams.cast(getF32(node)) * alignGates(node, gates.cast(getF32(node)), streams);
  if (node.failed())
    return failure();
  mixed = {node, keepShape(node, mixed, streams)};
  Expression sum = mixed.reduce(nn::ReductionKind::Sum, {rank - 2}, /*keepdims=*/false) * scale;
  return node.result(sum.cast(x.getElementType()));
}

static LogicalResult importHyperConnectionPostMix(NodeBinder &node) {
  Expression x(node, node.operand(0)), block(node, node.operand(1)), gates(node, node.operand(2)),
      mix(node, node.optionalOperand(3));
  Expression streams = splitStreams(node, x, node.intAttr("num_branches", 0));
  if (node.failed())
    return failure();
  int64_t rank = streams.getRank();
  if (rank < 2 || block.getRank() != rank - 1)
    return node.reject("needs streams, or num_branches, and a block of one rank less");
  Expression sum = streams.cast(getF32(node));
  if (mix) {
    Expression matrix = mix.cast(getF32(node));
    sum = {node, node.create<nn::MatmulOp>(matrix, sum, /*transpose_lhs=*/true, /*transpose_rhs=*/false)};
  }
  gates = alignGates(node, gates.cast(getF32(node)), streams);
  if (node.failed())
    return failure();
  Expression result = sum + gates * block.cast(getF32(node)).unsqueeze({rank - 2});
  return node.result(reshapeLike(node, {node, keepShape(node, result.cast(x.getElementType()), streams)}, x));
}

/// A gate of each stream by how much its key and query agree.
static LogicalResult importEngramGate(NodeBinder &node) {
  Expression keys(node, node.operand(0)), queries(node, node.operand(1)), value(node, node.operand(2)),
      keyScale(node, node.operand(3)), queryScale(node, node.operand(4)), lastScale(node, node.optionalOperand(5));
  double epsilon = node.floatAttr("epsilon", 1e-5);
  if (node.failed())
    return failure();
  int64_t width = keys.getRank() == 4 ? keys.getExtent(3) : ShapedType::kDynamic;
  if (queries.getRank() != 4 || value.getRank() != 3 || ShapedType::isDynamic(width))
    return node.reject(
        "needs keys and queries (batch, sequence, streams, size) of a known size, and a value of 3 dimensions");
  queries = {node, keepShape(node, queries, keys)}; // neither broadcasts
  value = {node, keepShape(node, value.unsqueeze({2}), keys.slice(2, 0, 1))};
  if (node.failed())
    return failure();
  auto normalize = [&](Expression x, Expression scale) {
    return divideByRoot(x.cast(getF32(node)), epsilon) * scale.cast(getF32(node));
  };
  Expression product = normalize(keys, keyScale) * normalize(queries, queryScale);
  Expression dot =
      product.reduce(nn::ReductionKind::Sum, {3}, /*keepdims=*/true) / std::sqrt(static_cast<double>(width));
  Expression size = dot.unary<nn::AbsOp>();
  Expression root = size.max(size.like(1e-6)).unary<nn::SqrtOp>();
  Expression gated = sigmoid(dot.unary<nn::SignOp>() * root) * value.cast(getF32(node));
  gated = {node, keepShape(node, gated.cast(keys.getElementType()), keys)};
  if (failed(node.result(gated)) || !node.wantsResult(1))
    return success(!node.failed());
  if (!lastScale)
    return node.reject("its second result needs its sixth operand");
  return node.result(normalize(gated, lastScale).cast(keys.getElementType()));
}

static const OpEntry table[] = {
    {"BranchwiseRMSNorm", 1, importBranchwiseRmsNorm, domain},
    {"EngramGate", 1, importEngramGate, domain},
    {"GatedAdd", 1, importGatedAdd, domain},
    {"GatedRMSNorm", 1, importGatedRmsNorm, domain},
    {"HyperConnectionPostMix", 1, importHyperConnectionPostMix, domain},
    {"HyperConnectionPreMix", 1, importHyperConnectionPreMix, domain},
    {"LinearAttentionGate", 1, importLinearAttentionGate, domain},
    {"ScaledSiLU", 1, importScaledSilu, domain},
};

ArrayRef<OpEntry> getGateOps() { return table; }

} // namespace nnc::onnx
