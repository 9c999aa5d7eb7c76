// Where the largest elements of pools are.
#ifndef LIB_FRONTEND_ONNX_POOLINDICES_H
#define LIB_FRONTEND_ONNX_POOLINDICES_H

#include "lib/Frontend/ONNX/WindowAttributes.h"

namespace nnc::onnx {

/// For each element of `largest`, the result of a max pool of `input` (N, C, spatial...), the index of the first one
/// in its window (in row-major order) that it is, in the flattened input; with `isColumnMajor` spatial axes are
/// flattened in the opposite order.
mlir::Value buildPoolIndices(NodeBinder &node, mlir::Value input, mlir::Value largest, const WindowAttributes &window,
                             bool isColumnMajor);

/// The number of `type` that is not larger than any: it never is the largest of a window.
double getLeastNumber(mlir::Type type);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_POOLINDICES_H
