// The order of the passes: the only place that knows it.
#ifndef LIB_PIPELINES_PIPELINES_H
#define LIB_PIPELINES_PIPELINES_H

#include "lib/Pipelines/Stages.h"
#include "lib/Transforms/EvaluateConstants.h"
#include "lib/Transforms/GatherWeights.h"

#include "mlir/Pass/PassManager.h"

namespace nnc {

/// What the choice and order of passes depends on.
struct PipelineOptions {
  /// Parallel loops ask the caller's parallel-for callback.
  bool threads = false;
  /// Convolutions of small windows may use Winograd's algorithm.
  bool winograd = true;
  /// Denormal weights of products count.
  bool keepDenormals = false;
  /// "bf16": f32 weights are rounded to bf16; "f32": they keep their values.
  std::string precision = "f32";
  /// The LLVM intrinsic that times layers; empty: they are not timed.
  std::string profileCounter;
  /// The CPU converts f16 to and from f32.
  bool convertsHalf = true;
  /// Operations of the stage `arena` have lines in a file, which the code is to know.
  bool debugLines = false;
  /// Layers have numbers, for a report.
  bool numberLayers = false;
  /// How constant subgraphs are run; empty: they stay.
  ConstantRunner runConstants;
  /// Weights that the module shares with those compiled before it, for other CPUs; null: none.
  GatheredWeights *weights = nullptr;
  /// The caller has the weights: their address is the last argument of @main.
  bool externalWeights = false;
};

/// Adds the passes that lead from the stage before to `stage`, and the check of
/// its contract. Nothing for `import` (a frontend does it) and `object` (lib/Target does).
void buildStage(mlir::OpPassManager &passes, Stage stage, const PipelineOptions &options);

/// Registers one pipeline per stage, `nnc-to-<stage>`, which leads from the stage
/// before to it, for nnc-opt.
void registerPipelines(const PipelineOptions &options);

} // namespace nnc

#endif // LIB_PIPELINES_PIPELINES_H
