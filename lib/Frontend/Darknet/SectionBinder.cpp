// Keys, layers, weights and state of one section.
#include "lib/Frontend/Darknet/SectionBinder.h"

#include "lib/Frontend/Import/Weights.h"

#include <cmath>

using namespace mlir;

namespace nnc::darknet {

int64_t SectionBinder::positive(StringRef key, int64_t otherwise) {
  int64_t value = section.integer(key, otherwise);
  if (value > 0 && value < (1 << 20))
    return value;
  (void)reject(key + " must be positive, and not too large");
  return 1;
}

void SectionBinder::refuseKeys(std::initializer_list<StringRef> keys) {
  for (StringRef key : keys)
    if (section.real(key, 0) != 0)
      (void)reject(key + "=" + section.text(key) + " is not supported");
}

void SectionBinder::warn(StringRef cause, const Twine &text) {
  if (llvm::any_of(network.warnings, [&](const auto &warning) { return warning.first == cause; }))
    return;
  std::string message = ("line " + Twine(section.line) + ": [" + section.type + "]: " + text).str();
  network.warnings.emplace_back(cause.str(), std::move(message));
}

//===--- Layers ---===//

const Layer *SectionBinder::layerAt(int64_t number) {
  int64_t absolute = number < 0 ? static_cast<int64_t>(index) + number : number;
  if (absolute >= 0 && absolute < static_cast<int64_t>(index))
    return &network.layers[absolute + 1]; // the first is the input
  (void)reject("there is no layer " + Twine(number) + " before it");
  return nullptr;
}

Value SectionBinder::image(const Layer &layer) {
  if (getRank(layer.value) == 4)
    return layer.value;
  if (layer.value && layer.isVector)
    return reshape(layer.value, {getShape(layer.value)[0], getShape(layer.value)[1], 1, 1});
  (void)reject("needs an image, and a layer before it makes none");
  return {};
}

Value SectionBinder::flat(const Layer &layer) {
  if (!layer.value)
    return {};
  int64_t rows = getShape(layer.value)[0];
  return reshape(layer.value, {rows, getType(layer.value).getNumElements() / rows});
}

//===--- Weights ---===//

std::string SectionBinder::describeMissingWeights() const {
  return network.weights.isMissing()
             ? "it needs weights, and there is no '" + network.weightsPath + "'; give the .weights file as well"
             : "'" + network.weightsPath + "' ends before its weights";
}

Value SectionBinder::weights(ArrayRef<int64_t> shape) {
  auto count = frontend::countElements(shape);
  auto bytes = count ? network.weights.take(*count) : std::nullopt;
  if (!bytes) {
    (void)reject(describeMissingWeights());
    return {};
  }
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  std::string name = section.type + "." + std::to_string(index);
  return constant(llvm::cantFail(frontend::makeWeights(type, *bytes, network.weights.getOwner(), name)));
}

std::vector<float> SectionBinder::weightNumbers(int64_t count) {
  auto bytes = network.weights.take(count);
  if (!bytes) {
    (void)reject(describeMissingWeights());
    return std::vector<float>(std::max<int64_t>(0, std::min<int64_t>(count, 1 << 20)), 0);
  }
  std::vector<float> numbers(count);
  memcpy(numbers.data(), bytes->data(), bytes->size());
  return numbers;
}

void SectionBinder::readStatistics(int64_t channels, ConvolutionWeights &weights) {
  weights.scale = this->weights({channels});
  weights.mean = this->weights({channels});
  std::vector<float> variance = weightNumbers(channels);
  if (failed())
    return;
  // One fork adds its epsilon to the deviation, the other to the variance.
  for (float &value : variance) {
    double deviation = std::sqrt(double(value)) + 1e-6;
    value = isAlexeyAB() ? value : static_cast<float>(deviation * deviation);
  }
  weights.variance = floats({channels}, std::move(variance));
}

Value SectionBinder::normalize(Value x, const ConvolutionWeights &weights, Value bias) {
  APFloat epsilon(isAlexeyAB() ? 1e-5 : 0.0);
  return create<nn::BatchNormOp>(x, weights.scale, bias, weights.mean, weights.variance, nn::Layout::ChannelsFirst,
                                 epsilon);
}

//===--- State ---===//

static std::string getStateName(const Section &section, size_t index, StringRef name) {
  return (section.type + "_" + Twine(index) + "_" + name).str();
}

Value SectionBinder::getState(StringRef name, ArrayRef<int64_t> shape) {
  RankedTensorType type = frontend::getTensorType(shape, builder.getF32Type());
  if (!type)
    (void)reject("its state is too large");
  if (failed())
    return {};
  std::string unique = getStateName(section, index, name);
  Value state = network.main->addInput(unique, type);
  network.states.push_back({unique, state, Value()});
  return state;
}

void SectionBinder::setState(StringRef name, Value value) {
  std::string unique = getStateName(section, index, name);
  if (!failed())
    llvm::find_if(network.states, [&](const State &state) { return state.name == unique; })->after = value;
}

LogicalResult SectionBinder::result(Value value, bool isVector) {
  if (!value || failed())
    return failure();
  made.value = value;
  made.isVector = isVector;
  return success();
}

} // namespace nnc::darknet
