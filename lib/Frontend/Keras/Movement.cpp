// Layers that move elements, or let them be.
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Windows.h"

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

static LogicalResult importReshape(LayerBinder &layer) {
  Value x = layer.input();
  std::optional<SmallVector<int64_t>> target = layer.parameters().getInts("target_shape");
  if (layer.failed())
    return failure();
  if (!target || llvm::any_of(*target, [](int64_t extent) { return extent == 0 || extent < -1; }))
    return layer.reject("'target_shape' must be positive numbers, or -1");
  // 0 keeps the batch.
  target->insert(target->begin(), 0);
  return layer.result(layer.create<nn::ReshapeOp>(x, layer.ints(*target), /*allow_zero=*/false));
}

static LogicalResult importPermute(LayerBinder &layer) {
  Value x = layer.input();
  std::optional<SmallVector<int64_t>> order = layer.parameters().getInts("dims");
  if (layer.failed())
    return failure();
  if (!order || static_cast<int64_t>(order->size()) != layer.getRank(x) - 1)
    return layer.reject("'dims' must have one entry for each axis but the batch");
  order->insert(order->begin(), 0);
  return layer.result(layer.transpose(x, *order));
}

static LogicalResult importRepeatVector(LayerBinder &layer) {
  Value x = layer.inputOfRank(2);
  int64_t count = layer.positive("n", 0);
  x = layer.create<nn::UnsqueezeOp>(x, ArrayRef<int64_t>{1});
  return layer.result(layer.create<nn::TileOp>(x, layer.ints({1, count, 1})));
}

/// What to add or to cut before and after each axis: one number, one for each axis, or a pair for each.
static std::optional<SmallVector<std::pair<int64_t, int64_t>>> getPairs(const Parameters &parameters, StringRef key,
                                                                        size_t count) {
  SmallVector<std::pair<int64_t, int64_t>> pairs;
  const llvm::json::Value *value = parameters.find(key);
  const llvm::json::Array *list = value ? value->getAsArray() : nullptr;
  if (std::optional<SmallVector<int64_t>> numbers = parameters.getInts(key, count)) {
    if (list && count == 1 && numbers->size() == 2)
      pairs.emplace_back((*numbers)[0], (*numbers)[1]);
    else
      for (int64_t number : *numbers)
        pairs.emplace_back(number, number);
  } else if (list) {
    for (const llvm::json::Value &entry : *list) {
      std::optional<SmallVector<int64_t>> pair = asInts(entry);
      if (!pair || pair->size() != 2)
        return std::nullopt;
      pairs.emplace_back((*pair)[0], (*pair)[1]);
    }
  }
  auto isBad = [](auto pair) {
    return std::min(pair.first, pair.second) < 0 || std::max(pair.first, pair.second) >> 31;
  };
  if (pairs.size() != count || llvm::any_of(pairs, isBad))
    return std::nullopt;
  return pairs;
}

template <int numSpatial> static LogicalResult importZeroPadding(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  auto pairs = getPairs(layer.parameters(), "padding", numSpatial);
  if (!pairs)
    return layer.reject("'padding' must be numbers for each axis");
  SmallVector<int64_t> pads, axes;
  for (size_t i = 0; i < numSpatial; ++i) {
    pads.push_back((*pairs)[i].first);
    axes.push_back(getFirstSpatialAxis(layer.getLayout()) + i);
  }
  for (auto [before, after] : *pairs)
    pads.push_back(after);
  return layer.result(layer.create<nn::PadOp>(x, layer.ints(pads), Value(), axes, nn::PadMode::Constant));
}

template <int numSpatial> static LogicalResult importCropping(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  auto pairs = getPairs(layer.parameters(), "cropping", numSpatial);
  if (!pairs)
    return layer.reject("'cropping' must be numbers for each axis");
  SmallVector<int64_t> starts, ends, axes;
  for (size_t i = 0; i < numSpatial; ++i) {
    auto [before, after] = (*pairs)[i];
    starts.push_back(before);
    ends.push_back(after ? -after : std::numeric_limits<int64_t>::max());
    axes.push_back(getFirstSpatialAxis(layer.getLayout()) + i);
  }
  return layer.result(layer.create<nn::SliceOp>(x, layer.ints(starts), layer.ints(ends), Value(), axes));
}

static const LayerEntry table[] = {
    {"ActivityRegularization", importIdentity},
    {"AlphaDropout", importIdentity},
    {"AugMix", importIdentity},
    {"Cropping1D", importCropping<1>},
    {"Cropping2D", importCropping<2>},
    {"Cropping3D", importCropping<3>},
    {"CutMix", importIdentity},
    {"Dropout", importIdentity},
    {"Flatten", importFlatten},
    {"GaussianDropout", importIdentity},
    {"GaussianNoise", importIdentity},
    {"Identity", importIdentity},
    {"MixUp", importIdentity},
    {"Permute", importPermute},
    {"RandAugment", importIdentity},
    {"RandomBrightness", importIdentity},
    {"RandomColorDegeneration", importIdentity},
    {"RandomColorJitter", importIdentity},
    {"RandomContrast", importIdentity},
    {"RandomElasticTransform", importIdentity},
    {"RandomErasing", importIdentity},
    {"RandomFlip", importIdentity},
    {"RandomGaussianBlur", importIdentity},
    {"RandomGrayscale", importIdentity},
    {"RandomHue", importIdentity},
    {"RandomInvert", importIdentity},
    {"RandomPerspective", importIdentity},
    {"RandomPosterization", importIdentity},
    {"RandomRotation", importIdentity},
    {"RandomSaturation", importIdentity},
    {"RandomSharpness", importIdentity},
    {"RandomShear", importIdentity},
    {"RandomTranslation", importIdentity},
    {"RandomZoom", importIdentity},
    {"RepeatVector", importRepeatVector},
    {"Reshape", importReshape},
    {"SpatialDropout1D", importIdentity},
    {"SpatialDropout2D", importIdentity},
    {"SpatialDropout3D", importIdentity},
    {"StochasticDepth", importIdentity}, // of keras.applications' ConvNeXt
    {"ZeroPadding1D", importZeroPadding<1>},
    {"ZeroPadding2D", importZeroPadding<2>},
    {"ZeroPadding3D", importZeroPadding<3>},
};

ArrayRef<LayerEntry> getMovementLayers() { return table; }

} // namespace nnc::keras
