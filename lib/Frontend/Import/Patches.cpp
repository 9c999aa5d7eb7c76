// Windows become a gather with a constant table of indices over padded planes.
#include "lib/Frontend/Import/Patches.h"

#include <algorithm>

using namespace mlir;

namespace nnc::frontend {

/// Beyond this the table of indices would be larger than a network's weights.
static constexpr int64_t maxIndices = 1 << 24;

Patches gatherPatches(NodeBuilder &node, Value image, const ImageWindow &window, ArrayRef<int64_t> counts,
                      float padding) {
  ArrayRef<int64_t> shape = node.getShape(image);
  Patches patches;
  patches.counts.assign(counts.begin(), counts.end());
  int64_t elements = window.size[0] * window.size[1];
  if (counts[0] < 1 || counts[1] < 1 || elements > maxIndices || counts[0] > maxIndices / elements ||
      counts[1] > maxIndices / (elements * counts[0])) {
    (void)node.reject("its windows do not fit the image, or are too many");
    return patches;
  }
  int64_t extent[2];
  for (int axis = 0; axis < 2; ++axis) {
    int64_t reach = (counts[axis] - 1) * window.strides[axis] + window.dilations[axis] * (window.size[axis] - 1) + 1;
    extent[axis] = std::max(shape[axis + 2] + window.padsBegin[axis], reach);
  }
  SmallVector<int64_t> pads{window.padsBegin[0], window.padsBegin[1], extent[0] - window.padsBegin[0] - shape[2],
                            extent[1] - window.padsBegin[1] - shape[3]};
  Value padded = image;
  if (llvm::any_of(pads, [](int64_t pad) { return pad > 0; }))
    padded = node.create<nn::PadOp>(image, node.ints(pads), node.number(padding), ArrayRef<int64_t>{2, 3},
                                    nn::PadMode::Constant);
  Value flat = node.reshape(padded, {shape[0], shape[1], extent[0] * extent[1]});
  SmallVector<int64_t> indices;
  for (int64_t y = 0; y < window.size[0]; ++y)
    for (int64_t x = 0; x < window.size[1]; ++x)
      for (int64_t row = 0; row < counts[0]; ++row)
        for (int64_t column = 0; column < counts[1]; ++column)
          indices.push_back((row * window.strides[0] + y * window.dilations[0]) * extent[1] +
                            column * window.strides[1] + x * window.dilations[1]);
  for (int64_t row = 0; row < counts[0]; ++row)
    for (int64_t column = 0; column < counts[1]; ++column)
      patches.origins.push_back((row * window.strides[0] - window.padsBegin[0]) * shape[3] +
                                column * window.strides[1] - window.padsBegin[1]);
  Value table = node.reshape(node.ints(indices), {elements, counts[0] * counts[1]});
  patches.values = node.create<nn::GatherOp>(flat, table, 2);
  return patches;
}

} // namespace nnc::frontend
