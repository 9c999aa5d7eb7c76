// The order of axes in resampling.
#include "lib/Conversion/NNToLinalg/ResamplingOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc {

SmallVector<int64_t> chooseLastAxes(ArrayRef<int64_t> axes, RankedTensorType input, RankedTensorType result, int64_t taps,
                                    int64_t cacheBytes) {
  constexpr int64_t leastColumns = 16;
  int64_t rank = result.getRank(), columns = 1, rowsOfGathers = 1;
  SmallVector<int64_t> last;
  if (axes.empty())
    return {};
  for (int64_t axis = *llvm::min_element(axes) - 1; axis >= 0 && !result.isDynamicDim(axis); --axis) {
    columns *= result.getDimSize(axis);
    last.insert(last.begin(), axis);
  }
  if (!llvm::is_contained(axes, rank - 1) || columns < leastColumns)
    return {};
  if (!input.hasStaticShape() || !result.hasStaticShape())
    return last;
  for (int64_t axis = 0; axis < rank - 1; ++axis)
    rowsOfGathers *= std::min(input.getDimSize(axis), result.getDimSize(axis));
  // To gather an element takes about as long as to transpose one, as long as these stay in the cache, but rows of less than a
  // vector are gathered in several steps.
  int64_t gathered = rowsOfGathers * llvm::alignTo(result.getShape().back(), leastColumns) * taps;
  int64_t moved = input.getNumElements() + result.getNumElements();
  bool isWorth = 10 * gathered > 11 * moved && moved * result.getElementTypeBitWidth() / 8 <= cacheBytes;
  return isWorth ? last : SmallVector<int64_t>();
}

bool isShorterFirst(RankedTensorType input, RankedTensorType result) {
  if (!input.hasStaticShape() || !result.hasStaticShape())
    return false;
  auto countRows = [](RankedTensorType type) { return ShapedType::getNumElements(type.getShape().drop_back()); };
  return countRows(result) > countRows(input);
}

} // namespace nnc
