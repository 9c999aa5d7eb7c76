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

/// The items of all bottoms but the last where that is not zero; how many, data decide.
static LogicalResult importFilter(LayerBinder &layer) {
  unsigned count = layer.getNumBottoms();
  if (count < 2 || layer.getNumTops() != count - 1)
    return layer.reject("needs a top for each bottom but the last, the selector");
  Value selector = layer.bottom(count - 1);
  ArrayRef<int64_t> shape = layer.getShape(selector);
  if (shape.empty() || llvm::any_of(shape.drop_front(), [](int64_t extent) { return extent != 1; }))
    return layer.reject("its last bottom, the selector, must have one number for each item");
  int64_t items = shape.front();
  Value chosen = layer.create<nn::NonZeroOp>(layer.reshape(selector, {items}));
  Value places = layer.create<nn::SqueezeOp>(chosen, ArrayRef<int64_t>{0});
  for (unsigned i = 0; i + 1 < count; ++i) {
    Value x = layer.bottom(i);
    if (layer.getRank(x) < 1 || layer.getShape(x)[0] != items)
      return layer.reject("bottom " + Twine(i) + " and the selector differ in their number of items");
    if (failed(layer.result(layer.create<nn::GatherOp>(x, places, 0))))
      return failure();
  }
  return success();
}

static const LayerEntry table[] = {
    {"BatchReindex", importBatchReindex},
    {"Embed", importEmbed},
    {"Filter", importFilter},
    {"Parameter", importParameter},
};

ArrayRef<LayerEntry> getIndexingLayers() { return table; }

} // namespace nnc::caffe
