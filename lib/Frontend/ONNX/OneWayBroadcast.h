// Operands that broadcast to another one, which must not broadcast to them.
#ifndef LIB_FRONTEND_ONNX_ONEWAYBROADCAST_H
#define LIB_FRONTEND_ONNX_ONEWAYBROADCAST_H

#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// `result`, a broadcast of `target` with others, which must have the target's shape: rejects the node where it has
/// another one; what cannot be seen is required at run time.
mlir::Value keepShape(NodeBinder &node, mlir::Value result, mlir::Value target);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_ONEWAYBROADCAST_H
