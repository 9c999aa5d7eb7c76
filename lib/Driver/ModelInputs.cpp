// Inputs from files or at random.
#include "lib/Driver/ModelInputs.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <unistd.h>

using namespace llvm;

namespace nnc {

NamedFile NamedFile::parse(StringRef argument) {
  size_t at = argument.find('=');
  if (at == StringRef::npos)
    return {"", argument.str()};
  return {argument.take_front(at).str(), argument.drop_front(at + 1).str()};
}

uint64_t getMemoryBytes() {
  int64_t pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
  return pages > 0 && bytes > 0 ? static_cast<uint64_t>(pages) * bytes : UINT64_MAX;
}

static std::string describeBytes(uint64_t bytes) {
  constexpr uint64_t mebibyte = 1 << 20;
  return bytes < 10 * mebibyte ? std::to_string(bytes) + " bytes" : std::to_string(bytes / mebibyte) + " MiB";
}

static int64_t findInput(const nnc_model &model, StringRef name) {
  for (unsigned i = 0; i < model.num_inputs; ++i)
    if (name == model.inputs[i].name)
      return i;
  return -1;
}

/// How the user can fix the extent of `axis`: by its symbol, or where it has none (it is called after the input and the
/// axis then) by the shape of the whole input, which a model that is compiled already does not take.
static std::string describeRemedy(const nnc_tensor &input, unsigned axis, StringRef extent) {
  std::string bySymbol = ("--shape " + extent + "=1").str(), byInput = std::string("--shape ") + input.name + "=";
  if (!extent.ends_with("_" + std::to_string(axis)))
    return bySymbol;
  for (unsigned i = 0; i < input.rank; ++i)
    byInput += (i ? "," : "") + (input.shape[i] < 0 ? "1" : std::to_string(input.shape[i]));
  return byInput + " (" + bySymbol + " of a compiled model)";
}

/// The input's shape; an error where an extent is not known.
static Expected<std::vector<int64_t>> getShape(const nnc_model &model, const nnc_tensor &input,
                                               ArrayRef<int64_t> extents) {
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
  return shape;
}

static Expected<HostTensor> makeRandom(const nnc_model &model, const nnc_tensor &input, ArrayRef<int64_t> extents,
                                       std::mt19937_64 &generator) {
  auto shape = getShape(model, input, extents);
  if (!shape)
    return shape.takeError();
  auto tensor = HostTensor::create(input.name, input.type, std::move(*shape));
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

/// The files that the user named, each in its input's place.
static Expected<std::vector<std::optional<HostTensor>>> readInputs(const nnc_model &model, ArrayRef<NamedFile> files) {
  std::vector<std::optional<HostTensor>> given(model.num_inputs);
  for (const NamedFile &file : files) {
    int64_t place = file.name.empty() ? find(given, std::nullopt) - given.begin() : findInput(model, file.name);
    if (place < 0)
      return createStringError("the model has no input '" + file.name + "'");
    if (place >= static_cast<int64_t>(given.size()))
      return createStringError(file.path + ": the model has no more inputs");
    if (given[place])
      return createStringError(file.path + ": the input '" + file.name + "' is given already");
    auto tensor = readTensorFile(file.path);
    if (!tensor)
      return tensor.takeError();
    given[place] = std::move(*tensor);
  }
  return std::move(given);
}

/// Says so where the inputs that are not given are larger than they may be, before there is memory of them.
static Error checkBytes(const nnc_model &model, ArrayRef<std::optional<HostTensor>> given, ArrayRef<int64_t> extents,
                        uint64_t maxBytes) {
  uint64_t total = 0;
  for (auto [i, tensor] : enumerate(given)) {
    const nnc_tensor &input = model.inputs[i];
    if (tensor) {
      total += tensor->data.size();
      continue;
    }
    auto shape = getShape(model, input, extents);
    if (!shape)
      return shape.takeError();
    auto bytes = getTensorBytes(input.name, input.type, *shape);
    if (!bytes)
      return bytes.takeError();
    total += *bytes;
  }
  if (total <= maxBytes)
    return Error::success();
  return createStringError("the inputs are of " + describeBytes(total) + ", more than the " + describeBytes(maxBytes) +
                           " that there are for them");
}

Expected<std::vector<HostTensor>> makeInputs(const nnc_model &model, const InputSources &sources) {
  auto given = readInputs(model, sources.files);
  if (!given)
    return given.takeError();
  std::vector<int64_t> extents(model.num_extents, -1);
  for (unsigned i = 0; i < model.num_extents; ++i)
    if (auto found = sources.symbols.find(model.extent_names[i]); found != sources.symbols.end())
      extents[i] = found->second;
  for (auto [i, tensor] : enumerate(*given))
    for (unsigned axis = 0; tensor && axis < std::min<size_t>(model.inputs[i].rank, tensor->shape.size()); ++axis) {
      if (model.inputs[i].shape[axis] >= 0)
        continue;
      unsigned symbol = model.inputs[i].extent_of[axis];
      if (extents[symbol] >= 0 && extents[symbol] != tensor->shape[axis])
        return createStringError("input '" + StringRef(model.inputs[i].name) + "': its data have " + model.extent_names[symbol] +
                                 "=" + Twine(tensor->shape[axis]) + ", elsewhere it is " + Twine(extents[symbol]));
      extents[symbol] = tensor->shape[axis];
    }
  if (sources.otherExtents)
    std::replace_if(
        extents.begin(), extents.end(), [](int64_t extent) { return extent < 0; }, *sources.otherExtents);
  if (Error error = checkBytes(model, *given, extents, sources.maxBytes))
    return std::move(error);
  std::mt19937_64 generator(sources.seed);
  std::vector<HostTensor> inputs;
  for (auto [i, tensor] : enumerate(*given)) {
    if (!tensor) {
      auto random = makeRandom(model, model.inputs[i], extents, generator);
      if (!random)
        return random.takeError();
      tensor = std::move(*random);
      const nnc_state *state = sources.startsStates ? findState(model, i) : nullptr;
      if (state)
        fillInitially(*tensor, *state);
      tensor->isRandom = !state;
    }
    tensor->name = model.inputs[i].name;
    inputs.push_back(std::move(*tensor));
  }
  return std::move(inputs);
}

} // namespace nnc
