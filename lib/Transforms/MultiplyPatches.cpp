// Convolutions whose windows neither overlap nor leave gaps become products of matrices, where the image has few
// channels: the patch embeddings of vision transformers.
//
// Expects NN operations, before layouts are assigned. The patches are the rows of one matrix, a transpose of the image,
// and the filter is the other. The direct kernel sums a tap at a time, and few channels make short sums; from about 16
// channels on it is as fast and needs no transpose.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_MULTIPLYPATCHES
#include "lib/Transforms/Passes.h.inc"

static constexpr int64_t maxChannels = 4, minTaps = 9;

namespace {

/// The axes of an image that is cut into patches: batch, channels, and for each spatial axis the patches' number and size.
struct Patches {
  bool isChannelsLast;
  int64_t batch; ///< dynamic, or the extent
  int64_t channels, outputs;
  SmallVector<int64_t> counts, sizes;

  static FailureOr<Patches> match(nn::ConvOp conv);
  SmallVector<int64_t> getImageShape() const;
  SmallVector<int64_t> getPermutation() const;
  int64_t getPatchSize() const { return channels * ShapedType::getNumElements(sizes); }
};

class MultiplyPatchesPass : public impl::MultiplyPatchesBase<MultiplyPatchesPass> {
public:
  void runOnOperation() override;
};

} // namespace

static bool areAll(ArrayRef<int64_t> values, int64_t value) {
  return llvm::all_of(values, [value](int64_t other) { return other == value; });
}

FailureOr<Patches> Patches::match(nn::ConvOp conv) {
  RankedTensorType input = getRanked(conv.getInput()), filter = getRanked(conv.getFilter());
  bool isChannelsLast = conv.getLayout() == nn::Layout::ChannelsLast;
  if (!filter.hasStaticShape() || conv.getGroups() != 1 || !areAll(conv.getPadsBegin(), 0) ||
      !areAll(conv.getPadsEnd(), 0) || !areAll(conv.getDilations(), 1))
    return failure();
  Patches patches{isChannelsLast, input.getDimSize(0), filter.getDimSize(1), filter.getDimSize(0), {}, {}};
  for (auto [i, stride] : llvm::enumerate(conv.getStrides())) {
    int64_t extent = input.getDimSize(i + (isChannelsLast ? 1 : 2)), size = filter.getDimSize(i + 2);
    if (ShapedType::isDynamic(extent) || size != stride || extent < size || extent % size != 0)
      return failure();
    patches.counts.push_back(extent / size);
    patches.sizes.push_back(size);
  }
  if (patches.channels < 1 || patches.channels > maxChannels || patches.outputs == 0 ||
      ShapedType::getNumElements(patches.sizes) < minTaps)
    return failure();
  return patches;
}

/// Each spatial axis as two: which patch, and where in it.
SmallVector<int64_t> Patches::getImageShape() const {
  SmallVector<int64_t> shape{batch};
  if (!isChannelsLast)
    shape.push_back(channels);
  for (auto [count, size] : llvm::zip(counts, sizes))
    shape.append({count, size});
  if (isChannelsLast)
    shape.push_back(channels);
  return shape;
}

/// Of those axes: batch and patches first, then what is in a patch, in the order of the image.
SmallVector<int64_t> Patches::getPermutation() const {
  int64_t spatial = counts.size(), first = isChannelsLast ? 1 : 2;
  SmallVector<int64_t> permutation{0};
  for (int64_t i = 0; i < spatial; ++i)
    permutation.push_back(first + 2 * i);
  if (!isChannelsLast)
    permutation.push_back(1);
  for (int64_t i = 0; i < spatial; ++i)
    permutation.push_back(first + 2 * i + 1);
  if (isChannelsLast)
    permutation.push_back(2 * spatial + 1);
  return permutation;
}

static Value reshape(ImplicitLocOpBuilder &builder, Value input, SmallVector<int64_t> shape) {
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent))
      extent = -1;
  auto type = RankedTensorType::get({static_cast<int64_t>(shape.size())}, builder.getI64Type());
  Value operand = arith::ConstantOp::create(builder, DenseElementsAttr::get(type, ArrayRef<int64_t>(shape)));
  return nn::ReshapeOp::create(builder, input, operand, /*allow_zero=*/false);
}

static void multiply(nn::ConvOp conv, const Patches &patches) {
  ImplicitLocOpBuilder builder(conv.getLoc(), conv);
  remark::passed(conv.getLoc(), about::algorithm) << "a product of matrices: the windows do not overlap";
  int64_t spatial = patches.counts.size(), perImage = ShapedType::getNumElements(patches.counts);
  Value image = reshape(builder, conv.getInput(), patches.getImageShape()), filter = conv.getFilter();
  Value rows = nn::TransposeOp::create(builder, image, patches.getPermutation());
  int64_t numRows = ShapedType::isDynamic(patches.batch) ? patches.batch : patches.batch * perImage;
  rows = reshape(builder, rows, {numRows, patches.getPatchSize()});
  if (patches.isChannelsLast) {
    SmallVector<int64_t> channelsLast{0};
    llvm::append_range(channelsLast, llvm::seq<int64_t>(2, spatial + 2));
    channelsLast.push_back(1);
    filter = nn::TransposeOp::create(builder, filter, channelsLast);
  }
  filter = reshape(builder, filter, {patches.outputs, patches.getPatchSize()});
  Value result = nn::MatmulOp::create(builder, rows, filter, /*transpose_lhs=*/false, /*transpose_rhs=*/true);
  if (conv.getBias())
    result = nn::AddOp::create(builder, result, conv.getBias());
  SmallVector<int64_t> shape{patches.batch};
  llvm::append_range(shape, patches.counts);
  shape.push_back(patches.outputs);
  result = reshape(builder, result, shape);
  if (!patches.isChannelsLast) {
    SmallVector<int64_t> channelsFirst{0, spatial + 1};
    llvm::append_range(channelsFirst, llvm::seq<int64_t>(1, spatial + 1));
    result = nn::TransposeOp::create(builder, result, channelsFirst);
  }
  conv.replaceAllUsesWith(result);
  conv.erase();
}

void MultiplyPatchesPass::runOnOperation() {
  SmallVector<nn::ConvOp> convolutions;
  getOperation()->walk([&](nn::ConvOp conv) { convolutions.push_back(conv); });
  for (nn::ConvOp conv : convolutions)
    if (FailureOr<Patches> patches = Patches::match(conv); succeeded(patches))
      multiply(conv, *patches);
}

} // namespace nnc
