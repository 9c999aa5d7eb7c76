// Layers that look elements up, masks, and layers that turn numbers into categories and these into rows of numbers.
#include "lib/Frontend/Keras/Categories.h"
#include "lib/Frontend/Keras/LayerTable.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

static void listEmbedding(const Parameters &, SmallVectorImpl<WeightSlot> &slots) { slots.push_back({"vars/0"}); }

static LogicalResult importEmbedding(LayerBinder &layer) {
  Value indices = layer.input();
  layer.refuse({"quantization_config", "lora_rank"});
  int64_t rows = layer.positive("input_dim", 0), columns = layer.positive("output_dim", 0);
  if (layer.failed())
    return failure();
  if (layer.parameters().getBool("mask_zero", false))
    layer.setMask(~Expression(layer, indices).equals(0));
  Type type = getElementTypeOrSelf(indices), i32 = layer.getBuilder().getI32Type();
  if (!type.isInteger(32) && !type.isInteger(64))
    indices = layer.create<nn::CastOp>(indices, i32);
  return layer.result(layer.create<nn::GatherOp>(layer.weight({rows, columns}), indices, 0));
}

static void listReversible(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0"});
  if (!parameters.getBool("tie_weights", true))
    slots.push_back({"vars/1"});
}

/// An embedding, or where it is called with reverse=True how near a vector is to each of its rows.
static LogicalResult importReversibleEmbedding(LayerBinder &layer) {
  const Operand *reverse = layer.argument("reverse", 1);
  if (reverse && reverse->kind != Argument::Constant)
    return layer.reject("'reverse' must be known");
  if (!reverse || !reverse->constant || reverse->constant->getAsBoolean() != true)
    return importEmbedding(layer);
  Expression x(layer, layer.input());
  layer.refuse({"quantization_config", "lora_rank", "reverse_dtype"});
  int64_t rows = layer.positive("input_dim", 0), columns = layer.positive("output_dim", 0);
  Expression table(layer, layer.weight({rows, columns}));
  if (layer.failed() || x.getRank() < 2)
    return layer.reject("its input has no axis beside the batch");
  bool isTied = layer.parameters().getBool("tie_weights", true);
  Expression scores = isTied ? x.matmul(table, /*transposeY=*/true) : x.matmul({layer, layer.weight({columns, rows})});
  if (double cap = layer.parameters().getNumber("logit_soft_cap", 0); cap != 0)
    scores = (scores / cap).unary<nn::TanhOp>() * cap;
  return layer.result(scores);
}

/// Steps of which all elements are the mask's value become zero, and do not count.
static LogicalResult importMasking(LayerBinder &layer) {
  Expression x(layer, layer.input());
  if (layer.failed() || x.getRank() < 2)
    return layer.reject("its input has no axis beside the batch");
  Expression differs = ~x.equals(layer.parameters().getNumber("mask_value", 0));
  Expression counts =
      differs.cast(x.getElementType()).reduce(nn::ReductionKind::Max, {x.getRank() - 1}, /*keepdims=*/true);
  layer.setMask(counts.squeeze({x.getRank() - 1}).cast(layer.getBuilder().getI1Type()));
  return layer.result(x * counts);
}

//===--- Categories ---===//

Expression bindCategories(LayerBinder &layer) {
  if (layer.getInputs().empty()) {
    (void)layer.reject("it has no input");
    return {};
  }
  Expression x(layer, layer.getInputs().front().value);
  if (x.getRank() < 1)
    (void)layer.reject("its input has no batch");
  return x;
}

Type bindCategoryType(LayerBinder &layer, Type otherwise) {
  const llvm::json::Value *dtype = layer.parameters().find("dtype");
  if (!dtype)
    return otherwise;
  StringRef name = dtype->getAsString().value_or("");
  if (std::optional<TypedObject> policy = asTypedObject(dtype); policy && policy->config)
    name = Parameters(*policy->config).getString("name");
  Type type = name.starts_with("mixed_") ? layer.getComputeType() : parseElementType(layer.getBuilder(), name);
  if (!type)
    (void)layer.reject("dtype '" + name + "' is not supported");
  return type;
}

Expression encodeCategories(LayerBinder &layer, Expression x, StringRef mode, int64_t depth, Type type, Expression weights) {
  if (layer.failed())
    return {};
  layer.refuse({"sparse"});
  int64_t rank = x.getRank();
  bool isOneHot = mode == "one_hot", isCount = mode == "count";
  if (!isOneHot && !isCount && mode != "multi_hot" && mode != "binary") {
    (void)layer.reject("output_mode '" + mode + "' is not known");
    return {};
  }
  if (ShapedType::isDynamic(x.getExtent(rank - 1)) && isOneHot && rank > 1) {
    (void)layer.reject("the last extent of its input must be known; give it with --shape");
    return {};
  }
  if (isOneHot && rank > 1 && x.getExtent(rank - 1) == 1) {
    x = x.squeeze({rank - 1});
    --rank;
  }
  Expression categories = Expression::range(Expression::ints(layer, {depth})).cast(x.getElementType());
  Expression rows = x.unsqueeze({rank}).equals(categories).cast(type);
  if (isOneHot)
    return rows;
  if (weights)
    rows = rows * weights.cast(type).unsqueeze({weights.getRank()});
  nn::ReductionKind kind = isCount ? nn::ReductionKind::Sum : nn::ReductionKind::Max;
  return rows.reduce(kind, {rank > 1 ? 1 : 0}, /*keepdims=*/false);
}

/// Gives rows that encode categories.
static LogicalResult encode(LayerBinder &layer, Expression x, StringRef mode, int64_t depth, Type type, Expression weights) {
  Expression rows = encodeCategories(layer, x, mode, depth, type, weights);
  return layer.failed() ? failure() : layer.result(rows);
}

static LogicalResult importCategoryEncoding(LayerBinder &layer) {
  Expression x = bindCategories(layer), weights;
  int64_t depth = layer.positive("num_tokens", 0);
  StringRef mode = layer.parameters().getString("output_mode", "multi_hot");
  if (const Operand *given = layer.argument("count_weights", 1); given && given->kind == Argument::Tensor) {
    if (mode != "count")
      return layer.reject("'count_weights' are for output_mode 'count'");
    weights = {layer, given->value};
  }
  if (depth > maxCategories)
    return layer.reject("it has too many categories");
  return encode(layer, x, mode, depth, bindCategoryType(layer, layer.getBuilder().getF32Type()), weights);
}

/// How many of the boundaries, which ascend, are not above each number.
static LogicalResult importDiscretization(LayerBinder &layer) {
  Expression x = bindCategories(layer);
  layer.expectInputs(1);
  const llvm::json::Value *given = layer.parameters().find("bin_boundaries");
  const llvm::json::Array *list = given ? given->getAsArray() : nullptr;
  StringRef mode = layer.parameters().getString("output_mode", "int");
  if (layer.failed())
    return failure();
  if (!list || static_cast<int64_t>(list->size()) > maxCategories)
    return layer.reject("it has no boundaries: it has not been adapted to data");
  std::vector<float> boundaries;
  for (const llvm::json::Value &entry : *list)
    boundaries.push_back(static_cast<float>(entry.getAsNumber().value_or(NAN)));
  if (!llvm::is_sorted(boundaries) || llvm::any_of(boundaries, [](float limit) { return std::isnan(limit); }))
    return layer.reject("its boundaries do not ascend");
  int64_t count = boundaries.size(), rank = x.getRank();
  Builder &builder = layer.getBuilder();
  Expression limits(layer, layer.floats({count}, std::move(boundaries)));
  Expression isBelow = x.cast(builder.getF32Type()).unsqueeze({rank}) < limits;
  // NaN is below none: its category is the last.
  Expression reached = (~isBelow).cast(builder.getI64Type());
  Expression category = reached.reduce(nn::ReductionKind::Sum, {rank}, /*keepdims=*/false);
  if (mode == "int")
    return layer.result(category.cast(bindCategoryType(layer, builder.getI64Type())));
  return encode(layer, category, mode, count + 1, bindCategoryType(layer, builder.getF32Type()), {});
}

static const LayerEntry table[] = {
    {"CategoryEncoding", importCategoryEncoding},
    {"Discretization", importDiscretization},
    {"Embedding", importEmbedding, listEmbedding},
    {"Masking", importMasking},
    {"ReversibleEmbedding", importReversibleEmbedding, listReversible},
};

ArrayRef<LayerEntry> getIndexingLayers() { return table; }

} // namespace nnc::keras
