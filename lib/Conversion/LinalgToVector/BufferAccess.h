// Reads and writes of a loop nest's operands, one vector along a loop at a time.
#ifndef LIB_CONVERSION_LINALGTOVECTOR_BUFFERACCESS_H
#define LIB_CONVERSION_LINALGTOVECTOR_BUFFERACCESS_H

#include "lib/Conversion/LinalgToVector/LoopNest.h"

namespace nnc {

/// The indices of `operand`'s element when loop i is at `position[i]`.
llvm::SmallVector<mlir::Value> getIndices(mlir::OpBuilder &builder, mlir::Location loc, const LoopOperand &operand,
                                          mlir::ValueRange position);

/// Elements of `operand` for `width` steps of `loop` from `position` on: one
/// scalar where the loop does not move it, else a vector (a scalar for a width of 1).
mlir::Value readAlong(mlir::OpBuilder &builder, mlir::Location loc, const LoopOperand &operand,
                      mlir::ValueRange position, int64_t loop, int64_t width);

/// Writes `value` to `width` elements of `operand` from `position` on along `loop`.
void writeAlong(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, const LoopOperand &operand,
                mlir::ValueRange position, int64_t loop, int64_t width);

} // namespace nnc

#endif // LIB_CONVERSION_LINALGTOVECTOR_BUFFERACCESS_H
