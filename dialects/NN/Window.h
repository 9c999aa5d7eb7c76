// Arithmetic of windows that slide over a spatial dimension.
#ifndef DIALECTS_NN_WINDOW_H
#define DIALECTS_NN_WINDOW_H

#include "mlir/IR/BuiltinTypes.h"

namespace nnc::nn {

/// One spatial dimension of a sliding window.
struct Window {
  int64_t size, stride, dilation, padBegin, padEnd;

  /// Extent that one window covers.
  int64_t getReach() const { return dilation * (size - 1) + 1; }
  /// Number of windows that fit `extent`; kDynamic of kDynamic; negative or 0 where none fits.
  int64_t getOutputExtent(int64_t extent) const {
    if (mlir::ShapedType::isDynamic(extent))
      return extent;
    int64_t room = extent + padBegin + padEnd - getReach();
    return room < 0 ? 0 : room / stride + 1;
  }
};

} // namespace nnc::nn

#endif // DIALECTS_NN_WINDOW_H
