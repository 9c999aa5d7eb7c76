// Windows that slide over the spatial axes of an image, as Keras describes them.
#ifndef LIB_FRONTEND_KERAS_WINDOWS_H
#define LIB_FRONTEND_KERAS_WINDOWS_H

#include "lib/Frontend/Keras/LayerBinder.h"

namespace nnc::keras {

struct Windows {
  nn::Layout layout;
  llvm::SmallVector<int64_t> sizes, strides, dilations, padsBegin, padsEnd;
};

/// The number of the first spatial axis.
inline int64_t getFirstSpatialAxis(nn::Layout layout) { return layout == nn::Layout::ChannelsFirst ? 2 : 1; }
inline int64_t getChannelAxis(nn::Layout layout, int64_t rank) {
  return layout == nn::Layout::ChannelsFirst ? 1 : rank - 1;
}

/// Fills the pads that `padding` (valid, same, causal) means for windows over x. Rejects the layer where they depend on
/// an extent that is known at run time only.
void setPads(LayerBinder &layer, mlir::Value x, llvm::StringRef padding, Windows &windows);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_WINDOWS_H
