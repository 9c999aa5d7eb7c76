// Expansion of one linalg.generic on buffers.
#ifndef LIB_CONVERSION_LINALGTOVECTOR_GENERICEXPANSION_H
#define LIB_CONVERSION_LINALGTOVECTOR_GENERICEXPANSION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/PatternMatch.h"

namespace nnc {

/// Merges neighbouring loops that every operand walks contiguously; returns the
/// operation that replaces `op` (or `op` itself).
mlir::linalg::GenericOp collapseLoops(mlir::RewriterBase &rewriter, mlir::linalg::GenericOp op);

/// Emits the loops of `op`, which is then dead.
void expandGeneric(mlir::RewriterBase &rewriter, mlir::linalg::GenericOp op);

/// True where the body can compute several elements at once.
bool isVectorizable(mlir::linalg::GenericOp op);

/// Copies the body, `width` elements at once along loop `along`; `mapping` holds
/// its arguments (scalars where they are the same for all lanes), `loops` the
/// induction variables. Returns what is yielded, each scalar or vector.
llvm::SmallVector<mlir::Value> widenGenericBody(mlir::OpBuilder &builder, mlir::linalg::GenericOp op,
                                                mlir::IRMapping mapping, mlir::ValueRange loops, int64_t along,
                                                int64_t width);

} // namespace nnc

#endif // LIB_CONVERSION_LINALGTOVECTOR_GENERICEXPANSION_H
