// Padding SAME gives ceil(extent / stride) positions, the odd element at the end; VALID has none.
#include "lib/Frontend/TFLite/Windows.h"

#include <algorithm>

using namespace mlir;

namespace nnc::tflite {

/// Numbers beyond this are mistakes; arithmetic with them must not overflow.
static constexpr int64_t maxNumber = int64_t(1) << 24;

void setPads(OpBinder &op, Value input, format::Padding padding, Windows &windows) {
  size_t spatial = windows.size.size();
  windows.padsBegin.assign(spatial, 0);
  windows.padsEnd.assign(spatial, 0);
  if (op.failed())
    return;
  if (op.getRank(input) != static_cast<int64_t>(spatial) + 2) {
    (void)op.reject("its input must have " + Twine(spatial + 2) + " axes, not " + Twine(op.getRank(input)));
    return;
  }
  for (ArrayRef<int64_t> numbers : {windows.size, windows.strides, windows.dilations})
    if (llvm::any_of(numbers, [](int64_t number) { return number < 1 || number > maxNumber; })) {
      (void)op.reject("the extents of its window, strides and dilations must be positive and reasonable");
      return;
    }
  if (padding == format::Padding::VALID)
    return;
  if (padding != format::Padding::SAME) {
    (void)op.reject("padding " + Twine(static_cast<int>(padding)) + " is not known");
    return;
  }
  for (size_t axis = 0; axis < spatial; ++axis) {
    int64_t extent = op.getShape(input)[axis + 1], stride = windows.strides[axis], total = windows.getReach(axis) - 1;
    if (ShapedType::isDynamic(extent) && stride != 1) {
      (void)op.reject("padding SAME needs a spatial extent that is known at compile time; give one with --shape");
      return;
    }
    if (!ShapedType::isDynamic(extent))
      total = (llvm::divideCeil(extent, stride) - 1) * stride + windows.getReach(axis) - extent;
    total = std::max<int64_t>(total, 0);
    windows.padsBegin[axis] = total / 2;
    windows.padsEnd[axis] = total - total / 2;
  }
}

} // namespace nnc::tflite
