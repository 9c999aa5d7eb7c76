// How long each layer takes.
#ifndef TOOLS_NNC_RUN_PROFILE_H
#define TOOLS_NNC_RUN_PROFILE_H

#include "nnc/Runtime.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc {

/// Runs `body` for about a second after a warm-up, and prints a row for each layer of `profile`: its time in one run, its
/// share, and multiply-adds per second where they are known.
llvm::Error printProfile(llvm::function_ref<llvm::Error()> body, const nnc_profile &profile, llvm::raw_ostream &os);

} // namespace nnc

#endif // TOOLS_NNC_RUN_PROFILE_H
