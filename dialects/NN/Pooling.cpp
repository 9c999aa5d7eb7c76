// Shape inference of the pooling family.
#include "dialects/NN/NN.h"
#include "dialects/NN/Window.h"

using namespace mlir;

namespace nnc::nn {

LogicalResult inferPool(std::optional<Location> location, RankedTensorType input, bool channelsFirst,
                        ArrayRef<int64_t> window, ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations,
                        ArrayRef<int64_t> padsBegin, ArrayRef<int64_t> padsEnd, bool ceil,
                        SmallVectorImpl<Type> &types) {
  int64_t spatial = input.getRank() - 2;
  if (spatial < 1 || spatial > 3)
    return emitOptionalError(location, "one to three spatial dimensions are supported, not those of ", input);
  for (ArrayRef<int64_t> numbers : {window, strides, dilations, padsBegin, padsEnd})
    if (static_cast<int64_t>(numbers.size()) != spatial)
      return emitOptionalError(location, "one window, stride, dilation and pad per spatial dimension is needed");
  SmallVector<int64_t> shape(input.getShape());
  for (int64_t i = 0; i < spatial; ++i) {
    for (int64_t number : {window[i], strides[i], dilations[i]})
      if (number < 1 || number >= (int64_t(1) << 31))
        return emitOptionalError(location, "windows, strides and dilations must be positive and reasonable");
    if (padsBegin[i] < 0 || padsEnd[i] < 0 || padsBegin[i] >= (int64_t(1) << 31) || padsEnd[i] >= (int64_t(1) << 31))
      return emitOptionalError(location, "pads must not be negative");
    int64_t &extent = shape[i + (channelsFirst ? 2 : 1)];
    if (ShapedType::isDynamic(extent))
      continue;
    Window w{window[i], strides[i], dilations[i], padsBegin[i], padsEnd[i]};
    int64_t room = extent + w.padBegin + w.padEnd - w.getReach();
    int64_t out = w.getOutputExtent(extent);
    // A further window, be it the only one, counts if it starts inside the input or the padding before it.
    if (ceil && room > -w.stride && room % w.stride != 0 && out * w.stride < extent + w.padBegin)
      ++out;
    extent = out;
  }
  types.push_back(input.clone(shape));
  return success();
}

} // namespace nnc::nn
