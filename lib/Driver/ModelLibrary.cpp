// Finds the descriptor among a library's dynamic symbols, and checks it before use.
#include "lib/Driver/ModelLibrary.h"

#include "lib/Target/Link.h"
#include "lib/Target/OutputFiles.h"

#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace nnc {

/// An ELF file that this process could load, or an error that says for which machine it is.
static Expected<std::unique_ptr<object::ELFObjectFileBase>> openForThisMachine(MemoryBufferRef bytes) {
  auto file = object::ObjectFile::createObjectFile(bytes);
  if (!file)
    return file.takeError();
  Triple host(sys::getDefaultTargetTriple());
  if (!isa<object::ELFObjectFileBase>(**file) || (*file)->getArch() != host.getArch())
    return createStringError("is for another machine (" + (*file)->getFileFormatName() + "); this one is " +
                             host.getArchName() + " with ELF files");
  return std::unique_ptr<object::ELFObjectFileBase>(cast<object::ELFObjectFileBase>(file->release()));
}

/// The descriptor's size before it had preprocessing and labels.
static constexpr size_t leastSize = offsetof(nnc_model, preprocessing);

/// Names of the models that a library exports: its objects `<name>_model` of the descriptor's size.
static Expected<std::vector<std::string>> findModels(MemoryBufferRef library) {
  auto elf = openForThisMachine(library);
  if (!elf)
    return elf.takeError();
  std::vector<std::string> names;
  for (object::ELFSymbolRef symbol : (*elf)->getDynamicSymbolIterators()) {
    Expected<StringRef> name = symbol.getName();
    if (!name)
      return name.takeError();
    if (name->consume_back("_model") && symbol.getELFType() == ELF::STT_OBJECT && symbol.getSize() >= leastSize)
      names.push_back(name->str());
  }
  return names;
}

static Error loadLibrary(StringRef path, StringRef name, const nnc_model *&model) {
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return createStringError(path + ": " + file.getError().message());
  auto names = findModels(**file);
  if (!names)
    return createStringError(path + ": " + toString(names.takeError()));
  std::string chosen = name.str();
  if (chosen.empty() && names->size() == 1)
    chosen = names->front();
  if (chosen.empty() && names->size() > 1)
    return createStringError(path + ": holds several models (" + join(*names, ", ") + "); choose one with --name");
  if (!is_contained(*names, chosen))
    return createStringError(path + ": holds no model" + (chosen.empty() ? "" : " named '" + chosen + "'") +
                             " that nnc made");
  std::string message;
  SmallString<128> absolute(path); // a name without a folder would be looked for elsewhere
  if (std::error_code error = sys::fs::make_absolute(absolute))
    return errorCodeToError(error);
  auto library = sys::DynamicLibrary::getPermanentLibrary(absolute.c_str(), &message);
  if (!library.isValid())
    return createStringError(path + ": " + message);
  model = static_cast<const nnc_model *>(library.getAddressOfSymbol((chosen + "_model").c_str()));
  if (!model || model->abi_version != NNC_ABI_VERSION || model->struct_size < leastSize || !model->invoke)
    return createStringError(path + ": was made by a version of nnc that does not fit this one");
  return Error::success();
}

/// Whether the version of nnc that made the model knew the field at `offset`, a pointer.
static bool hasField(const nnc_model &model, size_t offset) { return model.struct_size >= offset + sizeof(void *); }

const nnc_weights *ModelLibrary::getWeights() const {
  return hasField(*model, offsetof(nnc_model, weights)) ? model->weights : nullptr;
}

Error ModelLibrary::readWeights(StringRef path) {
  const nnc_weights &weights = *getWeights();
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return createStringError("the model's weights are in a file of their own, and '" + path +
                             "' cannot be read: " + file.getError().message());
  StringRef contents = (*file)->getBuffer();
  if (contents.size() != weights.bytes ||
      !contents.starts_with(StringRef(static_cast<const char *>(weights.header), weights.header_bytes)))
    return createStringError(path + ": these are not the weights that the model was compiled with");
  weightsFile = std::move(*file);
  if (reinterpret_cast<uintptr_t>(contents.data()) % weights.align == 0)
    return Error::success();
  weightsCopy = AlignedMemory(contents.size());
  if (!weightsCopy.data())
    return createStringError("there is no memory for the weights");
  copy(contents, weightsCopy.data());
  return Error::success();
}

const nnc_preprocessing *ModelLibrary::getPreprocessing(unsigned input) const {
  return hasField(*model, offsetof(nnc_model, preprocessing)) && model->preprocessing ? model->preprocessing[input] : nullptr;
}

const nnc_labels *ModelLibrary::getLabels(unsigned output) const {
  return hasField(*model, offsetof(nnc_model, labels)) && model->labels ? model->labels[output] : nullptr;
}

Expected<ModelLibrary> ModelLibrary::load(StringRef path, StringRef name) {
  file_magic magic;
  if (std::error_code error = identify_magic(path, magic))
    return createStringError(path + ": " + error.message());
  ModelLibrary result;
  if (magic != file_magic::elf_relocatable) {
    if (Error error = loadLibrary(path, name, result.model))
      return error;
    return result;
  }
  auto object = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!object)
    return createStringError(path + ": " + object.getError().message());
  if (auto elf = openForThisMachine(**object); !elf)
    return createStringError(path + ": " + toString(elf.takeError()));
  ArrayRef<char> bytes((*object)->getBufferStart(), (*object)->getBufferSize());
  auto linked = linkSharedLibrary(bytes, Triple(sys::getDefaultTargetTriple()), /*freestanding=*/false);
  if (!linked)
    return createStringError(path + ": " + toString(linked.takeError()));
  Expected<std::string> library = createTemporaryFile("so");
  if (!library)
    return library.takeError();
  FileRemover remove(*library);
  OutputFiles files;
  if (Error error = files.add(*library, [&](raw_ostream &os) { os.write(linked->data(), linked->size()); }))
    return error;
  if (Error error = files.commit())
    return error;
  if (Error error = loadLibrary(*library, name, result.model))
    return error;
  return result;
}

Error ModelLibrary::useCpu(StringRef cpu) const {
  if (!model->cpus)
    return createStringError("--cpu has no effect on a model that is compiled already, for one CPU");
  ArrayRef<const char *> names(model->cpus->names, model->cpus->num_cpus);
  const auto *place = find_if(names, [&](StringRef name) { return name == cpu; });
  if (place == names.end())
    return createStringError("--cpu=" + cpu + ": the model was compiled for " + join(names, ", "));
  if (model->cpus->use(static_cast<int>(place - names.begin())))
    return createStringError("--cpu=" + cpu + ": this machine cannot run that code");
  return Error::success();
}

static std::string describe(const nnc_tensor &tensor) {
  return (getTypeName(tensor.type) + " " + describeShape(ArrayRef(tensor.shape, tensor.rank))).str();
}

Expected<std::vector<int64_t>> ModelLibrary::getExtents(ArrayRef<HostTensor> inputs) const {
  std::vector<int64_t> extents(model->num_extents, -1);
  for (auto [i, given] : enumerate(inputs)) {
    const nnc_tensor &input = model->inputs[i];
    auto fail = [&](const Twine &reason) {
      return createStringError("input '" + StringRef(input.name) + "' " + reason);
    };
    if (given.type != input.type || given.shape.size() != input.rank)
      return fail("is " + describe(input) + ", the data is " + given.describeType());
    for (unsigned axis = 0; axis < input.rank; ++axis) {
      int64_t extent = given.shape[axis];
      if (input.shape[axis] >= 0 && input.shape[axis] != extent)
        return fail("is " + describe(input) + ", the data is " + given.describeType());
      if (input.shape[axis] >= 0)
        continue;
      int64_t &known = extents[input.extent_of[axis]];
      if (known >= 0 && known != extent)
        return fail("has another extent '" + Twine(model->extent_names[input.extent_of[axis]]) +
                    "' than an input before it: " + Twine(extent) + " and " + Twine(known));
      known = extent;
    }
  }
  return extents;
}

static SmallVector<const void *> getPointers(ArrayRef<HostTensor> tensors) {
  return SmallVector<const void *>(
      map_range(tensors, [](const HostTensor &tensor) { return static_cast<const void *>(tensor.data.data()); }));
}

/// Which random numbers may be why the inputs do not fit: positions, lengths and sizes are integers.
static std::string describeRandomIntegers(ArrayRef<HostTensor> inputs) {
  auto isChance = [](const HostTensor &input) {
    return input.isRandom && (input.type == NNC_INT32 || input.type == NNC_INT64) && input.getNumElements() > 0;
  };
  std::vector<std::string> names;
  for (const HostTensor &input : make_filter_range(inputs, isChance))
    names.push_back("'" + input.name + "'");
  if (names.empty())
    return "";
  return "; integers that were drawn at random may be why, those of " + join(names, ", ") + ": give them with --input";
}

Expected<std::vector<HostTensor>> ModelLibrary::createOutputs(ArrayRef<HostTensor> inputs,
                                                              ArrayRef<int64_t> extents) const {
  std::vector<int64_t> computed(model->num_output_extents);
  int code = NNC_OK;
  if (model->output_extents_for)
    code = model->output_extents_for(getPointers(inputs).data(), extents.data(), computed.data());
  else if (model->output_extents)
    code = model->output_extents(extents.data(), computed.data());
  if (code)
    return createStringError("the extents of the inputs do not fit the model (code " + Twine(code) + ")" +
                             describeRandomIntegers(inputs));
  std::vector<HostTensor> outputs;
  for (unsigned i = 0; i < model->num_outputs; ++i) {
    const nnc_tensor &output = model->outputs[i];
    std::vector<int64_t> shape(output.shape, output.shape + output.rank);
    for (auto [axis, extent] : enumerate(shape))
      if (extent < 0)
        extent = computed[output.extent_of[axis]];
    auto tensor = HostTensor::create(output.name, output.type, std::move(shape));
    if (!tensor)
      return tensor.takeError();
    outputs.push_back(std::move(*tensor));
  }
  return std::move(outputs);
}

Expected<size_t> ModelLibrary::getWorkspaceSize(ArrayRef<HostTensor> inputs, ArrayRef<int64_t> extents) const {
  if (!model->workspace_size)
    return model->workspace_bytes;
  uint64_t bytes = model->workspace_size_for ? model->workspace_size_for(getPointers(inputs).data(), extents.data())
                                             : model->workspace_size(extents.data());
  if (bytes == 0)
    return createStringError("the extents of the inputs are out of range" + describeRandomIntegers(inputs));
  return bytes;
}

static StringRef describeCode(int code) {
  switch (code) {
  case NNC_ERROR_CPU:
    return "this CPU lacks instructions that the model was compiled for, or the system does not grant them; see --cpu";
  case NNC_ERROR_EXTENT:
    return "a run-time extent, a position in a sequence or a category is out of range";
  case NNC_ERROR_TEXT:
    return "strings have no room (see --string-space, --max-pieces), or one is no number";
  case NNC_ERROR_WEIGHTS:
    return "the weights are those of another model";
  default:
    return "an argument is null or not aligned";
  }
}

Error ModelLibrary::run(ArrayRef<HostTensor> inputs, MutableArrayRef<HostTensor> outputs, ArrayRef<int64_t> extents,
                        const AlignedMemory &workspace) const {
  auto getPointer = [](const HostTensor &tensor) { return static_cast<void *>(tensor.data.data()); };
  SmallVector<const void *> from(map_range(inputs, getPointer));
  SmallVector<void *> to(map_range(outputs, getPointer));
  std::vector<int64_t> reported(model->num_output_extents);
  const nnc_weights *weights = getWeights();
  const char *data = weightsCopy.data() ? weightsCopy.data() : weightsFile ? weightsFile->getBufferStart() : nullptr;
  int code = weights ? weights->invoke(from.data(), to.data(), extents.data(), workspace.data(), parallel,
                                       reported.data(), data)
             : model->invoke_reporting
                 ? model->invoke_reporting(from.data(), to.data(), extents.data(), workspace.data(),
                                           parallel, reported.data())
                 : model->invoke(from.data(), to.data(), extents.data(), workspace.data(), parallel);
  if (code)
    return createStringError("the model returned error " + Twine(code) + ": " + describeCode(code) +
                             (code == NNC_ERROR_EXTENT ? describeRandomIntegers(inputs) : ""));
  if (model->invoke_reporting)
    for (auto [i, output] : enumerate(outputs))
      for (auto [axis, extent] : enumerate(output.shape))
        if (model->outputs[i].shape[axis] < 0)
          extent = reported[model->outputs[i].extent_of[axis]];
  for (HostTensor &output : outputs)
    if (output.type == NNC_STRING)
      output.ownStrings(); // they may lie in the workspace
  return Error::success();
}

} // namespace nnc
