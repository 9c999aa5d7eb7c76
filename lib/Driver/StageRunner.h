// Runs the stages of a compilation one by one: timed, dumped, with progress on a terminal.
#ifndef LIB_DRIVER_STAGERUNNER_H
#define LIB_DRIVER_STAGERUNNER_H

#include "lib/Driver/CompileOptions.h"
#include "lib/Pipelines/Pipelines.h"

#include "mlir/IR/BuiltinOps.h"

namespace nnc {

/// Shows `[stage] what` on one line of a terminal, from half a second on; nothing elsewhere.
class Progress {
public:
  explicit Progress(bool enabled);
  ~Progress() { clear(); }
  void show(llvm::StringRef stage, llvm::StringRef what = "");
  void clear();

private:
  bool enabled, isShown = false;
  std::chrono::steady_clock::time_point start;
};

class StageRunner {
public:
  explicit StageRunner(const CompileOptions &options);

  /// Runs the passes that lead to `stage`, then dumps the module.
  llvm::LogicalResult runPasses(mlir::ModuleOp module, Stage stage, const PipelineOptions &pipeline);
  /// Runs `body`, the work of a stage that is no pass pipeline.
  llvm::LogicalResult run(Stage stage, llvm::function_ref<llvm::LogicalResult()> body);
  /// Writes the module into the folder of `--dump-stages`, if there is one.
  llvm::LogicalResult dump(mlir::ModuleOp module, Stage stage) const;
  std::vector<StageTime> &getTimes() { return times; }
  Progress &getProgress() { return progress; }

private:
  const CompileOptions &options;
  Progress progress;
  std::vector<StageTime> times;
};

/// How modules are printed: large constants only `withWeights`.
mlir::OpPrintingFlags getPrintingFlags(bool withWeights);

/// Prints a module; constants of more than a few bytes are elided unless `withWeights`.
void printModule(mlir::ModuleOp module, llvm::raw_ostream &os, bool withWeights);

} // namespace nnc

#endif // LIB_DRIVER_STAGERUNNER_H
