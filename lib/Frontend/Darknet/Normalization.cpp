// Sections of the normalization family.
#include "lib/Frontend/Darknet/SectionTable.h"

using namespace mlir;

namespace nnc::darknet {

static LogicalResult importBatchnorm(SectionBinder &layer) {
  Value x = layer.image();
  if (layer.failed())
    return failure();
  int64_t channels = layer.getShape(x)[1];
  ConvolutionWeights weights;
  // Only one fork writes biases.
  Value bias = layer.isAlexeyAB() ? layer.weights({channels})
                                  : layer.floats({channels}, std::vector<float>(channels, 0));
  layer.readStatistics(channels, weights);
  return layer.result(layer.normalize(x, weights, bias));
}

/// x * norm^-beta, where norm is kappa and alpha times the sum of x^2 over the
/// channels around, (size - 1) / 2 before and size / 2 after. Darknet's running sum
/// begins one channel late, so x^2 of channel size / 2 is missing in all of them.
static LogicalResult importLrn(SectionBinder &layer) {
  Value x = layer.image();
  const Section &section = layer.get();
  int64_t size = layer.positive("size", 5);
  double alpha = section.real("alpha", 0.0001), beta = section.real("beta", 0.75), kappa = section.real("kappa", 1);
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  if (size / 2 >= shape[1])
    return layer.reject("its window reaches beyond the channels, where darknet reads other memory");
  layer.remark("local response normalisation: the square of channel " + Twine(size / 2) + " is missing in all sums");
  Value squares = layer.create<nn::MulOp>(x, x);
  Value planes = layer.reshape(squares, {shape[0], 1, shape[1], shape[2] * shape[3]});
  SmallVector<int64_t> window{size, 1}, ones{1, 1}, before{(size - 1) / 2, 0}, after{size / 2, 0};
  Value sums = layer.create<nn::SumPoolOp>(planes, nn::Layout::ChannelsFirst, window, ones, ones, before, after,
                                           /*ceil=*/false);
  sums = layer.reshape(sums, shape);
  sums = layer.create<nn::SubOp>(sums, sliceAxis(layer, squares, 1, size / 2, size / 2 + 1));
  Value norm = layer.create<nn::AddOp>(layer.create<nn::MulOp>(sums, layer.number(alpha)), layer.number(kappa));
  return layer.result(layer.create<nn::MulOp>(x, layer.create<nn::PowOp>(norm, layer.number(-beta))));
}

/// Per position x / sqrt(sum of x^2 over the channels).
static LogicalResult importL2norm(SectionBinder &layer) {
  Value x = layer.image();
  bool isVector = layer.previous().isVector && layer.getRank(layer.previous().value) == 2;
  Value sum = layer.create<nn::ReduceOp>(x, nn::ReductionKind::SumSquare, ArrayRef<int64_t>{1}, /*keepdims=*/true);
  Value result = layer.create<nn::DivOp>(x, layer.create<nn::SqrtOp>(sum));
  if (isVector && !layer.failed())
    result = layer.reshape(result, {layer.getShape(x)[0], layer.getShape(x)[1]});
  return layer.result(result, isVector);
}

/// Over all elements, or over groups of consecutive ones; with a tree, over siblings.
static LogicalResult importSoftmax(SectionBinder &layer) {
  Value x = layer.flat();
  const Section &section = layer.get();
  int64_t groups = layer.positive("groups", 1);
  double temperature = section.real("temperature", 1);
  if (layer.failed())
    return failure();
  int64_t rows = layer.getShape(x)[0], elements = layer.getShape(x)[1];
  if (temperature == 0 || elements % groups)
    return layer.reject("its elements do not divide into groups, or its temperature is 0");
  if (temperature != 1)
    x = layer.create<nn::MulOp>(x, layer.number(1 / temperature));
  if (section.has("tree")) {
    SmallVector<int64_t> siblings = readTree(layer, section.text("tree"));
    return layer.result(softmaxOfGroups(layer, x, siblings, 1));
  }
  if (section.integer("spatial", 0))
    layer.remark("spatial=1 does nothing, as on darknet's CPU path");
  Value result = layer.create<nn::SoftmaxOp>(layer.reshape(x, {rows, groups, elements / groups}), 2);
  return layer.result(layer.reshape(result, {rows, elements}), /*isVector=*/true);
}

static const SectionEntry table[] = {
    {"batchnorm", importBatchnorm},
    {"l2norm", importL2norm},
    {"lrn", importLrn},
    {"softmax", importSoftmax},
};

ArrayRef<SectionEntry> getNormalizationSections() { return table; }

} // namespace nnc::darknet
