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

//===--- Each channel by itself ---===//

/// The channels of x convolved with kernels (window..., channels, multiplier); results (channel, multiplier) in order.
static Value convolveDepthwise(LayerBinder &layer, Value x, const Windows &windows, int64_t &channels) {
  size_t numSpatial = windows.sizes.size();
  int64_t multiplier = layer.positive("depth_multiplier", 1);
  channels = layer.extent(x, getChannelAxis(windows.layout, numSpatial + 2));
  SmallVector<int64_t> shape(windows.sizes), flat(windows.sizes);
  shape.append({channels, multiplier});
  flat.append({1, channels * multiplier});
  Value kernel = layer.weight(shape);
  if (layer.failed())
    return {};
  Value result = convolve(layer, x, turnFilter(layer, layer.reshape(kernel, flat), numSpatial), windows, channels);
  channels *= multiplier;
  return result;
}

template <int numSpatial> static LogicalResult importDepthwiseConv(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  layer.expectInputs(1);
  Windows windows = getWindows(layer, x, numSpatial);
  int64_t channels = 1;
  if (layer.failed())
    return failure();
  x = convolveDepthwise(layer, x, windows, channels);
  return finish(layer, x, windows.layout, channels);
}

template <int numSpatial> static LogicalResult importSeparableConv(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  layer.expectInputs(1);
  Windows windows = getWindows(layer, x, numSpatial);
  int64_t channels = 1, filters = layer.positive("filters", 0);
  if (layer.failed())
    return failure();
  x = convolveDepthwise(layer, x, windows, channels);
  SmallVector<int64_t> shape(numSpatial, 1);
  shape.append({channels, filters});
  SmallVector<int64_t> ones(numSpatial, 1), zeros(numSpatial, 0);
  x = convolve(layer, x, turnFilter(layer, layer.weight(shape), numSpatial),
               {windows.layout, ones, ones, ones, zeros, zeros}, /*groups=*/1);
  return finish(layer, x, windows.layout, filters);
}

static void listSeparableConv(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  slots.push_back({"vars/0"});
  slots.push_back({"vars/1"});
  if (parameters.getBool("use_bias", true))
    slots.push_back({"vars/2"});
}

//===--- Transposed ---===//

/// Sets the pads and gives what to add at the end: `same` makes each extent that times its stride, `valid` nothing
/// smaller than the stride asks for, unless output_padding says otherwise.
static SmallVector<int64_t> setTransposedPads(LayerBinder &layer, Windows &windows) {
  size_t numSpatial = windows.sizes.size();
  StringRef padding = layer.parameters().getString("padding", "valid");
  std::optional<SmallVector<int64_t>> given = layer.parameters().getInts("output_padding", numSpatial);
  SmallVector<int64_t> outputPadding;
  if ((padding != "valid" && padding != "same") || (given && given->size() != numSpatial) ||
      (layer.parameters().has("output_padding") && !given)) {
    (void)layer.reject("its padding is not supported");
    return SmallVector<int64_t>(numSpatial, 0);
  }
  for (size_t i = 0; i < numSpatial; ++i) {
    int64_t stride = windows.strides[i], reach = (windows.sizes[i] - 1) * windows.dilations[i] + 1, begin, end;
    if (padding == "valid") {
      begin = reach - 1;
      end = reach - 1 + (given ? (*given)[i] : std::max(reach, stride) - reach);
    } else {
      int64_t total = given ? reach + reach % 2 - 2 + (*given)[i] : stride + reach - 2;
      begin = std::min(total / 2 + total % 2, reach - 1);
      end = total - begin;
    }
    windows.padsBegin.push_back(reach - 1 - begin);
    windows.padsEnd.push_back(std::max<int64_t>(reach - 1 - end, 0));
    outputPadding.push_back(std::max<int64_t>(end - (reach - 1), 0));
  }
  return outputPadding;
}

template <int numSpatial> static LogicalResult importConvTranspose(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  layer.expectInputs(1);
  Windows windows;
  windows.layout = layer.getLayout();
  windows.sizes = layer.positives("kernel_size", numSpatial, 0);
  windows.strides = layer.positives("strides", numSpatial, 1);
  windows.dilations = layer.positives("dilation_rate", numSpatial, 1);
  int64_t filters = layer.positive("filters", 0);
  if (layer.positive("groups", 1) != 1)
    return layer.reject("'groups' is not supported");
  SmallVector<int64_t> outputPadding = setTransposedPads(layer, windows);
  if (layer.failed())
    return failure();
  SmallVector<int64_t> shape(windows.sizes);
  shape.append({filters, layer.extent(x, getChannelAxis(windows.layout, numSpatial + 2))});
  Value filter = turnFilter(layer, layer.weight(shape), numSpatial);
  x = layer.create<nn::ConvTransposeOp>(x, filter, Value(), windows.layout, windows.strides, windows.dilations,
                                        windows.padsBegin, windows.padsEnd, /*groups=*/1, outputPadding);
  return finish(layer, x, windows.layout, filters);
}

static const LayerEntry table[] = {
    {"Conv1D", importConv<1>, listConv},
    {"Conv1DTranspose", importConvTranspose<1>, listConv},
    {"Conv2D", importConv<2>, listConv},
    {"Conv2DTranspose", importConvTranspose<2>, listConv},
    {"Conv3D", importConv<3>, listConv},
    {"Conv3DTranspose", importConvTranspose<3>, listConv},
    {"DepthwiseConv1D", importDepthwiseConv<1>, listConv},
    {"DepthwiseConv2D", importDepthwiseConv<2>, listConv},
    {"SeparableConv1D", importSeparableConv<1>, listSeparableConv},
    {"SeparableConv2D", importSeparableConv<2>, listSeparableConv},
};

ArrayRef<LayerEntry> getConvolutionLayers() { return table; }

} // namespace nnc::keras
