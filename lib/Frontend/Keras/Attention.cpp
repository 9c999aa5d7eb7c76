// Attention, put together from matrix products and softmax.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// Scores (..., queries, keys) of which those of later keys are so small that they do not count.
static Expression hideLater(LayerBinder &layer, Expression scores) {
  int64_t rank = scores.getRank();
  auto count = [&](int64_t axis) { return Expression::range(scores.extent(axis)); };
  Expression isLater = count(rank - 1).unsqueeze({0}) > count(rank - 2).unsqueeze({1});
  return isLater.choose(scores - 1e9, scores);
}

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

static bool isCausal(LayerBinder &layer) {
  const Operand *given = layer.argument("use_causal_mask");
  bool isAsked = given && given->constant && given->constant->getAsBoolean() == true;
  return isAsked || layer.parameters().getBool("causal", false);
}

/// Queries, values and keys of an attention of three axes; the keys are the values where they are left out.
static LogicalResult importAttention(LayerBinder &layer) {
  Value queryValue = layer.input(0), valueValue = layer.input(1);
  Value keyValue = layer.getInputs().size() > 2 ? layer.input(2) : valueValue;
  refuseArguments(layer, {"mask", "return_attention_scores"});
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
  if (isCausal(layer))
    scores = hideLater(layer, scores);
  return layer.result(scores.softmax(2).matmul(value));
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

static void listMultiHead(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  for (StringRef part : {"query_dense", "key_dense", "value_dense", "output_dense"}) {
    slots.push_back({(part + "/vars/0").str()});
    if (parameters.getBool("use_bias", true))
      slots.push_back({(part + "/vars/1").str()});
  }
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

static LogicalResult importMultiHead(LayerBinder &layer) {
  refuseArguments(layer, {"attention_mask", "query_mask", "value_mask", "key_mask", "return_attention_scores"});
  layer.refuse({"use_gate", "sliding_window", "flash_attention"});
  Expression query = tensorArgument(layer, "query", 0), value = tensorArgument(layer, "value", 1);
  Expression key = tensorArgument(layer, "key", 2);
  std::optional<SmallVector<int64_t>> axes = layer.parameters().getInts("attention_axes");
  if (!query || !value)
    return layer.reject("it needs a query and a value");
  if (layer.parameters().has("attention_axes") && (!axes || axes->size() != 1 || axes->front() != 1))
    return layer.reject("'attention_axes' other than the time are not supported");
  int64_t heads = layer.positive("num_heads", 0), size = layer.positive("key_dim", 0);
  int64_t valueSize = layer.positive("value_dim", size), width = layer.extent(query, 2);
  if (std::optional<SmallVector<int64_t>> shape = layer.parameters().getInts("output_shape")) {
    if (shape->size() != 1)
      return layer.reject("'output_shape' of several axes is not supported");
    width = shape->front();
  }
  if (layer.failed())
    return failure();
  Expression q = project(layer, query, heads, size), k = project(layer, key ? key : value, heads, size);
  Expression v = project(layer, value, heads, valueSize);
  if (layer.failed())
    return failure();
  Expression scores = (q * (1 / std::sqrt(static_cast<double>(size)))).matmul(k, /*transposeY=*/true);
  if (isCausal(layer))
    scores = hideLater(layer, scores);
  Expression mixed = scores.softmax(3).matmul(v).transpose({0, 2, 1, 3});
  mixed =
      mixed.reshape(Expression::concat(layer, {mixed.shape(0, 2), Expression::ints(layer, {heads * valueSize})}, 0));
  Value kernel = layer.weight({heads, valueSize, width});
  if (layer.failed())
    return failure();
  mixed = mixed.matmul({layer, layer.reshape(kernel, {heads * valueSize, width})});
  if (layer.parameters().getBool("use_bias", true))
    mixed = mixed + Expression(layer, layer.weight({width}));
  return layer.result(mixed);
}

static const LayerEntry table[] = {
    {"AdditiveAttention", importAttention, listAdditiveAttention},
    {"Attention", importAttention, listAttention},
    {"MultiHeadAttention", importMultiHead, listMultiHead},
};

ArrayRef<LayerEntry> getAttentionLayers() { return table; }

} // namespace nnc::keras
