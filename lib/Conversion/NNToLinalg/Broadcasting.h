// Run-time extents and broadcasting on tensors, for all families of NNToLinalg.
#ifndef LIB_CONVERSION_NNTOLINALG_BROADCASTING_H
#define LIB_CONVERSION_NNTOLINALG_BROADCASTING_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"

namespace nnc {

/// The extent of `tensor` along `axis` as an index value; a constant where static.
mlir::Value getExtent(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value tensor, int64_t axis);

/// A tensor.empty of `type`; `extents` has one index value per axis, read only
/// where the type is dynamic.
mlir::Value createEmpty(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                        llvm::ArrayRef<mlir::Value> extents);

/// A tensor.empty of `type`, a type with the shape of `like`.
mlir::Value createEmptyLike(mlir::OpBuilder &builder, mlir::Location loc, mlir::RankedTensorType type,
                            mlir::Value like);

/// The extents of the broadcast of `operands` with result type `type`.
llvm::SmallVector<mlir::Value> getBroadcastExtents(mlir::OpBuilder &builder, mlir::Location loc,
                                                   mlir::ValueRange operands, mlir::RankedTensorType type);

/// Whether `operand` may have extent 1 at run time along an axis where the result
/// of the broadcast of `operands` has another, without its type saying so.
bool mayBroadcastAtRunTime(mlir::ValueRange operands, mlir::Value operand);

/// The indexing map of `operand`, broadcast to `rank` dimensions: constant 0 for
/// extents of 1.
mlir::AffineMap getBroadcastMap(mlir::MLIRContext *context, mlir::RankedTensorType operand, int64_t rank);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_BROADCASTING_H
