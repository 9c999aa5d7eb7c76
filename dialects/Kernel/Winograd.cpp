// Verifiers of the Winograd family.
#include "dialects/Kernel/Kernel.h"

using namespace mlir;

namespace nnc::kernel {

ArrayRef<int64_t> getWinogradTiles(int64_t window) {
  static constexpr int64_t one[] = {1}, two[] = {2}, twoOrFour[] = {2, 4};
  switch (window) {
  case 1:
    return one;
  case 3:
    return twoOrFour;
  case 5:
    return two;
  default:
    return {};
  }
}

int64_t getWinogradPoints(ArrayRef<int64_t> tile, ArrayRef<int64_t> window) {
  return (tile[0] + window[0] - 1) * (tile[1] + window[1] - 1);
}

static LogicalResult verifyTile(Operation *op, ArrayRef<int64_t> tile, ArrayRef<int64_t> window, ShapedType filter) {
  if (tile.size() != 2 || window.size() != 2)
    return op->emitOpError("needs tile and window for two dimensions");
  for (auto [extent, taps] : llvm::zip(tile, window))
    if (!llvm::is_contained(getWinogradTiles(taps), extent))
      return op->emitOpError("tiles of 2 or 4 go with a window of 3, of 2 with one of 5, of 1 with one of 1");
  if (filter.getRank() != 4 || !filter.hasStaticShape() || filter.getDimSize(0) != getWinogradPoints(tile, window))
    return op->emitOpError("the transformed filter must be static, with a matrix for each point");
  return success();
}

LogicalResult WinogradOp::verify() {
  auto input = cast<ShapedType>(getInput().getType()), filter = cast<ShapedType>(getFilter().getType());
  auto init = cast<ShapedType>(getInit().getType());
  if (failed(verifyTile(*this, getTile(), getWindow(), filter)))
    return failure();
  if (input.getRank() != 4 || init.getRank() != 4 || input.isDynamicDim(3) || init.isDynamicDim(3))
    return emitOpError("input and destination must have rank 4 and static channels");
  if (getPadsBegin().size() != 2 || getPadsEnd().size() != 2)
    return emitOpError("needs pads for two dimensions");
  for (int64_t dim = 0; dim < 2; ++dim)
    if (!input.isDynamicDim(dim + 1) && !init.isDynamicDim(dim + 1) &&
        init.getDimSize(dim + 1) + getWindow()[dim] - 1 !=
            input.getDimSize(dim + 1) + getPadsBegin()[dim] + getPadsEnd()[dim])
      return emitOpError("input, pads and destination do not fit");
  if (filter.getDimSize(2) != input.getDimSize(3) ||
      filter.getDimSize(1) != llvm::divideCeil(init.getDimSize(3), filter.getDimSize(3)))
    return emitOpError("the filter's channels are not those of input and destination");
  return verifyStructured(cast<EpilogueOpInterface>(getOperation()));
}

LogicalResult PackWinogradOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()), init = cast<ShapedType>(getInit().getType());
  if (source.getRank() != 4 || source.getDimSize(1) != init.getDimSize(2))
    return emitOpError("source and destination do not fit");
  return verifyTile(*this, getTile(), source.getShape().drop_front(2), init);
}

} // namespace nnc::kernel
