// Attention, put together from matrix products and softmax.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Masks.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// How far the queries (rows) of scores are behind the keys (columns).
static Expression getDistance(Expression scores) {
  int64_t rank = scores.getRank();
  auto count = [&](int64_t axis) { return Expression::range(scores.extent(axis)); };
  return count(rank - 2).unsqueeze({1}) - count(rank - 1).unsqueeze({0});
}

/// A condition and another one; either may be null.
static Expression both(Expression x, Expression y) { return x && y ? x & y : x ? x : y; }

/// Rejects a call with a mask or another argument that changes what is computed.
static void refuseArguments(LayerBinder &layer, std::initializer_list<StringRef> names) {
  for (StringRef name : names) {
    const Operand *given = layer.argument(name);
    bool isLeftOut =
        !given || (given->kind == Argument::Constant && given->constant &&
                   (given->constant->kind() == llvm::json::Value::Null || given->constant->getAsBoolean() == false));
    bool isListOfNone =
        given && given->kind == Argument::Constant && given->constant && given->constant->getAsArray() &&
        llvm::all_of(*given->constant->getAsArray(),
                     [](const llvm::json::Value &entry) { return entry.kind() == llvm::json::Value::Null; });
    if (!isLeftOut && !isListOfNone)
      (void)layer.reject("the argument '" + name + "' is not supported");
  }
}

static bool isAsked(LayerBinder &layer, StringRef name) {
  const Operand *given = layer.argument(name);
  return given && given->constant && given->constant->getAsBoolean() == true;
}

static bool isCausal(LayerBinder &layer) {
  return isAsked(layer, "use_causal_mask") || layer.parameters().getBool("causal", false);
}

/// Which steps of queries and values count: the masks of the inputs, or those that the call gives instead.
static std::pair<Expression, Expression> bindMasks(LayerBinder &layer) {
  const Operand *given = layer.argument("mask");
  bool isGiven = given && given->kind == Argument::List;
  auto get = [&](size_t index) {
    if (!isGiven && index >= layer.getInputs().size())
      return Expression();
    bool isThere = isGiven && index < given->items.size() && given->items[index].kind == Argument::Tensor;
    Expression mask(layer, isThere ? given->items[index].value : Value());
    mask = isGiven ? mask : getSteps(layer, &layer.getInputs()[index]);
    if (mask && (mask.getRank() != 2 || !mask.getElementType().isInteger(1)))
      (void)layer.reject("a mask that is not one of batch and time is not supported");
    return mask;
  };
  return {get(0), get(1)};
}

/// Queries, values and keys of an attention of three axes; the keys are the values where they are left out.
static LogicalResult importAttention(LayerBinder &layer) {
  Value queryValue = layer.input(0), valueValue = layer.input(1);
  Value keyValue = layer.getInputs().size() > 2 ? layer.input(2) : valueValue;
  refuseArguments(layer, {"return_attention_scores"});
  if (const Operand *given = layer.argument("mask"); given && given->kind == Argument::Tensor)
    return layer.reject("one mask for all of its inputs is not supported");
  for (Value value : {queryValue, valueValue, keyValue})
    if (!layer.failed() && layer.getRank(value) != 3)
      return layer.reject("its inputs must have 3 dimensions");
  if (layer.failed())
    return failure();
  Expression query(layer, queryValue), value(layer, valueValue), key(layer, keyValue), scores, scale;
  bool isAdditive = layer.get().className == "AdditiveAttention";
  if (layer.parameters().getBool("use_scale", isAdditive))
    scale = {layer, isAdditive ? layer.weight({layer.extent(queryValue, 2)}) : layer.weight({})};
  StringRef mode = layer.parameters().getString("score_mode", "dot");
  if (!isAdditive && mode == "dot") {
    scores = query.matmul(key, /*transposeY=*/true);
    scores = scale ? scores * scale : scores;
  } else {
    // Every query meets every key.
    Expression sum = query.unsqueeze({2}) + key.unsqueeze({1});
    if (scale && !isAdditive)
      sum = sum * scale;
    sum = sum.unary<nn::TanhOp>();
    if (scale && isAdditive)
      sum = sum * scale;
    scores = sum.reduce(nn::ReductionKind::Sum, {3}, /*keepdims=*/false);
    if (!isAdditive)
      scores = scores * Expression(layer, layer.weight({}));
  }
  auto [queries, values] = bindMasks(layer);
  if (layer.failed())
    return failure();
  Expression counts = values ? values.unsqueeze({1}) : Expression();
  if (isCausal(layer))
    counts = both(counts, getDistance(scores) >= 0.0);
  if (counts)
    scores = counts.choose(scores, scores - (scores.getElementType().isF16() ? 65504.0 : 1e9));
  Expression result = scores.softmax(2).matmul(value);
  if (queries) {
    result = queries.unsqueeze({2}).choose(result, result.like(0));
    layer.setMask(queries);
  }
  return layer.result(result);
}

static void listAttention(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  unsigned number = 0;
  if (parameters.getBool("use_scale", false))
    slots.push_back({"vars/" + std::to_string(number++)});
  if (parameters.getString("score_mode", "dot") != "dot")
    slots.push_back({"vars/" + std::to_string(number++)});
}

static void listAdditiveAttention(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  if (parameters.getBool("use_scale", true))
    slots.push_back({"vars/0"});
}

//===--- Several heads ---===//

/// `prefix`: what archives have before the names of the parts.
static void listHeads(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots, StringRef prefix) {
  for (StringRef part : {"query_dense", "key_dense", "value_dense", "output_dense"}) {
    slots.push_back({(prefix + part + "/vars/0").str()});
    if (parameters.getBool("use_bias", true))
      slots.push_back({(prefix + part + "/vars/1").str()});
  }
}

static void listMultiHead(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  listHeads(parameters, slots, "");
}

static void listGroupQuery(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  listHeads(parameters, slots, "_");
}

/// x (batch, time, features) as (batch, heads, time, size).
static Expression project(LayerBinder &layer, Expression x, int64_t heads, int64_t size) {
  int64_t features = layer.extent(x, 2);
  Value kernel = layer.weight({features, heads, size});
  if (layer.failed())
    return {};
  x = x.matmul({layer, layer.reshape(kernel, {features, heads * size})});
  if (layer.parameters().getBool("use_bias", true)) {
    Value bias = layer.weight({heads, size});
    if (layer.failed())
      return {};
    x = x + Expression(layer, layer.reshape(bias, {heads * size}));
  }
  Expression split = x.reshape(Expression::concat(layer, {x.shape(0, 2), Expression::ints(layer, {heads, size})}, 0));
  return split.transpose({0, 2, 1, 3});
}

/// A tensor argument by position or name.
static Expression tensorArgument(LayerBinder &layer, StringRef name, int position) {
  const Operand *given = layer.argument(name, position);
  if (!given || given->kind != Argument::Tensor)
    return {};
  if (layer.getRank(given->value) != 3)
    (void)layer.reject("its inputs must have 3 dimensions");
  return Expression(layer, given->value).cast(layer.getComputeType());
}

/// Which steps of an argument count: what the call gives as `maskName`, or the argument's own mask.
static Expression bindSteps(LayerBinder &layer, StringRef name, int position, StringRef maskName) {
  const Operand *given = layer.argument(maskName);
  if (given && given->kind == Argument::Tensor)
    return Expression(layer, given->value).cast(layer.getBuilder().getI1Type());
  return getSteps(layer, layer.argument(name, position));
}

/// A condition for scores (batch, heads, queries, keys): the masks of the arguments, the one that the call gives, and what the
/// layer itself leaves out. Null where every key counts for every query.
static Expression bindCondition(LayerBinder &layer, Expression scores) {
  Expression queries = getSteps(layer, layer.argument("query", 0)), values = bindSteps(layer, "value", 1, "value_mask");
  Expression keys = bindSteps(layer, "key", 2, "key_mask"), condition;
  for (Expression mask : {queries, values, keys})
    if (mask && mask.getRank() != 2)
      (void)layer.reject("a mask that is not one of batch and time is not supported");
  if (layer.failed())
    return {};
  condition = both(condition, queries ? queries.unsqueeze({1, 3}) : Expression());
  condition = both(condition, values ? values.unsqueeze({1, 2}) : Expression());
  condition = both(condition, keys ? keys.unsqueeze({1, 2}) : Expression());
  if (const Operand *given = layer.argument("attention_mask"); given && given->kind == Argument::Tensor) {
    Expression mask = Expression(layer, given->value).cast(layer.getBuilder().getI1Type());
    if (mask.getRank() < 2 || mask.getRank() > 4) {
      (void)layer.reject("an attention_mask of other than 2 to 4 dimensions is not supported");
      return {};
    }
    condition = both(condition, mask.getRank() == 3 ? mask.unsqueeze({1}) : mask);
  }
  if (isCausal(layer))
    condition = both(condition, getDistance(scores) >= 0.0);
  if (layer.parameters().has("sliding_window")) {
    int64_t window = layer.positive("sliding_window", 1);
    condition = both(condition, getDistance(scores).unary<nn::AbsOp>() < static_cast<double>(window));
  }
  return condition;
}

/// The shares of the values. Of a query for which no key counts they are equal, or, where Keras has another way because it
/// could drop some of them in training, 0.
static Expression takeShares(LayerBinder &layer, Expression scores) {
  Expression condition = bindCondition(layer, scores);
  if (layer.failed() || !condition)
    return scores.softmax(3);
  bool isExplicit = layer.parameters().getNumber("dropout", 0) > 0 || isAsked(layer, "return_attention_scores");
  double least = scores.getElementType().isF16() ? -3e4 : isExplicit ? -1e9 : -2.38e38;
  Expression shares = condition.choose(scores, scores.like(least)).softmax(3);
  return isExplicit ? condition.choose(shares, shares.like(0)) : shares;
}

/// (batch, heads, time, size), of which each head serves as many queries as it must.
static Expression repeatHeads(LayerBinder &layer, Expression x, int64_t heads, int64_t times) {
  if (times == 1 || layer.failed())
    return x;
  SmallVector<int64_t> places;
  for (int64_t head = 0; head < heads * times; ++head)
    places.push_back(head / times);
  return x.gather(Expression::ints(layer, places), 1);
}

/// The parts of an attention of several heads.
struct Heads {
  int64_t queries, values; ///< how many heads these have
  int64_t size, valueSize; ///< of the keys and the values of each
};

static LogicalResult importHeads(LayerBinder &layer, Heads heads) {
  refuseArguments(layer, {"query_mask"}); // some versions of Keras ignore it
  layer.refuse({"use_gate", "flash_attention"});
  Expression query = tensorArgument(layer, "query", 0), value = tensorArgument(layer, "value", 1);
  Expression key = tensorArgument(layer, "key", 2);
  if (!query || !value)
    return layer.reject("it needs a query and a value");
  int64_t width = layer.extent(query, 2), total = heads.queries * heads.valueSize;
  if (std::optional<SmallVector<int64_t>> shape = layer.parameters().getInts("output_shape")) {
    if (shape->size() != 1)
      return layer.reject("'output_shape' of several axes is not supported");
    width = shape->front();
  }
  if (layer.failed())
    return failure();
  int64_t times = heads.queries / heads.values;
  Expression q = project(layer, query, heads.queries, heads.size);
  Expression k = repeatHeads(layer, project(layer, key ? key : value, heads.values, heads.size), heads.values, times);
  Expression v = repeatHeads(layer, project(layer, value, heads.values, heads.valueSize), heads.values, times);
  if (layer.failed())
    return failure();
  Expression scores = (q * (1 / std::sqrt(static_cast<double>(heads.size)))).matmul(k, /*transposeY=*/true);
  Expression shares = takeShares(layer, scores);
  if (layer.failed())
    return failure();
  Expression mixed = shares.matmul(v).transpose({0, 2, 1, 3});
  mixed = mixed.reshape(Expression::concat(layer, {mixed.shape(0, 2), Expression::ints(layer, {total})}, 0));
  Value kernel = layer.weight({heads.queries, heads.valueSize, width});
  if (layer.failed())
    return failure();
  mixed = mixed.matmul({layer, layer.reshape(kernel, {total, width})});
  if (layer.parameters().getBool("use_bias", true))
    mixed = mixed + Expression(layer, layer.weight({width}));
  bool returnsShares = isAsked(layer, "return_attention_scores");
  Expression steps = getSteps(layer, layer.argument("query", 0));
  if (steps && returnsShares)
    return layer.reject("the argument 'return_attention_scores' is not supported for a query with a mask");
  layer.setMask(steps);
  if (failed(layer.result(mixed)) || !returnsShares)
    return success(!layer.failed());
  return layer.result(shares);
}

static LogicalResult importMultiHead(LayerBinder &layer) {
  std::optional<SmallVector<int64_t>> axes = layer.parameters().getInts("attention_axes");
  if (layer.parameters().has("attention_axes") && (!axes || axes->size() != 1 || axes->front() != 1))
    return layer.reject("'attention_axes' other than the time are not supported");
  int64_t heads = layer.positive("num_heads", 0), size = layer.positive("key_dim", 0);
  return importHeads(layer, {heads, heads, size, layer.positive("value_dim", size)});
}

/// Several heads of the queries share one of the keys and values.
static LogicalResult importGroupQuery(LayerBinder &layer) {
  int64_t queries = layer.positive("num_query_heads", 0), values = layer.positive("num_key_value_heads", 0);
  int64_t size = layer.positive("head_dim", 0);
  if (queries % values != 0)
    return layer.reject("its heads cannot be divided into groups");
  refuseArguments(layer, {"return_attention_scores"});
  return importHeads(layer, {queries, values, size, size});
}

static const LayerEntry table[] = {
    {"AdditiveAttention", importAttention, listAdditiveAttention},
    {"Attention", importAttention, listAttention},
    {"GroupQueryAttention", importGroupQuery, listGroupQuery},
    {"GroupedQueryAttention", importGroupQuery, listGroupQuery},
    {"MultiHeadAttention", importMultiHead, listMultiHead},
};

ArrayRef<LayerEntry> getAttentionLayers() { return table; }

} // namespace nnc::keras
