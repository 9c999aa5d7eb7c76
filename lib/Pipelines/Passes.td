//===- Passes.td - the contract after each stage ---------------------------===//

#ifndef LIB_PIPELINES_PASSES_TD
#define LIB_PIPELINES_PASSES_TD

include "mlir/Pass/PassBase.td"

def VerifyStage : Pass<"verify-stage", "::mlir::ModuleOp"> {
  let summary = "Check that only the operations of a stage's contract are left";
  let description = [{
    Each stage promises to its successor which dialects and operations it leaves.
    An operation outside of the contract is an error at its location.
  }];
  let options = [
    Option<"stage", "stage", "std::string", /*default=*/"", "Name of the stage that has just ended">
  ];
}

#endif // LIB_PIPELINES_PASSES_TD
