// Channels-first images as planes, (N * C, spatial..., 1): kernels take neighbouring pixels of one channel for vectors, and
// nothing is transposed.
#ifndef LIB_CONVERSION_NNTOLINALG_PLANES_H
#define LIB_CONVERSION_NNTOLINALG_PLANES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// (N, C, spatial...) as (N * C, spatial..., 1).
mlir::Value toPlanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value image);
mlir::RankedTensorType getPlanesType(mlir::RankedTensorType type);

/// `planes` as `type`, (N, C, spatial...), with as many images and channels as `image` has.
mlir::Value fromPlanes(mlir::ImplicitLocOpBuilder &builder, mlir::Value planes, mlir::Value image,
                       mlir::RankedTensorType type);

/// `parameter`, (..., C), once for each image of `image`, (N, C, spatial...): (..., N * C), one for each plane.
mlir::Value repeatPerImage(mlir::ImplicitLocOpBuilder &builder, mlir::Value parameter, mlir::Value image);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_PLANES_H
