// Sections that combine layers element by element.
#include "lib/Frontend/Darknet/SectionTable.h"
#include "lib/Frontend/Import/Weights.h"

#include <cmath>

using namespace mlir;

namespace nnc::darknet {

/// Zeros added behind each axis of an image, or elements cut off, so that it has this shape.
static Value fit(SectionBinder &layer, Value x, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> after;
  for (int axis = 1; axis < 4 && !layer.failed(); ++axis)
    after.push_back(shape[axis] - layer.getShape(x)[axis]);
  if (layer.failed() || llvm::all_of(after, [](int64_t pad) { return pad == 0; }))
    return x;
  SmallVector<int64_t> all{0, 0, 0};
  all.append(after);
  return layer.create<nn::PadOp>(x, layer.ints(all), layer.number(0), ArrayRef<int64_t>{1, 2, 3},
                                 nn::PadMode::Constant);
}

/// Each element at the beginning of a block of zeros.
static Value spread(SectionBinder &layer, Value x, int64_t block) {
  if (layer.failed() || block == 1)
    return x;
  SmallVector<int64_t> shape(layer.getShape(x));
  Value parts = layer.reshape(x, {shape[0], shape[1], shape[2], 1, shape[3], 1});
  parts = layer.create<nn::PadOp>(parts, layer.ints({0, 0, block - 1, block - 1}), layer.number(0),
                                  ArrayRef<int64_t>{3, 5}, nn::PadMode::Constant);
  return layer.reshape(parts, {shape[0], shape[1], shape[2] * block, shape[3] * block});
}

/// In the original, images of different sizes are sampled or spread; only elements that meet another one are touched.
static LogicalResult addDifferent(SectionBinder &layer, Value x, Value from, double alpha, double beta) {
  ArrayRef<int64_t> shape = layer.getShape(x), other = layer.getShape(from);
  int64_t step = std::max<int64_t>(1, other[3] / shape[3]), block = std::max<int64_t>(1, shape[3] / other[3]);
  if (other[3] / shape[3] != other[2] / shape[2] || shape[3] / other[3] != shape[2] / other[2])
    return layer.reject("its layers differ in size by different factors for rows and columns");
  int64_t channels = std::min(shape[1], other[1]), rows = std::min(shape[2], other[2]),
          columns = std::min(shape[3], other[3]);
  if ((rows - 1) * step >= other[2] || (columns - 1) * step >= other[3] || (rows - 1) * block >= shape[2] ||
      (columns - 1) * block >= shape[3])
    return layer.reject("its layers' sizes are no multiples of each other");
  Value part = layer.create<nn::SliceOp>(
      from, layer.ints({0, 0, 0}), layer.ints({channels, (rows - 1) * step + 1, (columns - 1) * step + 1}),
      layer.ints({1, step, step}), ArrayRef<int64_t>{1, 2, 3});
  part = fit(layer, spread(layer, part, block), shape);
  if (beta != 1)
    part = layer.create<nn::MulOp>(part, layer.number(beta));
  if (alpha != 1) {
    auto count = frontend::countElements(shape.drop_front());
    if (!count || *count > (1 << 26))
      return layer.reject("alpha is not supported for images of this size");
    std::vector<float> factors(shape[1] * shape[2] * shape[3], 1);
    for (int64_t channel = 0; channel < channels; ++channel)
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column)
          factors[(channel * shape[2] + row * block) * shape[3] + column * block] = alpha;
    x = layer.create<nn::MulOp>(x, layer.floats(shape.drop_front(), std::move(factors)));
  }
  Value sum = layer.create<nn::AddOp>(x, part);
  return layer.result(activate(layer, sum, layer.get().text("activation", "linear"), /*isImage=*/true));
}

/// The weights of a weighted shortcut: (layers, 1 or channels), normalised over the layers.
static std::vector<float> readShortcutWeights(SectionBinder &layer, int64_t layers, int64_t channels) {
  StringRef kind = layer.get().text("weights_normalization");
  std::vector<float> weights = layer.weightNumbers(layers * channels);
  if (kind != "relu" && kind != "softmax")
    (void)layer.reject("weights_type needs weights_normalization relu or softmax, as darknet does");
  if (layer.failed())
    return weights;
  for (int64_t channel = 0; channel < channels; ++channel) {
    float sum = 1e-4f, largest = -1e30f;
    for (int64_t i = 0; i < layers; ++i)
      largest = std::max(largest, weights[i * channels + channel]);
    for (int64_t i = 0; i < layers; ++i) {
      float &weight = weights[i * channels + channel];
      weight = kind == "relu" ? std::max(weight, 1e-3f) : std::exp(weight - largest);
      sum += weight;
    }
    for (int64_t i = 0; i < layers; ++i)
      weights[i * channels + channel] /= sum;
  }
  return weights;
}

/// This layer's input plus others; of others with more or fewer channels, those that both have.
static LogicalResult importShortcut(SectionBinder &layer) {
  const Section &section = layer.get();
  Value x = layer.image();
  SmallVector<int64_t> numbers = section.integers("from");
  if (numbers.empty() || (!layer.isAlexeyAB() && numbers.size() > 1))
    return layer.reject("from needs a layer, or in AlexeyAB's fork several");
  SmallVector<Value> others;
  for (int64_t number : numbers) {
    const Layer *other = layer.layerAt(number);
    others.push_back(other ? layer.image(*other) : Value());
  }
  if (layer.failed())
    return failure();
  if (!layer.isAlexeyAB())
    return addDifferent(layer, x, others.front(), section.real("alpha", 1), section.real("beta", 1));
  ArrayRef<int64_t> shape = layer.getShape(x);
  StringRef kind = section.text("weights_type", "none");
  bool isWeighted = kind != "none", perChannel = kind == "per_channel";
  if (isWeighted && !perChannel && kind != "per_feature" && kind != "per_layer")
    return layer.reject("weights_type=" + kind + " is not known");
  int64_t columns = perChannel ? shape[1] : 1;
  std::vector<float> weights;
  if (isWeighted)
    weights = readShortcutWeights(layer, others.size() + 1, columns);
  if (layer.failed())
    return failure();
  auto weigh = [&](Value value, size_t index) {
    if (!isWeighted)
      return value;
    std::vector<float> row(weights.begin() + index * columns, weights.begin() + (index + 1) * columns);
    return layer.create<nn::MulOp>(value, layer.floats({columns, 1, 1}, std::move(row)));
  };
  Value sum = weigh(x, 0);
  for (auto [i, other] : llvm::enumerate(others)) {
    if (layer.getShape(other).drop_front(2) != shape.drop_front(2))
      return layer.reject("its layers differ in size");
    sum = layer.create<nn::AddOp>(sum, weigh(fit(layer, other, shape), i + 1));
  }
  return layer.result(activate(layer, sum, section.text("activation", "linear"), /*isImage=*/true));
}

/// The layer `from` times this layer's input: one number per channel, or with scale_wh per position.
static LogicalResult importScaleChannels(SectionBinder &layer) {
  const Section &section = layer.get();
  Value x = layer.image();
  const Layer *from = layer.layerAt(section.integer("from", 0));
  Value scaled = from ? layer.image(*from) : Value();
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x), other = layer.getShape(scaled);
  bool fits = section.integer("scale_wh", 0)
                  ? shape[1] == 1 && shape.drop_front(2) == other.drop_front(2)
                  : shape[1] == other[1] && shape[2] == 1 && shape[3] == 1;
  if (!fits)
    return layer.reject("its input does not fit the layer that it scales");
  Value product = layer.create<nn::MulOp>(scaled, x);
  return layer.result(activate(layer, product, section.text("activation", "linear"), /*isImage=*/false));
}

static LogicalResult importSam(SectionBinder &layer) {
  Value x = layer.image();
  const Layer *from = layer.layerAt(layer.get().integer("from", 0));
  Value other = from ? layer.image(*from) : Value();
  if (layer.failed())
    return failure();
  if (layer.getShape(x) != layer.getShape(other))
    return layer.reject("its layers differ in size");
  return layer.result(activate(layer, layer.create<nn::MulOp>(x, other), layer.get().text("activation", "linear"),
                               /*isImage=*/false));
}

/// A learned constant: filters channels, atoms rows.
static LogicalResult importImplicit(SectionBinder &layer) {
  int64_t filters = layer.positive("filters", 128), atoms = layer.positive("atoms", 1);
  int64_t rows = layer.getNetwork().batch * layer.getNetwork().steps;
  Value weights = layer.weights({1, filters, atoms, 1});
  return layer.result(layer.create<nn::BroadcastToOp>(weights, layer.ints({rows, filters, atoms, 1})));
}

static const SectionEntry table[] = {
    {"implicit", importImplicit},
    {"sam", importSam},
    {"scale_channels", importScaleChannels},
    {"shortcut", importShortcut},
};

ArrayRef<SectionEntry> getCombinationSections() { return table; }

} // namespace nnc::darknet
