// The TFLite frontend: a model in a FlatBuffer (.tflite) becomes a module of NN operations.
#ifndef LIB_FRONTEND_TFLITE_TFLITE_H
#define LIB_FRONTEND_TFLITE_TFLITE_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::tflite {

/// True where the file has TFLite's file identifier.
bool isTFLite(const frontend::ModelFile &file);

/// Imports a model. On failure every reason that could be found has been emitted as an error, one per operator.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, const frontend::ModelFile &file,
                                              const frontend::ImportOptions &options);

/// Prints one line `tflite OPERATOR 1` for each supported operator.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_TFLITE_H
