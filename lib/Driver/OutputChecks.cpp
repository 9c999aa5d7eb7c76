// What an output must not replace.
#include "lib/Driver/OutputChecks.h"

#include "lib/Target/Header.h"
#include "lib/Target/OutputFiles.h"
#include "lib/Target/WeightsFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nnc {

static Error makeError(const Twine &message) { return createStringError(message.str()); }

std::string getDataFile(StringRef output) { return (output + ".data").str(); }

/// Whether a name is that of what people write, so that an object of that name would be a mistake.
static bool isSourceName(StringRef path) {
  static const StringSet<> extensions{".c",   ".cc",  ".cpp", ".cxx", ".h",    ".hh",  ".hpp",  ".hxx",  ".inc",
                                      ".m",   ".py",  ".rs",  ".go",  ".java", ".mm",  ".md",   ".txt",
                                      ".json", ".html", ".mlir"};
  return extensions.contains(sys::path::extension(path).lower());
}

/// Whether a name is that of a model or of its weights, in a format that nnc does not write.
static bool isModelName(StringRef path) {
  static const StringSet<> extensions{".tflite",     ".keras",   ".h5",  ".hdf5", ".cfg", ".prototxt",   ".caffemodel",
                                      ".weights",    ".sqlite3", ".npy", ".npz",  ".pt",  ".pth",        ".safetensors"};
  return extensions.contains(sys::path::extension(path).lower());
}

/// Whether a name is that of a model of protobuf, as ONNX's are.
static bool isProtobufName(StringRef path) {
  std::string extension = sys::path::extension(path).lower();
  return extension == ".onnx" || extension == ".pb" || extension == ".pbtxt";
}

/// Whether a name is that of code.
static bool isCodeName(StringRef path) {
  static const StringSet<> extensions{".o", ".obj", ".a", ".so", ".s", ".S", ".ll"};
  return extensions.contains(sys::path::extension(path));
}

/// Refuses names that say something else than what is written.
static Error checkName(const CompileOptions &options) {
  StringRef name = options.output.outputFile;
  if (name == "-" || options.stopAfter)
    return Error::success();
  if (options.exportOpset) {
    if (isSourceName(name) || isModelName(name) || isCodeName(name))
      return makeError("-o " + name + ": --emit=onnx writes an ONNX model, and " + sys::path::extension(name) +
                       " is the name of something else; -o model.onnx");
    return Error::success();
  }
  StringRef advice = "code goes to names such as model.o, model.a, model.so, model.s and model.ll";
  if (isSourceName(name))
    return makeError("-o " + name + " has a name of source files, which nnc does not write; " + advice);
  if (isModelName(name) || isProtobufName(name))
    return makeError("-o " + name + " has a name of model files, and what is written is code; " + advice);
  return Error::success();
}

/// Whether `path` is a file with contents that no writer of headers made.
static bool isForeignHeader(StringRef path) {
  auto file = MemoryBuffer::getFile(path);
  return file && (*file)->getBufferSize() && !isGeneratedHeader((*file)->getBuffer());
}

/// Whether `path` is a file with contents that are not those of `--weights=extern`: another framework's weights, maybe.
static bool isForeignWeights(StringRef path) {
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  return file && (*file)->getBufferSize() && !WeightsHeader::opens((*file)->getBuffer());
}

/// Whether `path` is a file with contents that do not begin as a printed module does.
static bool isForeignListing(StringRef path) {
  auto file = MemoryBuffer::getFile(path);
  return file && (*file)->getBufferSize() && !(*file)->getBuffer().starts_with("module");
}

static bool isSamePath(StringRef one, StringRef other) {
  auto normalize = [](StringRef path) {
    SmallString<128> result(path);
    sys::fs::make_absolute(result);
    sys::path::remove_dots(result, /*remove_dot_dot=*/true);
    return result;
  };
  return normalize(one) == normalize(other);
}

static Error checkReplaced(StringRef file, ArrayRef<std::string> filesRead) {
  for (StringRef input : filesRead)
    if (sys::fs::equivalent(file, input))
      return makeError("the output " + file + " would replace " + (input == file ? "a file of the model" : "the model's " + input));
  return Error::success();
}

Error checkReplaced(const CompileOptions &options, ArrayRef<std::string> filesRead) {
  const OutputOptions &output = options.output;
  for (StringRef file : {StringRef(output.outputFile), StringRef(output.headerFile), StringRef(output.weightsFile),
                         StringRef(output.reportFile), StringRef(output.listingFile)})
    if (!file.empty() && file != "-")
      if (Error error = checkReplaced(file, filesRead))
        return error;
  return Error::success();
}

/// The bytes of weights do not tell whose they are.
Error checkDataFile(StringRef output, ArrayRef<std::string> filesRead) {
  std::string file = getDataFile(output);
  uint64_t bytes = 0;
  if (!sys::fs::exists(output) && !sys::fs::file_size(file, bytes) && bytes)
    return makeError(file + " exists without " + output + ", to which it would belong; -o with another name gives the "
                                                          "weights another name, too");
  return checkReplaced(file, filesRead);
}

Error checkOutputs(const CompileOptions &options) {
  const OutputOptions &output = options.output;
  struct Named {
    StringRef file, purpose;
  };
  std::string dataFile;
  if (options.exportOpset && options.output.outputFile != "-")
    dataFile = getDataFile(output.outputFile);
  const Named all[] = {{output.outputFile, "the output"},
                       {dataFile, "the file of external data"},
                       {output.headerFile, "the header"},
                       {output.weightsFile, "the weights"},
                       {output.reportFile, "the report"},
                       {output.listingFile, "the listing of -g"}};
  SmallVector<Named> files;
  copy_if(all, std::back_inserter(files), [](const Named &named) { return !named.file.empty() && named.file != "-"; });
  for (auto [i, named] : enumerate(files)) {
    if (Error error = checkOutputPath(named.file))
      return error;
    for (StringRef input : options.inputs)
      if (sys::fs::equivalent(named.file, input))
        return makeError("the output " + named.file + " would replace the model");
    for (const Named &other : ArrayRef(files).take_front(i))
      if (isSamePath(named.file, other.file))
        return makeError(named.file + " is the name of both " + other.purpose + " and " + named.purpose);
  }
  if (!options.dumpFolder.empty())
    if (Error error = checkOutputFolder(options.dumpFolder))
      return error;
  if (options.externalData)
    if (Error error = checkDataFile(output.outputFile, options.inputs))
      return error;
  if (Error error = checkName(options))
    return error;
  if (!output.headerFile.empty() && isForeignHeader(output.headerFile))
    return makeError(output.headerFile + " exists and was not written by nnc; --header=FILE gives the model's header "
                                         "another name");
  if (!output.weightsFile.empty() && isForeignWeights(output.weightsFile))
    return makeError(output.weightsFile + " exists and was not written by nnc; -o with another name gives the weights "
                                          "another name, too");
  if (!output.listingFile.empty() && isForeignListing(output.listingFile))
    return makeError(output.listingFile + " exists and is no MLIR; -g would replace it");
  return Error::success();
}

} // namespace nnc
