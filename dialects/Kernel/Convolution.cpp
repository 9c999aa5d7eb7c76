// Verifiers of the convolution family.
#include "dialects/Kernel/Kernel.h"

using namespace mlir;

namespace nnc::kernel {

LogicalResult ConvOp::verify() {
  auto input = cast<ShapedType>(getInput().getType()), filter = cast<ShapedType>(getFilter().getType());
  if (filter.getRank() != input.getRank() + 2 || cast<ShapedType>(getInit().getType()).getRank() != input.getRank())
    return emitOpError("input, filter and destination do not fit");
  if (!filter.hasStaticShape())
    return emitOpError("the filter's shape must be static");
  if (failed(verifyWindows(*this, input.getRank() - 2, {getStrides(), getDilations(), getPadsBegin(), getPadsEnd()})))
    return failure();
  return verifyStructured(cast<EpilogueOpInterface>(getOperation()));
}

LogicalResult PackFilterOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()), init = cast<ShapedType>(getInit().getType());
  if (init.getRank() != source.getRank() + 2 || init.getDimSize(0) != static_cast<int64_t>(getGroups()))
    return emitOpError("source and destination do not fit");
  return success();
}

} // namespace nnc::kernel
