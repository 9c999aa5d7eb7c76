// Convolutions whose weights for one register tile exceed the L2 cache become sums of convolutions by a few rows of the filter
// each: all pixels take those weights before the next ones are read.
//
// Expects NN operations. The sums are epilogues, which write over the sum before (update-in-place). Sums are rounded in
// another order.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_SPLITWINDOWS
#include "lib/Transforms/Passes.h.inc"

/// Into how many parts the rows of the filter are split; 1 where they fit the cache, or a few pixels read them.
static int64_t countParts(nn::ConvOp conv) {
  constexpr int64_t leastPixels = 8;
  auto filter = cast<RankedTensorType>(conv.getFilter().getType()), type = cast<RankedTensorType>(conv.getType());
  if (!filter.hasStaticShape() || !filter.getElementType().isF32() || filter.getNumElements() == 0)
    return 1;
  bool isLast = conv.getLayout() == nn::Layout::ChannelsLast;
  ArrayRef<int64_t> spatial = type.getShape().drop_front(isLast ? 1 : 2).drop_back(isLast ? 1 : 0);
  if (!ShapedType::isDynamicShape(spatial) && ShapedType::getNumElements(spatial) < leastPixels)
    return 1;
  kernel::TargetAttr target = kernel::getTarget(conv);
  int64_t outputs = filter.getDimSize(0) / static_cast<int64_t>(conv.getGroups());
  int64_t width = kernel::getTileWidth(target, outputs, filter.getElementType());
  int64_t panelBytes = ShapedType::getNumElements(filter.getShape().drop_front()) * width * static_cast<int64_t>(sizeof(float));
  int64_t cache = target.getL2Bytes();
  return panelBytes <= cache ? 1 : std::min<int64_t>(filter.getDimSize(2), llvm::divideCeil(panelBytes, cache / 2));
}

static Value createVector(ImplicitLocOpBuilder &builder, int64_t value) {
  auto type = RankedTensorType::get({1}, builder.getI64Type());
  return arith::ConstantOp::create(builder, DenseElementsAttr::get(type, ArrayRef<int64_t>(value)));
}

/// `conv` by the rows [begin, end) of its filter, without its bias.
static Value convolveRows(ImplicitLocOpBuilder &builder, nn::ConvOp conv, int64_t begin, int64_t end) {
  Value filter = nn::SliceOp::create(builder, conv.getFilter(), createVector(builder, begin), createVector(builder, end),
                                     /*steps=*/Value(), ArrayRef<int64_t>{2});
  int64_t rows = cast<RankedTensorType>(conv.getFilter().getType()).getDimSize(2), dilation = conv.getDilations()[0];
  SmallVector<int64_t> padsBegin(conv.getPadsBegin()), padsEnd(conv.getPadsEnd());
  padsBegin[0] -= begin * dilation;
  padsEnd[0] -= (rows - end) * dilation;
  auto part = cast<nn::ConvOp>(builder.clone(*conv));
  part.getFilterMutable().assign(filter);
  part.getBiasMutable().clear();
  part.setPadsBegin(padsBegin);
  part.setPadsEnd(padsEnd);
  return part;
}

static void split(nn::ConvOp conv, int64_t parts) {
  ImplicitLocOpBuilder builder(conv.getLoc(), conv);
  remark::passed(conv.getLoc(), about::algorithm)
      << remark::add("a sum of {0} convolutions by rows of the filter, whose weights the L2 cache holds", parts);
  int64_t rows = cast<RankedTensorType>(conv.getFilter().getType()).getDimSize(2);
  Value sum;
  for (int64_t part = 0; part < parts; ++part) {
    Value next = convolveRows(builder, conv, rows * part / parts, rows * (part + 1) / parts);
    sum = sum ? nn::AddOp::create(builder, next, sum).getResult() : next;
  }
  if (Value bias = conv.getBias()) {
    if (conv.getLayout() == nn::Layout::ChannelsFirst) {
      int64_t spatial = cast<RankedTensorType>(conv.getType()).getRank() - 2;
      bias = nn::UnsqueezeOp::create(builder, bias, llvm::to_vector(llvm::seq<int64_t>(1, spatial + 1)));
    }
    sum = nn::AddOp::create(builder, sum, bias);
  }
  conv.replaceAllUsesWith(sum);
  conv.erase();
}

namespace {

struct SplitWindowsPass : public impl::SplitWindowsBase<SplitWindowsPass> {
  void runOnOperation() override {
    SmallVector<nn::ConvOp> convolutions;
    getOperation()->walk([&](nn::ConvOp conv) { convolutions.push_back(conv); });
    for (nn::ConvOp conv : convolutions)
      if (int64_t parts = countParts(conv); parts > 1)
        split(conv, parts);
  }
};

} // namespace
} // namespace nnc
