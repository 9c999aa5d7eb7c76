// Shape inference of the convolution family.
#include "dialects/NN/NN.h"
#include "dialects/NN/Window.h"

using namespace mlir;

namespace nnc::nn {

/// Extents beyond these are mistakes; products of them must not overflow.
static constexpr int64_t maxWindowNumber = int64_t(1) << 31;

/// Checks what both operations share: ranks, numbers of attributes, groups and channels.
template <typename Adaptor>
static LogicalResult checkConvolution(std::optional<Location> location, Adaptor adaptor, int64_t inputChannelsOfFilter) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  int64_t rank = input.getRank(), spatial = rank - 2;
  if (spatial < 1 || spatial > 3)
    return emitOptionalError(location, "one to three spatial dimensions are supported, not those of ", input);
  if (filter.getRank() != rank)
    return emitOptionalError(location, "filter ", filter, " does not have the rank of the input ", input);
  if (!filter.hasStaticShape())
    return emitOptionalError(location, "the filter's shape must be known at compile time");
  for (ArrayRef<int64_t> numbers :
       {adaptor.getStrides(), adaptor.getDilations(), adaptor.getPadsBegin(), adaptor.getPadsEnd()}) {
    if (static_cast<int64_t>(numbers.size()) != spatial)
      return emitOptionalError(location, "one stride, dilation and pad per spatial dimension is needed");
    for (int64_t number : numbers)
      if (number > maxWindowNumber || number < -maxWindowNumber)
        return emitOptionalError(location, "a stride, dilation or pad is too large");
  }
  for (ArrayRef<int64_t> numbers : {adaptor.getStrides(), adaptor.getDilations()})
    if (llvm::any_of(numbers, [](int64_t number) { return number < 1; }))
      return emitOptionalError(location, "strides and dilations must be positive");
  int64_t channels = input.getDimSize(adaptor.getLayout() == Layout::ChannelsFirst ? 1 : rank - 1);
  int64_t groups = adaptor.getGroups();
  if (groups < 1 || filter.getDimSize(0) % groups != 0)
    return emitOptionalError(location, groups, " groups do not divide the channels of ", filter);
  if (!ShapedType::isDynamic(channels) && channels != inputChannelsOfFilter)
    return emitOptionalError(location, "the filter is for ", inputChannelsOfFilter, " channels, the input has ",
                             channels);
  if (llvm::any_of(filter.getShape(), [](int64_t extent) { return extent == 0; }))
    return emitOptionalError(location, "empty filter ", filter);
  return success();
}

/// Input and filter of one type, of which sums are defined.
template <typename Adaptor> static LogicalResult checkTypes(std::optional<Location> location, Adaptor adaptor) {
  Type input = cast<RankedTensorType>(adaptor.getInput().getType()).getElementType();
  if (input != cast<RankedTensorType>(adaptor.getFilter().getType()).getElementType())
    return emitOptionalError(location, "input and filter of different element types");
  if (!isa<FloatType>(input) && !input.isSignlessInteger(32))
    return emitOptionalError(location, "a convolution of elements of type ", input, " is not supported");
  return success();
}

/// The result's type from its channels and spatial extents.
template <typename Adaptor>
static RankedTensorType getResultType(Adaptor adaptor, int64_t channels, ArrayRef<int64_t> spatial) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  SmallVector<int64_t> shape{input.getDimSize(0)};
  bool channelsFirst = adaptor.getLayout() == Layout::ChannelsFirst;
  if (channelsFirst)
    shape.push_back(channels);
  llvm::append_range(shape, spatial);
  if (!channelsFirst)
    shape.push_back(channels);
  return input.clone(shape);
}

template <typename Adaptor>
static LogicalResult checkBias(std::optional<Location> location, Adaptor adaptor, int64_t channels) {
  if (!adaptor.getBias())
    return success();
  auto bias = cast<RankedTensorType>(adaptor.getBias().getType());
  if (bias.getRank() != 1 || (bias.getDimSize(0) != channels && !bias.isDynamicDim(0)))
    return emitOptionalError(location, "bias ", bias, " does not have one element per output channel (", channels, ")");
  return success();
}

/// The type of an ordinary convolution.
template <typename Adaptor>
static LogicalResult inferConvolution(std::optional<Location> location, Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  if (filter.getRank() < 3)
    return emitOptionalError(location, "filter of too few dimensions: ", filter);
  if (failed(checkConvolution(location, adaptor, filter.getDimSize(1) * adaptor.getGroups())))
    return failure();
  SmallVector<int64_t> spatial;
  int64_t first = adaptor.getLayout() == Layout::ChannelsFirst ? 2 : 1;
  for (int64_t i = 0; i < input.getRank() - 2; ++i) {
    Window window{filter.getDimSize(i + 2), adaptor.getStrides()[i], adaptor.getDilations()[i],
                  adaptor.getPadsBegin()[i], adaptor.getPadsEnd()[i]};
    spatial.push_back(window.getOutputExtent(input.getDimSize(first + i)));
  }
  types.push_back(getResultType(adaptor, filter.getDimSize(0), spatial));
  return success();
}

LogicalResult ConvOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  if (failed(checkTypes(location, adaptor)) || failed(inferConvolution(location, adaptor, types)))
    return failure();
  return checkBias(location, adaptor, filter.getDimSize(0));
}

LogicalResult IntegerConvOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  if (failed(checkZeroPoint(location, input, adaptor.getInputZeroPoint(), 0, input.getRank())) ||
      failed(checkZeroPoint(location, filter, adaptor.getFilterZeroPoint(), 1, filter.getRank())) ||
      failed(inferConvolution(location, adaptor, types)))
    return failure();
  types.back() = cast<RankedTensorType>(types.back()).clone(IntegerType::get(context, 32));
  return success();
}

LogicalResult ConvTransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  auto filter = cast<RankedTensorType>(adaptor.getFilter().getType());
  if (filter.getRank() < 3)
    return emitOptionalError(location, "filter of too few dimensions: ", filter);
  int64_t channels = filter.getDimSize(1) * adaptor.getGroups();
  if (failed(checkTypes(location, adaptor)) || failed(checkConvolution(location, adaptor, filter.getDimSize(0))) ||
      failed(checkBias(location, adaptor, channels)))
    return failure();
  if (adaptor.getOutputPadding().size() != adaptor.getStrides().size())
    return emitOptionalError(location, "one output padding per spatial dimension is needed");
  SmallVector<int64_t> spatial;
  int64_t first = adaptor.getLayout() == Layout::ChannelsFirst ? 2 : 1;
  for (int64_t i = 0; i < input.getRank() - 2; ++i) {
    int64_t extent = input.getDimSize(first + i);
    if (ShapedType::isDynamic(extent)) {
      spatial.push_back(extent);
      continue;
    }
    Window window{filter.getDimSize(i + 2), 1, adaptor.getDilations()[i], 0, 0};
    int64_t out = adaptor.getStrides()[i] * (extent - 1) + adaptor.getOutputPadding()[i] + window.getReach() -
                  adaptor.getPadsBegin()[i] - adaptor.getPadsEnd()[i];
    if (extent == 0 || out < 0)
      return emitOptionalError(location, "the pads leave nothing of ", input);
    spatial.push_back(out);
  }
  types.push_back(getResultType(adaptor, channels, spatial));
  return success();
}

} // namespace nnc::nn
