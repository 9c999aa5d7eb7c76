// C++17 wrapper of a compiled model's descriptor: checks versions, element types
// and shapes, and owns the workspace. Header-only; needs nnc/Runtime.h alone.
//
//   nnc::Model model(digits_model);
//   std::vector<float> image(64), scores(10);
//   model.run({nnc::view(image)}, {nnc::view(scores)});
#ifndef NNC_MODEL_HPP
#define NNC_MODEL_HPP

#include "nnc/Runtime.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace nnc {

/// What went wrong: a code of nnc/Runtime.h and a sentence.
class Error : public std::runtime_error {
public:
  Error(int error, const std::string &sentence) : std::runtime_error(sentence), code(error) {}
  int code;
};

/// The NNC_* element type of T; 0 for types that no tensor has.
template <typename T> constexpr std::uint32_t elementType() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, bool>)
    return NNC_BOOL;
  else if constexpr (std::is_same_v<U, float>)
    return NNC_FLOAT32;
  else if constexpr (std::is_same_v<U, double>)
    return NNC_FLOAT64;
  else if constexpr (std::is_same_v<U, const char *>)
    return NNC_STRING;
  else if constexpr (std::is_integral_v<U> && sizeof(U) <= 8) {
    constexpr bool isSigned = std::is_signed_v<U>;
    switch (sizeof(U)) {
    case 1:
      return isSigned ? NNC_INT8 : NNC_UINT8;
    case 2:
      return isSigned ? NNC_INT16 : NNC_UINT16;
    case 4:
      return isSigned ? NNC_INT32 : NNC_UINT32;
    default:
      return isSigned ? NNC_INT64 : NNC_UINT64;
    }
  } else
    return 0;
}

/// Bits of one element of a type of which several share a byte; 0 for other types.
inline std::size_t packedBits(std::uint32_t type) {
  return type == NNC_INT2 || type == NNC_UINT2                             ? 2
         : type == NNC_INT4 || type == NNC_UINT4 || type == NNC_FLOAT4E2M1 ? 4
                                                                           : 0;
}

/// Bytes of one element of an NNC_* type; 0 if there is no such type, or if several elements share a byte.
inline std::size_t elementBytes(std::uint32_t type) {
  switch (type) {
  case NNC_BOOL:
  case NNC_INT8:
  case NNC_UINT8:
  case NNC_FLOAT8E4M3FN:
  case NNC_FLOAT8E4M3FNUZ:
  case NNC_FLOAT8E5M2:
  case NNC_FLOAT8E5M2FNUZ:
  case NNC_FLOAT8E8M0:
    return 1;
  case NNC_INT16:
  case NNC_UINT16:
  case NNC_FLOAT16:
  case NNC_BFLOAT16:
    return 2;
  case NNC_INT32:
  case NNC_UINT32:
  case NNC_FLOAT32:
    return 4;
  case NNC_INT64:
  case NNC_UINT64:
  case NNC_FLOAT64:
    return 8;
  case NNC_STRING:
    return sizeof(const char *);
  default:
    return 0;
  }
}

/// Elements in memory that somebody else owns, with their type.
struct View {
  void *data = nullptr;
  std::size_t bytes = 0;
  std::uint32_t type = 0; ///< 0: not checked
  bool isConst = false;
};

/// A view of `count` elements of type T. Half-precision tensors travel as std::uint16_t.
template <typename T> View view(T *data, std::size_t count) {
  static_assert(elementType<T>() != 0, "no tensor has elements of this type");
  return {const_cast<std::remove_cv_t<T> *>(data), count * sizeof(T), elementType<T>(), std::is_const_v<T>};
}

/// A view of a whole container with data() and size().
template <typename Container> View view(Container &container) { return view(container.data(), container.size()); }

/// A model with its workspace. Not for use by two threads at once; make one Model per thread.
class Model {
public:
  /// `extents` gives the run-time extents, in the order of `extent_names`, of models that have some.
  /// `inputs` are needed by models whose sizes are made of values of inputs; others may be empty views.
  explicit Model(const nnc_model &model, std::vector<std::int64_t> extents = {}, const std::vector<View> &inputs = {})
      : description(&model) {
    // Of the fields that were appended only the last is read here.
    if (model.abi_version != NNC_ABI_VERSION || model.struct_size < offsetof(nnc_model, profile))
      throw Error(NNC_ERROR_EXTENT, "the model was compiled for another version of nnc/Runtime.h");
    setExtents(std::move(extents), inputs);
  }

  const nnc_model &get() const { return *description; }

  /// Changes the run-time extents, or the values that make sizes, and resizes the workspace.
  void setExtents(std::vector<std::int64_t> values, const std::vector<View> &inputs = {}) {
    if (values.size() != description->num_extents)
      throw Error(NNC_ERROR_EXTENT, "the model has " + std::to_string(description->num_extents) +
                                        " run-time extents, not " + std::to_string(values.size()));
    std::vector<std::int64_t> results(description->num_output_extents);
    std::uint64_t size = description->workspace_bytes;
    if (isAppended() && description->size_input) {
      std::vector<const void *> pointers = getSizeInputs(inputs);
      if (description->output_extents_for)
        check(description->output_extents_for(pointers.data(), values.data(), results.data()));
      size = description->workspace_size_for(pointers.data(), values.data());
    } else {
      if (description->output_extents && !results.empty())
        check(description->output_extents(values.data(), results.data()));
      if (description->workspace_size)
        size = description->workspace_size(values.data());
    }
    allocate(size);
    inputExtents = std::move(values);
    largestExtents = results;
    outputExtents = std::move(results);
  }

  std::vector<std::int64_t> inputShape(std::size_t i) const { return shape(input(i), inputExtents); }
  /// Where data decide extents: after a run what they are, before it the most that they can be.
  std::vector<std::int64_t> outputShape(std::size_t i) const { return shape(output(i), outputExtents); }
  /// Bytes of an input with the present extents, and those that an output must have room for.
  std::size_t inputBytes(std::size_t i) const { return bytes(input(i), inputExtents); }
  std::size_t outputBytes(std::size_t i) const { return bytes(output(i), largestExtents); }
  std::size_t workspaceBytes() const { return workspaceSize; }

  /// The weights of a model compiled with --weights=extern: the contents of its file, which all models and threads can
  /// share and which must outlive this one. Throws where they are others.
  void setWeights(const void *data, std::size_t bytes) {
    if (!needsWeights())
      throw Error(NNC_ERROR_WEIGHTS, "the model has its weights in itself");
    const nnc_weights &file = *description->weights;
    if (bytes != file.bytes || std::memcmp(data, file.header, static_cast<std::size_t>(file.header_bytes)) != 0)
      throw Error(NNC_ERROR_WEIGHTS, "these are not the weights that the model was compiled with");
    weights = data;
  }

  /// The same, from a file, into memory of this model's own. To share it between models, map the file.
  void readWeights(const std::string &path) {
    if (!needsWeights())
      throw Error(NNC_ERROR_WEIGHTS, "the model has its weights in itself");
    auto bytes = static_cast<std::size_t>(description->weights->bytes);
    std::align_val_t alignment{static_cast<std::size_t>(description->weights->align)};
    std::unique_ptr<void, Free> memory(::operator new(bytes, alignment), Free{alignment});
    std::ifstream file(path, std::ios::binary);
    if (!file.read(static_cast<char *>(memory.get()), static_cast<std::streamsize>(bytes)) ||
        file.peek() != std::ifstream::traits_type::eof())
      throw Error(NNC_ERROR_WEIGHTS, path + " cannot be read, or does not have the model's weights");
    setWeights(memory.get(), bytes);
    ownWeights = std::move(memory);
  }

  /// Runs the model; sizes and element types are checked. `parallel` is for models compiled with --threads.
  void run(const std::vector<View> &inputs, const std::vector<View> &outputs, const nnc_parallel *parallel = nullptr) {
    if (inputs.size() != description->num_inputs || outputs.size() != description->num_outputs)
      throw Error(NNC_ERROR_NULL, "wrong number of inputs or outputs");
    if (isAppended() && description->size_input)
      setExtents(inputExtents, inputs); // the values may be others than before
    std::vector<const void *> in;
    std::vector<void *> out;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      checkView(input(i), inputs[i], inputBytes(i));
      in.push_back(inputs[i].data);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      checkView(output(i), outputs[i], outputBytes(i));
      if (outputs[i].isConst)
        throw Error(NNC_ERROR_NULL, std::string("output ") + output(i).name + " is read-only");
      out.push_back(outputs[i].data);
    }
    const std::int64_t *extents = inputExtents.empty() ? nullptr : inputExtents.data();
    if (needsWeights())
      check(description->weights->invoke(in.data(), out.data(), extents, workspace.get(), parallel,
                                         outputExtents.data(), weights));
    else if (reportsExtents())
      check(description->invoke_reporting(in.data(), out.data(), extents, workspace.get(), parallel,
                                          outputExtents.data()));
    else
      check(description->invoke(in.data(), out.data(), extents, workspace.get(), parallel));
  }

  /// Whether data decide extents of outputs.
  bool reportsExtents() const { return isAppended() && description->invoke_reporting != nullptr; }

  /// How an input is made of raw numbers; null where the model does not say.
  const nnc_preprocessing *preprocessing(std::size_t index) const {
    return hasMetadata() && description->preprocessing ? description->preprocessing[index] : nullptr;
  }

  /// The names of the classes that an output tells apart; none where the model has none.
  std::vector<std::string> labels(std::size_t index) const {
    const nnc_labels *list = hasMetadata() && description->labels ? description->labels[index] : nullptr;
    return list ? std::vector<std::string>(list->labels, list->labels + list->num_labels) : std::vector<std::string>();
  }

private:
  /// Whether the descriptor has the fields from `profile` to `size_input`, and those behind them.
  bool isAppended() const { return description->struct_size >= offsetof(nnc_model, num_states); }
  bool hasMetadata() const { return description->struct_size >= offsetof(nnc_model, weights); }
  bool needsWeights() const {
    return description->struct_size >= offsetof(nnc_model, weights) + sizeof(void *) && description->weights;
  }

  /// A pointer for each input whose values make sizes, null for the others.
  std::vector<const void *> getSizeInputs(const std::vector<View> &inputs) const {
    std::vector<const void *> pointers(description->num_inputs);
    for (std::size_t i = 0; i < pointers.size(); ++i) {
      if (!description->size_input[i])
        continue;
      if (i >= inputs.size() || !inputs[i].data)
        throw Error(NNC_ERROR_NULL, std::string("sizes are made of the values of input ") + input(i).name);
      checkView(input(i), inputs[i], static_cast<std::size_t>(input(i).bytes));
      pointers[i] = inputs[i].data;
    }
    return pointers;
  }

  struct Free {
    void operator()(void *pointer) const { ::operator delete(pointer, alignment); }
    std::align_val_t alignment;
  };

  const nnc_tensor &input(std::size_t i) const {
    if (i >= description->num_inputs)
      throw Error(NNC_ERROR_NULL, "there is no such input");
    return description->inputs[i];
  }
  const nnc_tensor &output(std::size_t i) const {
    if (i >= description->num_outputs)
      throw Error(NNC_ERROR_NULL, "there is no such output");
    return description->outputs[i];
  }

  static std::vector<std::int64_t> shape(const nnc_tensor &tensor, const std::vector<std::int64_t> &extents) {
    std::vector<std::int64_t> result(tensor.shape, tensor.shape + tensor.rank);
    for (std::size_t i = 0; i < result.size(); ++i)
      if (result[i] < 0)
        result[i] = extents.at(static_cast<std::size_t>(tensor.extent_of[i]));
    return result;
  }
  static std::size_t bytes(const nnc_tensor &tensor, const std::vector<std::int64_t> &extents) {
    std::size_t bits = packedBits(tensor.type), result = bits ? bits : elementBytes(tensor.type);
    for (std::int64_t extent : shape(tensor, extents))
      result *= static_cast<std::size_t>(extent);
    return bits ? (result + 7) / 8 : result;
  }

  static void checkView(const nnc_tensor &tensor, const View &given, std::size_t needed) {
    bool isHalf = (tensor.type == NNC_FLOAT16 || tensor.type == NNC_BFLOAT16) && given.type == NNC_UINT16;
    bool isBits = tensor.type >= NNC_FLOAT8E4M3FN && tensor.type <= NNC_UINT2 && given.type == NNC_UINT8;
    if (given.type != 0 && given.type != tensor.type && !isHalf && !isBits)
      throw Error(NNC_ERROR_NULL, std::string("tensor ") + tensor.name + " has another element type");
    if (given.bytes != needed)
      throw Error(NNC_ERROR_EXTENT, std::string("tensor ") + tensor.name + " has " + std::to_string(needed) +
                                        " bytes, not " + std::to_string(given.bytes));
  }

  static void check(int code) {
    static const char *const sentences[] = {"", "a pointer is null", "the workspace or a tensor is not aligned",
                                            "this CPU lacks instructions that the model needs",
                                            "a run-time extent, or a position in a sequence, is out of range",
                                            "strings have no room, or one is no number",
                                            "these are not the weights that the model was compiled with"};
    if (code != NNC_OK)
      throw Error(code, code > 0 && code < 7 ? sentences[code] : "the model failed with code " + std::to_string(code));
  }

  void allocate(std::uint64_t size) {
    if (size > SIZE_MAX)
      throw std::bad_alloc();
    auto align = static_cast<std::align_val_t>(description->workspace_align ? description->workspace_align : 64);
    workspaceSize = size & SIZE_MAX; // no cast, which would be useless on 64-bit machines
    workspace = {::operator new(workspaceSize ? workspaceSize : 1, align), Free{align}};
  }

  const nnc_model *description;
  std::vector<std::int64_t> inputExtents, outputExtents, largestExtents;
  std::unique_ptr<void, Free> workspace{nullptr, Free{std::align_val_t{64}}};
  std::size_t workspaceSize = 0;
  const void *weights = nullptr;
  std::unique_ptr<void, Free> ownWeights{nullptr, Free{std::align_val_t{64}}};
};

} // namespace nnc

#endif // NNC_MODEL_HPP
