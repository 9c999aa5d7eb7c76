// How much arithmetic a model is: the usual measure of a network's size.
#ifndef LIB_ANALYSIS_MULTIPLYADDS_H
#define LIB_ANALYSIS_MULTIPLYADDS_H

#include "mlir/IR/BuiltinOps.h"

#include <optional>

namespace nnc {

/// Multiply-adds of one run of the matrix products and convolutions in `module`; taps that fall on padding count.
/// nullopt where an extent, or how often a loop runs, is known only at run time; both branches of a choice count.
std::optional<int64_t> countMultiplyAdds(mlir::ModuleOp module);

/// Calls `visit` with each kernel that multiplies and adds, and with how often it does.
void visitMultiplyAdds(mlir::ModuleOp module,
                       llvm::function_ref<void(mlir::Operation *, std::optional<int64_t>)> visit);

} // namespace nnc

#endif // LIB_ANALYSIS_MULTIPLYADDS_H
