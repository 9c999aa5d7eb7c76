// Pools to an image of given extents: place i of n is made of the elements from floor(i * extent / n) up to
// ceil((i + 1) * extent / n), along one axis after the other.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Windows.h"

#include "mlir/IR/TypeUtilities.h"

#include <algorithm>

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// Elements of an axis that a mean or maximum of this many weights is still made of.
static constexpr int64_t maxWeights = 1 << 24;

static std::pair<int64_t, int64_t> getWindow(int64_t place, int64_t from, int64_t to) {
  return {place * from / to, llvm::divideCeil((place + 1) * from, to)};
}

/// Products with the shares that the elements have of each mean.
static Value averageAxis(LayerBinder &layer, Expression x, int64_t axis, int64_t from, int64_t to) {
  std::vector<float> shares(from * to);
  for (int64_t place = 0; place < to; ++place) {
    auto [start, end] = getWindow(place, from, to);
    for (int64_t i = start; i < end; ++i)
      shares[i * to + place] = 1.0f / static_cast<float>(end - start);
  }
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, x.getRank()));
  std::swap(order[axis], order.back());
  Expression matrix = Expression(layer, layer.floats({from, to}, std::move(shares))).cast(x.getElementType());
  return x.transpose(order).matmul(matrix).transpose(order);
}

/// The largest of the elements, of which a shorter window has the last more than once.
static Value maximiseAxis(LayerBinder &layer, Expression x, int64_t axis, int64_t from, int64_t to) {
  int64_t longest = 0;
  for (int64_t place = 0; place < to; ++place)
    longest = std::max(longest, getWindow(place, from, to).second - getWindow(place, from, to).first);
  SmallVector<int64_t> places;
  for (int64_t place = 0; place < to; ++place)
    for (int64_t i = 0; i < longest; ++i)
      places.push_back(std::min(getWindow(place, from, to).first + i, getWindow(place, from, to).second - 1));
  Expression windows = x.gather(Expression::ints(layer, places).reshape({to, longest}), axis);
  return windows.reduce(nn::ReductionKind::Max, {axis + 1}, /*keepdims=*/false);
}

template <int numSpatial, bool isMax> static LogicalResult importAdaptivePooling(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  SmallVector<int64_t> sizes = layer.positives("output_size", numSpatial, 0);
  int64_t first = getFirstSpatialAxis(layer.getLayout());
  for (int64_t i = 0; i < numSpatial && !layer.failed(); ++i) {
    int64_t from = layer.extent(x, first + i), to = sizes[i];
    if (layer.failed() || from < 1 || to > maxWeights / from)
      return layer.reject("its extents are out of range");
    x = isMax ? maximiseAxis(layer, Expression(layer, x), first + i, from, to)
              : averageAxis(layer, Expression(layer, x), first + i, from, to);
  }
  return layer.result(x);
}

static const LayerEntry table[] = {
    {"AdaptiveAveragePooling1D", importAdaptivePooling<1, false>},
    {"AdaptiveAveragePooling2D", importAdaptivePooling<2, false>},
    {"AdaptiveAveragePooling3D", importAdaptivePooling<3, false>},
    {"AdaptiveMaxPooling1D", importAdaptivePooling<1, true>},
    {"AdaptiveMaxPooling2D", importAdaptivePooling<2, true>},
    {"AdaptiveMaxPooling3D", importAdaptivePooling<3, true>},
};

ArrayRef<LayerEntry> getAdaptivePoolingLayers() { return table; }

} // namespace nnc::keras
