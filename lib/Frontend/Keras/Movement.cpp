// Layers that move elements, or let them be.
#include "lib/Frontend/Keras/LayerTable.h"

using namespace mlir;

namespace nnc::keras {

/// What only training does.
static LogicalResult importIdentity(LayerBinder &layer) { return layer.result(layer.input()); }

/// The batch, and all else as one axis. Up to Keras 2 images of channels_first are turned before.
static LogicalResult importFlatten(LayerBinder &layer) {
  Value x = layer.input();
  if (layer.failed())
    return failure();
  int64_t rank = layer.getRank(x);
  if (layer.getLayout() == nn::Layout::ChannelsFirst && rank > 2) {
    SmallVector<int64_t> order{0};
    for (int64_t i = 2; i < rank; ++i)
      order.push_back(i);
    order.push_back(1);
    x = layer.transpose(x, order);
  }
  if (rank == 1)
    return layer.result(layer.create<nn::UnsqueezeOp>(x, ArrayRef<int64_t>{1}));
  return layer.result(layer.create<nn::FlattenOp>(x, 1));
}

static const LayerEntry table[] = {
    {"ActivityRegularization", importIdentity},
    {"AlphaDropout", importIdentity},
    {"Dropout", importIdentity},
    {"Flatten", importFlatten},
    {"GaussianDropout", importIdentity},
    {"GaussianNoise", importIdentity},
    {"Identity", importIdentity},
    {"SpatialDropout1D", importIdentity},
    {"SpatialDropout2D", importIdentity},
    {"SpatialDropout3D", importIdentity},
};

ArrayRef<LayerEntry> getMovementLayers() { return table; }

} // namespace nnc::keras
