// What a run requires of data, and finds out while it goes on.
#ifndef LIB_CONVERSION_NNTOLINALG_REQUIREMENTS_H
#define LIB_CONVERSION_NNTOLINALG_REQUIREMENTS_H

#include "mlir/IR/BuiltinOps.h"

namespace nnc {

/// Replaces assertions by memory that says whether all of them held so far, and a check of it at the end of @main.
/// Fails where one is outside of @main.
llvm::LogicalResult lowerRequirements(mlir::ModuleOp module);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_REQUIREMENTS_H
