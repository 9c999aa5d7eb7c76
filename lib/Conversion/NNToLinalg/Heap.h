// A heap of places (indices of something) in a tensor of i64, as loops.
#ifndef LIB_CONVERSION_NNTOLINALG_HEAP_H
#define LIB_CONVERSION_NNTOLINALG_HEAP_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// Builds whether place `a` is before place `b`, indices both: an i1.
using PlaceOrder = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value a, mlir::Value b)>;

/// Entry `at` of a row of places, as an index.
mlir::Value readPlace(mlir::ImplicitLocOpBuilder &builder, mlir::Value places, mlir::Value at);
/// `places` with the index `place` as entry `at`.
mlir::Value writePlace(mlir::ImplicitLocOpBuilder &builder, mlir::Value places, mlir::Value at, mlir::Value place);

/// `places`, of which the first `end` are a heap below `root`, with that restored: none is before those under it, so
/// that the first is the last in order.
mlir::Value siftDown(mlir::ImplicitLocOpBuilder &builder, mlir::Value places, mlir::Value root, mlir::Value end,
                     PlaceOrder isBefore);

/// `places` with the first `end` of them made a heap.
mlir::Value buildHeap(mlir::ImplicitLocOpBuilder &builder, mlir::Value places, mlir::Value end, PlaceOrder isBefore);

/// The first `end` of `places`, a heap, in order: the first in order first.
mlir::Value sortHeap(mlir::ImplicitLocOpBuilder &builder, mlir::Value places, mlir::Value end, PlaceOrder isBefore);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_HEAP_H
