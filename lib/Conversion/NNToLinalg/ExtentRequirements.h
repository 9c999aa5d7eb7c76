// What operations require of extents that are not known before run time.
#ifndef LIB_CONVERSION_NNTOLINALG_EXTENTREQUIREMENTS_H
#define LIB_CONVERSION_NNTOLINALG_EXTENTREQUIREMENTS_H

#include "mlir/IR/Operation.h"

namespace nnc {

/// Puts, in front of each NN operation in `root`, what it requires of run-time
/// extents beyond what its verifier can see: equal summed extents, windows that fit
/// the image, reshapes of the same number of elements ... Operations whose extents
/// are static or provably fit get none.
void addExtentRequirements(mlir::Operation *root);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_EXTENTREQUIREMENTS_H
