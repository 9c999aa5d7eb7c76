// Convolutions. Kernels are (window..., input channels, output channels); NN has (output, input, window...).
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Windows.h"

using namespace mlir;

namespace nnc::keras {

void setPads(LayerBinder &layer, Value x, StringRef padding, Windows &windows) {
  size_t numSpatial = windows.sizes.size();
  windows.padsBegin.assign(numSpatial, 0);
  windows.padsEnd.assign(numSpatial, 0);
  if (padding == "valid" || layer.failed())
    return;
  if (padding != "same" && !(padding == "causal" && numSpatial == 1)) {
    (void)layer.reject("padding '" + padding + "' is not supported");
    return;
  }
  for (size_t i = 0; i < numSpatial; ++i) {
    int64_t reach = (windows.sizes[i] - 1) * windows.dilations[i] + 1, total = reach - 1;
    if (padding == "causal") {
      windows.padsBegin[i] = total;
      continue;
    }
    if (windows.strides[i] > 1) {
      int64_t extent = layer.extent(x, getFirstSpatialAxis(windows.layout) + i);
      int64_t results = llvm::divideCeil(extent, windows.strides[i]);
      total = std::max<int64_t>((results - 1) * windows.strides[i] + reach - extent, 0);
    }
    windows.padsBegin[i] = total / 2;
    windows.padsEnd[i] = total - total / 2;
  }
}

/// The windows of a convolution over `numSpatial` axes of x.
static Windows getWindows(LayerBinder &layer, Value x, size_t numSpatial) {
  Windows windows;
  windows.layout = layer.getLayout();
  windows.sizes = layer.positives("kernel_size", numSpatial, 0);
  windows.strides = layer.positives("strides", numSpatial, 1);
  windows.dilations = layer.positives("dilation_rate", numSpatial, 1);
  setPads(layer, x, layer.parameters().getString("padding", "valid"), windows);
  return windows;
}

static Value convolve(LayerBinder &layer, Value x, Value filter, const Windows &windows, int64_t groups) {
  return layer.create<nn::ConvOp>(x, filter, Value(), windows.layout, windows.strides, windows.dilations,
                                  windows.padsBegin, windows.padsEnd, groups);
}

/// The bias, where there is one, and the activation.
static LogicalResult finish(LayerBinder &layer, Value x, nn::Layout layout, int64_t channels) {
  int64_t rank = layer.getRank(x);
  if (layer.parameters().getBool("use_bias", true)) {
    Value bias = layer.weight({channels});
    if (layer.failed())
      return failure();
    x = layer.add(x, layer.alignWithAxis(bias, getChannelAxis(layout, rank), rank));
  }
  return layer.result(layer.activate(x));
}

/// (window..., a, b) -> (b, a, window...).
static Value turnFilter(LayerBinder &layer, Value kernel, size_t numSpatial) {
  SmallVector<int64_t> permutation{static_cast<int64_t>(numSpatial) + 1, static_cast<int64_t>(numSpatial)};
  for (size_t i = 0; i < numSpatial; ++i)
    permutation.push_back(i);
  return layer.transpose(kernel, permutation);
}

template <int numSpatial> static LogicalResult importConv(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  layer.expectInputs(1);
  layer.refuse({"lora_rank", "quantization_config"});
  Windows windows = getWindows(layer, x, numSpatial);
  int64_t filters = layer.positive("filters", 0), groups = layer.positive("groups", 1);
  if (layer.failed())
    return failure();
  int64_t channels = layer.extent(x, getChannelAxis(windows.layout, numSpatial + 2));
  if (layer.failed())
    return failure();
  if (channels % groups || filters % groups)
    return layer.reject("its channels cannot be divided into " + Twine(groups) + " groups");
  SmallVector<int64_t> shape(windows.sizes);
  shape.append({channels / groups, filters});
  Value filter = turnFilter(layer, layer.weight(shape), numSpatial);
  return finish(layer, convolve(layer, x, filter, windows, groups), windows.layout, filters);
}

static void listConv(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0"});
  if (parameters.getBool("use_bias", true))
    slots.push_back({"vars/1"});
}

static const LayerEntry table[] = {
    {"Conv1D", importConv<1>, listConv},
    {"Conv2D", importConv<2>, listConv},
    {"Conv3D", importConv<3>, listConv},
};

ArrayRef<LayerEntry> getConvolutionLayers() { return table; }

} // namespace nnc::keras
