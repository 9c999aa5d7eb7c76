// Matrix products by packed matrices, for families that multiply on their own.
#ifndef LIB_CONVERSION_NNTOLINALG_CONTRACTION_H
#define LIB_CONVERSION_NNTOLINALG_CONTRACTION_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// The packed form of matrices [B..., K, N] (or [B..., N, K] where `transposed`),
/// for the target that `op` is compiled for.
mlir::Value packMatrix(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *op, mlir::Value matrix, bool transposed);

/// lhs [B..., M, K] times a packed matrix, as `type` [B..., M, N]; `extents` has an
/// index value for each axis that is dynamic there. `attributes`: of the kernel.
mlir::Value multiplyPacked(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs, mlir::Value packed,
                           mlir::RankedTensorType type, llvm::ArrayRef<mlir::Value> extents,
                           llvm::ArrayRef<mlir::NamedAttribute> attributes = {});

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_CONTRACTION_H
