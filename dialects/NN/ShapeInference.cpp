// Shape inference shared by the families of the NN dialect.
#include "dialects/NN/ShapeInference.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc::nn {

bool areCompatible(TypeRange inferred, TypeRange actual) {
  if (inferred.size() != actual.size())
    return false;
  for (auto [a, b] : llvm::zip(inferred, actual)) {
    auto x = dyn_cast<RankedTensorType>(a), y = dyn_cast<RankedTensorType>(b);
    if (!x || !y || x.getRank() != y.getRank() || x.getElementType() != y.getElementType() ||
        failed(verifyCompatibleShape(x.getShape(), y.getShape())))
      return false;
  }
  return true;
}

/// Broadcasts `extent` into `result`; false where they do not agree.
static bool broadcastExtent(int64_t extent, int64_t &result) {
  if (result == extent || extent == 1)
    return true;
  if (result == 1 || ShapedType::isDynamic(result)) {
    result = extent;
    return true;
  }
  return ShapedType::isDynamic(extent);
}

bool areAxes(ArrayRef<int64_t> axes, int64_t rank) {
  for (auto [i, axis] : llvm::enumerate(axes))
    if (axis < 0 || axis >= rank || (i && axis <= axes[i - 1]))
      return false;
  return true;
}

bool areDistinctAxes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  return areAxes(sorted, rank);
}

bool inferBroadcastShape(ArrayRef<ArrayRef<int64_t>> shapes, SmallVectorImpl<int64_t> &result) {
  result.clear();
  for (ArrayRef<int64_t> shape : shapes) {
    if (shape.size() > result.size())
      result.insert(result.begin(), shape.size() - result.size(), 1);
    for (size_t i = 1; i <= shape.size(); ++i)
      if (!broadcastExtent(shape[shape.size() - i], result[result.size() - i]))
        return false;
  }
  return true;
}

LogicalResult inferBroadcast(std::optional<Location> location, ValueRange operands, Type elementType,
                             SmallVectorImpl<Type> &types) {
  SmallVector<int64_t> shape;
  for (Value operand : operands) {
    auto type = cast<RankedTensorType>(operand.getType());
    if (type.getRank() > static_cast<int64_t>(shape.size()))
      shape.insert(shape.begin(), type.getRank() - shape.size(), 1);
    for (int64_t i = 1; i <= type.getRank(); ++i)
      if (!broadcastExtent(type.getShape()[type.getRank() - i], shape[shape.size() - i]))
        return emitOptionalError(location, "shapes do not broadcast: ", operands.front().getType(), " and ", type);
  }
  if (!elementType) {
    elementType = getElementTypeOrSelf(operands.front().getType());
    for (Value operand : operands)
      if (getElementTypeOrSelf(operand.getType()) != elementType)
        return emitOptionalError(location, "operands of different element types: ", operands.front().getType(),
                                 " and ", operand.getType());
  }
  types.push_back(RankedTensorType::get(shape, elementType));
  return success();
}

SliceBounds clampSlice(int64_t extent, int64_t start, int64_t end, int64_t step) {
  // With a negative step the bounds run from extent - 1 down to -1 (before the first element).
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
  auto clamp = [&](int64_t bound) {
    if (bound < 0)
      bound = bound < -extent ? low : bound + extent;
    return std::min(std::max(bound, low), high);
  };
  start = clamp(start);
  end = clamp(end);
  int64_t size = step > 0 ? llvm::divideCeil(std::max<int64_t>(end - start, 0), step)
                          : llvm::divideCeil(std::max<int64_t>(start - end, 0), -static_cast<uint64_t>(step));
  return {start, size};
}

LogicalResult checkZeroPoint(std::optional<Location> location, RankedTensorType operand, Value zeroPoint,
                             int64_t summed, int64_t end) {
  if (operand.getElementTypeBitWidth() != 8)
    return emitOptionalError(location, "integer products are of elements of 8 bits, not of ", operand);
  if (!zeroPoint)
    return success();
  auto type = cast<RankedTensorType>(zeroPoint.getType());
  if (type.getElementType() != operand.getElementType() || type.getRank() > operand.getRank())
    return emitOptionalError(location, "the zero point ", type, " does not fit ", operand);
  int64_t offset = operand.getRank() - type.getRank();
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    int64_t extent = type.getDimSize(axis), own = operand.getDimSize(axis + offset);
    bool isSummed = axis + offset >= summed && axis + offset < std::max(end, summed + 1);
    bool fits = extent == 1 || (extent == own && !isSummed) || (ShapedType::isDynamic(own) && !isSummed);
    if (!fits)
      return emitOptionalError(location, "the zero point ", type, " does not fit ", operand);
  }
  return success();
}

} // namespace nnc::nn
