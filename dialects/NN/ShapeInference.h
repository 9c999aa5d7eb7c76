// Shape inference shared by the families of the NN dialect.
#ifndef DIALECTS_NN_SHAPEINFERENCE_H
#define DIALECTS_NN_SHAPEINFERENCE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/ValueRange.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace nnc::nn {

/// True where every pair of ranked tensor types has the same rank and element
/// type and no two static extents differ. An operation's declared result may
/// know more (or less) than what is inferred, but must not contradict it.
bool areCompatible(mlir::TypeRange inferred, mlir::TypeRange actual);

/// True where `axes` are distinct, ascending and in [0, rank).
bool areAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

/// As above, in any order.
bool areDistinctAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

/// The numpy broadcast of `shapes`; false where they do not broadcast.
bool inferBroadcastShape(llvm::ArrayRef<llvm::ArrayRef<int64_t>> shapes, llvm::SmallVectorImpl<int64_t> &result);

/// Appends the result type of a pool over `input` (one entry per spatial
/// dimension in each list). With `ceil` the last, partial window counts where it
/// starts before the end of the input.
llvm::LogicalResult inferPool(std::optional<mlir::Location> location, mlir::RankedTensorType input, bool channelsFirst,
                              llvm::ArrayRef<int64_t> window, llvm::ArrayRef<int64_t> strides,
                              llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<int64_t> padsBegin,
                              llvm::ArrayRef<int64_t> padsEnd, bool ceil, llvm::SmallVectorImpl<mlir::Type> &types);

/// Appends the numpy broadcast of the shapes of `operands`. The element type is
/// `elementType`, or, where that is null, the one that all operands share.
/// Fails, with a diagnostic at `location` where given, on extents that do not
/// broadcast or on differing element types.
llvm::LogicalResult inferBroadcast(std::optional<mlir::Location> location, mlir::ValueRange operands,
                                   mlir::Type elementType, llvm::SmallVectorImpl<mlir::Type> &types);

/// Checks an operand of 8-bit integers and its zero point (null: 0): of its type, broadcast to it, and the same along
/// `summed` and the axes behind it down to `end` (exclusive; -1: `summed` alone).
llvm::LogicalResult checkZeroPoint(std::optional<mlir::Location> location, mlir::RankedTensorType operand,
                                   mlir::Value zeroPoint, int64_t summed, int64_t end = -1);

/// A slice of one axis: its first index and number of elements.
struct SliceBounds {
  int64_t start;
  int64_t size;
};

/// Applies Python's rules for slices to an axis of static `extent`; step is not 0.
SliceBounds clampSlice(int64_t extent, int64_t start, int64_t end, int64_t step);

} // namespace nnc::nn

#endif // DIALECTS_NN_SHAPEINFERENCE_H
