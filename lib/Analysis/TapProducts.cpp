// Counts the lanes that a convolution's kernel would leave empty.
#include "lib/Analysis/TapProducts.h"

#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc {

/// Of the lanes of a vector of output channels one in so many may be used; then a product does about half of the work. Of vectors
/// of 512 bits the kernel takes halves.
static constexpr int64_t leastEmptiness = 2, mostLanes = 8;
/// With fewer inputs there is more to add up than to multiply.
static constexpr int64_t leastInputs = 8;
/// Of pixels.
static constexpr int64_t leastVectors = 4;
/// More have not been measured.
static constexpr int64_t mostTaps = 256;

/// The channels of the kernel that the convolution would be: one for each phase where all have as many taps.
static int64_t countKernelChannels(nn::ConvTransposeOp op, ArrayRef<int64_t> window, int64_t outputs) {
  int64_t phases = 1;
  for (auto [size, stride, dilation] : llvm::zip(window, op.getStrides(), op.getDilations())) {
    if (size % stride != 0 || dilation != 1)
      return outputs;
    phases *= std::min(stride, mostTaps);
  }
  return outputs * phases;
}

static int64_t countKernelChannels(nn::ConvOp op, ArrayRef<int64_t> window, int64_t outputs) { return outputs; }

/// Whether no pad is on the side where a tap puts nothing; and there are no strides, which would leave out most of the
/// products.
static bool arePadsWithin(nn::ConvTransposeOp op, ArrayRef<int64_t> window) {
  return llvm::all_of(op.getPadsBegin(), [](int64_t pad) { return pad >= 0; });
}

static bool arePadsWithin(nn::ConvOp op, ArrayRef<int64_t> window) {
  bool hasStrides = llvm::any_of(op.getStrides(), [](int64_t stride) { return stride != 1; });
  return !hasStrides && llvm::all_of(llvm::zip(window, op.getDilations(), op.getPadsBegin()), [](auto axis) {
    auto [size, dilation, pad] = axis;
    return pad <= (size - 1) * dilation;
  });
}

/// What the sums of all taps need, of one image: see lib/Conversion/NNToLinalg/TapProducts.cpp.
struct SumsOfTaps {
  double images = 1, results = 1, planes = 1, row = 1; ///< pixels; `row`: of the image, of one step along the first axis
  int64_t phases = 1;
};

template <typename OpTy>
static SumsOfTaps getSums(OpTy conv, ArrayRef<int64_t> window, bool isConv) {
  auto input = cast<RankedTensorType>(conv.getInput().getType()), result = cast<RankedTensorType>(conv.getType());
  int64_t first = conv.getLayout() == nn::Layout::ChannelsLast ? 1 : 2;
  SumsOfTaps sums;
  for (size_t i = 0; i < window.size(); ++i) {
    auto extent = static_cast<double>(input.getDimSize(first + i)), count = static_cast<double>(result.getDimSize(first + i));
    auto stride = static_cast<double>(conv.getStrides()[i]), pad = static_cast<double>(conv.getPadsBegin()[i]);
    double reach = static_cast<double>(window[i] - 1) * static_cast<double>(conv.getDilations()[i]);
    sums.images *= extent;
    sums.results *= count;
    sums.row *= i == 0 ? 1 : extent;
    sums.planes *= std::max(extent * stride + reach, (isConv ? reach - pad : pad) + count);
    sums.phases *= std::min(conv.getStrides()[i], mostTaps);
  }
  return sums;
}

/// Whether a row of the product fits into half of the cache, and little of what is computed and added up goes to waste.
static bool arePaid(const SumsOfTaps &sums, int64_t taps, int64_t outputs, kernel::TargetAttr target) {
  constexpr double mostPlanes = 4; // of the results
  double row = sums.row * static_cast<double>(taps * outputs) * sizeof(float);
  return row <= target.getL2Bytes() / 2.0 && 2 * sums.results >= sums.images && sums.planes <= mostPlanes * sums.results &&
         sums.phases <= 2 * taps;
}

template <typename OpTy>
static bool isProduct(OpTy conv, int64_t outputAxis) {
  auto input = cast<RankedTensorType>(conv.getInput().getType()), filter = cast<RankedTensorType>(conv.getFilter().getType());
  auto result = cast<RankedTensorType>(conv.getType());
  bool areKnown = input.hasStaticShape() && filter.hasStaticShape() && result.hasStaticShape();
  if (!areKnown || conv.getGroups() != 1 || !input.getElementType().isF32() || !filter.getElementType().isF32() ||
      result.getNumElements() == 0)
    return false;
  ArrayRef<int64_t> window = filter.getShape().drop_front(2);
  int64_t outputs = filter.getDimSize(outputAxis), inputs = filter.getDimSize(1 - outputAxis);
  int64_t taps = ShapedType::getNumElements(window), lanes = kernel::getTarget(conv).getLanes(input.getElementType());
  SumsOfTaps sums = getSums(conv, window, outputAxis == 0);
  if (inputs < leastInputs || taps <= 1 || taps > mostTaps || !arePadsWithin(conv, window) ||
      !arePaid(sums, taps, outputs, kernel::getTarget(conv)))
    return false;
  // The kernel of windows that do not overlap is a product as well, of pixels whose channels are together: what layers make.
  if (taps <= sums.phases && !isa<BlockArgument>(conv.getInput()))
    return false;
  int64_t pixels = input.getNumElements() / (input.getDimSize(0) * inputs);
  return pixels >= leastVectors * lanes && leastEmptiness * countKernelChannels(conv, window, outputs) <= std::min(lanes, mostLanes);
}

bool isProductOfTaps(Operation *op) {
  if (auto conv = dyn_cast<nn::ConvOp>(op))
    return isProduct(conv, 0);
  auto transposed = dyn_cast<nn::ConvTransposeOp>(op);
  return transposed && isProduct(transposed, 1);
}

} // namespace nnc
