// Inputs and outputs of 4 and 2 bits travel packed, as ONNX's raw data has them;
// inside, each element has a byte of its own.
#ifndef LIB_CONVERSION_NNTOLINALG_NARROWBOUNDARIES_H
#define LIB_CONVERSION_NNTOLINALG_NARROWBOUNDARIES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc {

/// The NN element types of a function's arguments and results.
struct BoundaryTypes {
  explicit BoundaryTypes(mlir::func::FuncOp function);

  llvm::SmallVector<mlir::Type> arguments, results;
};

/// Unpacks the arguments and packs the results of `function`, which has storage
/// types, that were of 4 or 2 bits. An argument keeps its shape but only its first
/// ceil(elements * bits / 8) bytes exist; a result becomes a row of as many bytes.
/// Where its extents are run-time values it is marked `nn.packed`, with their
/// number, and the unpacked tensor is one more result, marked `nn.unpacked` with
/// the position of the packed one, for compute-output-extents.
void packBoundaries(mlir::func::FuncOp function, const BoundaryTypes &types);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_NARROWBOUNDARIES_H
