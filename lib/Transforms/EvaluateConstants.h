// The pass that evaluates constant subgraphs, parameterised by how to run them.
#ifndef LIB_TRANSFORMS_EVALUATECONSTANTS_H
#define LIB_TRANSFORMS_EVALUATECONSTANTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include <functional>
#include <memory>

namespace nnc {

/// Compiles `module`, whose `@main` takes and returns ranked tensors of static
/// shape, runs it on `inputs` (one per argument), and returns one attribute per
/// result, of the result's type. Consumes `module`.
using ConstantRunner = std::function<llvm::FailureOr<llvm::SmallVector<mlir::ElementsAttr>>(
    mlir::OwningOpRef<mlir::ModuleOp> module, llvm::ArrayRef<mlir::ElementsAttr> inputs)>;

/// Replaces everything in @main that depends on constants alone by its value,
/// except what would grow the constants beyond reason (a broadcast, say).
std::unique_ptr<mlir::Pass> createEvaluateConstantsPass(ConstantRunner runner);

} // namespace nnc

#endif // LIB_TRANSFORMS_EVALUATECONSTANTS_H
