// What users call options.
#ifndef LIB_DRIVER_OPTIONNAMES_H
#define LIB_DRIVER_OPTIONNAMES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace nnc {

/// An error where one of the words of a command line, without the command, is an option that is not registered: with the
/// one that may be meant.
llvm::Error checkOptionNames(llvm::ArrayRef<const char *> words);

/// Reads the command line into the registered options; ends the process where it asks for help or the version. An error
/// where a value is none of its option's.
llvm::Error readOptions(int argc, char **argv, llvm::StringRef overview);

} // namespace nnc

#endif // LIB_DRIVER_OPTIONNAMES_H
