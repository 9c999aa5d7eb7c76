// Which spatial operations could share a layout.
#ifndef LIB_TRANSFORMS_LAYOUTNEIGHBOURS_H
#define LIB_TRANSFORMS_LAYOUTNEIGHBOURS_H

#include "mlir/IR/Operation.h"

namespace nnc {

/// Whether no transpose of `spatial`, an NN operation with a layout, would meet another: what its data come from and go to
/// reaches no spatial operation and no transpose through operations that take any layout.
bool standsAlone(mlir::Operation *spatial);

} // namespace nnc

#endif // LIB_TRANSFORMS_LAYOUTNEIGHBOURS_H
