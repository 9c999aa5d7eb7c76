// Assertions about extents leave @main for a function that the entry points call
// before it; those about extents that data decide, or in a branch that data decide, stay
// where they are.
#include "lib/Transforms/ExtentFunctions.h"
#include "lib/Transforms/LikelyExtents.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/SizeExpressions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_OUTLINEEXTENTCHECKS
#include "lib/Transforms/Passes.h.inc"

/// Whether the assertion holds or is in a branch that is not taken, or a loop that does not run; null where data decide
/// a branch. A loop whose length depends on data counts as running.
static Value buildCheck(SizeExpressions &sizes, cf::AssertOp assertion, OpBuilder &builder) {
  Value holds = sizes.rebuildQuietly(assertion.getArg(), builder);
  Location loc = assertion.getLoc();
  Value yes = arith::ConstantIntOp::create(builder, loc, 1, 1);
  for (Operation *op = assertion; holds && op->getParentOp(); op = op->getParentOp()) {
    if (auto branch = dyn_cast<scf::IfOp>(op->getParentOp())) {
      Value isThen = sizes.rebuildQuietly(branch.getCondition(), builder);
      if (!isThen)
        return {};
      bool inThen = op->getParentRegion() == &branch.getThenRegion();
      holds = builder.createOrFold<arith::SelectOp>(loc, isThen, inThen ? holds : yes, inThen ? yes : holds);
    } else if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp())) {
      Value upper = sizes.rebuildQuietly(loop.getUpperBound(), builder);
      Value lower = upper ? sizes.rebuildQuietly(loop.getLowerBound(), builder) : Value();
      if (!lower)
        continue;
      Value runs = builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt, lower, upper);
      holds = builder.createOrFold<arith::SelectOp>(loc, runs, holds, yes);
    }
  }
  return holds;
}

static LogicalResult outlineChecks(func::FuncOp main) {
  SmallVector<cf::AssertOp> assertions;
  main.walk([&](cf::AssertOp assertion) { assertions.push_back(assertion); });
  if (assertions.empty())
    return success();
  OpBuilder builder(main.getContext());
  func::FuncOp function = createExtentFunction(main, "main_extents_fit", builder.getI1Type());
  builder.setInsertionPointToStart(&function.getBody().front());
  SizeExpressions sizes = getSizesIn(function, main);
  Value fits;
  for (cf::AssertOp assertion : assertions) {
    Value holds = buildCheck(sizes, assertion, builder);
    if (assertion->hasAttr("nn.indispensable") && (!holds || matchPattern(holds, m_Zero())))
      return assertion.emitError(assertion.getMsg());
    if (holds && matchPattern(holds, m_Zero()))
      return assertion.emitError("no extents of the inputs fit: ") << assertion.getMsg();
    if (!holds)
      continue; // only the run will tell
    if (!matchPattern(holds, m_One()))
      fits = fits ? builder.createOrFold<arith::AndIOp>(assertion.getLoc(), fits, holds) : holds;
    assertion.erase();
  }
  if (!fits) {
    function.erase();
    return success();
  }
  func::ReturnOp::create(builder, main.getLoc(), fits);
  recordLikelyExtent(main, function);
  return success();
}

namespace {

struct OutlineExtentChecksPass : public impl::OutlineExtentChecksBase<OutlineExtentChecksPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (main && main.getBody().hasOneBlock() && failed(outlineChecks(main)))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
