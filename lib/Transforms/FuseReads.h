// Operands of loops that are read element by element, because their extents may be 1 at run time.
#ifndef LIB_TRANSFORMS_FUSEREADS_H
#define LIB_TRANSFORMS_FUSEREADS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

#include <functional>

namespace nnc {

/// Of a fused loop.
inline constexpr size_t maxOperands = 48;

/// Whether a loop may become a part of another, which reads its result.
using MayFuse = std::function<bool(mlir::linalg::GenericOp producer, mlir::linalg::GenericOp consumer)>;

/// Patterns that make whole operands of reads whose extents turn out to be those of the loops, and that compute an element
/// where it is read, in the place of a loop of its own.
void populateReadPatterns(mlir::RewritePatternSet &patterns, MayFuse mayFuse);

} // namespace nnc

#endif // LIB_TRANSFORMS_FUSEREADS_H
