// The Caffe frontend: a network (.prototxt) and its weights (.caffemodel) become a module of NN operations.
#ifndef LIB_FRONTEND_CAFFE_CAFFE_H
#define LIB_FRONTEND_CAFFE_CAFFE_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::caffe {

/// True where the file looks like a network in text form or in binary form.
bool isCaffe(const frontend::ModelFile &file);

/// The other file of the pair: the .caffemodel beside a .prototxt, or the other way round.
std::string findCompanion(const frontend::ModelFile &file);

/// Imports one file (a .prototxt without weights, or a .caffemodel, which holds its network as well) or both, in any
/// order. On failure every reason that could be found has been emitted as an error, one per layer.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, llvm::ArrayRef<frontend::ModelFile> files,
                                              const frontend::ImportOptions &options);

/// Prints one line `caffe type 2` for each supported layer type.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_CAFFE_H
