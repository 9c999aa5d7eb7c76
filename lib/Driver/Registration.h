// All dialects, passes and pipelines of nnc, for the tools that take any of them.
#ifndef LIB_DRIVER_REGISTRATION_H
#define LIB_DRIVER_REGISTRATION_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"

namespace nnc {

/// The dialects, with all interfaces, that a compilation goes through.
void registerDialects(mlir::DialectRegistry &registry);

/// Loads those dialects that passes and lib/Target create operations or attributes of.
void loadDialects(mlir::MLIRContext &context);

/// nnc's passes and pipelines, and MLIR's own, for textual pipelines.
void registerPasses();

} // namespace nnc

#endif // LIB_DRIVER_REGISTRATION_H
