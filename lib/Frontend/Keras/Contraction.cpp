// Sums of products: Dense and its relatives.
#include "lib/Frontend/Keras/LayerTable.h"

using namespace mlir;

namespace nnc::keras {

/// vars/0 is the kernel, vars/1 the bias.
static void listDense(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0"});
  if (parameters.getBool("use_bias", true))
    slots.push_back({"vars/1"});
}

static LogicalResult importDense(LayerBinder &layer) {
  Value x = layer.input();
  layer.expectInputs(1);
  layer.refuse({"quantization_config", "lora_rank"});
  int64_t units = layer.positive("units", 0), rank = layer.getRank(x);
  if (layer.failed())
    return failure();
  if (rank < 2)
    return layer.reject("its input has no axis beside the batch");
  x = layer.create<nn::MatmulOp>(x, layer.weight({layer.extent(x, rank - 1), units}), /*transpose_lhs=*/false,
                                 /*transpose_rhs=*/false);
  if (layer.parameters().getBool("use_bias", true))
    x = layer.add(x, layer.weight({units}));
  return layer.result(layer.activate(x));
}

static const LayerEntry table[] = {{"Dense", importDense, listDense}};

ArrayRef<LayerEntry> getContractionLayers() { return table; }

} // namespace nnc::keras
