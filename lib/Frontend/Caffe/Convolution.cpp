// Layers of the convolution family.
#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Caffe/Windows.h"

using namespace mlir;

namespace nnc::caffe {

/// One entry per spatial axis: the repeated field (none: `otherwise`, one: for all), or the fields for height and width.
template <typename Field>
static SmallVector<int64_t> readEntries(LayerBinder &layer, StringRef name, const Field &field, bool hasHeight,
                                        uint32_t height, bool hasWidth, uint32_t width, int64_t spatial,
                                        int64_t otherwise) {
  if (hasHeight || hasWidth) {
    if (field.size())
      (void)layer.reject(name + " is given twice");
    if (spatial != 2)
      (void)layer.reject(name + "_h and " + name + "_w are for images");
    return {height, width};
  }
  if (field.size() == 0)
    return SmallVector<int64_t>(spatial, otherwise);
  if (field.size() != 1 && field.size() != spatial)
    (void)layer.reject(name + " needs one number, or one per spatial axis");
  SmallVector<int64_t> entries(field.begin(), field.end());
  entries.resize(spatial, entries.front());
  return entries;
}

SpatialWindow readWindow(LayerBinder &layer, Value x) {
  const format::ConvolutionParam &param = layer.get().convolution_param();
  SpatialWindow window;
  if (!x)
    return window;
  if (layer.getAxis(param.axis(), x) != 1 || layer.failed()) {
    (void)layer.reject("only axis 1 can be that of the channels");
    return window;
  }
  int64_t spatial = layer.getRank(x) - 2;
  if (spatial < 1 || spatial > 3) {
    (void)layer.reject("supports one to three spatial axes, its bottom has " + Twine(std::max<int64_t>(spatial, 0)));
    return window;
  }
  window.size = readEntries(layer, "kernel_size", param.kernel_size(), param.has_kernel_h(), param.kernel_h(),
                            param.has_kernel_w(), param.kernel_w(), spatial, 0);
  window.strides = readEntries(layer, "stride", param.stride(), param.has_stride_h(), param.stride_h(),
                               param.has_stride_w(), param.stride_w(), spatial, 1);
  window.pads = readEntries(layer, "pad", param.pad(), param.has_pad_h(), param.pad_h(), param.has_pad_w(),
                            param.pad_w(), spatial, 0);
  window.dilations = readEntries(layer, "dilation", param.dilation(), false, 0, false, 0, spatial, 1);
  for (int64_t axis = 0; axis < spatial && !layer.failed(); ++axis) {
    int64_t limit = 1 << 20;
    if (window.size[axis] < 1 || window.strides[axis] < 1 || window.dilations[axis] < 1 || window.size[axis] > limit ||
        window.strides[axis] > limit || window.dilations[axis] > limit || window.pads[axis] > limit)
      (void)layer.reject("kernel sizes, strides and dilations must be positive, and not too large");
  }
  return window;
}

/// One layer may have several bottoms, and a top for each, with the same weights.
template <typename Build> static LogicalResult importForEach(LayerBinder &layer, bool isTransposed, Build build) {
  const format::ConvolutionParam &param = layer.get().convolution_param();
  int64_t groups = param.group(), outputs = param.num_output();
  if (layer.get().type() == "ConvolutionDepthwise" || layer.get().type() == "DepthwiseConvolution")
    groups = layer.bottom(0) && layer.getRank(layer.bottom(0)) > 1 ? layer.getShape(layer.bottom(0))[1] : 1;
  Value filter, bias;
  for (unsigned i = 0; i < std::max(1u, layer.getNumBottoms()); ++i) {
    Value x = layer.bottom(i);
    SpatialWindow window = readWindow(layer, x);
    if (layer.failed())
      return failure();
    int64_t channels = layer.getShape(x)[1];
    if (outputs < 1 || groups < 1 || channels % groups || outputs % groups)
      return layer.reject("its channels do not divide into " + Twine(groups) + " groups");
    if (!filter) {
      SmallVector<int64_t> shape = isTransposed ? SmallVector<int64_t>{channels, outputs / groups}
                                                : SmallVector<int64_t>{outputs, channels / groups};
      shape.append(window.size);
      filter = layer.weight(0, shape, param.weight_filler());
      if (param.bias_term())
        bias = layer.weight(1, {outputs}, param.bias_filler());
    }
    if (failed(layer.result(build(x, filter, bias, window, groups))))
      return failure();
  }
  return success();
}

static LogicalResult importConvolution(LayerBinder &layer) {
  auto build = [&](Value x, Value filter, Value bias, const SpatialWindow &window, int64_t groups) -> Value {
    // Caffe divides as C does: a window larger than the image by less than the stride still gives one element.
    SmallVector<int64_t> padsEnd(window.pads);
    for (auto [axis, pad] : llvm::enumerate(padsEnd)) {
      int64_t reach = window.dilations[axis] * (window.size[axis] - 1) + 1;
      int64_t room = layer.getShape(x)[axis + 2] + 2 * window.pads[axis] - reach;
      if (room < 0 && room > -window.strides[axis]) {
        pad -= room;
        layer.remark("its window is larger than the image: one position, padded at the end");
      }
    }
    return layer.create<nn::ConvOp>(x, filter, bias, nn::Layout::ChannelsFirst, window.strides, window.dilations,
                                    window.pads, padsEnd, groups);
  };
  return importForEach(layer, /*isTransposed=*/false, build);
}

static LogicalResult importDeconvolution(LayerBinder &layer) {
  auto build = [&](Value x, Value filter, Value bias, const SpatialWindow &window, int64_t groups) {
    SmallVector<int64_t> none(window.size.size(), 0);
    return layer.create<nn::ConvTransposeOp>(x, filter, bias, nn::Layout::ChannelsFirst, window.strides,
                                             window.dilations, window.pads, window.pads, groups, none);
  };
  return importForEach(layer, /*isTransposed=*/true, build);
}

/// The windows of an image as channels: channel, row and column of the window.
static LogicalResult importIm2col(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  SpatialWindow window = readWindow(layer, x);
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  Patches patches = gatherPatches(layer, x, window.toWindow(), window.countFloor(shape.drop_front(2)), 0);
  if (layer.failed())
    return failure();
  // (n, c, window, position) -> (n, c * window, rows, columns)
  return layer.result(layer.reshape(patches.values, {shape[0], shape[1] * window.size[0] * window.size[1],
                                                     patches.counts[0], patches.counts[1]}));
}

static const LayerEntry table[] = {
    {"Convolution", importConvolution, OpenExtents::First},
    {"ConvolutionDepthwise", importConvolution, OpenExtents::First},
    {"Deconvolution", importDeconvolution, OpenExtents::First},
    {"DepthwiseConvolution", importConvolution, OpenExtents::First},
    {"Im2col", importIm2col},
};

ArrayRef<LayerEntry> getConvolutionLayers() { return table; }

} // namespace nnc::caffe
