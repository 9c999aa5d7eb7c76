// Takes operations out of a function, one after the other, as long as a test
// script finds the module interesting (ends with code 1). Works on tensors of any
// dialect. For each operation, from the last to the first, it tries to return its
// results and drop all that follow; to put an operand in its place; to put zeros.
#include "tools/nnc-reduce/ReduceModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Reducer/Tester.h"

using namespace mlir;

namespace nnc {
namespace {

enum class Way { ReturnIt, UseOperand, UseZeros };

} // namespace

/// Makes the results of `op` those of its function.
static bool returnResults(Operation &op) {
  auto function = dyn_cast<func::FuncOp>(op.getParentOp());
  Operation *terminator = op.getBlock()->getTerminator();
  if (!function || op.getNumResults() == 0 || terminator->getOperands() == op.getResults())
    return false;
  terminator->setOperands(op.getResults());
  function.removeResAttrsAttr();
  function.setFunctionType(FunctionType::get(op.getContext(), function.getArgumentTypes(), op.getResultTypes()));
  return true;
}

/// Another value of the type of the one result of `op`; null where there is none.
static Value findSubstitute(Operation &op, Way way) {
  if (op.getNumResults() != 1 || op.hasTrait<OpTrait::ConstantLike>() || !isMemoryEffectFree(&op))
    return {};
  auto type = dyn_cast<RankedTensorType>(op.getResult(0).getType());
  if (!type)
    return {};
  if (way == Way::UseOperand) {
    for (Value operand : op.getOperands())
      if (operand.getType() == type && !matchPattern(operand, m_Constant()))
        return operand;
    return {};
  }
  OpBuilder builder(&op);
  TypedAttr zeros = type.hasStaticShape() ? builder.getZeroAttr(type) : TypedAttr();
  return zeros ? arith::ConstantOp::create(builder, op.getLoc(), zeros).getResult() : Value();
}

static void eraseDeadOperations(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// The operations that may be taken out.
static SmallVector<Operation *> listOperations(ModuleOp module) {
  SmallVector<Operation *> operations;
  for (auto function : module.getOps<func::FuncOp>())
    for (Block &block : function.getBody())
      for (Operation &op : block.without_terminator())
        operations.push_back(&op);
  return operations;
}

static bool change(Operation &op, Way way) {
  Block &block = *op.getBlock();
  if (way == Way::ReturnIt) {
    if (!returnResults(op))
      return false;
  } else {
    Value substitute = findSubstitute(op, way);
    if (!substitute)
      return false;
    op.getResult(0).replaceAllUsesWith(substitute);
  }
  eraseDeadOperations(block);
  return true;
}

namespace {

struct ReduceModelPass : PassWrapper<ReduceModelPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ReduceModelPass)

  ReduceModelPass() = default;
  ReduceModelPass(const ReduceModelPass &other) : PassWrapper(other) {}

  StringRef getArgument() const final { return "reduce-model"; }
  StringRef getDescription() const final { return "Take operations out while the test finds the module interesting"; }

  bool isInteresting(ModuleOp module) const {
    return Tester(test.getValue(), {}).isInteresting(module).first == Tester::Interestingness::True;
  }

  /// Applies the change in a copy, and keeps it where it is interesting.
  bool tryChange(size_t place, Way way) {
    OwningOpRef<ModuleOp> copy = getOperation().clone();
    if (!change(*listOperations(*copy)[place], way) || failed(verify(*copy)) || !isInteresting(*copy))
      return false;
    getOperation().getBodyRegion().takeBody(copy->getBodyRegion());
    return true;
  }

  void runOnOperation() override {
    if (!isInteresting(getOperation())) {
      getOperation().emitError("the test does not find this module interesting: its exit code is not 1");
      return signalPassFailure();
    }
    bool isSmaller = true;
    while (std::exchange(isSmaller, false))
      for (size_t place = listOperations(getOperation()).size(); place-- > 0;)
        for (Way way : {Way::ReturnIt, Way::UseOperand, Way::UseZeros})
          if (tryChange(place, way)) {
            isSmaller = true;
            place = std::min(place, listOperations(getOperation()).size());
            break;
          }
  }

  Option<std::string> test{*this, "test", llvm::cl::desc("Script that ends with code 1 for an interesting file")};
};

} // namespace

void registerReduceModel() { PassRegistration<ReduceModelPass>(); }

} // namespace nnc
