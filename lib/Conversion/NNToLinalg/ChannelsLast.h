// Spatial tensors in the order in which kernels read them: (N, spatial..., C).
#ifndef LIB_CONVERSION_NNTOLINALG_CHANNELSLAST_H
#define LIB_CONVERSION_NNTOLINALG_CHANNELSLAST_H

#include "dialects/NN/NN.h"
#include "dialects/NN/Window.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// `value` (in `layout`) with its channels last.
mlir::Value toChannelsLast(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, nn::Layout layout);

/// `value`, with channels last, in `layout` and with the extents that `type` knows.
mlir::Value fromChannelsLast(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::RankedTensorType type,
                             nn::Layout layout);

/// `type` (in `layout`) with its channels last.
mlir::RankedTensorType getChannelsLastType(mlir::RankedTensorType type, nn::Layout layout);

/// The number of windows over `extent` elements; with `ceil` as nn.max_pool counts them.
mlir::Value getWindowCount(mlir::ImplicitLocOpBuilder &builder, mlir::Value extent, const nn::Window &window,
                           bool ceil);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_CHANNELSLAST_H
