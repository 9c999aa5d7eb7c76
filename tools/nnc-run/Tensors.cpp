// Inputs from files or at random; comparison and summary of outputs.
#include "tools/nnc-run/Tensors.h"

#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

using namespace llvm;

namespace nnc {

NamedFile NamedFile::parse(StringRef argument) {
  size_t at = argument.find('=');
  if (at == StringRef::npos)
    return {"", argument.str()};
  return {argument.take_front(at).str(), argument.drop_front(at + 1).str()};
}

//===--- Inputs ---===//

static int64_t findInput(const nnc_model &model, StringRef name) {
  for (unsigned i = 0; i < model.num_inputs; ++i)
    if (name == model.inputs[i].name)
      return i;
  return -1;
}

/// How the user can fix the extent of `axis`: by its symbol, or where it has none (it is called after the input and the
/// axis then) by the shape of the whole input, which a model that is compiled already does not take.
static std::string describeRemedy(const nnc_tensor &input, unsigned axis, StringRef extent) {
  std::string bySymbol = ("--shape " + extent + "=N").str(), byInput = std::string("--shape ") + input.name + "=";
  if (!extent.ends_with("_" + std::to_string(axis)))
    return bySymbol;
  for (unsigned i = 0; i < input.rank; ++i)
    byInput += (i ? "," : "") + (input.shape[i] < 0 ? "N" : std::to_string(input.shape[i]));
  return byInput + " (" + bySymbol + " of a compiled model)";
}

static Expected<HostTensor> makeRandom(const nnc_model &model, const nnc_tensor &input, ArrayRef<int64_t> extents,
                                       std::mt19937_64 &generator) {
  std::vector<int64_t> shape(input.shape, input.shape + input.rank);
  for (unsigned axis = 0; axis < input.rank; ++axis) {
    if (shape[axis] >= 0)
      continue;
    shape[axis] = extents[input.extent_of[axis]];
    StringRef symbol = model.extent_names[input.extent_of[axis]];
    if (shape[axis] < 0)
      return createStringError("input '" + StringRef(input.name) + "': the extent '" + symbol +
                               "' is not known; give one with " + describeRemedy(input, axis, symbol) +
                               ", or the input with --input");
  }
  auto tensor = HostTensor::create(input.name, input.type, std::move(shape));
  if (tensor)
    fillRandomly(*tensor, generator);
  return tensor;
}

/// The state of which input `place` is the value before a run; null of other inputs.
static const nnc_state *findState(const nnc_model &model, unsigned place) {
  const nnc_state *end = model.states + model.num_states;
  const nnc_state *found = std::find_if(model.states, end, [&](const nnc_state &state) { return state.input == place; });
  return found == end ? nullptr : found;
}

/// The state before the first run, in the memory of a tensor.
static void fillInitially(HostTensor &tensor, const nnc_state &state) {
  if (state.initial)
    std::memcpy(tensor.data.data(), state.initial, tensor.data.size());
  else
    std::memset(tensor.data.data(), 0, tensor.data.size());
}

Expected<std::vector<HostTensor>> makeInputs(const nnc_model &model, ArrayRef<NamedFile> files,
                                             const StringMap<int64_t> &symbols, uint64_t seed) {
  std::vector<std::optional<HostTensor>> given(model.num_inputs);
  for (const NamedFile &file : files) {
    int64_t place = file.name.empty() ? find(given, std::nullopt) - given.begin() : findInput(model, file.name);
    if (place < 0)
      return createStringError("the model has no input '" + file.name + "'");
    if (place >= static_cast<int64_t>(given.size()))
      return createStringError(file.path + ": the model has no more inputs");
    auto tensor = readTensorFile(file.path);
    if (!tensor)
      return tensor.takeError();
    given[place] = std::move(*tensor);
  }
  std::vector<int64_t> extents(model.num_extents, -1);
  for (unsigned i = 0; i < model.num_extents; ++i)
    if (auto found = symbols.find(model.extent_names[i]); found != symbols.end())
      extents[i] = found->second;
  for (auto [i, tensor] : enumerate(given))
    for (unsigned axis = 0; tensor && axis < std::min<size_t>(model.inputs[i].rank, tensor->shape.size()); ++axis)
      if (model.inputs[i].shape[axis] < 0)
        extents[model.inputs[i].extent_of[axis]] = tensor->shape[axis];
  std::mt19937_64 generator(seed);
  std::vector<HostTensor> inputs;
  for (auto [i, tensor] : enumerate(given)) {
    if (!tensor) {
      auto random = makeRandom(model, model.inputs[i], extents, generator);
      if (!random)
        return random.takeError();
      tensor = std::move(*random);
      if (const nnc_state *state = findState(model, i))
        fillInitially(*tensor, *state);
    }
    tensor->name = model.inputs[i].name;
    inputs.push_back(std::move(*tensor));
  }
  return std::move(inputs);
}

//===--- Outputs ---===//

static std::string describePosition(const HostTensor &tensor, int64_t position) {
  std::vector<int64_t> index(tensor.shape.size());
  for (size_t axis = index.size(); axis-- > 0; position /= tensor.shape[axis])
    index[axis] = position % tensor.shape[axis];
  return describeShape(index);
}

static bool compareStrings(const HostTensor &actual, const HostTensor &expected, raw_ostream &os) {
  int64_t wrong = 0, first = -1;
  for (int64_t i = 0, end = actual.getNumElements(); i < end; ++i)
    if (actual.getString(i) != expected.getString(i) && wrong++ == 0)
      first = i;
  if (!wrong) {
    os << "equal\n";
    return true;
  }
  os << wrong << " of " << actual.getNumElements() << " strings are wrong; first at " << describePosition(actual, first)
     << ": '" << actual.getString(first) << "', expected '" << expected.getString(first) << "'\n";
  return false;
}

bool compare(const HostTensor &actual, const HostTensor &expected, Tolerance tolerance, raw_ostream &os) {
  os << actual.name << ": ";
  if (actual.type != expected.type || actual.shape != expected.shape) {
    os << "is " << actual.describeType() << ", expected " << expected.describeType() << '\n';
    return false;
  }
  if (actual.type == NNC_STRING)
    return compareStrings(actual, expected, os);
  int64_t wrong = 0, worst = -1;
  double worstError = 0, worstExcess = 0;
  for (int64_t i = 0, end = actual.getNumElements(); i < end; ++i) {
    double a = actual.getElement(i), e = expected.getElement(i);
    if (a == e || (std::isnan(a) && std::isnan(e)))
      continue;
    double error = std::isfinite(a) && std::isfinite(e) ? std::fabs(a - e) : INFINITY;
    double excess = error - tolerance.absolute - tolerance.relative * (std::isfinite(e) ? std::fabs(e) : 0);
    wrong += excess > 0;
    if (worst >= 0 && (excess > 0 ? excess <= worstExcess : error <= worstError))
      continue;
    worst = i;
    worstError = error;
    worstExcess = std::max(worstExcess, excess);
  }
  if (worst < 0) {
    os << "equal\n";
    return true;
  }
  if (wrong)
    os << wrong << " of " << actual.getNumElements() << " elements are wrong; ";
  os << format("largest error %.3g at ", worstError) << describePosition(actual, worst)
     << format(": %.9g, expected %.9g\n", actual.getElement(worst), expected.getElement(worst));
  return wrong == 0;
}

void describePreprocessing(StringRef name, const nnc_preprocessing &preprocessing, raw_ostream &os) {
  auto list = [](const float *numbers, uint32_t count) {
    std::string text;
    for (float number : ArrayRef(numbers, count))
      raw_string_ostream(text) << (text.empty() ? "" : ", ") << format("%.6g", number);
    return count > 1 ? "[" + text + "]" : text;
  };
  StringRef order = preprocessing.channel_order;
  os << name << ": " << (preprocessing.is_applied ? "raw, normalised as (raw - " : "(raw - ")
     << (preprocessing.has_mean_image ? "a mean image" : list(preprocessing.mean, preprocessing.num_means)) << ") * "
     << list(preprocessing.scale, preprocessing.num_scales) << (order.empty() ? "" : ", ") << order << '\n';
}

/// Of one row with a number for each label.
static bool isClassification(const HostTensor &tensor, size_t numLabels) {
  return numLabels && !tensor.shape.empty() && tensor.getNumElements() == tensor.shape[0] * static_cast<int64_t>(numLabels);
}

void summarise(const HostTensor &tensor, ArrayRef<const char *> labels, raw_ostream &os) {
  int64_t count = tensor.getNumElements();
  os << tensor.name << ": " << tensor.describeType();
  if (count == 0) {
    os << '\n';
    return;
  }
  constexpr int64_t shown = 6;
  if (tensor.type == NNC_STRING) {
    os << ", [";
    for (int64_t i = 0; i < std::min(count, shown); ++i)
      os << (i ? ", '" : "'") << tensor.getString(i) << "'";
    os << (count > shown ? ", ...]\n" : "]\n");
    return;
  }
  double low = INFINITY, high = -INFINITY, sum = 0;
  int64_t highest = 0, notNumbers = 0;
  for (int64_t i = 0; i < count; ++i) {
    double value = tensor.getElement(i);
    notNumbers += std::isnan(value);
    low = std::min(low, value);
    if (value > high)
      highest = i;
    high = std::max(high, value);
    sum += value;
  }
  os << format(", %.4g to %.4g", low, high) << " (largest at " << describePosition(tensor, highest);
  if (isClassification(tensor, labels.size()))
    os << ": " << labels[highest % labels.size()];
  os << format("), mean %.4g", sum / static_cast<double>(count));
  if (notNumbers)
    os << ", " << notNumbers << " NaN";
  os << ", [";
  for (int64_t i = 0; i < std::min(count, shown); ++i)
    os << (i ? ", " : "") << format("%.4g", tensor.getElement(i));
  os << (count > shown ? ", ...]\n" : "]\n");
}

} // namespace nnc
