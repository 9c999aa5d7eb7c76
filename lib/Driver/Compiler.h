// From a model file to the files that the options ask for.
#ifndef LIB_DRIVER_COMPILER_H
#define LIB_DRIVER_COMPILER_H

#include "lib/Driver/CompileOptions.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/LogicalResult.h"

namespace nnc {

/// Compiles the model in `options.inputs`. Failures have been printed on the standard error
/// stream, and have left no output file.
llvm::LogicalResult compileModel(const CompileOptions &options);

/// The same without a word; failures are errors that say the first reason, without the file's name.
llvm::Error compileQuietly(const CompileOptions &options);

} // namespace nnc

#endif // LIB_DRIVER_COMPILER_H
