// What is done to a module before it is written.
#ifndef LIB_EXPORT_ONNX_PREPARATION_H
#define LIB_EXPORT_ONNX_PREPARATION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc::onnx_export {

/// Removes operations whose results nobody uses, and transposes quantised weights before they become floats: a layer
/// finds its DequantizeLinear right in front of it, where ONNX Runtime looks for it.
void prepare(mlir::func::FuncOp main);

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_PREPARATION_H
