// What @main asserts of extents that data decide ends it early: it returns 0 where all
// of that holds, else 1, or 2 where what fails is marked `nn.error = "text"`.
// Expects control flow between blocks, no regions.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_RETURNONFAILEDCHECKS
#include "lib/Transforms/Passes.h.inc"

static void returnCode(OpBuilder &builder, Location loc, int64_t code) {
  func::ReturnOp::create(builder, loc, arith::ConstantIntOp::create(builder, loc, code, 32).getResult());
}

static int64_t getCode(cf::AssertOp check) { return check->hasAttr("nn.error") ? 2 : 1; }

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
    returnCode(builder, op.getLoc(), 0);
    op.erase();
  }
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), builder.getI32Type()));
  Block *failed[3] = {};
  for (cf::AssertOp check : checks) {
    Block *&leave = failed[getCode(check)];
    if (leave)
      continue;
    leave = builder.createBlock(&main.getBody(), main.getBody().end());
    returnCode(builder, main.getLoc(), getCode(check));
  }
  for (cf::AssertOp check : checks) {
    Block *block = check->getBlock(), *rest = block->splitBlock(check);
    builder.setInsertionPointToEnd(block);
    cf::CondBranchOp::create(builder, check.getLoc(), check.getArg(), rest, failed[getCode(check)]);
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
