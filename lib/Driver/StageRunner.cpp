// Runs the stages of a compilation: timed, dumped, with progress on a terminal.
#include "lib/Driver/StageRunner.h"

#include "lib/Driver/OutputFile.h"

#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace mlir;
using Clock = std::chrono::steady_clock;

namespace nnc {

/// Constants of more elements, or resources of more characters, are elided.
static constexpr int64_t maxPrintedElements = 64;
static constexpr uint64_t maxPrintedCharacters = 1024;

static double getSecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

//===--- Progress ---===//

Progress::Progress(bool enabled)
    : enabled(enabled && llvm::sys::Process::StandardErrIsDisplayed()), start(Clock::now()) {}

void Progress::show(StringRef stage, StringRef what) {
  if (!enabled || getSecondsSince(start) < 0.5)
    return;
  llvm::errs() << "\r\x1b[K[" << stage << "] " << what;
  llvm::errs().flush();
  isShown = true;
}

void Progress::clear() {
  if (isShown)
    llvm::errs() << "\r\x1b[K";
  isShown = false;
}

namespace {

/// Tells the progress line which pass runs.
struct ShowPass : PassInstrumentation {
  ShowPass(Progress &progress, StringRef stage) : progress(progress), stage(stage) {}

  void runBeforePass(Pass *pass, Operation *) override {
    if (!pass->getArgument().empty())
      progress.show(stage, pass->getArgument());
  }

  Progress &progress;
  StringRef stage;
};

} // namespace

//===--- Stages ---===//

StageRunner::StageRunner(const CompileOptions &options) : options(options), progress(!options.verbose) {}

LogicalResult StageRunner::run(Stage stage, function_ref<LogicalResult()> body) {
  auto start = Clock::now();
  progress.show(getStageName(stage));
  LogicalResult result = body();
  times.push_back({getStageName(stage).str(), getSecondsSince(start)});
  progress.clear();
  if (options.verbose)
    llvm::errs() << llvm::formatv("{0,-8}{1,9:f3} s\n", times.back().stage, times.back().seconds);
  return result;
}

LogicalResult StageRunner::runPasses(ModuleOp module, Stage stage, const PipelineOptions &pipeline) {
  LogicalResult result = run(stage, [&] {
    PassManager passes(module.getContext());
    passes.enableVerifier(true);
    passes.addInstrumentation(std::make_unique<ShowPass>(progress, getStageName(stage)));
    buildStage(passes, stage, pipeline);
    return passes.run(module);
  });
  return success(succeeded(result) && succeeded(dump(module, stage)));
}

LogicalResult StageRunner::dump(ModuleOp module, Stage stage) const {
  if (options.dumpFolder.empty())
    return success();
  if (std::error_code error = llvm::sys::fs::create_directories(options.dumpFolder))
    return emitError(module.getLoc()) << "cannot create '" << options.dumpFolder << "': " << error.message();
  SmallString<128> path(options.dumpFolder);
  llvm::sys::path::append(path, std::to_string(static_cast<unsigned>(stage)) + "-" + getStageName(stage) + ".mlir");
  return writeFile(path, module.getLoc(), [&](llvm::raw_ostream &os) { printModule(module, os, options.printWeights); });
}

OpPrintingFlags getPrintingFlags(bool withWeights) {
  OpPrintingFlags flags;
  if (!withWeights)
    flags.elideLargeElementsAttrs(maxPrintedElements).elideLargeResourceString(maxPrintedCharacters);
  return flags;
}

void printModule(ModuleOp module, llvm::raw_ostream &os, bool withWeights) {
  module.print(os, getPrintingFlags(withWeights));
}

} // namespace nnc
