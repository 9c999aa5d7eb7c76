// Work that is done apart, for what may crash or never end.
#ifndef LIB_SUPPORT_CHILDPROCESS_H
#define LIB_SUPPORT_CHILDPROCESS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nnc {

/// Where the child writes to.
using Sink = llvm::function_ref<void(llvm::StringRef bytes)>;

/// Runs `work` in a child process, with a limit on its time and without error output, and returns what it hands to the
/// sink; an error where it returns false, crashes, or writes more than `maxBytes`. It may take `maxMemory` bytes beside
/// what this process has; 0 sets no limit.
llvm::Expected<std::string> runInChild(llvm::function_ref<bool(Sink)> work, size_t maxBytes, size_t maxMemory = 0);

} // namespace nnc

#endif // LIB_SUPPORT_CHILDPROCESS_H
