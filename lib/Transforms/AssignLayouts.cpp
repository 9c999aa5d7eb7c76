// Chooses the layout of every spatial operation: channels last, where one
// hardware vector holds neighbouring channels.
//
// Expects NN operations. Each operation with a `layout` of channels_first is
// rewritten between two transposes; sink-transposes then cancels most of them
// and moves the rest to the graph's boundary. An instance normalization whose transposes would stay keeps its layout: it
// does as well with neighbouring pixels.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"
#include "lib/Transforms/LayoutNeighbours.h"
#include "lib/Transforms/Permutation.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_ASSIGNLAYOUTS
#include "lib/Transforms/Passes.h.inc"

/// The permutation of (N, C, spatial...) that gives (N, spatial..., C).
static SmallVector<int64_t> getToChannelsLast(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  for (int64_t i = 2; i < rank; ++i)
    permutation.push_back(i);
  permutation.push_back(1);
  return permutation;
}

/// A spatial operation's data are its first operand and its results; all else (filters, scales) has a layout of its own.
static void makeChannelsLast(OpBuilder &builder, Operation *op) {
  remark::passed(op->getLoc(), about::layout) << "channels last, so that a vector holds neighbouring channels";
  builder.setInsertionPoint(op);
  int64_t rank = cast<RankedTensorType>(op->getOperand(0).getType()).getRank();
  SmallVector<int64_t> toLast = getToChannelsLast(rank);
  op->setOperand(0, nn::TransposeOp::create(builder, op->getLoc(), op->getOperand(0), toLast));
  op->setAttr("layout", nn::LayoutAttr::get(op->getContext(), nn::Layout::ChannelsLast));
  builder.setInsertionPointAfter(op);
  for (OpResult result : op->getResults()) {
    result.setType(permuteType(cast<RankedTensorType>(result.getType()), toLast));
    auto back = nn::TransposeOp::create(builder, op->getLoc(), result, invertPermutationVector(toLast));
    result.replaceAllUsesExcept(back, back);
  }
}

namespace {

struct AssignLayoutsPass : public impl::AssignLayoutsBase<AssignLayoutsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> spatial;
    getOperation()->walk([&](Operation *op) {
      auto layout = op->getAttrOfType<nn::LayoutAttr>("layout");
      if (isa_and_nonnull<nn::NNDialect>(op->getDialect()) && layout && layout.getValue() == nn::Layout::ChannelsFirst &&
          cast<RankedTensorType>(op->getOperand(0).getType()).getRank() > 2 &&
          !(isa<nn::InstanceNormOp>(op) && standsAlone(op)))
        spatial.push_back(op);
    });
    OpBuilder builder(&getContext());
    for (Operation *op : spatial)
      makeChannelsLast(builder, op);
  }
};

} // namespace
} // namespace nnc
