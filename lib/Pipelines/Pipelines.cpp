// The order of the passes. Reads as a table of contents: one function per stage.
#include "lib/Pipelines/Pipelines.h"

#include "lib/Conversion/Passes.h"
#include "lib/Pipelines/Backend.h"
#include "lib/Pipelines/Passes.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace nnc {

/// Algebra and layouts, while operations still are layers.
static void buildNN(OpPassManager &passes, const PipelineOptions &options) {
  passes.addPass(createCanonicalizerPass());
  passes.addNestedPass<func::FuncOp>(createSinkDequantize());
  passes.addNestedPass<func::FuncOp>(createRecognizeIntegerProducts()); // of what is dequantized right before
  passes.addNestedPass<func::FuncOp>(createFoldBatchNorm());
  passes.addNestedPass<func::FuncOp>(createFlipFilters());
  passes.addNestedPass<func::FuncOp>(createMultiplyPatches());
  passes.addNestedPass<func::FuncOp>(createMultiplyPixels());
  passes.addNestedPass<func::FuncOp>(createSplitWindows());
  passes.addNestedPass<func::FuncOp>(createAssignLayouts());
  passes.addNestedPass<func::FuncOp>(createExpandIntegerProducts()); // before transposes move
  passes.addNestedPass<func::FuncOp>(createSinkTransposes());        // after the layouts, whose transposes it cancels
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  if (options.numberLayers)
    passes.addPass(createNumberLayers()); // last: these are the layers of the report
}

/// From layers to kernels and element-wise loops, fused; weights packed.
static void buildTensors(OpPassManager &passes, const PipelineOptions &options) {
  passes.addPass(createConvertNNToLinalg());
  passes.addPass(createOutlineExtentChecks());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  if (options.winograd) {
    ChooseWinogradOptions winograd;
    winograd.bf16 = options.precision == "bf16";
    passes.addNestedPass<func::FuncOp>(createChooseWinograd(winograd));
  }
  if (options.runConstants)
    passes.addPass(createEvaluateConstantsPass(options.runConstants)); // before fusion mixes constants with the rest
  if (!options.keepDenormals)
    passes.addNestedPass<func::FuncOp>(createFlushDenormals());
  RecognizeBlockWeightsOptions blocks;
  blocks.precision = options.precision;
  passes.addNestedPass<func::FuncOp>(createRecognizeBlockWeights(blocks));
  ChooseWeightTypesOptions narrow;
  narrow.precision = options.precision;
  narrow.toHalf = options.convertsHalf;
  passes.addNestedPass<func::FuncOp>(createChooseWeightTypes(narrow));
  passes.addNestedPass<func::FuncOp>(createFuseElementwise());         // a chain is one epilogue
  passes.addPass(createLowerAffinePass()); // the indices of loops that were fused with a transpose
  passes.addNestedPass<func::FuncOp>(createFuseEpilogues());
  passes.addNestedPass<func::FuncOp>(createTabulateBytes()); // when a body has all that it computes
  passes.addNestedPass<func::FuncOp>(createSimplifyQuantization());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createPlaceBranchResults()); // where constants that bounds are made of are known
}

/// From kernels to loops over hardware vectors.
static void buildLoops(OpPassManager &passes, const PipelineOptions &options) {
  TileAttentionOptions attention;
  attention.threads = options.threads;
  passes.addNestedPass<func::FuncOp>(createTileAttention(attention));
  if (!options.threads)
    passes.addNestedPass<func::FuncOp>(createTileWindows()); // threads would meet at the end of each block
  passes.addNestedPass<func::FuncOp>(createPadRows());
  ConvertKernelToVectorOptions kernels;
  kernels.threads = options.threads;
  passes.addNestedPass<func::FuncOp>(createConvertKernelToVector(kernels));
  passes.addNestedPass<func::FuncOp>(createConvertLinalgToVector());
  passes.addPass(createLowerByteTables());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
}

void buildStage(OpPassManager &passes, Stage stage, const PipelineOptions &options) {
  switch (stage) {
  case Stage::NN:
    buildNN(passes, options);
    break;
  case Stage::Tensors:
    buildTensors(passes, options);
    break;
  case Stage::Buffers:
    buildBuffersPipeline(passes);
    break;
  case Stage::Loops:
    buildLoops(passes, options);
    break;
  case Stage::Arena:
    buildArenaPipeline(passes, options.threads, options.profileCounter, options.weights, options.externalWeights);
    break;
  case Stage::LLVM:
    buildLLVMPipeline(passes, options.debugLines, options.convertsHalf);
    break;
  default:
    return;
  }
  VerifyStageOptions verify;
  verify.stage = getStageName(stage).str();
  passes.addPass(createVerifyStage(verify));
}

void registerPipelines(const PipelineOptions &options) {
  for (const StageInfo &info : getStages()) {
    if (info.stage == Stage::Import || info.stage == Stage::Object)
      continue;
    PassPipelineRegistration<>(
        ("nnc-to-" + info.name).str(), ("From the stage before to: " + info.summary).str(),
        [stage = info.stage, options](OpPassManager &passes) { buildStage(passes, stage, options); });
  }
}

} // namespace nnc
