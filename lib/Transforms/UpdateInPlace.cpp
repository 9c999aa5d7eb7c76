// Lets a product or convolution write its result over what its epilogue reads: a residual addition changes its operand.
//
// Expects kernels on memrefs. Bufferisation cannot decide this, since for it the whole kernel reads and writes. But each
// element of the result is computed in registers and stored once, behind the read of the epilogue's element at the same
// place. That saves memory, and lines are written that the cache has just read.
#include "dialects/Kernel/Kernel.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_UPDATEINPLACE
#include "lib/Transforms/Passes.h.inc"

/// Whether `op` may give a buffer that it uses another name: a branch, a loop, a choice.
static bool mayRename(Operation *op) {
  return op->hasTrait<OpTrait::IsTerminator>() || llvm::any_of(op->getResultTypes(), llvm::IsaPred<MemRefType>);
}

/// Whether `check` holds for each use of `buffer` or of a view of it but those that make a view, and it has no other name.
static bool allUses(Value buffer, llvm::function_ref<bool(OpOperand &)> check) {
  return llvm::all_of(buffer.getUses(), [&](OpOperand &use) {
    auto view = dyn_cast<ViewLikeOpInterface>(use.getOwner());
    if (view && view.getViewSource() == buffer)
      return allUses(view.getViewDest(), check);
    return !mayRename(use.getOwner()) && check(use);
  });
}

/// Whether `kernel` is the last that uses `buffer`, as one operand.
static bool endsAt(memref::AllocOp buffer, Operation *kernel) {
  return llvm::count(kernel->getOperands(), buffer.getResult()) == 1 && allUses(buffer, [&](OpOperand &use) {
           if (use.getOwner() == kernel)
             return use.get() == buffer.getResult();
           Operation *user = kernel->getBlock()->findAncestorOpInBlock(*use.getOwner());
           return user && user->isBeforeInBlock(kernel);
         });
}

/// Whether nobody uses `buffer` before `kernel`.
static bool beginsAt(memref::AllocOp buffer, Operation *kernel) {
  return allUses(buffer, [&](OpOperand &use) {
    Operation *user = kernel->getBlock()->findAncestorOpInBlock(*use.getOwner());
    return user && (user == kernel || kernel->isBeforeInBlock(user));
  });
}

/// Whether `map` takes each index of `shape` to itself.
static bool isElementwise(AffineMap map, ArrayRef<int64_t> shape) {
  return map.getNumResults() == shape.size() && llvm::all_of(llvm::enumerate(map.getResults()), [&](auto result) {
           auto dim = dyn_cast<AffineDimExpr>(result.value());
           return dim ? dim.getPosition() == result.index() : shape[result.index()] == 1;
         });
}

/// The buffer that the result of `kernel` can lie in: an epilogue input of its shape, read element by element, that nobody
/// needs any more.
static memref::AllocOp findOperand(kernel::EpilogueOpInterface kernel, memref::AllocOp result) {
  for (auto [input, map] : llvm::zip(kernel.getEpilogueInputs(), kernel.getEpilogueMaps().getAsValueRange<AffineMapAttr>())) {
    auto operand = Value(input).getDefiningOp<memref::AllocOp>();
    if (operand && operand != result && operand.getType() == result.getType() && operand.getType().hasStaticShape() &&
        isElementwise(map, operand.getType().getShape()) && operand->getBlock() == kernel->getBlock() && endsAt(operand, kernel))
      return operand;
  }
  return {};
}

namespace {

struct UpdateInPlacePass : public impl::UpdateInPlaceBase<UpdateInPlacePass> {
  void runOnOperation() override {
    getOperation()->walk([](kernel::EpilogueOpInterface kernel) {
      if (!isa<kernel::ContractOp, kernel::ConvOp, kernel::WinogradOp>(kernel))
        return;
      Value init = cast<DestinationStyleOpInterface>(kernel.getOperation()).getDpsInits()[0];
      auto result = init.getDefiningOp<memref::AllocOp>();
      if (!result || result->getBlock() != kernel->getBlock() || !beginsAt(result, kernel))
        return;
      if (memref::AllocOp operand = findOperand(kernel, result)) {
        if (result->isBeforeInBlock(operand))
          operand->moveBefore(result);
        result.getResult().replaceAllUsesWith(operand.getResult());
        result.erase();
      }
    });
  }
};

} // namespace
} // namespace nnc
