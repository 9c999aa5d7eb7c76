// Verifiers of the Winograd family.
#include "dialects/Kernel/Kernel.h"

using namespace mlir;

namespace nnc::kernel {

static LogicalResult verifyTile(Operation *op, int64_t tile, ShapedType filter) {
  if (tile != 2 && tile != 4)
    return op->emitOpError("the tile must be 2 or 4");
  if (filter.getRank() != 4 || !filter.hasStaticShape() || filter.getDimSize(0) != (tile + 2) * (tile + 2))
    return op->emitOpError("the transformed filter must be static, with (tile + 2)^2 matrices");
  return success();
}

LogicalResult WinogradOp::verify() {
  auto input = cast<ShapedType>(getInput().getType()), filter = cast<ShapedType>(getFilter().getType());
  auto init = cast<ShapedType>(getInit().getType());
  if (failed(verifyTile(*this, getTile(), filter)))
    return failure();
  if (input.getRank() != 4 || init.getRank() != 4 || input.isDynamicDim(3) || init.isDynamicDim(3))
    return emitOpError("input and destination must have rank 4 and static channels");
  if (getPadsBegin().size() != 2 || getPadsEnd().size() != 2)
    return emitOpError("needs pads for two dimensions");
  for (int64_t dim = 0; dim < 2; ++dim)
    if (!input.isDynamicDim(dim + 1) && !init.isDynamicDim(dim + 1) &&
        init.getDimSize(dim + 1) != input.getDimSize(dim + 1) + getPadsBegin()[dim] + getPadsEnd()[dim] - 2)
      return emitOpError("input, pads and destination do not fit");
  if (filter.getDimSize(2) != input.getDimSize(3) ||
      filter.getDimSize(1) != llvm::divideCeil(init.getDimSize(3), filter.getDimSize(3)))
    return emitOpError("the filter's channels are not those of input and destination");
  return verifyStructured(cast<EpilogueOpInterface>(getOperation()));
}

LogicalResult PackWinogradOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()), init = cast<ShapedType>(getInit().getType());
  if (failed(verifyTile(*this, getTile(), init)))
    return failure();
  if (source.getRank() != 4 || source.getDimSize(2) != 3 || source.getDimSize(3) != 3 ||
      source.getDimSize(1) != init.getDimSize(2))
    return emitOpError("source and destination do not fit");
  return success();
}

} // namespace nnc::kernel
