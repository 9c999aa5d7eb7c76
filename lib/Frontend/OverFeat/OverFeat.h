// The OverFeat frontend: the weights of one of its two published networks become a module of NN operations.
#ifndef LIB_FRONTEND_OVERFEAT_OVERFEAT_H
#define LIB_FRONTEND_OVERFEAT_OVERFEAT_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc::overfeat {

/// True where the file has the size of the weights of a network: they have no header.
bool isOverFeat(const frontend::ModelFile &file);

/// Imports the network whose weights are as many as the file has, from a normalised image (images, channels, rows,
/// columns) to the scores in front of the softmax. Larger images (`--shape`) give a map of scores.
mlir::OwningOpRef<mlir::ModuleOp> importModel(mlir::MLIRContext &context, const frontend::ModelFile &file,
                                              const frontend::ImportOptions &options);

/// Prints one line `overfeat network 1` for each network.
void printSupportedOps(llvm::raw_ostream &os);

} // namespace nnc::overfeat

#endif // LIB_FRONTEND_OVERFEAT_OVERFEAT_H
