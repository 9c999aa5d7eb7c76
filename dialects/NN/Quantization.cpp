// Shape inference of the quantisation family.
#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc::nn {

/// The result has the shape of `input`, which scale and zero point must broadcast to.
static LogicalResult inferScaled(std::optional<Location> location, Value input, Value scale, Value zeroPoint,
                                 Type zeroPointType, Type elementType, SmallVectorImpl<Type> &types) {
  auto type = cast<RankedTensorType>(input.getType());
  for (Value parameter : {scale, zeroPoint}) {
    if (!parameter)
      continue;
    auto own = cast<RankedTensorType>(parameter.getType());
    SmallVector<int64_t> shape;
    bool fits = own.getRank() <= type.getRank() && inferBroadcastShape({type.getShape(), own.getShape()}, shape);
    for (auto [extent, result] : llvm::zip(type.getShape(), shape))
      fits &= extent == result || ShapedType::isDynamic(extent);
    if (!fits)
      return emitOptionalError(location, "a scale or zero point of ", own, " does not fit ", type);
  }
  if (zeroPoint && cast<RankedTensorType>(zeroPoint.getType()).getElementType() != zeroPointType)
    return emitOptionalError(location, "the zero point is not of the quantised type ", zeroPointType);
  types.push_back(type.clone(elementType));
  return success();
}

LogicalResult QuantizeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  Type to = adaptor.getTo();
  if (!to.isIntOrFloat() || to.isInteger(1) || to.getIntOrFloatBitWidth() > 16)
    return emitOptionalError(location, "cannot quantise to ", to);
  return inferScaled(location, adaptor.getInput(), adaptor.getScale(), adaptor.getZeroPoint(), to, to, types);
}

LogicalResult DequantizeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  Type from = cast<RankedTensorType>(adaptor.getInput().getType()).getElementType();
  if (!from.isIntOrFloat() || from.isInteger(1) || from.isUnsignedInteger(32) || from.getIntOrFloatBitWidth() > 32 || !isa<FloatType>(adaptor.getTo()))
    return emitOptionalError(location, "cannot dequantise ", from, " to ", adaptor.getTo());
  return inferScaled(location, adaptor.getInput(), adaptor.getScale(), adaptor.getZeroPoint(), from, adaptor.getTo(),
                     types);
}

} // namespace nnc::nn
