// The ONNX frontend: a model file becomes a module of NN operations.
#ifndef LIB_FRONTEND_ONNX_ONNX_H
#define LIB_FRONTEND_ONNX_ONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::onnx {

/// Extents that the user fixes (`--shape`).
struct ShapeOverrides {
  llvm::StringMap<llvm::SmallVector<int64_t>> inputs; ///< whole shapes, by input name
  llvm::StringMap<int64_t> symbols;                   ///< single extents, by symbol (`dim_param`)
};

struct ImportOptions {
  std::string name; ///< of the model; empty: made from the file's name
  ShapeOverrides shapes;
};

/// True where the file looks like an ONNX model, in its binary or its text form.
bool isOnnxFile(llvm::StringRef path);

/// Reads `path` (binary or text form, external data beside it) into a module
/// with one function `@main`. On failure every reason that could be found has
/// been emitted as an error: one per unsupported node, with its name, operator
/// and version.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, llvm::StringRef path,
                                              const ImportOptions &options);

/// Prints one line `domain operator since` for each supported operator.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_ONNX_H
