// The ONNX frontend: a model file becomes a module of NN operations.
#ifndef LIB_FRONTEND_ONNX_ONNX_H
#define LIB_FRONTEND_ONNX_ONNX_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::onnx {

/// True where the file looks like an ONNX model, in its binary or its text form.
bool isOnnx(const frontend::ModelFile &file);

/// Imports `file` (binary or text form, external data beside it) into a module
/// with one function `@main`. On failure every reason that could be found has
/// been emitted as an error: one per unsupported node, with its name, operator
/// and version.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, const frontend::ModelFile &file,
                                              const frontend::ImportOptions &options);

/// Prints one line `domain operator since` for each supported operator.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_ONNX_H
