// Attention without a softmax: a matrix for each head takes up the products of keys
// and values, position by position, and queries read it.
#include "lib/Frontend/ONNX/LinearAttention.h"

#include "lib/Frontend/Import/Repetition.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

/// x (B, T, heads * D) as (B, T, heads, D), with the batch and the positions of `like`.
static Expression splitLast(NodeBinder &node, Expression x, Expression like, int64_t heads, Type type) {
  Expression shape = Expression::concat(node, {like.shape(0, 2), Expression::ints(node, {heads, -1})}, 0);
  return x.cast(type).reshape(shape);
}

LogicalResult checkUpdateRule(NodeBinder &node, bool hasDecay, bool hasRate) {
  std::string rule = node.stringAttr("update_rule", "gated_delta");
  bool isGated = rule == "gated" || rule == "gated_delta", isDelta = rule == "delta" || rule == "gated_delta";
  if (!isGated && !isDelta && rule != "linear")
    return node.reject("update_rule '" + rule + "' is not known");
  if (hasDecay != isGated || hasRate != isDelta)
    return node.reject("the operands do not fit the update_rule");
  return success(!node.failed());
}

static LogicalResult readLinearAttention(NodeBinder &node, LinearAttentionNode &read) {
  Expression query(node, node.operand(0)), keys(node, node.operand(1)), values(node, node.operand(2)),
      past(node, node.optionalOperand(3)), decay(node, node.optionalOperand(4)), rate(node, node.optionalOperand(5));
  int64_t queryHeads = node.intAttr("q_num_heads", 0), heads = node.intAttr("kv_num_heads", 0);
  double scale = node.floatAttr("scale", 0);
  node.ignoreAttrs({"chunk_size"}); // of one of several ways to compute the same
  if (failed(checkUpdateRule(node, static_cast<bool>(decay), static_cast<bool>(rate))))
    return failure();
  if (heads < 1 || queryHeads < 1 || queryHeads % heads)
    return node.reject("the heads of the queries must be a multiple of those of the keys");
  for (Expression each : {query, keys, values, decay, rate})
    if (each && each.getRank() != 3)
      return node.reject("query, keys, values, decay and beta must have 3 dimensions");
  if (past && past.getRank() != 4)
    return node.reject("the state must have 4 dimensions");
  Type type = query.getElementType();
  if (!type.isF64())
    type = node.getBuilder().getF32Type();
  read.query = query.cast(type).reshape({0, 0, heads, queryHeads / heads, -1});
  read.query = scaleQuery(read.query, scale);
  read.keys = splitLast(node, keys, query, heads, type);
  read.values = splitLast(node, values, query, heads, type);
  if (decay)
    read.decay = splitLast(node, decay, query, heads, type);
  if (rate)
    read.rate = rate.cast(type).reshape(Expression::concat(node, {query.shape(0, 2), Expression::ints(node, {-1})}, 0));
  if (node.failed())
    return failure();
  Expression groups = Expression::ints(node, {heads});
  Expression shape = Expression::concat(
      node, {query.extent(0), groups, read.keys.extent(3), read.values.extent(3)}, 0);
  Expression zero = Expression::scalar(node, type, 0).broadcast(shape);
  read.state = past ? Expression(node, keepShape(node, past.cast(type), zero)) : zero;
  return success(!node.failed());
}

/// What does not depend on the state, for all positions. The state S becomes S' = e^g S + k v', which a query reads as
/// q S' = (q e^g) S + (q k) v', where v' = beta (v - (k e^g) S) or v: S is read once, and written once.
static void prepareRows(NodeBinder &node, LinearAttentionNode &read) {
  Expression keys = read.keys.unsqueeze({3});
  read.overlaps = (read.query * keys).reduce(nn::ReductionKind::Sum, {4}, /*keepdims=*/true);
  read.rows = read.rate ? Expression::concat(node, {keys, read.query}, 3) : read.query;
  if (!read.decay)
    return;
  read.decay = read.decay.unary<nn::ExpOp>();
  read.rows = {node, keepShape(node, read.rows * read.decay.unsqueeze({3}), read.rows)};
}

/// One position: the state after it, and what the queries read.
static frontend::Iteration attendOnce(NodeBinder &node, const LinearAttentionNode &read, Expression number,
                                      Expression state) {
  auto at = [&](Expression x) { return x.gather(number, 1); };
  Expression key = at(read.keys), value = at(read.values).unsqueeze({2}), next = state;
  Expression query = at(read.query), result = at(read.rows).matmul(state);
  if (read.rate) {
    value = at(read.rate).unsqueeze({2, 3}) * (value - result.slice(2, 0, 1));
    result = result.slice(2, 1, std::numeric_limits<int64_t>::max());
  }
  if (read.decay)
    next = next * at(read.decay).unsqueeze({3});
  next = {node, keepShape(node, next + key.unsqueeze({3}) * value, state)};
  result = result + at(read.overlaps) * value;
  Expression shape = Expression::concat(node, {query.shape(0, 3), state.extent(3)}, 0);
  return {{next}, {Expression(node, node.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/true))}};
}

std::pair<Expression, Expression> attendLinearly(NodeBinder &node, LinearAttentionNode read) {
  prepareRows(node, read);
  SmallVector<Expression> results =
      frontend::repeat(node, read.keys.extent(1), {read.state}, [&](Expression number, ArrayRef<Expression> carried) {
        return attendOnce(node, read, number, carried.front());
      });
  if (node.failed())
    return {};
  return {results[1].transpose({1, 0, 2, 3, 4}), results[0]};
}

static LogicalResult importLinearAttention(NodeBinder &node) {
  LinearAttentionNode read;
  if (failed(readLinearAttention(node, read)))
    return failure();
  Type type = node.getType(node.operand(0)).getElementType();
  Type stateType = node.optionalOperand(3) ? node.getType(node.optionalOperand(3)).getElementType() : type;
  auto [all, state] = attendLinearly(node, read);
  if (node.failed() || failed(node.result(all.reshape({0, 0, -1}).cast(type))))
    return failure();
  return node.result(state.cast(stateType));
}

/// As that of ONNX, without the states of several positions.
static LogicalResult importMicrosoftLinearAttention(NodeBinder &node) {
  if (node.intAttr("state_window", 0))
    return node.reject("states of several positions are not supported");
  return importLinearAttention(node);
}

static const OpEntry table[] = {
    {"LinearAttention", 27, importLinearAttention},
    {"LinearAttention", 1, importMicrosoftLinearAttention, "com.microsoft"},
    {"GatedDeltaNet", 1, importGatedDeltaNet, "com.microsoft"},
};

ArrayRef<OpEntry> getLinearAttentionOps() { return table; }

} // namespace nnc::onnx
