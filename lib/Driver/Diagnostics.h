// How users see diagnostics.
#ifndef LIB_DRIVER_DIAGNOSTICS_H
#define LIB_DRIVER_DIAGNOSTICS_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/raw_ostream.h"

#include <string>

namespace nnc {

/// What it says, behind the layer's name where that is known.
std::string describeWithoutFile(const mlir::Diagnostic &diagnostic);

/// One line, and one for each of its notes.
void printDiagnostic(mlir::Diagnostic &diagnostic, llvm::raw_ostream &os);

} // namespace nnc

#endif // LIB_DRIVER_DIAGNOSTICS_H
