// Two libraries in a child process, which a model may bring down, and the largest differences of their outputs.
#include "lib/Driver/MeasurePrecision.h"

#include "lib/Driver/ModelLibrary.h"
#include "lib/Support/ChildProcess.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"

#include <cmath>

using namespace llvm;

namespace nnc {

static constexpr int64_t runTimeExtent = 32;
static constexpr uint64_t seed = 0;
static constexpr uint64_t maxBytes = uint64_t{4} << 30; ///< of inputs, and of outputs and workspace
static constexpr size_t maxAnswer = 1 << 20;

namespace {

/// A temporary library of a model.
class Library {
public:
  /// Compiles the model with weights of `precision`. Symbols of loaded libraries would replace those of the same name,
  /// so the models have different ones.
  static Expected<Library> compile(CompileOptions options, StringRef precision, CompileFunction compile);

  Expected<ModelLibrary> load() const { return ModelLibrary::load(path, name); }

private:
  std::string name, path;
  std::unique_ptr<FileRemover> remover;
};

} // namespace

Expected<Library> Library::compile(CompileOptions options, StringRef precision, CompileFunction compile) {
  SmallString<128> path;
  if (std::error_code error = sys::fs::createTemporaryFile("nnc-precision", "so", path))
    return errorCodeToError(error);
  Library result;
  result.path = path.str().str();
  result.remover = std::make_unique<FileRemover>(path);
  result.name = ("measured_" + precision).str();
  options.name = result.name;
  options.precision = precision;
  options.dumpFolder.clear();
  options.printMemoryPlan = options.profile = options.verbose = false;
  options.target.relocationModel.clear();
  options.target.codeModel.clear();
  options.output = OutputOptions();
  options.output.kind = OutputKind::Shared;
  options.output.outputFile = result.path;
  if (failed(compile(options)))
    return createStringError("the model does not compile as a library");
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

static Expected<std::vector<HostTensor>> makeInputs(const nnc_model &model) {
  std::mt19937_64 generator(seed);
  std::vector<HostTensor> inputs;
  uint64_t total = 0;
  for (const nnc_tensor &input : ArrayRef(model.inputs, model.num_inputs)) {
    std::vector<int64_t> shape(input.shape, input.shape + input.rank);
    std::replace_if(
        shape.begin(), shape.end(), [](int64_t extent) { return extent < 0; }, runTimeExtent);
    auto bytes = getTensorBytes(input.name, input.type, shape);
    if (!bytes)
      return bytes.takeError();
    if ((total += *bytes) > maxBytes)
      return createStringError("its inputs are larger than 4 GiB");
    auto tensor = HostTensor::create(input.name, input.type, std::move(shape));
    if (!tensor)
      return tensor.takeError();
    fillRandomly(*tensor, generator);
    inputs.push_back(std::move(*tensor));
  }
  return std::move(inputs);
}

namespace {

/// What the child hands over for each output.
struct Difference {
  double error = 0, magnitude = 0;
};

} // namespace

/// The largest error of an output's elements, infinite where only one side is a number.
static Difference compare(const HostTensor &actual, const HostTensor &expected) {
  Difference result;
  if (actual.shape != expected.shape) // data decide it
    result.error = INFINITY;
  for (int64_t i = 0, end = std::min(actual.getNumElements(), expected.getNumElements()); i < end; ++i) {
    double a = actual.getElement(i), e = expected.getElement(i);
    if (std::isfinite(e))
      result.magnitude = std::max(result.magnitude, std::fabs(e));
    if (a != e && !(std::isnan(a) && std::isnan(e)))
      result.error = std::max(result.error, std::isfinite(a) && std::isfinite(e) ? std::fabs(a - e) : INFINITY);
  }
  return result;
}

/// Runs both libraries: a difference for each output.
static Expected<std::vector<Difference>> runBoth(const Library &exactLibrary, const Library &roundedLibrary) {
  auto exact = exactLibrary.load(), rounded = roundedLibrary.load();
  if (!exact || !rounded)
    return joinErrors(exact ? Error::success() : exact.takeError(), rounded ? Error::success() : rounded.takeError());
  auto inputs = makeInputs(exact->getModel());
  if (!inputs)
    return inputs.takeError();
  auto expected = run(*exact, *inputs), actual = run(*rounded, *inputs);
  if (!expected || !actual)
    return joinErrors(expected ? Error::success() : expected.takeError(),
                      actual ? Error::success() : actual.takeError());
  std::vector<Difference> differences;
  for (auto [a, e] : zip(*actual, *expected))
    differences.push_back(compare(a, e));
  return differences;
}

/// The child's work: a byte that says whether differences follow, or a reason.
static void answer(const Library &exact, const Library &rounded, Sink sink) {
  auto differences = runBoth(exact, rounded);
  if (differences) {
    sink("+");
    sink(StringRef(reinterpret_cast<const char *>(differences->data()), differences->size() * sizeof(Difference)));
  } else {
    sink("-");
    sink(toString(differences.takeError()));
  }
}

static Error measure(const CompileOptions &options, ArrayRef<std::string> outputs, CompileFunction compile,
                     PrecisionFacts &facts) {
  auto exact = Library::compile(options, "f32", compile);
  if (!exact)
    return exact.takeError();
  auto rounded = Library::compile(options, options.precision, compile);
  if (!rounded)
    return rounded.takeError();
  auto bytes = runInChild(
      [&](Sink sink) {
        answer(*exact, *rounded, sink);
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
  for (auto [i, name] : enumerate(outputs)) {
    Difference difference;
    if (text.size() < (i + 1) * sizeof(difference))
      return createStringError("the model has other outputs as a library");
    memcpy(&difference, text.data() + i * sizeof(difference), sizeof(difference));
    facts.outputs.push_back({name, difference.error, difference.magnitude});
  }
  return Error::success();
}

PrecisionFacts measurePrecision(const CompileOptions &options, bool runsHere, ArrayRef<std::string> outputs,
                                CompileFunction compile) {
  PrecisionFacts facts;
  facts.type = options.precision;
  facts.seed = seed;
  if (!runsHere) {
    facts.unmeasured = "other CPU";
    return facts;
  }
  if (Error error = measure(options, outputs, compile, facts)) {
    facts.unmeasured = toString(std::move(error));
    facts.outputs.clear();
  }
  return facts;
}

} // namespace nnc
