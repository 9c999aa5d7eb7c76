// Operators of the domain com.microsoft that ONNX Runtime's optimisers put into
// models, and the norms it keeps in ONNX's own domain.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/AttentionParts.h"
#include "lib/Frontend/ONNX/Convolution.h"
#include "lib/Frontend/ONNX/FusedActivation.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Precision.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

static constexpr StringRef domain = "com.microsoft";

/// The sum of `x` and an addend that broadcasts to it.
static Expression addTo(NodeBinder &node, Expression x, Expression addend) {
  return {node, keepShape(node, x + addend, x)};
}

//===--- Fused element-wise operations ---===//

/// gelu of the first operand plus the second, if there is one.
template <nn::GeluForm form> static LogicalResult importGelu(NodeBinder &node) {
  Expression x(node, node.operand(0)), bias(node, node.optionalOperand(1));
  if (node.failed())
    return failure();
  return node.result((bias ? addTo(node, x, bias) : x).unary<nn::GeluOp>(form));
}

static LogicalResult importQuickGelu(NodeBinder &node) {
  Value x = node.operand(0);
  APFloat alpha(static_cast<float>(node.floatAttr("alpha", 1.702)));
  return node.result(node.create<nn::SiluOp>(x, alpha));
}

//===--- Fused products ---===//

Expression applyActivation(NodeBinder &node, Expression x, StringRef name, ArrayRef<double> parameters) {
  auto parameter = [&](unsigned i, double otherwise) {
    return APFloat(static_cast<float>(i < parameters.size() ? parameters[i] : otherwise));
  };
  if (node.failed() || name.empty())
    return x;
  if (name == "Relu")
    return x.unary<nn::ReluOp>();
  if (name == "Sigmoid")
    return x.unary<nn::SigmoidOp>();
  if (name == "Tanh")
    return x.unary<nn::TanhOp>();
  if (name == "HardSwish")
    return x.unary<nn::HardSwishOp>();
  if (name == "LeakyRelu")
    return x.unary<nn::LeakyReluOp>(parameter(0, 0.01));
  if (name == "Elu")
    return x.unary<nn::EluOp>(parameter(0, 1));
  if (name == "HardSigmoid")
    return x.unary<nn::HardSigmoidOp>(parameter(0, 0.2), parameter(1, 0.5));
  if (name == "Clip" && parameters.size() == 2)
    return x.unary<nn::ClipOp>(Value(x.like(parameters[0])), Value(x.like(parameters[1])));
  (void)node.reject("activation '" + name + "' is not supported");
  return {};
}

/// A convolution, an addend (operand 3) if there is one, an activation.
static LogicalResult importFusedConv(NodeBinder &node) {
  Expression result(node, buildConv(node)), addend(node, node.optionalOperand(3));
  std::string activation = node.stringAttr("activation", "");
  SmallVector<double> parameters = node.floatsAttr("activation_params");
  if (node.failed())
    return failure();
  return node.result(applyActivation(node, addend ? addTo(node, result, addend) : result, activation, parameters));
}

//===--- Norms ---===//

static APFloat getEpsilon(NodeBinder &node, double otherwise) {
  return APFloat(static_cast<float>(node.floatAttr("epsilon", otherwise)));
}

/// The norm over the last axis of the input plus skip plus bias; output 3 is that sum.
template <bool isRms> static LogicalResult importSkipNorm(NodeBinder &node) {
  Expression x(node, node.operand(0)), skip(node, node.operand(1)), scale(node, node.operand(2));
  Expression shift(node, isRms ? Value() : node.optionalOperand(3)), bias(node, node.optionalOperand(isRms ? 3 : 4));
  APFloat epsilon = getEpsilon(node, isRms ? 1e-5 : 1e-12);
  if (node.failed())
    return failure();
  if (node.wantsResult(1) || node.wantsResult(2))
    return node.reject("mean and deviation as outputs are not supported");
  Expression sum = addTo(node, x, skip);
  if (bias)
    sum = addTo(node, sum, bias);
  int64_t axis = x.getRank() - 1;
  Value result = isRms ? node.create<nn::RmsNormOp>(sum, scale, axis, epsilon)
                       : node.create<nn::LayerNormOp>(sum, scale, shift, axis, epsilon);
  for (Value each : {result, result, result, Value(sum)})
    if (failed(node.result(each)))
      return failure();
  return success();
}

static LogicalResult importSimplifiedLayerNormalization(NodeBinder &node) {
  node.ignoreAttrs({"stash_type"}); // sums are always kept in f32
  Expression x(node, node.operand(0)), scale(node, node.operand(1));
  int64_t axis = node.axisAttr("axis", -1, x);
  APFloat epsilon = getEpsilon(node, 1e-5);
  if (node.failed())
    return failure();
  return node.result(node.create<nn::RmsNormOp>(x, scale, axis, epsilon));
}

/// Results 0 and 1: the norm of the sum of embeddings, and how many words of each sequence (or of `mask`) there are.
static LogicalResult finishEmbedding(NodeBinder &node, Expression sum, Expression scale, Expression shift,
                                     APFloat epsilon, Expression words, Expression mask) {
  if (node.failed() || failed(node.result(node.create<nn::LayerNormOp>(sum, scale, shift, sum.getRank() - 1, epsilon))))
    return failure();
  Type i32 = node.getBuilder().getI32Type();
  Expression counted = mask ? mask.cast(i32) : words.cast(i32) * 0;
  return node.result(counted.reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/false));
}

/// The norm of the sum of the embeddings of words, positions and segments.
static LogicalResult importEmbedLayerNormalization(NodeBinder &node) {
  Expression words(node, node.operand(0)), segments(node, node.optionalOperand(1)), wordRows(node, node.operand(2)),
      positionRows(node, node.operand(3)), segmentRows(node, node.optionalOperand(4)), scale(node, node.operand(5)),
      shift(node, node.operand(6)), mask(node, node.optionalOperand(7)), positions(node, node.optionalOperand(8));
  APFloat epsilon = getEpsilon(node, 1e-12);
  int64_t maskIndexType = node.intAttr("mask_index_type", mask ? 1 : 0);
  if (node.failed())
    return failure();
  if (maskIndexType > 1)
    return node.reject("this mask_index_type is not supported");
  if (words.getRank() != 2)
    return node.reject("the words must be (batch, sequence)");
  Expression sum = wordRows.gather(words, 0);
  sum = sum + positionRows.gather(positions ? positions : Expression::range(words.extent(1)), 0);
  if (segments && segmentRows)
    sum = sum + segmentRows.gather(segments, 0);
  return success(succeeded(finishEmbedding(node, sum, scale, shift, epsilon, words, mask)) &&
                 succeeded(node.result(sum)));
}

/// As EmbedLayerNormalization with tables, scale and shift of 8 bits: scales follow them, then zero points.
static LogicalResult importQEmbedLayerNormalization(NodeBinder &node) {
  Expression words(node, node.operand(0)), segments(node, node.optionalOperand(1)), mask(node, node.optionalOperand(7));
  APFloat epsilon = getEpsilon(node, 1e-12);
  if (node.failed())
    return failure();
  if (words.getRank() != 2)
    return node.reject("the words must be (batch, sequence)");
  Type f32 = node.getBuilder().getF32Type();
  // Table `i` of words, positions, segments, scale and shift, or its rows.
  auto read = [&](unsigned i, Expression rows) {
    Expression table(node, node.operand(2 + i)), scale(node, node.operand(8 + i)), zero(node, node.operand(13 + i));
    if (node.failed())
      return table;
    table = rows ? table.gather(rows, 0) : table;
    auto asScalar = [](Expression x) { return x.reshape(ArrayRef<int64_t>{}); };
    return Expression(node, node.create<nn::DequantizeOp>(table, asScalar(scale), asScalar(zero), f32));
  };
  Expression sum = read(0, words) + read(1, Expression::range(words.extent(1)));
  if (segments)
    sum = sum + read(2, segments);
  return finishEmbedding(node, sum, read(3, Expression()), read(4, Expression()), epsilon, words, mask);
}

//===--- Attention ---===//

/// The cache has a row for each position; positions are (batch, sequence), or one number, that of the first.
static LogicalResult importRotaryEmbedding(NodeBinder &node) {
  Expression x(node, node.operand(0)), positions(node, node.operand(1)), cosines(node, node.operand(2)),
      sines(node, node.operand(3));
  int64_t heads = node.intAttr("num_heads", 0), size = node.intAttr("rotary_embedding_dim", 0);
  bool isInterleaved = node.intAttr("interleaved", 0);
  node.ignoreAttrs({"is_packed_batching"}); // the positions tell
  if (node.floatAttr("scale", 1) != 1)
    return node.reject("scaled positions are not supported");
  if (node.failed())
    return failure();
  int64_t rank = x.getRank(), half = cosines.getRank() == 2 ? cosines.getExtent(1) : ShapedType::kDynamic;
  if ((rank != 3 && rank != 4) || size < 0 || ShapedType::isDynamic(half))
    return node.reject("needs 3 or 4 dimensions and a cache whose width is known");
  Expression shape = x.shape();
  if (rank == 3)
    x = heads > 0 ? x.reshape({0, 0, heads, -1}) : x.reshape({0, 0, -1, 2 * half});
  int64_t sequenceAxis = rank == 3 ? 1 : 2, headAxis = rank == 3 ? 2 : 1;
  if (positions.getRank() == 1)
    positions = (Expression::range(x.extent(sequenceAxis)) + positions).unsqueeze({0});
  Expression result = rotate(node, x, cosines.gather(positions, 0).unsqueeze({headAxis}),
                             sines.gather(positions, 0).unsqueeze({headAxis}), size, isInterleaved);
  return node.result(rank == 3 ? result.reshape(shape) : result);
}

/// A row of the caches for each token, of which each column is that of the token's place in time, height or width: the
/// columns of the three are in `sections`, one behind the other or, interleaved, in turns as long as there are any.
static Expression takeByPlace(NodeBinder &node, Expression cache, Expression positions, ArrayRef<int64_t> sections,
                              bool isInterleaved) {
  int64_t half = cache.getExtent(1);
  SmallVector<int64_t> columns;
  for (int64_t column = 0; column < half; ++column) {
    int64_t kind = column < sections[0] ? 0 : column < sections[0] + sections[1] ? 1 : 2;
    if (isInterleaved) {
      kind = column % 3;
      kind = kind && column < 3 * sections[kind] ? kind : 0;
    }
    columns.push_back(kind * half + column);
  }
  SmallVector<Expression> rows;
  for (int64_t kind = 0; kind < 3; ++kind)
    rows.push_back(cache.gather(positions.slice(0, kind, kind + 1).squeeze({0}), 0));
  return Expression::concat(node, rows, 2).gather(Expression::ints(node, columns), 2);
}

/// RotaryEmbedding with three positions for each token.
static LogicalResult importMRotaryEmbedding(NodeBinder &node) {
  Expression x(node, node.operand(0)), positions(node, node.operand(1)), cosines(node, node.operand(2)),
      sines(node, node.operand(3));
  int64_t heads = node.intAttr("num_heads", 0), size = node.intAttr("rotary_embedding_dim", 0);
  bool isInterleaved = node.intAttr("interleaved", 0), hasTurns = node.intAttr("mrope_layout", 0);
  SmallVector<int64_t> sections = node.intsAttr("mrope_section");
  if (node.floatAttr("scale", 1) != 1 || node.intAttr("is_packed_batching", 0))
    return node.reject("scaled or packed positions are not supported");
  if (node.failed())
    return failure();
  int64_t rank = x.getRank(), half = cosines.getRank() == 2 ? cosines.getExtent(1) : ShapedType::kDynamic;
  if ((rank != 3 && rank != 4) || size < 0 || ShapedType::isDynamic(half) || positions.getRank() != 3 ||
      sines.getRank() != 2 || sines.getExtent(1) != half)
    return node.reject("needs 3 or 4 dimensions, positions of 3, and caches whose width is known");
  bool fits =
      sections.size() == 3 && llvm::all_of(sections, [&](int64_t section) { return section >= 0 && section <= half; });
  if (!fits || sections[0] + sections[1] + sections[2] != half)
    return node.reject("mrope_section does not fit the caches");
  if (half > (1 << 16)) // a table of all columns is made
    return node.reject("caches of more than 65536 columns are not supported");
  Expression shape = x.shape();
  if (rank == 3)
    x = heads > 0 ? x.reshape({0, 0, heads, -1}) : x.reshape({0, 0, -1, 2 * half});
  int64_t headAxis = rank == 3 ? 2 : 1;
  Expression cosine = takeByPlace(node, cosines, positions, sections, hasTurns).unsqueeze({headAxis});
  Expression sine = takeByPlace(node, sines, positions, sections, hasTurns).unsqueeze({headAxis});
  Expression result = rotate(node, x, cosine, sine, size, isInterleaved);
  return node.result(rank == 3 ? result.reshape(shape) : result);
}

/// `mask`, the number of valid keys of each batch (B), or whether a key is valid (B, K) or (B, Q, K), as what is added
/// to the scores.
static Expression buildPaddingBias(NodeBinder &node, Expression mask, Expression query, Expression keys,
                                   double masked) {
  Type i64 = node.getBuilder().getI64Type(), type = query.getElementType();
  Expression valid;
  if (mask.getRank() == 1) {
    int64_t count = mask.getExtent(0), batch = query.getExtent(0);
    if (ShapedType::isDynamic(count) || count != batch) {
      (void)node.reject("a mask of one axis must be known to have one entry for each batch");
      return {};
    }
    valid = Expression::range(keys.extent(2)).unsqueeze({0}) < mask.cast(i64).unsqueeze({1});
    valid = valid.unsqueeze({1, 2});
  } else if (mask.getRank() == 2 || mask.getRank() == 3) {
    valid = mask.cast(node.getBuilder().getI1Type());
    valid = mask.getRank() == 2 ? valid.unsqueeze({1, 2}) : valid.unsqueeze({1});
  } else {
    (void)node.reject("a mask of four axes is not supported");
    return {};
  }
  return valid.choose(Expression::scalar(node, type, 0), Expression::scalar(node, type, masked));
}

/// What attention and multi-head attention have in common: (B, H, Q, D) to (B, Q, H * D). Keys behind `last` (may be null) are
/// not there yet.
static Expression attend(NodeBinder &node, Expression query, Expression keys, Expression values, Expression mask,
                         Expression bias, Expression past, Expression last = {}) {
  double masked = node.floatAttr("mask_filter_value", -10000);
  bool isCausal = node.intAttr("unidirectional", 0);
  double scale = node.floatAttr("scale", 0);
  if (node.failed())
    return {};
  Expression scores = multiplyByKeys(node, scaleQuery(query, scale), keys);
  if (mask)
    scores = addTo(node, scores, buildPaddingBias(node, mask, query, keys, masked));
  if (bias)
    scores = addTo(node, scores, bias);
  if (isCausal) {
    Type i64 = node.getBuilder().getI64Type();
    Expression offset = past ? past.extent(2) : Expression::scalar(node, i64, 0);
    scores = scores + toBias(allowCausal(query, keys, offset, -1, 0), query.getElementType());
  }
  if (last)
    scores = scores + toBias(allowCausal(query, keys, last, -1, 0), query.getElementType());
  if (node.failed())
    return {};
  return mergeHeads(multiplyByValues(node, scores.softmax(3), values));
}

/// Adds the biases of the projections, one behind the other, to what they are of: only the query's where the keys come as (B, H, K, D).
static LogicalResult addProjectionBias(NodeBinder &node, Expression &query, Expression &keys, Expression &values,
                                       Expression bias) {
  if (!bias)
    return success();
  SmallVector<Expression *> parts{&query};
  if (keys.getRank() != 4)
    parts.append({&keys, &values});
  int64_t start = 0;
  for (Expression *part : parts) {
    int64_t size = part->getExtent(2);
    if (ShapedType::isDynamic(size))
      return node.reject("a bias needs sizes that are known at compile time");
    *part = addTo(node, *part, bias.slice(0, start, start + size));
    start += size;
  }
  return success();
}

static LogicalResult importMultiHeadAttention(NodeBinder &node) {
  Expression query(node, node.operand(0)), keys(node, node.optionalOperand(1)), values(node, node.optionalOperand(2)),
      bias(node, node.optionalOperand(3)), mask(node, node.optionalOperand(4)),
      scoreBias(node, node.optionalOperand(5)), pastKeys(node, node.optionalOperand(6)),
      pastValues(node, node.optionalOperand(7));
  int64_t heads = node.intAttr("num_heads", 0);
  if (node.failed())
    return failure();
  if (!keys || !values || query.getRank() != 3 || node.optionalOperand(8) || node.optionalOperand(9))
    return node.reject("packed operands and indirect caches are not supported");
  if (heads < 1 || node.wantsResult(3))
    return node.reject("needs a number of heads, and has no fourth output");
  bool isSplit = keys.getRank() == 4; // keys of cross attention come as (B, H, K, D)
  if (failed(addProjectionBias(node, query, keys, values, bias)))
    return failure();
  query = splitHeads(query, heads);
  if (!isSplit) {
    keys = splitHeads(keys, heads);
    values = splitHeads(values, heads);
  }
  if (pastKeys && pastValues && !isSplit) {
    keys = Expression::concat(node, {pastKeys, keys}, 2);
    values = Expression::concat(node, {pastValues, values}, 2);
  }
  Expression result = attend(node, query, keys, values, mask, scoreBias, isSplit ? Expression() : pastKeys);
  for (Expression each : {result, keys, values})
    if (failed(node.result(each)))
      return failure();
  return success();
}

/// Attention of one token. Its key and value come into caches at the place `last`; those of cross attention are (B, H, K, D).
static LogicalResult importDecoderMaskedAttention(NodeBinder &node) {
  Expression query(node, node.operand(0)), keys(node, node.optionalOperand(1)), values(node, node.optionalOperand(2)),
      mask(node, node.optionalOperand(3)), scoreBias(node, node.optionalOperand(4)),
      pastKeys(node, node.optionalOperand(5)), pastValues(node, node.optionalOperand(6)),
      last(node, node.optionalOperand(7)), bias(node, node.optionalOperand(10));
  int64_t heads = node.intAttr("num_heads", 0);
  bool isShared = node.intAttr("past_present_share_buffer", 0);
  (void)node.intAttr("output_qk", 0);
  if (node.failed())
    return failure();
  if (!keys || !values || query.getRank() != 3 || node.optionalOperand(8) || node.optionalOperand(9))
    return node.reject("packed operands and beams are not supported");
  if (heads < 1 || node.wantsResult(3))
    return node.reject("needs a number of heads, and has no fourth output");
  bool isCross = keys.getRank() == 4;
  if (!isCross && (!isShared || !pastKeys || !pastValues || !last || pastKeys.getRank() != 4 || pastValues.getRank() != 4))
    return node.reject("needs caches that past and present share, and how much is in them");
  if (failed(addProjectionBias(node, query, keys, values, bias)))
    return failure();
  query = splitHeads(query, heads);
  if (isCross)
    return node.result(attend(node, query, keys, values, mask, scoreBias, {}));
  last = last.cast(node.getBuilder().getI64Type()).reshape(ArrayRef<int64_t>{});
  Expression room = pastKeys.extent(2).reshape(ArrayRef<int64_t>{}), place = Expression::range(pastKeys.extent(2));
  requireOfData(node, (last >= 0) & (last < room), "a cache has room for the next key");
  Expression isNew = place.equals(last).unsqueeze({0, 1, 3});
  auto insert = [&](Expression cache, Expression row) -> Expression {
    return {node, keepShape(node, isNew.choose(splitHeads(row, heads), cache), cache)};
  };
  Expression presentKeys = insert(pastKeys, keys), presentValues = insert(pastValues, values);
  // What is behind the new key may be anything, NaN too.
  Expression exists = (place <= last).unsqueeze({0, 1, 3}), nothing = Expression::scalar(node, query.getElementType(), 0);
  auto takeExisting = [&](Expression cache) -> Expression {
    return {node, keepShape(node, exists.choose(cache, nothing), cache)};
  };
  keys = takeExisting(presentKeys);
  values = takeExisting(presentValues);
  if (Expression columns = mask ? mask : scoreBias) { // as many as keys are there
    Expression count = columns.extent(columns.getRank() - 1);
    requireOfData(node, count.reshape(ArrayRef<int64_t>{}).equals(last + 1), "a mask is of the keys that are there");
    Expression zero = Expression::ints(node, {0}), step = Expression::ints(node, {1});
    for (Expression *part : {&keys, &values})
      *part = {node, node.create<nn::SliceOp>(*part, zero, count, step, ArrayRef<int64_t>{2})};
  }
  for (Expression each : {attend(node, query, keys, values, mask, scoreBias, {}, last), presentKeys, presentValues})
    if (failed(node.result(each)))
      return failure();
  return success();
}

/// Attention of `all` (B, S, columns), which holds queries, keys and values of the given sizes; past and present hold
/// keys and values.
static LogicalResult attendPacked(NodeBinder &node, Expression all, ArrayRef<int64_t> sizes, int64_t heads,
                                  Expression mask, Expression past, Expression scoreBias) {
  int64_t columns = sizes[0] + sizes[1] + sizes[2];
  Expression query = splitHeads(all.slice(2, 0, sizes[0]), heads);
  Expression keys = splitHeads(all.slice(2, sizes[0], sizes[0] + sizes[1]), heads);
  Expression values = splitHeads(all.slice(2, sizes[0] + sizes[1], columns), heads);
  Expression pastKeys;
  if (past) {
    pastKeys = past.slice(0, 0, 1).squeeze({0});
    keys = Expression::concat(node, {pastKeys, keys}, 2);
    values = Expression::concat(node, {past.slice(0, 1, 2).squeeze({0}), values}, 2);
  }
  if (failed(node.result(attend(node, query, keys, values, mask, scoreBias, pastKeys))) || !node.wantsResult(1))
    return success(!node.failed());
  return node.result(Expression::concat(node, {keys.unsqueeze({0}), values.unsqueeze({0})}, 0));
}

/// One matrix makes query, keys and values of the input.
static LogicalResult importAttention(NodeBinder &node) {
  Expression x(node, node.operand(0)), weights(node, node.operand(1)), bias(node, node.optionalOperand(2)),
      mask(node, node.optionalOperand(3)), past(node, node.optionalOperand(4)), scoreBias(node, node.optionalOperand(5));
  int64_t heads = node.intAttr("num_heads", 0);
  if (node.intAttr("do_rotary", 0) || node.intAttr("past_present_share_buffer", 0))
    return node.reject("rotated or shared caches are not supported");
  if (node.failed())
    return failure();
  int64_t columns = weights.getRank() == 2 ? weights.getExtent(1) : ShapedType::kDynamic;
  SmallVector<int64_t> sizes = node.intsAttr("qkv_hidden_sizes");
  if (sizes.empty() && !ShapedType::isDynamic(columns))
    sizes.assign(3, columns / 3);
  if (x.getRank() != 3 || heads < 1 || sizes.size() != 3 || sizes[0] + sizes[1] + sizes[2] != columns)
    return node.reject("the sizes do not fit");
  Expression all = x.matmul(weights);
  if (bias)
    all = addTo(node, all, bias);
  return attendPacked(node, all, sizes, heads, mask, past, scoreBias);
}

/// As Attention, with an integer product of quantised input and weights.
static LogicalResult importQAttention(NodeBinder &node) {
  Expression x(node, node.operand(0)), weights(node, node.operand(1)), bias(node, node.operand(2)),
      scale(node, node.operand(3)), weightScale(node, node.operand(4)), mask(node, node.optionalOperand(5)),
      past(node, node.optionalOperand(8));
  int64_t heads = node.intAttr("num_heads", 0);
  if (node.intAttr("do_rotary", 0) || node.intAttr("past_present_share_buffer", 0))
    return node.reject("rotated or shared caches are not supported");
  if (node.failed())
    return failure();
  int64_t columns = weights.getRank() == 2 ? weights.getExtent(1) : ShapedType::kDynamic;
  if (x.getRank() != 3 || heads < 1 || ShapedType::isDynamic(columns) || columns % 3)
    return node.reject("the sizes do not fit");
  auto asScalar = [&](Value value) { return value ? node.create<nn::ReshapeOp>(value, node.ints({}), false) : Value(); };
  Value weightZero = node.optionalOperand(7);
  if (weightZero && NodeBinder::getType(weightZero).hasStaticShape() && NodeBinder::getType(weightZero).getNumElements() == 1)
    weightZero = asScalar(weightZero);
  Expression sum(node, node.create<nn::IntegerMatmulOp>(x, weights, asScalar(node.optionalOperand(6)), weightZero));
  if (node.failed())
    return failure();
  Expression factor = Expression(node, asScalar(scale)) * weightScale;
  Expression all = sum.cast(factor.getElementType()) * factor;
  all = addTo(node, {node, keepShape(node, all, sum)}, bias);
  return attendPacked(node, all, SmallVector<int64_t>(3, columns / 3), heads, mask, past, Expression());
}

static const OpEntry table[] = {
    {"Attention", 1, importAttention, domain},
    {"BiasGelu", 1, importGelu<nn::GeluForm::None>, domain},
    {"EmbedLayerNormalization", 1, importEmbedLayerNormalization, domain},
    {"FastGelu", 1, importGelu<nn::GeluForm::Tanh>, domain},
    {"FusedConv", 1, importWide<importFusedConv>, domain},
    {"Gelu", 1, importGelu<nn::GeluForm::None>, domain},
    {"MRotaryEmbedding", 1, importMRotaryEmbedding, domain},
    {"DecoderMaskedMultiHeadAttention", 1, importDecoderMaskedAttention, domain},
    {"MultiHeadAttention", 1, importMultiHeadAttention, domain},
    {"QAttention", 1, importQAttention, domain},
    {"QEmbedLayerNormalization", 1, importQEmbedLayerNormalization, domain},
    {"QuickGelu", 1, importQuickGelu, domain},
    {"RotaryEmbedding", 1, importRotaryEmbedding, domain},
    {"SimplifiedLayerNormalization", 1, importSimplifiedLayerNormalization},
    {"SkipLayerNormalization", 1, importSkipNorm</*isRms=*/false>, domain},
    {"SkipSimplifiedLayerNormalization", 1, importSkipNorm</*isRms=*/true>, domain},
};

ArrayRef<OpEntry> getMicrosoftOps() { return table; }

} // namespace nnc::onnx
