// Layers that set elements in relation to their neighbours, or to statistics of the training data.
#include "lib/Frontend/Keras/LayerTable.h"

using namespace mlir;

namespace nnc::keras {

static Value fill(LayerBinder &layer, int64_t count, float value) {
  return layer.failed() ? Value() : layer.floats({count}, std::vector<float>(count, value));
}

static void listBatchNormalization(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  unsigned number = 0;
  auto add = [&](bool isTrainable) { slots.push_back({"vars/" + std::to_string(number++), isTrainable}); };
  if (parameters.getBool("scale", true))
    add(true);
  if (parameters.getBool("center", true))
    add(true);
  add(false);
  add(false);
}

static LogicalResult importBatchNormalization(LayerBinder &layer) {
  Value x = layer.input();
  layer.expectInputs(1);
  int64_t rank = layer.getRank(x), axis = layer.axis("axis", -1, rank);
  if (layer.failed())
    return failure();
  int64_t channels = layer.extent(x, axis);
  bool hasScale = layer.parameters().getBool("scale", true), hasCenter = layer.parameters().getBool("center", true);
  Value scale = hasScale ? layer.weight({channels}) : fill(layer, channels, 1);
  Value bias = hasCenter ? layer.weight({channels}) : fill(layer, channels, 0);
  Value mean = layer.weight({channels}), variance = layer.weight({channels});
  llvm::APFloat epsilon(layer.parameters().getNumber("epsilon", 1e-3));
  // The channels stand first or last for the operation; of vectors and of other axes that is a matter of order.
  if (axis == rank - 1 || axis == 1) {
    nn::Layout layout = axis == 1 ? nn::Layout::ChannelsFirst : nn::Layout::ChannelsLast;
    return layer.result(layer.create<nn::BatchNormOp>(x, scale, bias, mean, variance, layout, epsilon));
  }
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < rank; ++i)
    order.push_back(i);
  std::swap(order[axis], order[rank - 1]);
  x = layer.create<nn::BatchNormOp>(layer.transpose(x, order), scale, bias, mean, variance, nn::Layout::ChannelsLast,
                                    epsilon);
  return layer.result(layer.transpose(x, order));
}

static const LayerEntry table[] = {{"BatchNormalization", importBatchNormalization, listBatchNormalization}};

ArrayRef<LayerEntry> getNormalizationLayers() { return table; }

} // namespace nnc::keras
