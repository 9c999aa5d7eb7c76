// Fillers that are not random: layers that no file has weights for start with these.
#include "lib/Frontend/Caffe/LayerBinder.h"

#include "lib/Frontend/Import/Weights.h"

#include <cmath>

using namespace mlir;

namespace nnc::caffe {

/// Beyond this a filler would only fill memory.
static constexpr int64_t maxFilled = int64_t(1) << 24;

/// Interpolation weights for a Deconvolution that magnifies; windows are square.
static std::vector<float> fillBilinear(ArrayRef<int64_t> shape, int64_t count) {
  std::vector<float> values(count);
  int64_t width = shape.back(), height = shape[shape.size() - 2];
  float f = std::ceil(width / 2.0f), c = (width - 1) / (2.0f * f);
  for (int64_t i = 0; i < count; ++i) {
    float x = i % width, y = (i / width) % height;
    values[i] = (1 - std::fabs(x / f - c)) * (1 - std::fabs(y / f - c));
  }
  return values;
}

std::optional<std::vector<float>> makeFilled(const format::Filler &filler, ArrayRef<int64_t> shape) {
  auto count = frontend::countElements(shape);
  if (!count || *count > maxFilled)
    return std::nullopt;
  if (filler.type() == "constant")
    return std::vector<float>(*count, filler.value());
  if (filler.type() == "bilinear" && shape.size() == 4 && shape[2] == shape[3])
    return fillBilinear(shape, *count);
  return std::nullopt;
}

} // namespace nnc::caffe
