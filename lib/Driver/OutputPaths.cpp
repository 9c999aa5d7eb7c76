// What must not be written over.
#include "lib/Driver/OutputPaths.h"

#include "lib/Target/Header.h"
#include "lib/Target/OutputFiles.h"
#include "lib/Target/WeightsFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nnc {

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

Error checkOutputs(const CompileOptions &options) {
  const OutputOptions &output = options.output;
  struct Named {
    StringRef file, purpose;
  };
  const Named all[] = {{output.outputFile, "the output"},
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
        return createStringError("the output " + named.file + " would replace the model");
    for (const Named &other : ArrayRef(files).take_front(i))
      if (isSamePath(named.file, other.file))
        return createStringError(named.file + " is the name of both " + other.purpose + " and " + named.purpose);
  }
  if (!output.headerFile.empty() && isForeignHeader(output.headerFile))
    return createStringError(output.headerFile + " exists and was not written by nnc; --header=FILE gives the model's "
                                                 "header another name");
  if (!output.weightsFile.empty() && isForeignWeights(output.weightsFile))
    return createStringError(output.weightsFile + " exists and was not written by nnc; -o with another name gives the "
                                                  "weights another name, too");
  if (!output.listingFile.empty() && isForeignListing(output.listingFile))
    return createStringError(output.listingFile + " exists and is no MLIR; -g would replace it");
  return Error::success();
}

} // namespace nnc
