// The back half of the compiler as lists of passes.
#include "lib/Pipelines/Backend.h"

#include "dialects/Kernel/Kernel.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace nnc {

void buildBuffersPipeline(OpPassManager &manager) {
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createComputeOutputExtents());
  manager.addNestedPass<func::FuncOp>(createPlaceCarriedValues());
  manager.addPass(createBufferizeModel());
  manager.addNestedPass<func::FuncOp>(createUpdateInPlace());
}

void buildArenaPipeline(OpPassManager &manager, bool threads, StringRef profileCounter, GatheredWeights *weights,
                        bool externalWeights) {
  manager.addPass(createPlanMemory());
  LowerParallelOptions parallel;
  parallel.threads = threads;
  manager.addPass(createLowerParallel(parallel));
  manager.addPass(createCSEPass()); // repeated reads of one constant
  manager.addPass(createGatherWeightsPass(weights, externalWeights));
  manager.addPass(createOutlineLayers());
  if (!profileCounter.empty()) {
    ProfileLayersOptions profile;
    profile.counter = profileCounter.str();
    manager.addPass(createProfileLayers(profile));
  }
}

void buildLLVMPipeline(OpPassManager &manager, bool debugLines, bool convertsHalf) {
  // LLVM would round bf16 with a function that few runtime libraries have.
  arith::ArithEmulateUnsupportedFloatsOptions inFloat;
  inFloat.sourceTypeStrs = {"bf16"};
  if (!convertsHalf)
    inFloat.sourceTypeStrs.push_back("f16");
  inFloat.targetTypeStr = "f32";
  manager.addNestedPass<func::FuncOp>(arith::createArithEmulateUnsupportedFloats(inFloat));
  ExpandMathOptions expand;
  expand.convertsHalf = convertsHalf;
  manager.addNestedPass<func::FuncOp>(createExpandMath(expand));
  manager.addPass(createConvertVectorToSCFPass());
  manager.addPass(createExpandMath(expand));
  manager.addPass(createLowerVectors());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addNestedPass<func::FuncOp>(createLowerMatrixTiles());
  manager.addPass(createLowerReshapes()); // what the next pass cannot take
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass()); // the address arithmetic that the pass before made
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createReturnOnFailedChecks()); // before there is a conversion that would abort
  ConvertToLLVMPassOptions toLLVM;
  toLLVM.useDynamic = true; // the width of index comes from the data layout
  manager.addPass(createConvertToLLVMPass(toLLVM));
  manager.addPass(createReconcileUnrealizedCastsPass());
  NarrowFloatsAsIntegersOptions narrow;
  narrow.half = !convertsHalf;
  manager.addPass(createNarrowFloatsAsIntegers(narrow));
  manager.addPass(createEmitParallelCalls());
  manager.addNestedPass<LLVM::LLVMFuncOp>(createHoistStackBuffers());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  if (debugLines)
    manager.addPass(LLVM::createDIScopeForLLVMFuncOpPass());
}

void registerBackendExtensions(DialectRegistry &registry) {
  registerAllExtensions(registry);
  kernel::registerBufferization(registry);
}

} // namespace nnc
