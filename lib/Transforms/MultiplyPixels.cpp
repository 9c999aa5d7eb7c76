// Pointwise convolutions that stand alone become products of matrices: filter times image, channels first as it is.
//
// Expects NN operations, before layouts are assigned. Between two other spatial operations a convolution is best
// channels-last, like all of them. One whose image comes from elsewhere and goes elsewhere would be transposed there and
// back, which for few channels takes longer than the convolution.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"
#include "lib/Transforms/LayoutNeighbours.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_MULTIPLYPIXELS
#include "lib/Transforms/Passes.h.inc"

/// With fewer pixels the last panel's empty columns cost more than the transposes.
static constexpr int64_t fewestPixels = 128;

static bool areAll(ArrayRef<int64_t> values, int64_t value) {
  return llvm::all_of(values, [value](int64_t other) { return other == value; });
}

/// Whether each output pixel is of one input pixel, and all extents but the batch are known.
static bool isPointwise(nn::ConvOp conv) {
  auto input = cast<RankedTensorType>(conv.getInput().getType()), filter = cast<RankedTensorType>(conv.getFilter().getType());
  auto output = cast<RankedTensorType>(conv.getType());
  if (conv.getLayout() != nn::Layout::ChannelsFirst || !isa<FloatType>(input.getElementType()) || !filter.hasStaticShape() ||
      ShapedType::isDynamicShape(input.getShape().drop_front()) || ShapedType::isDynamicShape(output.getShape().drop_front()))
    return false;
  return input.getRank() > 2 && areAll(filter.getShape().drop_front(2), 1) && areAll(conv.getPadsBegin(), 0) &&
         areAll(conv.getPadsEnd(), 0) && filter.getNumElements() != 0 &&
         ShapedType::getNumElements(output.getShape().drop_front(2)) >= fewestPixels;
}

static Value createShape(ImplicitLocOpBuilder &builder, ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getI64Type());
  return arith::ConstantOp::create(builder, DenseElementsAttr::get(type, values));
}

/// A batch that only run time knows stays as it is.
static Value reshape(ImplicitLocOpBuilder &builder, Value value, SmallVector<int64_t> shape) {
  if (ShapedType::isDynamic(shape[0]))
    shape[0] = 0;
  return nn::ReshapeOp::create(builder, value, createShape(builder, shape), /*allow_zero=*/false);
}

/// The pixels that a convolution with strides reads.
static Value takePixels(ImplicitLocOpBuilder &builder, nn::ConvOp conv) {
  int64_t spatial = conv.getStrides().size();
  if (areAll(conv.getStrides(), 1))
    return conv.getInput();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, spatial + 2)), zeros(spatial, 0);
  SmallVector<int64_t> ends(cast<RankedTensorType>(conv.getInput().getType()).getShape().drop_front(2));
  return nn::SliceOp::create(builder, conv.getInput(), createShape(builder, zeros), createShape(builder, ends),
                             createShape(builder, conv.getStrides()), axes);
}

static void multiply(nn::ConvOp conv) {
  ImplicitLocOpBuilder builder(conv.getLoc(), conv);
  remark::passed(conv.getLoc(), about::algorithm)
      << "a product of matrices: each pixel is of one pixel, and no neighbour shares the layout of convolutions";
  auto filterType = cast<RankedTensorType>(conv.getFilter().getType()), type = cast<RankedTensorType>(conv.getType());
  int64_t groups = conv.getGroups(), outputs = filterType.getDimSize(0) / groups, inputs = filterType.getDimSize(1);
  int64_t pixels = ShapedType::getNumElements(type.getShape().drop_front(2)), batch = type.getDimSize(0);
  SmallVector<int64_t> grouped{batch, groups, inputs, pixels}, perGroup{groups, outputs, inputs};
  if (groups == 1) {
    grouped = {batch, inputs, pixels};
    perGroup = {outputs, inputs};
  }
  Value image = reshape(builder, takePixels(builder, conv), grouped);
  Value filter = nn::ReshapeOp::create(builder, conv.getFilter(), createShape(builder, perGroup), /*allow_zero=*/false);
  Value result = nn::MatmulOp::create(builder, filter, image, /*transpose_lhs=*/false, /*transpose_rhs=*/false);
  if (conv.getBias()) {
    perGroup.back() = 1;
    Value bias = nn::ReshapeOp::create(builder, conv.getBias(), createShape(builder, perGroup), /*allow_zero=*/false);
    result = nn::AddOp::create(builder, result, bias);
  }
  conv.replaceAllUsesWith(reshape(builder, result, SmallVector<int64_t>(type.getShape())));
  conv.erase();
}

namespace {

struct MultiplyPixelsPass : public impl::MultiplyPixelsBase<MultiplyPixelsPass> {
  void runOnOperation() override {
    SmallVector<nn::ConvOp> alone;
    getOperation()->walk([&](nn::ConvOp conv) {
      if (isPointwise(conv) && standsAlone(conv))
        alone.push_back(conv);
    });
    for (nn::ConvOp conv : alone)
      multiply(conv);
  }
};

} // namespace
} // namespace nnc
