// Views of a tensor with neighbouring axes merged, such as the [O, R, I] of the
// row kernels, and the way back.
#ifndef LIB_CONVERSION_NNTOLINALG_AXISGROUPS_H
#define LIB_CONVERSION_NNTOLINALG_AXISGROUPS_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// All extents of `tensor` as index values.
llvm::SmallVector<mlir::Value> getExtents(mlir::ImplicitLocOpBuilder &builder, mlir::Value tensor);

/// `value` with one axis for each entry of `counts`, which merges so many
/// neighbouring axes of `value`; an entry of 0 gives an axis of extent 1.
mlir::Value mergeAxes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, llvm::ArrayRef<int64_t> counts);

/// The inverse: axis i of `value` becomes counts[i] axes of `type`; an axis of
/// extent 1 with an entry of 0 disappears. `extents` has an index value for each
/// axis that is dynamic in `type`.
mlir::Value splitAxes(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::RankedTensorType type,
                      llvm::ArrayRef<int64_t> counts, llvm::ArrayRef<mlir::Value> extents);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_AXISGROUPS_H
