// Windows, and transforms as convolutions.
#include "lib/Frontend/Import/Spectrum.h"

#include <cmath>

using namespace mlir;

namespace nnc::frontend {

static constexpr double pi = 3.14159265358979323846;

std::vector<double> makeWindow(double offset, int64_t length) {
  std::vector<double> window;
  for (int64_t i = 0; i < length; ++i)
    window.push_back(length == 1 ? 1 : offset - (1 - offset) * std::cos(2 * pi * i / length));
  return window;
}

Expression buildFourierFilters(NodeBuilder &node, ArrayRef<double> window, int64_t length, int64_t before, bool isSine) {
  auto frame = static_cast<int64_t>(window.size()), bins = length / 2 + 1;
  std::vector<float> filters;
  for (int64_t i = 0; i < frame; ++i)
    for (int64_t bin = 0; bin < bins; ++bin) {
      double angle = 2 * pi * (bin * (before + i) % length) / length;
      filters.push_back(static_cast<float>(window[i] * (isSine ? std::sin(angle) : std::cos(angle))));
    }
  return {node, node.floats({frame, 1, bins}, std::move(filters))};
}

Expression convolveFrames(NodeBuilder &node, Expression x, Expression filters, int64_t step, std::pair<int64_t, int64_t> pads) {
  int64_t frame = filters.getExtent(0), bins = filters.getExtent(2);
  Value filter = filters.transpose({2, 1, 0}).reshape({bins, 1, 1, frame});
  return {node, node.create<nn::ConvOp>(x, filter, Value(), nn::Layout::ChannelsLast, ArrayRef<int64_t>{1, step},
                                        ArrayRef<int64_t>{1, 1}, ArrayRef<int64_t>{0, pads.first},
                                        ArrayRef<int64_t>{0, pads.second}, /*groups=*/1)};
}

} // namespace nnc::frontend
