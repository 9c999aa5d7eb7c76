// Frees constants that passes have replaced: attributes live as long as the
// context, their data need not.
#ifndef LIB_DRIVER_RELEASECONSTANTS_H
#define LIB_DRIVER_RELEASECONSTANTS_H

#include "mlir/IR/BuiltinOps.h"

namespace nnc {

/// Frees the data of every dense resource of the context that no operation of `module`, the context's only module,
/// refers to.
void releaseUnusedConstants(mlir::ModuleOp module);

} // namespace nnc

#endif // LIB_DRIVER_RELEASECONSTANTS_H
