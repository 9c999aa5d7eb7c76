// What every reader owes, whatever a file says: a module that verifies, or null behind an error.
#ifndef TEST_FUZZ_IMPORT_H
#define TEST_FUZZ_IMPORT_H

#include "lib/Frontend/Import/ImportOptions.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/IR/Verifier.h"

#include <cstdlib>
#include <memory>

namespace nnc::fuzz {

/// A context for some runs: to load all dialects takes longer than most files, and what modules leave in it adds up.
inline mlir::MLIRContext &getContext() {
  static std::unique_ptr<mlir::MLIRContext> context;
  static unsigned numRuns = 0;
  if (numRuns++ % 256 == 0)
    context = std::make_unique<mlir::MLIRContext>(mlir::MLIRContext::Threading::DISABLED);
  return *context;
}

using Importer =
    llvm::function_ref<mlir::OwningOpRef<mlir::ModuleOp>(mlir::MLIRContext &, const frontend::ImportOptions &)>;

/// Ends the process where the importer returns what it must not.
inline void checkImport(Importer importer, frontend::ImportOptions options = {}) {
  mlir::MLIRContext &context = getContext();
  bool isTold = false;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    isTold |= diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error;
    return mlir::success();
  });
  options.name = "fuzzed";
  mlir::OwningOpRef<mlir::ModuleOp> module = importer(context, options);
  if (module ? failed(verify(*module)) : !isTold)
    abort();
}

} // namespace nnc::fuzz

#endif // TEST_FUZZ_IMPORT_H
