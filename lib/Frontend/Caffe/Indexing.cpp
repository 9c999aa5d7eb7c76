// Layers of the indexing family, and weights that are layers.
#include "lib/Frontend/Caffe/LayerTable.h"

using namespace mlir;

namespace nnc::caffe {

/// Indices are floats; Caffe cuts their fraction off.
static Value toIndices(LayerBinder &layer, Value x) {
  return layer.create<nn::CastOp>(x, layer.getBuilder().getI64Type());
}

static LogicalResult importEmbed(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::EmbedParam &param = layer.get().embed_param();
  if (param.num_output() < 1 || param.input_dim() < 1)
    return layer.reject("num_output and input_dim must be positive");
  Value table = layer.weight(0, {param.input_dim(), param.num_output()}, param.weight_filler());
  if (layer.failed())
    return failure();
  Value result = layer.create<nn::GatherOp>(table, toIndices(layer, x), 0);
  if (param.bias_term())
    result = layer.create<nn::AddOp>(result, layer.weight(1, {param.num_output()}, param.bias_filler()));
  return layer.result(result);
}

/// Images of the first bottom, chosen by the second.
static LogicalResult importBatchReindex(LayerBinder &layer) {
  Value x = layer.bottom(0), indices = layer.bottom(1);
  if (layer.failed())
    return failure();
  if (layer.getRank(indices) != 1 || layer.getRank(x) < 1)
    return layer.reject("its second bottom must have one axis");
  return layer.result(layer.create<nn::GatherOp>(x, toIndices(layer, indices), 0));
}

/// A learned blob; never filled, so a file must have it.
static LogicalResult importParameter(LayerBinder &layer) {
  const auto &dims = layer.get().parameter_param().shape().dim();
  format::Filler none;
  none.set_type("none");
  return layer.result(layer.weight(0, SmallVector<int64_t>(dims.begin(), dims.end()), none));
}

static const LayerEntry table[] = {
    {"BatchReindex", importBatchReindex},
    {"Embed", importEmbed},
    {"Parameter", importParameter},
};

ArrayRef<LayerEntry> getIndexingLayers() { return table; }

} // namespace nnc::caffe
