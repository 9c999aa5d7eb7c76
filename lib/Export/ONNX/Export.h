// Writes NN operations as an ONNX model: what makes nnc a converter.
#ifndef LIB_EXPORT_ONNX_EXPORT_H
#define LIB_EXPORT_ONNX_EXPORT_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace nnc::onnx_export {

/// The opset versions that can be written.
constexpr int64_t leastOpset = 13, defaultOpset = 18, greatestOpset = 21;

struct ExportOptions {
  int64_t opset = defaultOpset;
  std::string producerVersion;
};

/// What was written, for people.
struct ExportSummary {
  int64_t nodes = 0;
  int64_t transposes = 0; ///< of them
};

/// @main of a module of NN operations (the stage `import`) as a binary ONNX model.
/// Fails after one diagnostic for each operation that ONNX cannot express.
llvm::FailureOr<std::string> exportModel(mlir::ModuleOp module, const ExportOptions &options, ExportSummary &summary);

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_EXPORT_H
