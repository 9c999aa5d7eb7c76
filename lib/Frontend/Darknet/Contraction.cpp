// Sections of the contraction family.
#include "lib/Frontend/Darknet/SectionTable.h"

using namespace mlir;

namespace nnc::darknet {

ConnectedWeights readConnected(SectionBinder &layer, int64_t inputs, int64_t outputs) {
  ConnectedWeights weights;
  if (layer.failed())
    return weights;
  weights.bias = layer.weights({outputs});
  if (layer.getNetwork().weights.isTransposed())
    weights.weights = layer.create<nn::TransposeOp>(layer.weights({inputs, outputs}), ArrayRef<int64_t>{1, 0});
  else
    weights.weights = layer.weights({outputs, inputs});
  if (layer.get().integer("batch_normalize", 0))
    layer.readStatistics(outputs, weights.statistics);
  return weights;
}

Value connect(SectionBinder &layer, Value x, const ConnectedWeights &weights) {
  Value product = layer.create<nn::MatmulOp>(x, weights.weights, /*transpose_lhs=*/false, /*transpose_rhs=*/true);
  if (weights.statistics.mean)
    return layer.normalize(product, weights.statistics, weights.bias);
  return layer.create<nn::AddOp>(product, weights.bias);
}

static LogicalResult importConnected(SectionBinder &layer) {
  Value x = layer.flat();
  int64_t outputs = layer.positive("output", 1);
  layer.refuseKeys({"dontload", "dontloadscales"});
  if (layer.failed())
    return failure();
  ConnectedWeights weights = readConnected(layer, layer.getShape(x)[1], outputs);
  Value result = connect(layer, x, weights);
  return layer.result(activate(layer, result, layer.get().text("activation", "logistic"), /*isImage=*/false),
                      /*isVector=*/true);
}

static const SectionEntry table[] = {{"connected", importConnected}};

ArrayRef<SectionEntry> getContractionSections() { return table; }

} // namespace nnc::darknet
