// Outputs that would do harm.
#ifndef LIB_DRIVER_OUTPUTCHECKS_H
#define LIB_DRIVER_OUTPUTCHECKS_H

#include "lib/Driver/CompileOptions.h"

#include "llvm/Support/Error.h"

namespace nnc {

/// Refuses outputs that cannot be written, those that would replace the model, a header or weights of the user's, or each
/// other, and code under the name of a source file.
llvm::Error checkOutputs(const CompileOptions &options);

/// Refuses outputs that would replace a file that the model was read from.
llvm::Error checkReplaced(const CompileOptions &options, llvm::ArrayRef<std::string> filesRead);

/// Where an ONNX file has its weights, if they are not in itself.
std::string getDataFile(llvm::StringRef output);

/// Refuses to replace a file there that is not the output's own: one that lies there without the output, or one of
/// those that the model was read from.
llvm::Error checkDataFile(llvm::StringRef output, llvm::ArrayRef<std::string> filesRead);

} // namespace nnc

#endif // LIB_DRIVER_OUTPUTCHECKS_H
