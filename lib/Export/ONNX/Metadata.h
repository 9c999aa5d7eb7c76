// What a module says of its inputs and outputs beside their types, as metadata_props (docs/Options.md, "Convert").
#ifndef LIB_EXPORT_ONNX_METADATA_H
#define LIB_EXPORT_ONNX_METADATA_H

#include "lib/Support/OnnxProto.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc::onnx_export {

/// Properties of a model: `nnc.preprocessing.INPUT`, `nnc.state.INPUT`, `nnc.labels.OUTPUT`, each one value of JSON.
void writeMetadata(::onnx::ModelProto &model, mlir::func::FuncOp main);

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_METADATA_H
