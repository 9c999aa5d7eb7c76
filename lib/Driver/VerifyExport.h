// Whether a converted model computes what the one does that it was made of.
#ifndef LIB_DRIVER_VERIFYEXPORT_H
#define LIB_DRIVER_VERIFYEXPORT_H

#include "lib/Driver/RandomRuns.h"
#include "lib/Export/ONNX/Export.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc {

/// The largest error of an output that `--verify` takes, of the output's largest magnitude; 2^-9 of f16, 2^-6 of bf16,
/// and integers and booleans must be equal.
inline constexpr double defaultVerifyTolerance = 1e-4;

/// What was exported, as it will lie in its files.
struct ExportedFiles {
  llvm::StringRef bytes, data; ///< as onnx_export::ExportedModel
  llvm::StringRef dataFile;    ///< the second file's name
};

/// How exported models are verified.
struct VerifyOptions {
  double tolerance = defaultVerifyTolerance;
  CompileFunction compile;
  llvm::ArrayRef<NamedFile> inputs; ///< those not named there are random
  int64_t stringSpace = CompileOptions().stringSpace, maxPieces = CompileOptions().maxPieces;
};

/// Compiles the module (the stage `import`) and the ONNX model that was exported from it, runs both on the same
/// inputs, and prints which extents were chosen (32, of those known at run time only) and the difference of each output.
/// An error where one differs by more than the tolerance allows, which names the first tensor on the way that does, or where
/// the models cannot be run. `integers`, if not null, is the same model in the arithmetic of the format's own kernels: how
/// far outputs are from its outputs is printed too.
llvm::Error verifyExport(mlir::ModuleOp module, mlir::ModuleOp integers, const ExportedFiles &exported,
                         const onnx_export::ExportSummary &summary, const VerifyOptions &options, llvm::raw_ostream &os);

} // namespace nnc

#endif // LIB_DRIVER_VERIFYEXPORT_H
