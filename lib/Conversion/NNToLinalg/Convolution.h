// What the lowerings of convolutions and transposed convolutions share.
#ifndef LIB_CONVERSION_NNTOLINALG_CONVOLUTION_H
#define LIB_CONVERSION_NNTOLINALG_CONVOLUTION_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// How the windows of a convolution kernel slide: one entry per spatial dimension.
struct ConvolutionWindows {
  llvm::ArrayRef<int64_t> strides, dilations, padsBegin, padsEnd;
  bool transposed;
};

/// Which filters there are: each output channel's of all inputs, each channel's of itself, or each plane's (see Planes.h).
enum class Filtering { Full, Depthwise, Planes };

/// A filter of static shape, (OC, C/G, K...) or, `transposed`, (C, OC/G, K...), in the order of kernel.conv. `op` knows
/// the target.
mlir::Value packFilter(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *op, mlir::Value filter, int64_t groups,
                       bool transposed);

/// kernel.conv, or kernel.depthwise, of `input` (N, spatial..., C) into `init`, with `bias` (one for each filter; null for
/// none) in its epilogue.
mlir::Value createConvolution(mlir::ImplicitLocOpBuilder &builder, mlir::Value input, mlir::Value filter,
                              mlir::Value bias, mlir::Value init, const ConvolutionWindows &windows,
                              Filtering filtering = Filtering::Full);

/// The extents of a result of `type`, channels last, of a convolution of `input`, channels last: spatial ones by
/// `count` of the spatial dimension and the input's extent. Null where the type knows them.
llvm::SmallVector<mlir::Value> getResultExtents(mlir::ImplicitLocOpBuilder &builder, mlir::Value input,
                                                mlir::RankedTensorType type,
                                                llvm::function_ref<mlir::Value(int64_t, mlir::Value)> count);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_CONVOLUTION_H
