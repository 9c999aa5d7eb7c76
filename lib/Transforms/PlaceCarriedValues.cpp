// What a loop carries from one iteration to the next stays in one buffer.
//
// Expects tensors. A value that a loop yields is put into the place of the value
// that it follows, so that bufferisation neither makes a new buffer in each
// iteration nor passes one on. Where the yielded value is another carried one
// (they change places), it is copied first.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_PLACECARRIEDVALUES
#include "lib/Transforms/Passes.h.inc"

/// The value that `value` is a view of.
static Value getViewed(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static void placeYielded(Operation *yield, ArrayRef<BlockArgument> carried) {
  OpBuilder builder(yield);
  SmallVector<Value> sources;
  for (auto [operand, argument] : llvm::zip_equal(yield->getOperands(), carried)) {
    Value viewed = getViewed(operand);
    bool isOther = operand != argument && llvm::is_contained(carried, viewed);
    if (isa<RankedTensorType>(operand.getType()) && isOther) {
      SmallVector<Value> sizes;
      auto copy = bufferization::AllocTensorOp::create(builder, yield->getLoc(),
                                                       cast<RankedTensorType>(operand.getType()), sizes, operand);
      sources.push_back(copy);
    } else {
      sources.push_back(operand);
    }
  }
  for (auto [i, source, argument] : llvm::enumerate(sources, carried))
    if (isa<RankedTensorType>(source.getType()) && source != argument)
      yield->setOperand(i, bufferization::MaterializeInDestinationOp::create(builder, yield->getLoc(),
                                                                             argument.getType(), source, argument)
                               .getResult());
}

namespace {

struct PlaceCarriedValuesPass : public impl::PlaceCarriedValuesBase<PlaceCarriedValuesPass> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (auto loop = dyn_cast<scf::ForOp>(op))
        placeYielded(loop.getBody()->getTerminator(), loop.getRegionIterArgs());
      else if (auto loop = dyn_cast<scf::WhileOp>(op))
        placeYielded(loop.getYieldOp(), SmallVector<BlockArgument>(loop.getAfterArguments()));
    });
  }
};

} // namespace
} // namespace nnc
