// Frees constants that passes have replaced: attributes live as long as the
// context, their data need not.
#ifndef LIB_DRIVER_RELEASECONSTANTS_H
#define LIB_DRIVER_RELEASECONSTANTS_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace nnc {

/// Frees the data of every dense resource of the context that no operation of `modules`, all of the context's, refers
/// to.
void releaseUnusedConstants(llvm::ArrayRef<mlir::OwningOpRef<mlir::ModuleOp>> modules);

} // namespace nnc

#endif // LIB_DRIVER_RELEASECONSTANTS_H
