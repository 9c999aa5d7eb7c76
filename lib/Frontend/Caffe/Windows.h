// Sliding windows as Caffe's layers describe them.
#ifndef LIB_FRONTEND_CAFFE_WINDOWS_H
#define LIB_FRONTEND_CAFFE_WINDOWS_H

#include "lib/Frontend/Caffe/LayerBinder.h"

namespace nnc::caffe {

/// One entry per spatial axis in each list; pads are the same on both sides.
struct SpatialWindow {
  llvm::SmallVector<int64_t> size, strides, pads, dilations;

  /// Positions of the window that fit `extents`.
  llvm::SmallVector<int64_t> countFloor(llvm::ArrayRef<int64_t> extents) const;
};

/// The window of `convolution_param` over the spatial axes of `x`; rejects the layer where it has none. Convolution.cpp
SpatialWindow readWindow(LayerBinder &layer, mlir::Value x);

/// What windows see.
struct Patches {
  mlir::Value values; ///< (n, c, elements of the window, positions)
  llvm::SmallVector<int64_t> counts;
  std::vector<float> origins; ///< index of each position's first element in its plane
};

/// Collects the elements of windows over an image; outside the image stands `padding`. Pooling.cpp
Patches gatherPatches(LayerBinder &layer, mlir::Value image, const SpatialWindow &window,
                      llvm::ArrayRef<int64_t> counts, float padding);

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_WINDOWS_H
