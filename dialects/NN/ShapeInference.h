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

/// Appends the numpy broadcast of the shapes of `operands`. The element type is
/// `elementType`, or, where that is null, the one that all operands share.
/// Fails, with a diagnostic at `location` where given, on extents that do not
/// broadcast or on differing element types.
llvm::LogicalResult inferBroadcast(std::optional<mlir::Location> location, mlir::ValueRange operands,
                                   mlir::Type elementType, llvm::SmallVectorImpl<mlir::Type> &types);

/// A slice of one axis: its first index and number of elements.
struct SliceBounds {
  int64_t start;
  int64_t size;
};

/// Applies Python's rules for slices to an axis of static `extent`; step is not 0.
SliceBounds clampSlice(int64_t extent, int64_t start, int64_t end, int64_t step);

} // namespace nnc::nn

#endif // DIALECTS_NN_SHAPEINFERENCE_H
