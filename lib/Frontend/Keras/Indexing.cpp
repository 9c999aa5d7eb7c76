// Layers that look elements up, and masks.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

#include "mlir/IR/TypeUtilities.h"

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

static const LayerEntry table[] = {{"Embedding", importEmbedding, listEmbedding}, {"Masking", importMasking}};

ArrayRef<LayerEntry> getIndexingLayers() { return table; }

} // namespace nnc::keras
