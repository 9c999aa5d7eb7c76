// Work that is done apart, for what may crash or never end.
#ifndef LIB_SUPPORT_CHILDPROCESS_H
#define LIB_SUPPORT_CHILDPROCESS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <string>

namespace nnc {

/// Where the child writes to.
using Sink = llvm::function_ref<void(llvm::StringRef bytes)>;

/// What a child may take: bytes beside what this process has (0 sets no limit), and seconds of processor time.
struct ChildLimits {
  size_t memory = 0;
  unsigned seconds = 60;
};

/// Runs `work` in a child process, without error output, and returns what it hands to the sink; an error where it
/// returns false, crashes, exceeds its limits, or writes more than `maxBytes`.
llvm::Expected<std::string> runInChild(llvm::function_ref<bool(Sink)> work, size_t maxBytes, ChildLimits limits = {});

} // namespace nnc

#endif // LIB_SUPPORT_CHILDPROCESS_H
