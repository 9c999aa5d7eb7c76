// Building blocks on tensors for the movement and indexing families: reshapes of
// any shapes, casts, and tensors computed from the index of each element.
#ifndef LIB_CONVERSION_NNTOLINALG_TENSORBUILDING_H
#define LIB_CONVERSION_NNTOLINALG_TENSORBUILDING_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// Index arithmetic.
mlir::Value getIndex(mlir::ImplicitLocOpBuilder &builder, int64_t value);

mlir::Value add(mlir::ImplicitLocOpBuilder &builder, mlir::Value a, mlir::Value b);
mlir::Value sub(mlir::ImplicitLocOpBuilder &builder, mlir::Value a, mlir::Value b);
mlir::Value mul(mlir::ImplicitLocOpBuilder &builder, mlir::Value a, mlir::Value b);

/// An index as i64.
mlir::Value toInt64(mlir::ImplicitLocOpBuilder &builder, mlir::Value index);

/// Entry `i` of the 1-D integer tensor `tensor` as an index value, made of
/// constants and extents as far as can be seen, where `original` is the tensor in
/// the source model. Defined in ShapeEntries.cpp.
mlir::Value getEntry(mlir::ImplicitLocOpBuilder &builder, mlir::Value original, mlir::Value tensor, int64_t i);

/// The same, made of what data decide as well, where ranges of that are known; it is required to keep them.
mlir::Value getRangedEntry(mlir::ImplicitLocOpBuilder &builder, mlir::Value original, mlir::Value tensor, int64_t i);

/// The same of an entry that is an extent: what data decide is required not to be negative.
mlir::Value getExtentEntry(mlir::ImplicitLocOpBuilder &builder, mlir::Value original, mlir::Value tensor, int64_t i);

/// The same of an entry that is an extent and at most `bound`; where it depends on data, it is brought in between.
mlir::Value getBoundedEntry(mlir::ImplicitLocOpBuilder &builder, mlir::Value original, mlir::Value tensor, int64_t i,
                            mlir::Value bound);

/// The same before the conversion; null where the entry depends on data. An entry of a tensor of floats is a float.
mlir::Value findEntry(mlir::ImplicitLocOpBuilder &builder, mlir::Value original, int64_t i);

/// A float as an index value, toward zero; -2^62 (-2^30 where index values have 32 bits) of NaN and of what is beyond
/// that number and its opposite.
mlir::Value convertToIndex(mlir::ImplicitLocOpBuilder &builder, mlir::Value value);

/// Whether `entry`, as findEntry gives it, is made of values of the model's inputs, not of extents alone.
bool isMadeOfValues(mlir::Value entry);

/// The one element of `tensor`.
mlir::Value extractOnlyElement(mlir::ImplicitLocOpBuilder &builder, mlir::Value tensor);

/// Creates a `cf.assert` that `condition` holds, unless it is constant and true.
/// `requirement` names the operation and what it needs.
void require(mlir::ImplicitLocOpBuilder &builder, mlir::Value condition, const llvm::Twine &requirement);

/// `value` as `type`, which has compatible extents; those that only `type` knows are required at run time.
mlir::Value castTo(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::RankedTensorType type);

/// The elements of `value` in row-major order in the shape of `type`; `extents` has
/// an index value for each axis that is dynamic there.
mlir::Value reshapeTo(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::RankedTensorType type,
                      llvm::ArrayRef<mlir::Value> extents);

/// A transposition: axis i of the result is axis permutation[i] of `value`.
mlir::Value transposeTo(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::RankedTensorType type,
                        llvm::ArrayRef<int64_t> permutation);

using ElementBuilder = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange indices)>;

/// A tensor of `type` whose element at each index is what `element` builds.
mlir::Value generate(mlir::ImplicitLocOpBuilder &builder, mlir::RankedTensorType type,
                     llvm::ArrayRef<mlir::Value> extents, ElementBuilder element);

using NestBuilder = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ImplicitLocOpBuilder &, mlir::ValueRange index,
                                                                      mlir::ValueRange carried)>;

/// Loops over all indices of `extents` that carry values; returns the last ones.
llvm::SmallVector<mlir::Value> forEachIndex(mlir::ImplicitLocOpBuilder &builder, llvm::ArrayRef<mlir::Value> extents,
                                            mlir::ValueRange carried, NestBuilder body);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_TENSORBUILDING_H
