// What an operator requires of values that only a run knows.
#ifndef LIB_FRONTEND_ONNX_RUNTIMECHECKS_H
#define LIB_FRONTEND_ONNX_RUNTIMECHECKS_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::onnx {

/// `x`; a run ends with an error where `condition` (one boolean, made of extents and of values of inputs) does not hold.
mlir::Value require(frontend::NodeBuilder &node, mlir::Value x, frontend::Expression condition);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_RUNTIMECHECKS_H
