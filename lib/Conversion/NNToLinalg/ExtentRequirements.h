// What operations require of extents that are not known before run time.
#ifndef LIB_CONVERSION_NNTOLINALG_EXTENTREQUIREMENTS_H
#define LIB_CONVERSION_NNTOLINALG_EXTENTREQUIREMENTS_H

#include "mlir/IR/Operation.h"

namespace nnc {

/// Puts, in front of each NN operation in `root`, what it requires of run-time
/// extents beyond what its verifier can see: equal summed extents, windows that fit
/// the image, reshapes of the same number of elements ... Operations whose extents
/// are static or provably fit get none. Fails, with a diagnostic, on an operation
/// of which nothing is known.
llvm::LogicalResult addExtentRequirements(mlir::Operation *root);

/// Whether it is known what the NN operation `name` requires, be it nothing.
bool hasExtentRule(mlir::OperationName name);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_EXTENTREQUIREMENTS_H
