// What is wrong with a choice of target and CPUs, before anything is compiled for it.
#ifndef LIB_TARGET_TARGETCHECKS_H
#define LIB_TARGET_TARGETCHECKS_H

#include "lib/Target/TargetOptions.h"

#include "llvm/Support/Error.h"

namespace nnc {

/// An error where `options` name a target, a CPU or a feature that there is not, or that do not go together.
llvm::Error checkTarget(const TargetOptions &options);

/// An error where this process cannot run code for `options`: they name another machine, or a CPU with more instructions
/// than this one has. Of several CPUs one will do, whichever it is is found at run time.
llvm::Error checkRunsHere(const TargetOptions &options);

} // namespace nnc

#endif // LIB_TARGET_TARGETCHECKS_H
