// SSD's default boxes: they depend on extents only, so they are a constant.
#include "lib/Frontend/Caffe/LayerTable.h"

#include "lib/Frontend/Import/Weights.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace nnc::caffe {

/// Sizes and aspect ratios that are still believed.
static constexpr int maxKinds = 256;

namespace {

struct BoxSize {
  float width, height;
};

} // namespace

/// The boxes of one position: per least size a square, one between it and the largest size, one per aspect ratio.
static SmallVector<BoxSize> listSizes(const format::PriorBoxParam &param) {
  SmallVector<float> ratios{1};
  auto add = [&](float ratio) {
    if (llvm::none_of(ratios, [&](float known) { return std::fabs(ratio - known) < 1e-6; }))
      ratios.push_back(ratio);
  };
  for (float ratio : param.aspect_ratio()) {
    size_t before = ratios.size();
    add(ratio);
    if (param.flip() && ratios.size() > before)
      ratios.push_back(1 / ratio);
  }
  SmallVector<BoxSize> sizes;
  for (int i = 0; i < param.min_size_size(); ++i) {
    float least = param.min_size(i);
    sizes.push_back({least, least});
    if (param.max_size_size())
      sizes.push_back({std::sqrt(least * param.max_size(i)), std::sqrt(least * param.max_size(i))});
    for (float ratio : ratios)
      if (std::fabs(ratio - 1) >= 1e-6)
        sizes.push_back({least * std::sqrt(ratio), least / std::sqrt(ratio)});
  }
  return sizes;
}

static LogicalResult importPriorBox(LayerBinder &layer) {
  Value map = layer.imageBottom(0), image = layer.imageBottom(1);
  const format::PriorBoxParam &param = layer.get().prior_box_param();
  if (layer.failed())
    return failure();
  if (!param.min_size_size() || (param.max_size_size() && param.max_size_size() != param.min_size_size()) ||
      (param.variance_size() > 1 && param.variance_size() != 4))
    return layer.reject("needs min_size, a max_size for each or none, and one variance, four or none");
  if (param.min_size_size() > maxKinds || param.aspect_ratio_size() > maxKinds)
    return layer.reject("more than " + Twine(maxKinds) + " sizes or aspect ratios");
  auto isPositive = [](float value) { return value > 0; };
  if (!llvm::all_of(param.min_size(), isPositive) || !llvm::all_of(param.aspect_ratio(), isPositive))
    return layer.reject("sizes and aspect ratios must be positive");
  int64_t rows = layer.getShape(map)[2], columns = layer.getShape(map)[3];
  float imageH = param.img_h() ? param.img_h() : param.img_size() ? param.img_size() : layer.getShape(image)[2];
  float imageW = param.img_w() ? param.img_w() : param.img_size() ? param.img_size() : layer.getShape(image)[3];
  float stepH = param.has_step_h() ? param.step_h() : param.has_step() ? param.step() : imageH / rows;
  float stepW = param.has_step_w() ? param.step_w() : param.has_step() ? param.step() : imageW / columns;
  SmallVector<BoxSize> sizes = listSizes(param);
  auto count = frontend::countElements({rows, columns, static_cast<int64_t>(sizes.size()), 4});
  if (!count || *count > (1 << 26))
    return layer.reject("it has too many boxes");
  std::vector<float> values;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      for (BoxSize size : sizes) {
        float x = (column + param.offset()) * stepW, y = (row + param.offset()) * stepH;
        values.insert(values.end(), {(x - size.width / 2) / imageW, (y - size.height / 2) / imageH,
                                     (x + size.width / 2) / imageW, (y + size.height / 2) / imageH});
      }
  if (param.clip())
    for (float &value : values)
      value = std::min(std::max(value, 0.0f), 1.0f);
  for (int64_t i = 0; i < *count; ++i)
    values.push_back(param.variance_size() == 4 ? param.variance(i % 4) : param.variance_size() ? param.variance(0) : 0.1f);
  return layer.result(layer.floats({1, 2, *count}, std::move(values)));
}

static const LayerEntry table[] = {{"PriorBox", importPriorBox}};

ArrayRef<LayerEntry> getPriorBoxLayers() { return table; }

} // namespace nnc::caffe
