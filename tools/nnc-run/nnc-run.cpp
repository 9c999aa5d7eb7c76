// nnc-run: runs a model on this machine, compiled before or just now, on given or
// random inputs; compares and times.
#include "lib/Driver/CommandLine.h"
#include "lib/Driver/Compiler.h"
#include "lib/Driver/ModelInputs.h"
#include "lib/Driver/ModelLibrary.h"
#include "lib/Driver/OptionNames.h"
#include "lib/Driver/OptionValues.h"
#include "lib/Target/OutputFiles.h"
#include "lib/Target/TargetChecks.h"
#include "nnc/Pool.h"
#include "tools/nnc-run/Bench.h"
#include "tools/nnc-run/Profile.h"
#include "tools/nnc-run/Report.h"
#include "tools/nnc-run/Tensors.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/BinaryFormat/Magic.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <atomic>
#include <csignal>
#include <optional>
#include <unistd.h>

using namespace llvm;

namespace {

struct RunOptions {
  explicit RunOptions(cl::OptionCategory &category)
      : model{cl::Positional, cl::desc("<model, shared library or object> [<weights>]"), cl::cat(category)},
        inputs{"input", cl::desc("An input, .npy or .pb; without a name the next in order; those not given are random"),
               cl::value_desc("[name=]file"), cl::cat(category)},
        weightsFile{"weights-file",
                    cl::desc("The weights of a model compiled with --weights=extern (default: <model>.weights)"),
                    cl::value_desc("file"), cl::cat(category)},
        outputDir{"output-dir", cl::desc("Write each output to <name>.npy in this folder"), cl::value_desc("folder"),
                  cl::cat(category)},
        comparisons{"compare", cl::desc("What an output must be; without a name the next in order"),
                    cl::value_desc("[name=]file"), cl::cat(category)},
        rtol{"rtol", cl::desc("Accepted error relative to the expected element (default 1e-3)"), cl::init(1e-3),
             cl::cat(category)},
        atol{"atol", cl::desc("Accepted error besides (default 1e-5)"), cl::init(1e-5), cl::cat(category)},
        seed{"seed", cl::desc("Of random inputs (default 0)"), cl::init(0), cl::cat(category)},
        bench{"bench", cl::desc("Time it"), cl::cat(category)},
        numThreads{"num-threads",
                   cl::desc("Threads that run the loops of a model of --threads, which a model file is compiled with then; 0: one for each "
                            "CPU (default: 1)"),
                   cl::value_desc("n"), cl::init(1), cl::cat(category)},
        reportOf{
            "report-of",
            cl::desc("The JSON report of the compiled model: --profile --report=<file> adds the measured times to it"),
            cl::value_desc("file"), cl::cat(category)} {}

  cl::list<std::string> model;
  cl::list<std::string> inputs;
  cl::opt<std::string> weightsFile;
  cl::opt<std::string> outputDir;
  cl::list<std::string> comparisons;
  nnc::NumberOption<double> rtol, atol;
  nnc::NumberOption<unsigned long long> seed;
  nnc::Switch bench;
  nnc::NumberOption<unsigned> numThreads;
  cl::opt<std::string> reportOf;
};

} // namespace

static Expected<std::string> readText(StringRef path) {
  auto file = MemoryBuffer::getFile(path);
  if (!file)
    return createStringError(path + ": " + file.getError().message());
  return (*file)->getBuffer().str();
}

/// Compiles a model file to a temporary library and loads it. With --profile, `report` gets what the compiler reports,
/// where that is asked for: it is not complete before the model has run.
static Expected<nnc::ModelLibrary> compileAndLoad(nnc::CompileOptions options, std::string &report) {
  FileRemover remove, removeAccount, removeWeights;
  auto create = [](StringRef extension, FileRemover &remover, std::string &path) -> Error {
    Expected<std::string> created = nnc::createTemporaryFile(extension);
    if (!created)
      return created.takeError();
    path = *created;
    remover.setFile(path);
    return Error::success();
  };
  nnc::OutputOptions &output = options.output;
  if (output.externalWeights)
    if (Error error = create("weights", removeWeights, output.weightsFile))
      return std::move(error);
  bool isCompleted = options.profile && !output.reportFile.empty();
  if (isCompleted)
    if (Error error = create("json", removeAccount, output.reportFile))
      return std::move(error);
  if (Error error = create("so", remove, output.outputFile))
    return std::move(error);
  output.kind = nnc::OutputKind::Shared;
  output.headerFile.clear();
  if (failed(nnc::compileModel(options)))
    return createStringError(""); // has been said
  if (isCompleted) {
    Expected<std::string> text = readText(output.reportFile);
    if (!text)
      return text.takeError();
    report = std::move(*text);
  }
  auto model = nnc::ModelLibrary::load(output.outputFile, "");
  if (model && model->needsWeights())
    if (Error error = model->readWeights(output.weightsFile))
      return std::move(error);
  return model;
}

/// A model that was compiled before, with its weights.
static Expected<nnc::ModelLibrary> loadCompiled(StringRef path, StringRef name, StringRef weightsFile) {
  auto model = nnc::ModelLibrary::load(path, name);
  if (!model)
    return model;
  if (!model->needsWeights() && !weightsFile.empty())
    return createStringError("--weights-file has no effect: the weights are in " + path);
  SmallString<128> weights(weightsFile);
  if (weights.empty()) {
    weights = path;
    sys::path::replace_extension(weights, ".weights");
  }
  if (model->needsWeights())
    if (Error error = model->readWeights(weights))
      return std::move(error);
  return model;
}

/// Sets `isCompiled` where the file is an object or a library.
static Expected<nnc::ModelLibrary> loadModel(const nnc::CompilerCommandLine &commandLine, StringRef path,
                                             const nnc::CompileOptions &options, StringRef weightsFile,
                                             bool &isCompiled, std::string &report) {
  file_magic magic;
  if (std::error_code error = identify_magic(path, magic))
    return createStringError(path + ": " + error.message());
  isCompiled = magic.is_object();
  if (isCompiled)
    return loadCompiled(path, commandLine.wasNamed() ? options.name : "", weightsFile);
  if (!weightsFile.empty())
    return createStringError("--weights-file is for a model that is compiled already");
  if (Error error = nnc::checkRunsHere(options.target))
    return error;
  return compileAndLoad(options, report);
}

/// Writes each output to a file named after it; '/' and the like become '_'.
static Error writeOutputs(ArrayRef<nnc::HostTensor> outputs, StringRef folder) {
  if (std::error_code error = sys::fs::create_directories(folder))
    return createStringError("cannot make the folder '" + folder + "': " + error.message());
  for (const nnc::HostTensor &output : outputs) {
    std::string name = output.name;
    for (char &c : name)
      c = isAlnum(c) || c == '.' || c == '-' || c == '_' ? c : '_';
    SmallString<128> path(folder);
    sys::path::append(path, name + ".npy");
    if (Error error = nnc::writeNumpyFile(output, path))
      return error;
  }
  return Error::success();
}

/// Compares with the files; sets `areRight`.
static Error compareOutputs(ArrayRef<nnc::HostTensor> outputs, const RunOptions &options, bool &areRight) {
  size_t next = 0;
  for (StringRef argument : options.comparisons) {
    auto file = nnc::NamedFile::parse(argument);
    const auto *output = file.name.empty()
                             ? outputs.begin() + std::min(next++, outputs.size())
                             : find_if(outputs, [&](const nnc::HostTensor &o) { return o.name == file.name; });
    if (output == outputs.end())
      return createStringError(file.name.empty() ? file.path + ": the model has no more outputs"
                                                 : "the model has no output '" + file.name + "'");
    auto expected = nnc::readTensorFile(file.path);
    if (!expected)
      return expected.takeError();
    areRight &= nnc::compare(*output, *expected, {options.rtol, options.atol}, outs());
  }
  return Error::success();
}

static std::vector<StringRef> getExtentNames(const nnc::ModelLibrary &library) {
  const nnc_model &model = library.getModel();
  return std::vector<StringRef>(model.extent_names, model.extent_names + model.num_extents);
}

/// How inputs are made of raw numbers, and what the outputs are.
static void describeModel(const nnc::ModelLibrary &model, ArrayRef<nnc::HostTensor> outputs) {
  for (unsigned i = 0; i < model.getModel().num_inputs; ++i)
    if (const nnc_preprocessing *preprocessing = model.getPreprocessing(i))
      nnc::describePreprocessing(model.getModel().inputs[i].name, *preprocessing, outs());
  for (auto [i, output] : enumerate(outputs)) {
    const nnc_labels *labels = model.getLabels(i);
    nnc::summarise(output, labels ? ArrayRef(labels->labels, labels->num_labels) : ArrayRef<const char *>(), outs());
  }
}

static Error run(const nnc::ModelLibrary &model, const RunOptions &options, const nnc::CompileOptions &compileOptions,
                 StringRef report, bool &areRight) {
  const nnc_profile *profile = model.getModel().profile;
  if (compileOptions.profile && !profile)
    return createStringError("the model does not count the time of its layers; compile it with --profile");
  std::vector<nnc::NamedFile> files;
  for (StringRef argument : options.inputs)
    files.push_back(nnc::NamedFile::parse(argument));
  nnc::InputSources sources;
  sources.files = files;
  sources.symbols = compileOptions.shapes.symbols;
  sources.seed = options.seed;
  sources.maxBytes = nnc::getMemoryBytes();
  auto inputs = nnc::makeInputs(model.getModel(), sources);
  if (!inputs)
    return inputs.takeError();
  auto extents = model.getExtents(*inputs);
  if (!extents)
    return extents.takeError();
  auto outputs = model.createOutputs(*inputs, *extents);
  if (!outputs)
    return outputs.takeError();
  auto workspaceBytes = model.getWorkspaceSize(*inputs, *extents);
  if (!workspaceBytes)
    return workspaceBytes.takeError();
  nnc::AlignedMemory workspace(*workspaceBytes);
  if (!workspace.data())
    return createStringError("there is no memory for the workspace of " + Twine(*workspaceBytes) + " bytes");
  auto once = [&] { return model.run(*inputs, *outputs, *extents, workspace); };
  if (Error error = once())
    return error;
  if (!options.outputDir.empty())
    if (Error error = writeOutputs(*outputs, options.outputDir))
      return error;
  if (options.outputDir.empty() && options.comparisons.empty())
    describeModel(model, *outputs);
  if (Error error = compareOutputs(*outputs, options, areRight))
    return error;
  if (options.bench)
    if (Error error = nnc::bench(once, model.getModel().macs, outs()))
      return error;
  if (!compileOptions.profile)
    return Error::success();
  Expected<nnc::ProfileTimes> times = nnc::measureProfile(once, *profile);
  if (!times)
    return times.takeError();
  nnc::printProfile(*times, outs());
  return report.empty() ? Error::success() : nnc::writeMeasuredReport(report, model.getModel(), *times, compileOptions.output.reportFile);
}

static int fail(Error error) {
  std::string message = toString(std::move(error));
  if (!message.empty())
    errs() << "nnc-run: error: " << message << '\n';
  return 1;
}

namespace {

/// A pool that knows whether a model used it.
struct CountedPool {
  explicit CountedPool(unsigned numThreads) : pool(nnc_pool_create(numThreads), nnc_pool_destroy) {
    parallel.context = this;
    parallel.parallel_for = [](void *context, size_t n, void (*body)(void *, size_t), void *arg) {
      auto &self = *static_cast<CountedPool *>(context);
      self.wasUsed.store(true, std::memory_order_relaxed);
      nnc_pool_parallel_for(self.pool.get(), n, body, arg);
    };
  }
  CountedPool(const CountedPool &) = delete;
  std::unique_ptr<nnc_pool, void (*)(nnc_pool *)> pool;
  nnc_parallel parallel;
  std::atomic<bool> wasUsed = false;
};

} // namespace

/// An illegal instruction is one of the model's, compiled for a newer CPU: no crash of nnc. No more than a write is safe here.
static void endAtIllegalInstruction(int) {
  constexpr StringRef message = "nnc-run: error: the model has an instruction that this CPU lacks; see --cpu\n";
  ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
  ::_exit(written < 0 ? 2 : 1);
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  std::signal(SIGILL, endAtIllegalInstruction);
  setBugReportMsg("nnc-run has crashed. This is a bug in nnc: please report it with the model and these lines.\n");
  nnc::CompilerCommandLine commandLine(/*withOutputs=*/false);
  RunOptions options(commandLine.getCategory());
  cl::HideUnrelatedOptions(commandLine.getCategory());
  cl::SetVersionPrinter(nnc::printVersion);
  if (Error error = nnc::readOptions(argc, argv, "nnc-run: runs a model on given or random inputs\n"))
    return fail(std::move(error));
  if (options.model.empty())
    return fail(createStringError("no model given; see nnc-run --help"));
  auto compileOptions = commandLine.getOptions(options.model);
  if (!compileOptions)
    return fail(compileOptions.takeError());
  if (options.comparisons.empty() && (options.rtol.getNumOccurrences() || options.atol.getNumOccurrences()))
    return fail(createStringError("--rtol and --atol are for --compare"));
  const std::string &reportFile = compileOptions->output.reportFile;
  if (!options.reportOf.empty() && (reportFile.empty() || !compileOptions->profile))
    return fail(createStringError("--report-of is for --profile with --report"));
  if (!reportFile.empty())
    if (Error error = nnc::checkOutputPath(reportFile))
      return fail(std::move(error));
  if (!options.outputDir.empty())
    if (Error error = nnc::checkOutputFolder(options.outputDir))
      return fail(std::move(error));
  compileOptions->output.threads |= options.numThreads != 1;
  bool isCompiled = false;
  std::string report;
  auto model = loadModel(commandLine, options.model.front(), *compileOptions, options.weightsFile, isCompiled, report);
  if (!model)
    return fail(model.takeError());
  if (isCompiled) {
    if (Error error = commandLine.checkForCompiled(getExtentNames(*model), /*hasReport=*/!options.reportOf.empty()))
      return fail(std::move(error));
    if (StringRef cpu = compileOptions->target.cpu; !cpu.empty())
      if (Error error = model->useCpu(cpu))
        return fail(std::move(error));
  }
  if (!options.reportOf.empty()) {
    if (!isCompiled)
      return fail(createStringError("--report-of is for a model that is compiled already"));
    Expected<std::string> text = readText(options.reportOf);
    if (!text)
      return fail(text.takeError());
    report = std::move(*text);
  }
  std::optional<CountedPool> pool;
  if (options.numThreads != 1) {
    constexpr unsigned mostThreads = 1024;
    if (options.numThreads > mostThreads)
      return fail(createStringError("--num-threads=%u: at most %u", unsigned(options.numThreads), mostThreads));
    pool.emplace(options.numThreads);
    if (!pool->pool)
      return fail(createStringError("--num-threads=%u: the threads cannot be made", unsigned(options.numThreads)));
    model->setParallel(&pool->parallel);
  }
  bool areRight = true;
  if (Error error = run(*model, options, *compileOptions, report, areRight))
    return fail(std::move(error));
  if (pool && !pool->wasUsed)
    errs() << "nnc-run: warning: --num-threads had no effect: "
           << (isCompiled ? "the model was compiled without --threads, or no loop of it" : "no loop of the model")
           << " is long enough for several threads\n";
  if (Error error = nnc::flushStandardOutput())
    return fail(std::move(error));
  return areRight ? 0 : 1;
}
