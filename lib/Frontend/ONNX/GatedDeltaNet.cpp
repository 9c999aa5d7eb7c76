// GatedDeltaNet of com.microsoft: linear attention of which shapes tell the heads and
// the batch, and which makes its gates of what a layer computed.
#include "lib/Frontend/ONNX/LinearAttention.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"

using namespace mlir;

namespace nnc::onnx {

namespace {

/// The operands of one node, tokens (T) or (B, S) first.
struct GatedDeltaNode {
  Expression query, keys; ///< (tokens, H, D)
  Expression values;      ///< (tokens, G, V); G is a multiple of H
  Expression decay, rate; ///< (tokens, G) or (tokens, G, D), and (tokens, G); null where the rule has none
  Expression state;       ///< (B, G, V, D), or null
  int64_t tokenAxes = 1, heads = 0, valueHeads = 0;

  /// The extents of the tokens, as the output has them.
  Expression tokens() const { return query.shape(0, tokenAxes); }
};

} // namespace

/// Repeating heads of keys takes a list of those of values.
static constexpr int64_t maxHeads = 1 << 16;

static LogicalResult checkGatedDelta(NodeBinder &node) {
  if (node.optionalOperand(3))
    return node.reject("sequences of different lengths behind each other are not supported");
  bool hasUpdates = node.intAttr("state_update_capacity", 0) || node.wantsResult(2);
  if (hasUpdates || node.optionalOperand(9) || node.optionalOperand(10))
    return node.reject("updates of the state as an output are not supported");
  node.ignoreAttrs({"chunk_size"}); // of one of several ways to compute the same
  return success(!node.failed());
}

/// Queries, keys and values that are one operand, (tokens, 2 H D + G V), of which the state tells the sizes.
static LogicalResult splitPacked(NodeBinder &node, GatedDeltaNode &read) {
  Expression packed = read.query;
  int64_t last = packed.getRank() - 1, width = last < 1 ? ShapedType::kDynamic : packed.getExtent(last);
  if (!read.state || read.keys || read.values)
    return node.reject("keys and values must come together, or with the queries and a state");
  int64_t groups = read.state.getExtent(1), valueSize = read.state.getExtent(2), size = read.state.getExtent(3);
  if (last < 1 || last > 2)
    return node.reject("what holds queries, keys and values must have 2 or 3 dimensions");
  for (int64_t extent : {width, groups, valueSize, size})
    if (ShapedType::isDynamic(extent) || extent < 1 || extent > INT32_MAX)
      return node.reject("what holds queries, keys and values, and the state, must be of known size");
  int64_t ofKeys = (width - groups * valueSize) / 2;
  if (groups * valueSize >= width || (width - groups * valueSize) % (2 * size))
    return node.reject("what holds queries, keys and values is not as wide as the state says");
  auto take = [&](int64_t start, int64_t end, int64_t size) {
    Expression heads = Expression::ints(node, {(end - start) / size, size});
    return packed.slice(last, start, end).reshape(Expression::concat(node, {packed.shape(0, last), heads}, 0));
  };
  read.query = take(0, ofKeys, size);
  read.keys = take(ofKeys, 2 * ofKeys, size);
  read.values = take(2 * ofKeys, width, valueSize);
  return success(!node.failed());
}

static LogicalResult readGatedDelta(NodeBinder &node, GatedDeltaNode &read) {
  read.query = {node, node.operand(0)};
  read.keys = {node, node.optionalOperand(1)};
  read.values = {node, node.optionalOperand(2)};
  read.decay = {node, node.optionalOperand(4)};
  read.rate = {node, node.optionalOperand(5)};
  read.state = {node, node.optionalOperand(6)};
  if (node.failed() || failed(checkGatedDelta(node)) ||
      failed(checkUpdateRule(node, static_cast<bool>(read.decay), static_cast<bool>(read.rate))))
    return failure();
  if (read.state && read.state.getRank() != 4)
    return node.reject("the state must have 4 dimensions");
  if ((!read.keys || !read.values) && failed(splitPacked(node, read)))
    return failure();
  int64_t rank = read.query.getRank();
  if ((rank != 3 && rank != 4) || read.keys.getRank() != rank || read.values.getRank() != rank)
    return node.reject("queries, keys and values must have 3 or 4 dimensions");
  read.tokenAxes = rank - 2;
  if (rank == 3 && !read.state)
    return node.reject("only a state, or a dimension of its own, tells the size of the batch");
  read.heads = read.query.getExtent(rank - 2);
  read.valueHeads = read.values.getExtent(rank - 2);
  if (ShapedType::isDynamic(read.heads) || ShapedType::isDynamic(read.valueHeads) || read.heads < 1 ||
      read.valueHeads < 1 || read.valueHeads % read.heads || read.valueHeads > maxHeads)
    return node.reject("the heads of the values must be a known multiple of those of the queries");
  if (read.keys.getExtent(rank - 2) != read.heads)
    return node.reject("keys have other heads than queries");
  bool fits = !read.rate || read.rate.getRank() == rank - 1;
  if (!fits || (read.decay && read.decay.getRank() != rank - 1 && read.decay.getRank() != rank))
    return node.reject("decay and beta do not fit the values");
  return success();
}

/// What `gate_activation` makes of the decay, (B, T, G, D or 1): its logarithm.
static Expression activateDecay(NodeBinder &node, Expression decay, int64_t heads) {
  std::string activation = node.stringAttr("gate_activation", "none");
  double bound = node.floatAttr("gate_lower_bound", -5);
  Expression logarithm(node, node.optionalOperand(7)), bias(node, node.optionalOperand(8));
  bool isSoftplus = activation == "softplus" || activation == "qwen";
  bool isSigmoid = activation == "sigmoid" || activation == "kda";
  auto reject = [&](const Twine &reason) {
    (void)node.reject(reason);
    return Expression();
  };
  if (node.failed())
    return {};
  if (!isSoftplus && !isSigmoid && activation != "none")
    return reject("gate_activation '" + activation + "' is not known");
  bool isPlain = !isSoftplus && !isSigmoid;
  if (isPlain != !logarithm || isPlain != !bias || (!isPlain && !decay))
    return reject("the operands do not fit the gate_activation");
  if (isPlain)
    return decay;
  Type type = decay.getElementType();
  Expression factor = logarithm.cast(type).reshape({heads, 1}).unary<nn::ExpOp>();
  Expression moved(node, keepShape(node, decay + bias.cast(type).reshape({heads, -1}), decay));
  if (node.failed())
    return {};
  if (isSigmoid)
    return (factor * moved).unary<nn::SigmoidOp>() * bound;
  return moved.unary<nn::SoftplusOp>() * factor * -1;
}

/// Each row of the last axis divided by its norm.
static Expression normalizeRows(Expression x) {
  Expression sum = x.reduce(nn::ReductionKind::SumSquare, {x.getRank() - 1}, /*keepdims=*/true);
  return x / (sum + 1e-12).unary<nn::SqrtOp>();
}

/// The operands as linear attention has them: a batch, heads of the keys as many as of the values, one query for each.
static LinearAttentionNode alignHeads(NodeBinder &node, const GatedDeltaNode &read) {
  LinearAttentionNode aligned;
  Type type = node.getBuilder().getF32Type();
  Expression lead = read.tokens(); // (B, T)
  auto split = [&](Expression x) {
    return x.cast(type).reshape(Expression::concat(node, {lead, x.shape(read.tokenAxes)}, 0));
  };
  if (read.tokenAxes == 1)
    lead = Expression::concat(node, {read.state.extent(0), Expression::ints(node, {-1})}, 0);
  aligned.query = split(read.query);
  lead = aligned.query.shape(0, 2);
  aligned.keys = split(read.keys);
  aligned.values = split(read.values);
  double scale = node.floatAttr("scale", 0);
  bool isNormalized = node.intAttr("qk_l2_norm", 0);
  if (node.failed())
    return {};
  SmallVector<int64_t> sources;
  for (int64_t i = 0; i < read.valueHeads; ++i)
    sources.push_back(i / (read.valueHeads / read.heads));
  for (Expression *each : {&aligned.query, &aligned.keys}) {
    if (isNormalized)
      *each = normalizeRows(*each);
    if (read.valueHeads != read.heads)
      *each = each->gather(Expression::ints(node, sources), 2);
  }
  aligned.query = scaleQuery(aligned.query.unsqueeze({3}), scale);
  if (read.decay) {
    Expression decay = split(read.decay);
    aligned.decay = decay.getRank() == 3 ? decay.unsqueeze({3}) : decay;
  }
  aligned.decay = activateDecay(node, aligned.decay, read.valueHeads);
  if (read.rate)
    aligned.rate = split(read.rate);
  return aligned;
}

LogicalResult importGatedDeltaNet(NodeBinder &node) {
  GatedDeltaNode read;
  if (failed(readGatedDelta(node, read)))
    return failure();
  LinearAttentionNode aligned = alignHeads(node, read);
  std::string activation = node.stringAttr("beta_activation", "none");
  if (node.failed())
    return failure();
  if (activation != "none" && activation != "sigmoid")
    return node.reject("beta_activation '" + activation + "' is not known");
  if (aligned.rate && activation == "sigmoid")
    aligned.rate = aligned.rate.unary<nn::SigmoidOp>();
  Expression heads = Expression::ints(node, {read.valueHeads});
  Expression shape = Expression::concat(
      node, {aligned.keys.extent(0), heads, aligned.keys.extent(3), aligned.values.extent(3)}, 0);
  Expression zero = Expression::scalar(node, node.getBuilder().getF32Type(), 0).broadcast(shape);
  if (node.failed())
    return failure();
  aligned.state = zero;
  if (read.state)
    aligned.state = {node, keepShape(node, read.state.transpose({0, 1, 3, 2}), zero)};
  auto [all, state] = attendLinearly(node, aligned);
  if (node.failed())
    return failure();
  Type type = NodeBinder::getType(node.operand(0)).getElementType();
  Expression extents = Expression::concat(node, {read.tokens(), heads, aligned.values.extent(3)}, 0);
  if (failed(node.result(all.reshape(extents).cast(type))))
    return failure();
  return node.result(state.transpose({0, 1, 3, 2}));
}

} // namespace nnc::onnx
