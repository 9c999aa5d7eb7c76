// The order of the passes from tensors to the LLVM dialect: the stages buffers,
// arena and llvm. (Between buffers and arena, kernels and linalg operations become
// loops; those passes live in lib/Conversion.)
#ifndef LIB_PIPELINES_BACKEND_H
#define LIB_PIPELINES_BACKEND_H

#include "lib/Transforms/GatherWeights.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Pass/PassManager.h"

namespace nnc {

/// Stage `buffers`: tensors -> memrefs in destination-passing style.
void buildBuffersPipeline(mlir::OpPassManager &manager);

/// Stage `arena`: loops on memrefs -> one arena, one blob of weights. Layers are timed by the intrinsic
/// `profileCounter`, if there is one. `weights`, where given, are those of the modules before; with `externalWeights` they
/// are an argument of @main.
void buildArenaPipeline(mlir::OpPassManager &manager, bool threads, llvm::StringRef profileCounter = "",
                        GatheredWeights *weights = nullptr, bool externalWeights = false);

/// Stage `llvm`: loops -> the LLVM dialect; with `debugLines`, functions have scopes for the lines of their operations.
/// Unless the CPU `convertsHalf`, f16 is converted by integer arithmetic.
void buildLLVMPipeline(mlir::OpPassManager &manager, bool debugLines = false, bool convertsHalf = true);

/// Registers the dialect extensions (bufferisation, conversion to LLVM) that these stages use.
void registerBackendExtensions(mlir::DialectRegistry &registry);

} // namespace nnc

#endif // LIB_PIPELINES_BACKEND_H
