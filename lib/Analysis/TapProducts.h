// Convolutions of few output channels that are better products.
#ifndef LIB_ANALYSIS_TAPPRODUCTS_H
#define LIB_ANALYSIS_TAPPRODUCTS_H

#include "mlir/IR/Operation.h"

namespace nnc {

/// Whether `op` is an nn.conv of stride 1 or an nn.conv_transpose whose output channels are so few that vectors of them
/// would stay empty for the most part: a product of all taps of its filter and the image, of which vectors hold neighbouring
/// pixels, takes less time, and so does the sum of its rows, each moved by its tap. All extents are known.
bool isProductOfTaps(mlir::Operation *op);

} // namespace nnc

#endif // LIB_ANALYSIS_TAPPRODUCTS_H
