// From a module in the LLVM dialect to files: object, assembly, LLVM IR, static
// or shared library, with the C header and the report beside it.
#ifndef LIB_TARGET_EMIT_H
#define LIB_TARGET_EMIT_H

#include "lib/Analysis/NetworkFacts.h"
#include "lib/Target/CpuDispatch.h"
#include "lib/Target/ModelInterface.h"
#include "lib/Target/TargetOptions.h"

#include "mlir/IR/BuiltinOps.h"

namespace nnc {

/// What is known about a model only once its code exists. All in bytes.
struct EmittedSizes {
  int64_t code = 0;
  int64_t weights = 0;        ///< in the object, or of the file
  int64_t workspace = 0;      ///< of a static model
  int64_t workspaceBound = 0; ///< lower bound of the workspace: the largest sum of live buffers
  int64_t stack = 0;          ///< worst case over the call tree; -1 where it is not known
  int64_t object = 0;
  std::string stackUnknown; ///< why it is not
  std::string weightsHash; ///< of weights in a file of their own: SHA-256, in hexadecimal
};

/// The model in the LLVM dialect, for one CPU.
struct ModelCode {
  mlir::ModuleOp module;
  CpuVariant cpu;
};

/// Writes what `output` asks for: optimises, generates machine code, checks the
/// object's undefined symbols, writes header and report. Failures are emitted as
/// errors at a module, and leave no output file behind. `times`, where given,
/// goes into the report and gains this function's own phases; so does `network`. `codes` is not empty;
/// of several, the last has the weights of all, which the others declare, and the report is about that one.
llvm::LogicalResult emitModel(llvm::ArrayRef<ModelCode> codes, const ModelInterface &interface,
                              const OutputOptions &output, std::vector<StageTime> *times = nullptr,
                              const NetworkFacts &network = {});

/// The memory plan that plan-memory left on `module`, as a table for people
/// (`--print-memory-plan`).
void printMemoryPlan(mlir::ModuleOp module, llvm::raw_ostream &os);

} // namespace nnc

#endif // LIB_TARGET_EMIT_H
