// Two libraries in a child process, and the largest differences of their outputs.
#include "lib/Driver/RandomRuns.h"

#include "lib/Driver/ModelLibrary.h"
#include "lib/Support/ChildProcess.h"
#include "lib/Target/OutputFiles.h"

#include "llvm/Support/FileSystem.h"

#include <cmath>

using namespace llvm;

namespace nnc {

static constexpr uint64_t maxBytes = uint64_t{4} << 30; ///< of inputs, and of outputs and workspace
static constexpr size_t maxAnswer = 1 << 20;

Expected<TemporaryLibrary> TemporaryLibrary::compile(CompileOptions options, StringRef name, CompileFunction compile) {
  Expected<std::string> path = createTemporaryFile("so");
  if (!path)
    return path.takeError();
  TemporaryLibrary result;
  result.path = *path;
  result.remover = std::make_unique<FileRemover>(*path);
  result.name = options.name = name.str();
  options.dumpFolder.clear();
  options.printMemoryPlan = options.profile = options.verbose = false;
  options.target.relocationModel.clear();
  options.target.codeModel.clear();
  options.output = OutputOptions();
  options.output.kind = OutputKind::Shared;
  options.output.outputFile = result.path;
  if (Error error = compile(options))
    return createStringError("the model does not compile as a library: " + toString(std::move(error)));
  return std::move(result);
}

static Expected<std::vector<HostTensor>> run(const ModelLibrary &library, ArrayRef<HostTensor> inputs) {
  auto extents = library.getExtents(inputs);
  if (!extents)
    return extents.takeError();
  auto outputs = library.createOutputs(inputs, *extents);
  if (!outputs)
    return outputs.takeError();
  auto bytes = library.getWorkspaceSize(inputs, *extents);
  if (!bytes)
    return bytes.takeError();
  uint64_t total = *bytes;
  for (const HostTensor &output : *outputs)
    total += output.data.size();
  if (total > maxBytes)
    return createStringError("it needs more than 4 GiB");
  AlignedMemory workspace(*bytes);
  if (*bytes && !workspace.data())
    return createStringError("no memory for the workspace");
  if (Error error = library.run(inputs, *outputs, *extents, workspace))
    return std::move(error);
  return outputs;
}

static Difference compare(const HostTensor &actual, const HostTensor &expected) {
  Difference result;
  if (actual.type != expected.type || actual.shape != expected.shape) { // data decide it
    result.error = INFINITY;
    return result;
  }
  result.numElements = expected.getNumElements();
  for (int64_t i = 0; i < result.numElements; ++i) {
    double distance = getDistance(actual, expected, i);
    result.error = std::max(result.error, distance);
    result.numDifferent += distance != 0;
    if (double e = expected.type == NNC_STRING ? 0 : expected.getElement(i); std::isfinite(e))
      result.magnitude = std::max(result.magnitude, std::fabs(e));
  }
  return result;
}

/// The child's work.
static Expected<std::vector<Difference>> runBoth(const TemporaryLibrary &right, const TemporaryLibrary &other,
                                                 ArrayRef<NamedFile> files) {
  auto first = ModelLibrary::load(right.getPath(), right.getName()), second = ModelLibrary::load(other.getPath(), other.getName());
  if (!first || !second)
    return joinErrors(first ? Error::success() : first.takeError(), second ? Error::success() : second.takeError());
  InputSources sources;
  sources.files = files;
  sources.seed = randomSeed;
  sources.otherExtents = runTimeExtent;
  sources.startsStates = false;
  sources.maxBytes = maxBytes;
  auto inputs = makeInputs(first->getModel(), sources);
  if (!inputs)
    return inputs.takeError();
  auto expected = run(*first, *inputs);
  if (!expected) // what is wrong with the inputs, the other one would say again
    return expected.takeError();
  auto actual = run(*second, *inputs);
  if (!actual)
    return createStringError("of what was exported: " + toString(actual.takeError()));
  if (expected->size() != actual->size())
    return createStringError("the models have different numbers of outputs");
  std::vector<Difference> differences;
  for (auto [a, e] : zip(*actual, *expected))
    differences.push_back(compare(a, e));
  return differences;
}

/// What goes through the pipe: a byte that says whether differences follow, or a reason.
static void answer(const TemporaryLibrary &right, const TemporaryLibrary &other, ArrayRef<NamedFile> files, Sink sink) {
  auto differences = runBoth(right, other, files);
  if (differences) {
    sink("+");
    sink(StringRef(reinterpret_cast<const char *>(differences->data()), differences->size() * sizeof(Difference)));
  } else {
    sink("-");
    sink(toString(differences.takeError()));
  }
}

Expected<std::vector<Difference>> compareRuns(const TemporaryLibrary &right, const TemporaryLibrary &other,
                                              ArrayRef<NamedFile> files) {
  auto bytes = runInChild(
      [&](Sink sink) {
        answer(right, other, files, sink);
        return true;
      },
      maxAnswer);
  if (!bytes) {
    consumeError(bytes.takeError());
    return createStringError("the model did not end within a minute, or crashed");
  }
  StringRef text = *bytes;
  if (!text.consume_front("+"))
    return createStringError(text.drop_front());
  std::vector<Difference> differences(text.size() / sizeof(Difference));
  memcpy(differences.data(), text.data(), differences.size() * sizeof(Difference));
  return std::move(differences);
}

} // namespace nnc
