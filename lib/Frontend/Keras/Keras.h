// The Keras frontend: a model saved as HDF5 (.h5 of Keras 2, tf.keras and 3) or as an archive (.keras) becomes a module
// of NN operations.
#ifndef LIB_FRONTEND_KERAS_KERAS_H
#define LIB_FRONTEND_KERAS_KERAS_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::keras {

/// True where the file is HDF5, or a zip archive that has the files of a Keras model.
bool isKeras(const frontend::ModelFile &file);

/// Imports one file. On failure every reason that could be found has been emitted as an error, one per layer.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, const frontend::ModelFile &file,
                                              const frontend::ImportOptions &options);

/// Prints one line `keras class 1` for each supported layer class, `keras.ops` for operations without a layer.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_KERAS_H
