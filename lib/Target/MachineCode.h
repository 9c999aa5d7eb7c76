// LLVM IR in, machine code out: attributes, optimisation, emission.
#ifndef LIB_TARGET_MACHINECODE_H
#define LIB_TARGET_MACHINECODE_H

#include "llvm/IR/Module.h"
#include "llvm/Support/CodeGen.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace nnc {

/// Tells every function which CPU it is for, unless it has been told, and that it neither throws nor unwinds.
void setFunctionAttributes(llvm::Module &module, const llvm::TargetMachine &machine);
void setFunctionAttributes(llvm::Function &function, const llvm::TargetMachine &machine);

/// Adds local memcpy, memmove and memset, and what else the target's code generator may take for granted, so that the
/// object needs nobody's.
void addMemoryFunctions(llvm::Module &module);

/// Whether `module` is valid: where not, nnc has made a mistake.
llvm::Error verify(const llvm::Module &module);

/// Runs LLVM's optimiser. Its vectorisers stay off: loops arrive vectorised.
void optimize(llvm::Module &module, llvm::TargetMachine &machine, unsigned optLevel);

/// The machine code of `module` as an object or as assembly.
llvm::Expected<llvm::SmallVector<char, 0>> generateCode(llvm::Module &module, llvm::TargetMachine &machine,
                                                        llvm::CodeGenFileType kind);

} // namespace nnc

#endif // LIB_TARGET_MACHINECODE_H
