// Images in another size.
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Windows.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::keras {

/// x resized along `axes`: to sizes, or by factors where those are null.
static Value resize(LayerBinder &layer, Value x, ArrayRef<int64_t> axes, Value sizes, Value factors,
                    StringRef interpolation) {
  auto mode = llvm::StringSwitch<std::optional<nn::ResizeMode>>(interpolation)
                  .Case("nearest", nn::ResizeMode::Nearest)
                  .Case("bilinear", nn::ResizeMode::Linear)
                  .Case("bicubic", nn::ResizeMode::Cubic)
                  .Default(std::nullopt);
  if (!mode) {
    (void)layer.reject("interpolation '" + interpolation + "' is not supported");
    return {};
  }
  // Keras's cubic kernel is Catmull and Rom's, without weight outside the image.
  return layer.create<nn::ResizeOp>(x, sizes, factors, Value(), axes, *mode, nn::CoordinateMode::HalfPixel,
                                    nn::NearestMode::RoundPreferCeil, llvm::APFloat(-0.5f),
                                    /*exclude_outside=*/*mode == nn::ResizeMode::Cubic, /*antialias=*/false,
                                    llvm::APFloat(0.0f));
}

template <int numSpatial> static LogicalResult importUpSampling(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  SmallVector<int64_t> factors = layer.positives("size", numSpatial, 2), axes;
  std::vector<float> scales(factors.begin(), factors.end());
  for (int64_t i = 0; i < numSpatial; ++i)
    axes.push_back(getFirstSpatialAxis(layer.getLayout()) + i);
  Value scalesValue = layer.floats({numSpatial}, std::move(scales));
  return layer.result(
      resize(layer, x, axes, Value(), scalesValue, layer.parameters().getString("interpolation", "nearest")));
}

static SmallVector<int64_t> getImageAxes(LayerBinder &layer, int64_t rank) {
  int64_t first = layer.getLayout() == nn::Layout::ChannelsFirst ? rank - 2 : rank - 3;
  return {first, first + 1};
}

static LogicalResult importResizing(LayerBinder &layer) {
  Value x = layer.input();
  layer.refuse({"crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"});
  int64_t height = layer.positive("height", 0), width = layer.positive("width", 0), rank = layer.getRank(x);
  if (layer.failed())
    return failure();
  if (rank < 3 || rank > 4)
    return layer.reject("its input must be an image or a batch of images");
  if (!isa<FloatType>(layer.getType(x).getElementType()))
    return layer.reject("images of integers are not supported");
  return layer.result(resize(layer, x, getImageAxes(layer, rank), layer.ints({height, width}), Value(),
                             layer.parameters().getString("interpolation", "bilinear")));
}

/// The middle of an image that is no smaller.
static LogicalResult importCenterCrop(LayerBinder &layer) {
  Value x = layer.input();
  int64_t rank = layer.getRank(x);
  if (layer.failed())
    return failure();
  if (rank < 3 || rank > 4)
    return layer.reject("its input must be an image or a batch of images");
  SmallVector<int64_t> axes = getImageAxes(layer, rank), starts, ends;
  int64_t sizes[] = {layer.positive("height", 0), layer.positive("width", 0)};
  for (auto [axis, size] : llvm::zip(axes, sizes)) {
    int64_t extent = layer.extent(x, axis);
    if (extent < size)
      return layer.reject("an image smaller than the crop is not supported");
    starts.push_back((extent - size) / 2);
    ends.push_back(starts.back() + size);
  }
  return layer.result(layer.create<nn::SliceOp>(x, layer.ints(starts), layer.ints(ends), Value(), axes));
}

static const LayerEntry table[] = {
    {"CenterCrop", importCenterCrop},      {"Resizing", importResizing},          {"UpSampling1D", importUpSampling<1>},
    {"UpSampling2D", importUpSampling<2>}, {"UpSampling3D", importUpSampling<3>},
};

ArrayRef<LayerEntry> getResamplingLayers() { return table; }

} // namespace nnc::keras
