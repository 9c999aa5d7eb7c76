// Convolutions with filters of which a run says the shape. The kernels of the NN
// dialect want it at compile time; here the image becomes a matrix with a column
// for each position of the result, which the filter is multiplied by: right for
// all extents, but with more memory and without a kernel's reuse.
#ifndef LIB_FRONTEND_ONNX_RUNTIMEFILTER_H
#define LIB_FRONTEND_ONNX_RUNTIMEFILTER_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// How a filter moves; one entry per spatial dimension, those that are expressions of one element.
struct RunTimeWindow {
  llvm::SmallVector<frontend::Expression> padsBegin, padsEnd;
  llvm::SmallVector<int64_t> strides, dilations;
  frontend::Expression groups;
};

/// The convolution of `x` (N, C, spatial...) by `filter` (M, C / groups, spatial...); `bias` (M) may be null.
frontend::Expression convolve(NodeBinder &node, frontend::Expression x, frontend::Expression filter,
                              frontend::Expression bias, const RunTimeWindow &window);

/// The convolution of integers that the attributes of ONNX's ConvInteger say, in i32; zero points broadcast or are null.
/// Null where the node is rejected.
mlir::Value buildRunTimeIntegerConv(NodeBinder &node, frontend::Expression x, mlir::Value xZero,
                                    frontend::Expression filter, mlir::Value filterZero);
/// ONNX's Conv and ConvTranspose of operands 0 to 2; null where the node is rejected.
mlir::Value buildRunTimeConv(NodeBinder &node);
mlir::Value buildRunTimeConvTranspose(NodeBinder &node);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_RUNTIMEFILTER_H
