// The scalar meaning of the element-wise NN operations, for linalg.generic bodies.
#ifndef LIB_CONVERSION_NNTOLINALG_ELEMENTWISEBODIES_H
#define LIB_CONVERSION_NNTOLINALG_ELEMENTWISEBODIES_H

#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Operation.h"

namespace nnc {

/// A stored element as a value to compute with: booleans become i1, f16 and bf16
/// become f32. `type` is the NN element type, `stored` has the storage type.
mlir::Value loadElement(mlir::ImplicitLocOpBuilder &builder, mlir::Value stored, mlir::Type type);

/// The inverse: a computed value as an element to store.
mlir::Value storeElement(mlir::ImplicitLocOpBuilder &builder, mlir::Value computed, mlir::Type type);

/// Converts a computed value between NN element types as nn.cast does.
mlir::Value convertElement(mlir::ImplicitLocOpBuilder &builder, mlir::Value computed, mlir::Type from, mlir::Type to);

/// True where `op` is an element-wise operation that has a scalar body.
bool hasElementwiseBody(mlir::Operation *op);

/// Builds the scalar body of `op` on computed values, one for each operand.
mlir::Value buildElementwiseBody(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *op, mlir::ValueRange operands);

using ElementwiseBuilder = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

/// The result, of storage type `type`, of an operation whose elements `body` computes from the elements of its operands
/// at the same (broadcast) position, as computed values. Defined in Elementwise.cpp.
mlir::Value buildElementwise(mlir::OpBuilder &builder, mlir::Operation *op, mlir::ValueRange operands,
                             mlir::RankedTensorType type, ElementwiseBuilder body);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_ELEMENTWISEBODIES_H
