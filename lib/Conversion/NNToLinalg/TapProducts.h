// Convolutions as products of all taps of their filters.
#ifndef LIB_CONVERSION_NNTOLINALG_TAPPRODUCTS_H
#define LIB_CONVERSION_NNTOLINALG_TAPPRODUCTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// The result, of `type` and in the layout of `op`, for which isProductOfTaps holds; operands are in storage types.
mlir::Value multiplyTaps(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *op, mlir::Value input, mlir::Value filter,
                         mlir::Value bias, mlir::RankedTensorType type);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_TAPPRODUCTS_H
