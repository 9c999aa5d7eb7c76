// The darknet frontend: a network (.cfg) and its weights (.weights) become a module of NN operations.
#ifndef LIB_FRONTEND_DARKNET_DARKNET_H
#define LIB_FRONTEND_DARKNET_DARKNET_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::darknet {

/// True where the file is a network's text, or begins as a file of weights.
bool isDarknet(const frontend::ModelFile &file);

/// The other file of the pair: the .weights beside a .cfg, or the other way round.
std::string findCompanion(const frontend::ModelFile &file);

/// Imports a .cfg, with its .weights where its layers need any, in any order. On failure every reason that could be
/// found has been emitted as an error, one per layer. Recurrent state is inputs and outputs of its own.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, llvm::ArrayRef<frontend::ModelFile> files,
                                              const frontend::ImportOptions &options);

/// Prints one line `darknet section 1` for each supported section.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::darknet

#endif // LIB_FRONTEND_DARKNET_DARKNET_H
