// The convolution that operators of several domains contain.
#ifndef LIB_FRONTEND_ONNX_CONVOLUTION_H
#define LIB_FRONTEND_ONNX_CONVOLUTION_H

#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// The convolution of operands 0 to 2 with the attributes of ONNX's Conv; null where the node is rejected.
mlir::Value buildConv(NodeBinder &node);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_CONVOLUTION_H
