// Sliding windows as Caffe's layers describe them.
#ifndef LIB_FRONTEND_CAFFE_WINDOWS_H
#define LIB_FRONTEND_CAFFE_WINDOWS_H

#include "lib/Frontend/Caffe/LayerBinder.h"
#include "lib/Frontend/Import/Patches.h"

namespace nnc::caffe {

using frontend::gatherPatches;
using frontend::Patches;

/// One entry per spatial axis in each list; pads are the same on both sides.
struct SpatialWindow {
  llvm::SmallVector<int64_t> size, strides, pads, dilations;

  /// Positions of the window that fit `extents`.
  llvm::SmallVector<int64_t> countFloor(llvm::ArrayRef<int64_t> extents) const;
  /// The same for gatherPatches.
  frontend::ImageWindow toWindow() const {
    return {{size[0], size[1]}, {strides[0], strides[1]}, {dilations[0], dilations[1]}, {pads[0], pads[1]}};
  }
};

/// The window of `convolution_param` over the spatial axes of `x`; rejects the layer where it has none. Convolution.cpp
SpatialWindow readWindow(LayerBinder &layer, mlir::Value x);

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_WINDOWS_H
