// Weights past LLVM: the code generator would copy and hash every byte several
// times, so it sees an address only, and the bytes join the finished object.
#ifndef LIB_TARGET_WEIGHTSECTION_H
#define LIB_TARGET_WEIGHTSECTION_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace nnc {

/// Turns @weights of a module in the LLVM dialect into a declaration and returns its bytes, which the context keeps;
/// nothing where there are no weights. Takes those that are the caller's (see gather-weights) from the module.
llvm::ArrayRef<char> detachWeights(mlir::ModuleOp module);

/// After optimisation: defines the declared @weights as a placeholder at the start of `section`.
void placeWeights(llvm::Module &module, llvm::StringRef section);

/// Makes `weights` the contents of `section` in an ELF object that `placeWeights` prepared.
llvm::Error appendWeights(llvm::SmallVector<char, 0> &object, llvm::StringRef section, llvm::ArrayRef<char> weights);

} // namespace nnc

#endif // LIB_TARGET_WEIGHTSECTION_H
