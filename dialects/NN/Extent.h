// An extent of a tensor value, static or not.
#ifndef DIALECTS_NN_EXTENT_H
#define DIALECTS_NN_EXTENT_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

namespace nnc {

/// The type of a value that is a tensor.
inline mlir::RankedTensorType getRanked(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}

namespace nn {

/// Extent `axis` of `value`.
struct Extent {
  mlir::Value value;
  int64_t axis;

  bool isDynamic() const { return getRanked(value).isDynamicDim(axis); }
  bool isStatically(int64_t extent) const { return getRanked(value).getDimSize(axis) == extent; }
  bool operator==(const Extent &other) const { return value == other.value && axis == other.axis; }
};

} // namespace nn
} // namespace nnc

#endif // DIALECTS_NN_EXTENT_H
