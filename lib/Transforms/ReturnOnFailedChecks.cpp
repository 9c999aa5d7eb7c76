// What @main asserts of extents that data decide ends it early: it returns whether
// all of that holds.
// Expects control flow between blocks, no regions.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_RETURNONFAILEDCHECKS
#include "lib/Transforms/Passes.h.inc"

static void returnFlag(OpBuilder &builder, Location loc, bool holds) {
  func::ReturnOp::create(builder, loc, arith::ConstantIntOp::create(builder, loc, holds, 1).getResult());
}

static void returnOnFailedChecks(func::FuncOp main) {
  SmallVector<cf::AssertOp> checks;
  main.walk([&](cf::AssertOp check) { checks.push_back(check); });
  if (checks.empty())
    return;
  OpBuilder builder(main.getContext());
  SmallVector<func::ReturnOp> returns;
  main.walk([&](func::ReturnOp op) { returns.push_back(op); });
  for (func::ReturnOp op : returns) {
    builder.setInsertionPoint(op);
    returnFlag(builder, op.getLoc(), true);
    op.erase();
  }
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), builder.getI1Type()));
  Block *failed = builder.createBlock(&main.getBody(), main.getBody().end());
  returnFlag(builder, main.getLoc(), false);
  for (cf::AssertOp check : checks) {
    Block *block = check->getBlock(), *rest = block->splitBlock(check);
    builder.setInsertionPointToEnd(block);
    cf::CondBranchOp::create(builder, check.getLoc(), check.getArg(), rest, failed);
    check.erase();
  }
}

namespace {

struct ReturnOnFailedChecksPass : public impl::ReturnOnFailedChecksBase<ReturnOnFailedChecksPass> {
  void runOnOperation() override {
    if (auto main = getOperation().lookupSymbol<func::FuncOp>("main"); main && !main.isExternal())
      returnOnFailedChecks(main);
  }
};

} // namespace
} // namespace nnc
