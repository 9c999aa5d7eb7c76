// Sections of the convolution family.
#include "lib/Frontend/Darknet/SectionTable.h"
#include "lib/Frontend/Import/Patches.h"
#include "lib/Frontend/Import/Weights.h"

#include <cmath>

using namespace mlir;

namespace nnc::darknet {

/// sign(w) times the mean of |w| of each filter.
static void binarize(std::vector<float> &weights, int64_t filters) {
  int64_t size = weights.size() / filters;
  for (int64_t filter = 0; filter < filters; ++filter) {
    float *begin = weights.data() + filter * size, mean = 0;
    for (int64_t i = 0; i < size; ++i)
      mean += std::fabs(begin[i]);
    mean /= size;
    for (int64_t i = 0; i < size; ++i)
      begin[i] = begin[i] > 0 ? mean : -mean;
  }
}

ConvolutionWeights readConvolution(SectionBinder &layer, const ConvolutionShape &shape, int64_t channels) {
  ConvolutionWeights weights;
  if (layer.failed())
    return weights;
  if (channels % shape.groups || shape.filters % shape.groups) {
    (void)layer.reject("its channels do not divide into " + Twine(shape.groups) + " groups");
    return weights;
  }
  weights.bias = layer.weights({shape.filters});
  if (shape.normalizes)
    layer.readStatistics(shape.filters, weights);
  SmallVector<int64_t> filterShape{shape.filters, channels / shape.groups, shape.size, shape.size};
  auto count = frontend::countElements(filterShape);
  if (layer.failed() || !count) {
    (void)layer.reject("its weights are too large");
    return weights;
  }
  if (shape.isBinary) {
    std::vector<float> numbers = layer.weightNumbers(*count);
    if (layer.failed())
      return weights;
    binarize(numbers, shape.filters);
    weights.filter = layer.floats(filterShape, std::move(numbers));
  } else if (shape.isFlipped) {
    Value flipped = layer.weights({*count / shape.filters, shape.filters});
    weights.filter = layer.reshape(layer.create<nn::TransposeOp>(flipped, ArrayRef<int64_t>{1, 0}), filterShape);
  } else {
    weights.filter = layer.weights(filterShape);
  }
  return weights;
}

Value convolve(SectionBinder &layer, Value x, const ConvolutionShape &shape, const ConvolutionWeights &weights) {
  if (layer.failed())
    return {};
  if (shape.binarizesInput) {
    Value isPositive = layer.create<nn::CompareOp>(x, layer.number(0), nn::ComparePredicate::Greater);
    x = layer.create<nn::WhereOp>(isPositive, layer.number(1), layer.number(-1));
  }
  SmallVector<int64_t> strides{shape.strideY, shape.strideX}, dilations{shape.dilation, shape.dilation},
      pads{shape.pad, shape.pad};
  Value result = layer.create<nn::ConvOp>(x, weights.filter, shape.normalizes ? Value() : weights.bias,
                                          nn::Layout::ChannelsFirst, strides, dilations, pads, pads, shape.groups);
  return shape.normalizes ? layer.normalize(result, weights, weights.bias) : result;
}

static ConvolutionShape readShape(SectionBinder &layer) {
  const Section &section = layer.get();
  ConvolutionShape shape;
  shape.filters = layer.positive("filters", 1);
  shape.size = layer.positive("size", 1);
  int64_t stride = layer.positive("stride", 1);
  shape.strideY = layer.isAlexeyAB() && section.has("stride_y") ? layer.positive("stride_y", 1) : stride;
  shape.strideX = layer.isAlexeyAB() && section.has("stride_x") ? layer.positive("stride_x", 1) : stride;
  shape.dilation = layer.isAlexeyAB() && shape.size > 1 ? layer.positive("dilation", 1) : 1;
  shape.groups = layer.positive("groups", 1);
  shape.pad = section.integer("pad", 0) ? shape.size / 2 : section.integer("padding", 0);
  if (shape.pad < 0 || shape.pad > (1 << 20))
    (void)layer.reject("padding must not be negative, nor too large");
  shape.pad *= shape.dilation;
  shape.normalizes = section.integer("batch_normalize", 0);
  shape.isFlipped = section.integer("flipped", 0);
  shape.binarizesInput = section.integer("xnor", 0);
  shape.isBinary = section.integer("binary", 0) || shape.binarizesInput;
  return shape;
}

static LogicalResult importConvolutional(SectionBinder &layer) {
  Value x = layer.image();
  ConvolutionShape shape = readShape(layer);
  layer.refuseKeys({"dontload", "dontloadscales"});
  if (layer.isAlexeyAB()) {
    layer.refuseKeys({"deform", "sway", "rotate", "stretch", "stretch_sway", "antialiasing", "xnor", "binary"});
    layer.refuseKeys({"numload", "cbn", "coordconv"});
    if (layer.get().integer("batch_normalize", 0) > 1)
      (void)layer.reject("batch_normalize=2 (statistics over several batches) is not supported");
  } else if (shape.size == 1 && (shape.strideX > 1 || shape.strideY > 1)) {
    (void)layer.reject("a 1x1 window with a stride: darknet's CPU path reads other elements than its GPU path there");
  }
  if (layer.failed())
    return failure();
  ConvolutionWeights weights;
  if (layer.isAlexeyAB() && layer.get().has("share_index")) {
    const Layer *shared = layer.layerAt(layer.get().integer("share_index", 0));
    if (!shared || !shared->weights.filter)
      return layer.reject("share_index must name a convolutional layer before it");
    weights = shared->weights;
    if (shape.normalizes && !weights.mean)
      return layer.reject("share_index names a layer without batch normalisation");
  } else {
    weights = readConvolution(layer, shape, layer.getShape(x)[1]);
  }
  Value result = convolve(layer, x, shape, weights);
  layer.getResult().weights = weights;
  return layer.result(activate(layer, result, layer.get().text("activation", "logistic"), /*isImage=*/true));
}

static LogicalResult importDeconvolutional(SectionBinder &layer) {
  Value x = layer.image();
  const Section &section = layer.get();
  int64_t filters = layer.positive("filters", 1), size = layer.positive("size", 1), stride = layer.positive("stride", 1);
  int64_t pad = section.integer("pad", 0) ? size / 2 : section.integer("padding", 0);
  bool normalizes = section.integer("batch_normalize", 0);
  if (layer.failed())
    return failure();
  if (layer.isAlexeyAB())
    return layer.reject("AlexeyAB's fork has no such layer");
  if (pad < 0 || pad > (1 << 20))
    return layer.reject("padding must not be negative, nor too large");
  ConvolutionWeights weights;
  weights.bias = layer.weights({filters});
  if (normalizes)
    layer.readStatistics(filters, weights);
  weights.filter = layer.weights({layer.getShape(x)[1], filters, size, size});
  SmallVector<int64_t> strides{stride, stride}, ones{1, 1}, pads{pad, pad}, none{0, 0};
  Value result = layer.create<nn::ConvTransposeOp>(x, weights.filter, normalizes ? Value() : weights.bias,
                                                   nn::Layout::ChannelsFirst, strides, ones, pads, pads, /*groups=*/1,
                                                   none);
  if (normalizes)
    result = layer.normalize(result, weights, weights.bias);
  return layer.result(activate(layer, result, section.text("activation", "logistic"), /*isImage=*/true));
}

/// Every position has weights of its own.
static LogicalResult importLocal(SectionBinder &layer) {
  Value x = layer.image();
  const Section &section = layer.get();
  int64_t filters = layer.positive("filters", 1), size = layer.positive("size", 1), stride = layer.positive("stride", 1);
  bool pads = section.integer("pad", 0);
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  SmallVector<int64_t> counts;
  for (int64_t extent : shape.drop_front(2))
    counts.push_back((extent - (pads ? 1 : size)) / stride + 1);
  if (size > shape[2] + 2 || size > shape[3] + 2 || counts[0] < 1 || counts[1] < 1)
    return layer.reject("its window is larger than the image");
  if (pads && size != 3)
    return layer.reject("pad=1 with a size other than 3 reads outside the image in darknet");
  int64_t rows = shape[0], positions = counts[0] * counts[1], elements = shape[1] * size * size, pad = pads ? 1 : 0;
  frontend::ImageWindow window{{size, size}, {stride, stride}, {1, 1}, {pad, pad}};
  Value bias = layer.weights({filters, counts[0], counts[1]}), filter = layer.weights({positions, filters, elements});
  frontend::Patches patches = gatherPatches(layer, x, window, counts, 0);
  if (layer.failed())
    return failure();
  // (rows, channels * window, positions) -> (positions, channels * window, rows)
  Value columns = layer.create<nn::TransposeOp>(layer.reshape(patches.values, {rows, elements, positions}),
                                                ArrayRef<int64_t>{2, 1, 0});
  Value products = layer.create<nn::MatmulOp>(filter, columns, /*transpose_lhs=*/false, /*transpose_rhs=*/false);
  Value result = layer.create<nn::TransposeOp>(products, ArrayRef<int64_t>{2, 1, 0});
  result = layer.reshape(result, {rows, filters, counts[0], counts[1]});
  result = layer.create<nn::AddOp>(result, bias);
  return layer.result(activate(layer, result, section.text("activation", "logistic"), /*isImage=*/false));
}

static const SectionEntry table[] = {
    {"convolutional", importConvolutional},
    {"deconvolutional", importDeconvolutional},
    {"local", importLocal},
};

ArrayRef<SectionEntry> getConvolutionSections() { return table; }

} // namespace nnc::darknet
