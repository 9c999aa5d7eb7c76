// Checks that only the operations of a stage's contract are left.
#include "lib/Pipelines/Passes.h"
#include "lib/Pipelines/Stages.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_VERIFYSTAGE
#include "lib/Pipelines/Passes.h.inc"

/// Dialects and operations that a stage may leave.
static ArrayRef<StringRef> getContract(Stage stage) {
  static const StringRef nn[] = {"builtin", "func", "nn", "text", "arith.constant", "tensor.extract", "cf.assert"};
  static const StringRef tensors[] = {"builtin",        "func",        "kernel",       "linalg.fill", "linalg.generic",
                                      "linalg.index",   "linalg.yield", "tensor",      "arith",       "math",
                                      "scf",            "ub",           "bufferization", "cf.assert",
                                      "memref.load",   "memref.store", "memref.alloc",
                                      "memref.extract_aligned_pointer_as_index"};
  static const StringRef buffers[] = {"builtin",      "func",   "kernel", "linalg.fill", "linalg.generic", "linalg.index",
                                      "linalg.yield", "memref", "arith",  "math",        "scf",            "ub",
                                      "cf.assert"};
  static const StringRef loops[] = {"builtin", "func", "memref", "vector",         "arith",
                                    "math",    "scf",  "ub",     "kernel.bounded", "llvm.call_intrinsic", "cf.assert", "kernel.tile"};
  static const StringRef arena[] = {"builtin", "func", "memref", "vector",              "arith",
                                    "math",    "scf",  "ub",     "llvm.call_intrinsic", "cf.assert", "kernel.tile"};
  static const StringRef llvm[] = {"builtin.module", "llvm"};
  switch (stage) {
  case Stage::Import:
  case Stage::NN:
    return nn;
  case Stage::Tensors:
    return tensors;
  case Stage::Buffers:
    return buffers;
  case Stage::Loops:
    return loops;
  case Stage::Arena:
    return arena;
  case Stage::LLVM:
  case Stage::Object:
    return llvm;
  }
  llvm_unreachable("all stages are listed");
}

namespace {

struct VerifyStagePass : impl::VerifyStageBase<VerifyStagePass> {
  using VerifyStageBase::VerifyStageBase;

  void runOnOperation() override {
    std::optional<Stage> ended = parseStage(stage);
    if (!ended) {
      getOperation().emitError("there is no stage '") << stage << "'";
      return signalPassFailure();
    }
    ArrayRef<StringRef> contract = getContract(*ended);
    bool isBroken = false;
    getOperation().walk([&](Operation *op) {
      OperationName name = op->getName();
      StringRef family = name.getStringRef().split('_').first; // kernel.tile of kernel.tile_load
      if (llvm::is_contained(contract, name.getDialectNamespace()) || llvm::is_contained(contract, name.getStringRef()) ||
          llvm::is_contained(contract, family))
        return;
      op->emitError("'") << name << "' is left after stage '" << stage << "'";
      isBroken = true;
    });
    if (isBroken)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
} // namespace nnc
