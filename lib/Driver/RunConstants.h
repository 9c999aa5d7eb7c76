// Runs constant subgraphs at compile time, with the code that nnc itself generates.
#ifndef LIB_DRIVER_RUNCONSTANTS_H
#define LIB_DRIVER_RUNCONSTANTS_H

#include "lib/Transforms/EvaluateConstants.h"

namespace nnc {

/// The ConstantRunner of every tool: compiles `module` for the host, in memory,
/// and calls it. The shapes of panels follow the module's `kernel.target`, which
/// may be another CPU than the host.
llvm::FailureOr<llvm::SmallVector<mlir::ElementsAttr>> runConstants(mlir::OwningOpRef<mlir::ModuleOp> module,
                                                                    llvm::ArrayRef<mlir::ElementsAttr> inputs);

} // namespace nnc

#endif // LIB_DRIVER_RUNCONSTANTS_H
