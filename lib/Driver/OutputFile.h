// Output files that exist only once they are complete.
#ifndef LIB_DRIVER_OUTPUTFILE_H
#define LIB_DRIVER_OUTPUTFILE_H

#include "mlir/IR/Location.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc {

/// Calls `write` with a temporary file beside `path` and renames it to `path`;
/// `-` is the standard output. Failures are errors at `loc` and leave no file.
llvm::LogicalResult writeFile(llvm::StringRef path, mlir::Location loc,
                              llvm::function_ref<void(llvm::raw_ostream &)> write);

} // namespace nnc

#endif // LIB_DRIVER_OUTPUTFILE_H
