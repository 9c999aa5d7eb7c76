// Writes NN operations as an ONNX model: what makes nnc a converter.
#ifndef LIB_EXPORT_ONNX_EXPORT_H
#define LIB_EXPORT_ONNX_EXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nnc::onnx_export {

/// The opset versions that can be written.
constexpr int64_t leastOpset = 13, defaultOpset = 18, greatestOpset = 21;

struct ExportOptions {
  int64_t opset = defaultOpset;
  std::string producerVersion;
  bool hasExternalData = false; ///< as a model above 2 GiB has anyway
  std::string dataFile;         ///< the name that the second file will have, beside the first
};

/// The files of a model.
struct ExportedModel {
  std::string bytes;
  std::string data; ///< of large weights, for the second file; empty: there is none
};

/// A value of the module in the file.
struct ExportedTensor {
  mlir::Value value;
  std::string name; ///< in the file
};

/// What was written.
struct ExportSummary {
  int64_t nodes = 0;
  int64_t transposes = 0;              ///< of them
  std::vector<ExportedTensor> tensors; ///< results of the operations in @main, in their order, that the file has too
};

/// @main of a module of NN operations (the stage `import`), which is simplified before, as a binary ONNX model.
/// Fails after one diagnostic for each operation that ONNX cannot express.
llvm::FailureOr<ExportedModel> exportModel(mlir::ModuleOp module, const ExportOptions &options, ExportSummary &summary);

/// The model `bytes` with these tensors as its outputs, instead of its own.
llvm::Expected<std::string> replaceOutputs(llvm::StringRef bytes, llvm::ArrayRef<ExportedTensor> tensors);

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_EXPORT_H
