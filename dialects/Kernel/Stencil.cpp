// Verifiers of the stencil family.
#include "dialects/Kernel/Kernel.h"

using namespace mlir;

namespace nnc::kernel {

LogicalResult verifyWindows(Operation *op, int64_t spatial, ArrayRef<ArrayRef<int64_t>> lists) {
  if (spatial < 1 || spatial > 3)
    return op->emitOpError("one to three spatial dimensions are supported");
  for (ArrayRef<int64_t> list : lists)
    if (static_cast<int64_t>(list.size()) != spatial)
      return op->emitOpError("one entry per spatial dimension is needed in each list");
  return success();
}

LogicalResult DepthwiseOp::verify() {
  auto input = cast<ShapedType>(getInput().getType()), filter = cast<ShapedType>(getFilter().getType());
  if (filter.getRank() != input.getRank() - 1 || cast<ShapedType>(getInit().getType()).getRank() != input.getRank())
    return emitOpError("input, filter and destination do not fit");
  if (failed(verifyWindows(*this, input.getRank() - 2, {getStrides(), getDilations(), getPadsBegin(), getPadsEnd()})))
    return failure();
  return verifyStructured(cast<EpilogueOpInterface>(getOperation()));
}

LogicalResult PoolOp::verify() {
  auto input = cast<ShapedType>(getInput().getType());
  if (cast<ShapedType>(getInit().getType()).getRank() != input.getRank())
    return emitOpError("input and destination do not fit");
  if (failed(verifyWindows(*this, input.getRank() - 2,
                           {getWindow(), getStrides(), getDilations(), getPadsBegin(), getPadsEnd()})))
    return failure();
  return verifyStructured(cast<EpilogueOpInterface>(getOperation()));
}

} // namespace nnc::kernel
