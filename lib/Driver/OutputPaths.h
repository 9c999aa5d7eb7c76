// Where the files of a compilation may go.
#ifndef LIB_DRIVER_OUTPUTPATHS_H
#define LIB_DRIVER_OUTPUTPATHS_H

#include "lib/Driver/CompileOptions.h"

#include "llvm/Support/Error.h"

namespace nnc {

/// Refuses outputs that cannot be written, and those that would replace the model, a header or weights of the user's, or
/// each other.
llvm::Error checkOutputs(const CompileOptions &options);

} // namespace nnc

#endif // LIB_DRIVER_OUTPUTPATHS_H
