// Chooses the layout of every spatial operation: channels last, where one
// hardware vector holds neighbouring channels.
//
// Expects NN operations. Each operation with a `layout` of channels_first is
// rewritten between two transposes; sink-transposes then cancels most of them
// and moves the rest to the graph's boundary. Instance normalizations, pools, depthwise convolutions and transposed ones of few
// outputs whose transposes would stay keep their layout where they do as well with vectors of neighbouring pixels.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/TapProducts.h"
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

/// Whether the windows of a row that lie inside of the image are many enough for vectors of them, and those at its edges,
/// of `taps` elements each, which are computed one by one, take no longer than the transposes would. Nor may a row leave so much
/// of its vectors empty that many taps cost more than transposes.
static bool hasLongRows(Operation *op, int64_t taps) {
  constexpr int64_t leastPixels = 5, leastBetweenEdges = 16, mostStride = 4, tapsPerTransposedPixel = 2,
                    vectorTapsPerTransposedPixel = 2;
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.hasStaticShape() || !cast<RankedTensorType>(op->getOperand(0).getType()).hasStaticShape())
    return false;
  auto getLast = [&](StringRef name) { return op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef().back(); };
  int64_t stride = getLast("strides"), count = type.getShape().back();
  int64_t atEdges = 2 * llvm::divideCeil(std::max<int64_t>({getLast("pads_begin"), getLast("pads_end"), 0}), stride);
  if (stride > mostStride || count - atEdges < (atEdges ? leastBetweenEdges : leastPixels) ||
      atEdges * taps > tapsPerTransposedPixel * count)
    return false;
  int64_t lanes = kernel::getTarget(op).getLanes(type.getElementType()), inside = count - atEdges;
  int64_t vectors = inside / lanes + llvm::popcount(static_cast<uint64_t>(inside % lanes));
  return vectors * taps * lanes <= inside * (taps + vectorTapsPerTransposedPixel * lanes);
}

/// Whether `op` is as fast channels first, without transposes.
static bool takesPlanes(Operation *op) {
  if (isa<nn::InstanceNormOp>(op) || isProductOfTaps(op))
    return true;
  if (isa<nn::MaxPoolOp, nn::AvgPoolOp, nn::SumPoolOp>(op))
    return hasLongRows(op, ShapedType::getNumElements(op->getAttrOfType<DenseI64ArrayAttr>("window").asArrayRef()));
  auto conv = dyn_cast<nn::ConvOp>(op);
  if (!conv || conv.getGroups() == 1)
    return false;
  auto filter = cast<RankedTensorType>(conv.getFilter().getType());
  bool isDepthwise = filter.hasStaticShape() && filter.getDimSize(1) == 1 && filter.getDimSize(0) == static_cast<int64_t>(conv.getGroups());
  return isDepthwise && hasLongRows(op, ShapedType::getNumElements(filter.getShape().drop_front(2)));
}

namespace {

struct AssignLayoutsPass : public impl::AssignLayoutsBase<AssignLayoutsPass> {
  void runOnOperation() override {
    SmallVector<Operation *> spatial;
    getOperation()->walk([&](Operation *op) {
      auto layout = op->getAttrOfType<nn::LayoutAttr>("layout");
      if (isa_and_nonnull<nn::NNDialect>(op->getDialect()) && layout && layout.getValue() == nn::Layout::ChannelsFirst &&
          cast<RankedTensorType>(op->getOperand(0).getType()).getRank() > 2 &&
          !(takesPlanes(op) && standsAlone(op)))
        spatial.push_back(op);
    });
    OpBuilder builder(&getContext());
    for (Operation *op : spatial)
      makeChannelsLast(builder, op);
  }
};

} // namespace
} // namespace nnc
