// Inference and verifiers of the element-wise family; its folders are in
// ElementwiseFolding.cpp.
#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

LogicalResult ClipOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getInput().getType());
  return success();
}

LogicalResult ClipOp::verify() {
  for (Value bound : {getMinimum(), getMaximum()}) {
    if (!bound)
      continue;
    auto type = cast<RankedTensorType>(bound.getType());
    if (type.getElementType() != getElementTypeOrSelf(getInput()))
      return emitOpError("has a bound of another element type: ") << type;
    if (!type.hasStaticShape() || type.getNumElements() != 1)
      return emitOpError("has a bound that is not one element: ") << type;
  }
  return success();
}

LogicalResult PowOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  return inferBroadcast(location, adaptor.getOperands(), getElementTypeOrSelf(adaptor.getLhs()), types);
}

LogicalResult WhereOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  Type element = getElementTypeOrSelf(adaptor.getLhs());
  if (getElementTypeOrSelf(adaptor.getRhs()) != element)
    return emitOptionalError(location, "operands of different element types: ", adaptor.getLhs().getType(), " and ",
                             adaptor.getRhs().getType());
  return inferBroadcast(location, adaptor.getOperands(), element, types);
}

LogicalResult CastOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  Type to = adaptor.getTo();
  if (!to.isIntOrFloat())
    return emitOptionalError(location, "cannot cast to ", to);
  types.push_back(cast<RankedTensorType>(adaptor.getInput().getType()).clone(to));
  return success();
}

LogicalResult BitcastOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  Type from = getElementTypeOrSelf(adaptor.getInput()), to = adaptor.getTo();
  auto getBits = [](Type type) { return std::max(type.getIntOrFloatBitWidth(), 8u); };
  if (!to.isIntOrFloat() || getBits(from) != getBits(to) || (to.isInteger(1) && !from.isInteger(1)))
    return emitOptionalError(location, "the bits of ", from, " are no ", to);
  types.push_back(cast<RankedTensorType>(adaptor.getInput().getType()).clone(to));
  return success();
}

} // namespace nnc::nn
