// The libccv frontend: a convolutional network in an SQLite file becomes a module of NN operations.
#ifndef LIB_FRONTEND_CCV_CCV_H
#define LIB_FRONTEND_CCV_CCV_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::ccv {

/// True where the file is an SQLite database.
bool isCcv(const frontend::ModelFile &file);

/// Imports what ccv_convnet_encode computes: the layers without the subtraction of the mean, crops and softmax of
/// ccv_convnet_classify. The input is (images, rows, columns, channels). On failure every reason that could be found
/// has been emitted as an error.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, const frontend::ModelFile &file,
                                              const frontend::ImportOptions &options);

/// Prints one line `ccv layer 1` for each supported layer.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::ccv

#endif // LIB_FRONTEND_CCV_CCV_H
