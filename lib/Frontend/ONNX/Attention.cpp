// ONNX operators of the attention family: scaled dot products under masks, and
// rotations by position.
#include "lib/Frontend/ONNX/AttentionParts.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"

#include <cmath>

using namespace mlir;

namespace nnc::onnx {

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr int64_t toEnd = std::numeric_limits<int64_t>::max();

//===--- Parts that other operators share ---===//

Expression splitHeads(Expression x, int64_t heads) { return x.reshape({0, 0, heads, -1}).transpose({0, 2, 1, 3}); }

Expression mergeHeads(Expression x) { return x.transpose({0, 2, 1, 3}).reshape({0, 0, -1}); }

Expression toBias(Expression mask, Type type) {
  Expression zero = mask.like(0).cast(type);
  return mask.choose(zero, zero.like(-infinity));
}

Expression allowCausal(Expression query, Expression keys, Expression offset, int64_t left, int64_t right) {
  Expression row = Expression::range(query.extent(2)).unsqueeze({1}) + offset;
  Expression column = Expression::range(keys.extent(2)).unsqueeze({0});
  Expression allowed;
  if (right >= 0)
    allowed = column <= row + static_cast<double>(right);
  if (left >= 0) {
    Expression near = column >= row - static_cast<double>(left);
    allowed = allowed ? allowed & near : near;
  }
  return allowed;
}

/// Whether two extents are known to be equal.
static bool isSameExtent(Expression a, Expression b, int64_t axis) {
  return !ShapedType::isDynamic(a.getExtent(axis)) && a.getExtent(axis) == b.getExtent(axis);
}

/// x (B, H, S, D) with its heads in groups: (B, G, H / G, S, D), where `groups` has the G heads.
static Expression groupHeads(NodeBinder &node, Expression x, Expression groups) {
  return x.reshape(Expression::concat(
      node, {x.extent(0), groups.extent(1), Expression::ints(node, {-1}), x.extent(2), x.extent(3)}, 0));
}

Expression multiplyByKeys(NodeBinder &node, Expression query, Expression keys) {
  if (isSameExtent(query, keys, 1))
    return query.matmul(keys, /*transposeY=*/true);
  Expression scores = groupHeads(node, query, keys).matmul(keys.unsqueeze({2}), /*transposeY=*/true);
  return scores.reshape(
      Expression::concat(node, {query.extent(0), query.extent(1), query.extent(2), keys.extent(2)}, 0));
}

Expression multiplyByValues(NodeBinder &node, Expression weights, Expression values) {
  if (isSameExtent(weights, values, 1))
    return weights.matmul(values);
  // Rows of all heads of a group together, but where attention is computed in blocks of the rows of one head.
  bool isTogether = weights.getExtent(2) == 1 || ShapedType::isDynamic(weights.getExtent(2));
  Expression result;
  if (isTogether)
    result = weights.reshape(Expression::concat(node, {weights.extent(0), values.extent(1), Expression::ints(node, {-1}),
                                                       weights.extent(3)}, 0)).matmul(values);
  else
    result = groupHeads(node, weights, values).matmul(values.unsqueeze({2}));
  return result.reshape(
      Expression::concat(node, {weights.extent(0), weights.extent(1), weights.extent(2), values.extent(3)}, 0));
}

Expression scaleQuery(Expression query, double scale) {
  if (scale != 0)
    return query * scale;
  int64_t size = query.getExtent(query.getRank() - 1);
  if (!ShapedType::isDynamic(size))
    return query * (1 / std::sqrt(static_cast<double>(std::max<int64_t>(size, 1))));
  Expression extent = query.extent(query.getRank() - 1).cast(query.getElementType());
  return query / extent.unary<nn::SqrtOp>();
}

Expression maskedSoftmax(Expression scores, Expression bias, bool mayMaskAll) {
  Expression weights = scores.softmax(scores.getRank() - 1);
  if (!bias || !mayMaskAll)
    return weights;
  Expression largest = bias.reduce(nn::ReductionKind::Max, {bias.getRank() - 1}, /*keepdims=*/true);
  return largest.equals(-infinity).choose(weights.like(0), weights);
}

//===--- Attention ---===//

namespace {

/// The operands and attributes of one node.
struct AttentionNode {
  Expression query, keys, values, mask, pastKeys, pastValues, validKeys;
  int64_t left = -1, right = -1, outputMode = 0;
  bool isCausal = false;
  double scale = 0, softcap = 0;
  Type softmaxType;
};

} // namespace

static LogicalResult readAttention(NodeBinder &node, AttentionNode &read) {
  read.query = {node, node.operand(0)};
  read.keys = {node, node.operand(1)};
  read.values = {node, node.operand(2)};
  read.mask = {node, node.optionalOperand(3)};
  read.pastKeys = {node, node.optionalOperand(4)};
  read.pastValues = {node, node.optionalOperand(5)};
  read.validKeys = {node, node.optionalOperand(6)};
  read.isCausal = node.intAttr("is_causal", 0);
  read.scale = node.floatAttr("scale", 0);
  read.softcap = node.floatAttr("softcap", 0);
  read.outputMode = node.intAttr("qk_matmul_output_mode", 0);
  read.left = node.intAttr("left_window_size", -1);
  read.right = node.intAttr("right_window_size", -1);
  int64_t queryHeads = node.intAttr("q_num_heads", 0), keyHeads = node.intAttr("kv_num_heads", 0);
  int64_t precision = node.intAttr("softmax_precision", 0);
  if (node.failed())
    return failure();
  if (static_cast<bool>(read.pastKeys) != static_cast<bool>(read.pastValues))
    return node.reject("past keys and past values must come together");
  if (read.pastKeys && read.validKeys)
    return node.reject("the number of valid keys and past keys exclude each other");
  if (read.left < -1 || read.right < -1 || read.outputMode < 0 || read.outputMode > 3)
    return node.reject("a window or mode is out of range");
  int64_t rank = read.query.getRank();
  if ((rank != 3 && rank != 4) || read.keys.getRank() != rank || read.values.getRank() != rank)
    return node.reject("query, keys and values must all have 3 or 4 dimensions");
  if (rank == 3) {
    if (queryHeads < 1 || keyHeads < 1)
      return node.reject("three dimensions need the numbers of heads");
    read.query = splitHeads(read.query, queryHeads);
    read.keys = splitHeads(read.keys, keyHeads);
    read.values = splitHeads(read.values, keyHeads);
  }
  if (precision)
    read.softmaxType = node.elementType(precision);
  if (read.pastKeys) {
    read.keys = Expression::concat(node, {read.pastKeys, read.keys}, 2);
    read.values = Expression::concat(node, {read.pastValues, read.values}, 2);
  }
  return success(!node.failed());
}

/// `mask`, whose last axis may be shorter than that of the keys: what is missing is masked.
static Expression padMask(NodeBinder &node, Expression mask, Expression keys) {
  int64_t axis = mask.getRank() - 1, given = mask.getExtent(axis), all = keys.getExtent(2);
  if (!ShapedType::isDynamic(given) && given == all)
    return mask;
  Expression missing = keys.extent(2) - mask.extent(axis);
  Expression pads = Expression::concat(node, {Expression::ints(node, {0}), missing}, 0);
  Value filler = mask.like(mask.getElementType().isInteger(1) ? 0 : -infinity);
  return {node, node.create<nn::PadOp>(mask, pads, filler, ArrayRef<int64_t>{axis}, nn::PadMode::Constant)};
}

/// What is added to the scores; null where nothing is. `mayMaskAll`: whether all keys of a query may be masked.
static Expression buildBias(NodeBinder &node, AttentionNode &read, bool &mayMaskAll) {
  Type type = read.query.getElementType();
  Expression bias;
  auto add = [&](Expression more) { bias = bias ? bias + more : more; };
  if (read.mask) {
    Expression mask = padMask(node, read.mask, read.keys);
    if (node.failed())
      return bias;
    add(mask.getElementType().isInteger(1) ? toBias(mask, type) : mask.cast(type));
  }
  mayMaskAll = bool(read.mask) || bool(read.validKeys);
  Type i64 = node.getBuilder().getI64Type();
  Expression offset = Expression::scalar(node, i64, 0);
  if (read.validKeys)
    offset = read.validKeys.cast(i64).reshape({-1, 1, 1, 1}) - read.query.extent(2);
  else if (read.pastKeys)
    offset = read.pastKeys.extent(2);
  if (read.isCausal)
    add(toBias(allowCausal(read.query, read.keys, offset, -1, 0), type));
  if (read.left >= 0 || read.right >= 0) {
    add(toBias(allowCausal(read.query, read.keys, offset, read.left, read.right), type));
    mayMaskAll = true;
  }
  if (read.validKeys) {
    Expression valid = read.validKeys.cast(i64).reshape({-1, 1, 1, 1});
    add(toBias(Expression::range(read.keys.extent(2)).reshape({1, 1, 1, -1}) < valid, type));
  }
  return bias;
}

static LogicalResult importAttention(NodeBinder &node) {
  AttentionNode read;
  bool isFlat = node.getRank(node.operand(0)) == 3, mayMaskAll = false;
  if (failed(readAttention(node, read)))
    return failure();
  Type type = read.query.getElementType();
  Expression bias = buildBias(node, read, mayMaskAll);
  Expression raw = multiplyByKeys(node, scaleQuery(read.query, read.scale), read.keys), capped = raw;
  if (node.failed())
    return failure();
  if (read.softcap > 0)
    capped = (raw / read.softcap).unary<nn::TanhOp>() * read.softcap;
  Expression scores = bias ? Expression(node, keepShape(node, capped + bias, capped)) : capped;
  Expression weights = maskedSoftmax(read.softmaxType ? scores.cast(read.softmaxType) : scores, bias, mayMaskAll);
  if (node.failed())
    return failure();
  weights = weights.cast(type);
  Expression result = multiplyByValues(node, weights, read.values);
  if (node.failed())
    return failure();
  Expression exposed[] = {raw, capped, scores, weights};
  Expression results[] = {isFlat ? mergeHeads(result) : result, read.keys, read.values, exposed[read.outputMode]};
  for (Expression each : results)
    if (failed(node.result(each)))
      return failure();
  return success();
}

//===--- Rotation by position ---===//

Expression rotate(NodeBinder &node, Expression x, Expression cosines, Expression sines, int64_t size,
                  bool isInterleaved) {
  int64_t axis = x.getRank() - 1;
  Expression rest, turned = x;
  if (size > 0 && size != x.getExtent(axis)) {
    turned = x.slice(axis, 0, size);
    rest = x.slice(axis, size, toEnd);
  }
  Expression half = cosines.extent(cosines.getRank() - 1);
  Expression first = isInterleaved ? turned.slice(axis, 0, toEnd, 2)
                                   : turned.slice(axis, Expression::ints(node, {0}), half);
  Expression second = isInterleaved ? turned.slice(axis, 1, toEnd, 2)
                                    : turned.slice(axis, half, Expression::ints(node, {toEnd}));
  Expression real = cosines * first - sines * second, imaginary = sines * first + cosines * second;
  real = {node, keepShape(node, real, first)};
  Expression result;
  if (isInterleaved) {
    Expression pairs = Expression::concat(node, {real.unsqueeze({axis + 1}), imaginary.unsqueeze({axis + 1})}, axis + 1);
    result = pairs.reshape(Expression::concat(node, {pairs.shape(0, axis), Expression::ints(node, {-1})}, 0));
  } else {
    result = Expression::concat(node, {real, imaginary}, axis);
  }
  return rest ? Expression::concat(node, {result, rest}, axis) : result;
}

/// x: (B, S, H * D), or (B, H, S, D). The caches: (positions, D / 2) with position ids (B, S), else (B, S, D / 2).
static LogicalResult importRotaryEmbedding(NodeBinder &node) {
  Expression x(node, node.operand(0)), cosines(node, node.operand(1)), sines(node, node.operand(2)),
      positions(node, node.optionalOperand(3));
  int64_t heads = node.intAttr("num_heads", 0), size = node.intAttr("rotary_embedding_dim", 0);
  bool isInterleaved = node.intAttr("interleaved", 0);
  if (node.failed())
    return failure();
  int64_t rank = x.getRank();
  if ((rank != 3 && rank != 4) || (rank == 3 && heads < 1) || size < 0 || size % 2)
    return node.reject("needs 4 dimensions, or 3 and a number of heads, and an even number of rotated elements");
  if (positions) {
    cosines = cosines.gather(positions, 0);
    sines = sines.gather(positions, 0);
  }
  Expression shape = x.shape();
  if (rank == 3)
    x = x.reshape({0, 0, heads, -1});
  int64_t headAxis = rank == 3 ? 2 : 1;
  if (node.failed())
    return failure();
  if (cosines.getRank() != 3 || sines.getRank() != 3)
    return node.reject("the caches must have one row for each position");
  Expression result =
      rotate(node, x, cosines.unsqueeze({headAxis}), sines.unsqueeze({headAxis}), size, isInterleaved);
  return node.result(rank == 3 ? result.reshape(shape) : result);
}

static const OpEntry table[] = {
    {"Attention", 23, importAttention},
    {"RotaryEmbedding", 23, importRotaryEmbedding},
};

ArrayRef<OpEntry> getAttentionOps() { return table; }

} // namespace nnc::onnx
