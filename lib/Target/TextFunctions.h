// The functions on strings that a compiled model calls (lib/Target/TextFunctions).
#ifndef LIB_TARGET_TEXTFUNCTIONS_H
#define LIB_TARGET_TEXTFUNCTIONS_H

#include "llvm/IR/Module.h"

namespace nnc {

/// Gives `module`, whose data layout is set, the functions on strings that it declares and does not have, and what those
/// call; internal ones, for its own target.
llvm::Error linkTextFunctions(llvm::Module &module);

} // namespace nnc

#endif // LIB_TARGET_TEXTFUNCTIONS_H
