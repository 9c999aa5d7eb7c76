// Shape inference and folders of the reduction family.
#include "dialects/NN/ConstantFolding.h"
#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc::nn {

static LogicalResult inferReduced(std::optional<Location> location, RankedTensorType input, ArrayRef<int64_t> axes,
                                  bool keepdims, Type elementType, SmallVectorImpl<Type> &types) {
  SmallVector<bool> reduced(input.getRank(), false);
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= input.getRank() || reduced[axis])
      return emitOptionalError(location, "axis ", axis, " is out of range or named twice for ", input);
    reduced[axis] = true;
  }
  SmallVector<int64_t> shape;
  for (auto [extent, isReduced] : llvm::zip(input.getShape(), reduced))
    if (!isReduced)
      shape.push_back(extent);
    else if (keepdims)
      shape.push_back(1);
  types.push_back(RankedTensorType::get(shape, elementType));
  return success();
}

LogicalResult ReduceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  return inferReduced(location, input, adaptor.getAxes(), adaptor.getKeepdims(), input.getElementType(), types);
}

LogicalResult ArgReduceOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  return inferReduced(location, input, {static_cast<int64_t>(adaptor.getAxis())}, adaptor.getKeepdims(),
                      IntegerType::get(context, 64), types);
}

/// A running sum or product has the type of the input.
template <typename AdaptorTy>
static LogicalResult inferCumulative(std::optional<Location> location, AdaptorTy adaptor, SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(location, "axis ", axis, " is out of range for ", input);
  if (input.getElementType().isInteger(1))
    return emitOptionalError(location, "sums and products of booleans are not defined");
  types.push_back(input);
  return success();
}

LogicalResult CumSumOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  return inferCumulative(location, adaptor, types);
}

LogicalResult CumProdOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  return inferCumulative(location, adaptor, types);
}

LogicalResult TopKOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(location, "axis ", axis, " is out of range for ", input);
  if (input.getElementType().isInteger(1))
    return emitOptionalError(location, "booleans are not ordered");
  std::optional<SmallVector<int64_t>> k = getKnownShape(adaptor.getK());
  if (!k || k->size() != 1)
    return emitOptionalError(location, "k must be one number");
  int64_t extent = input.getDimSize(axis), count = k->front();
  if (!ShapedType::isDynamic(count) && !ShapedType::isDynamic(extent) && (count < 0 || count > extent))
    return emitOptionalError(location, "k is ", count, ", the axis has ", extent, " elements");
  SmallVector<int64_t> shape(input.getShape());
  shape[axis] = count;
  types.push_back(input.clone(shape));
  types.push_back(RankedTensorType::get(shape, IntegerType::get(context, 64)));
  return success();
}

/// One step of a reduction of integers; nothing where the kind is not folded.
static std::optional<int64_t> combine(ReductionKind kind, int64_t accumulated, int64_t element) {
  switch (kind) {
  case ReductionKind::Sum:
    return accumulated + element;
  case ReductionKind::Prod:
    return accumulated * element;
  case ReductionKind::Max:
    return std::max(accumulated, element);
  case ReductionKind::Min:
    return std::min(accumulated, element);
  default:
    return std::nullopt;
  }
}

/// Folds what shape arithmetic needs: all elements of a small i64 tensor.
OpFoldResult ReduceOp::fold(FoldAdaptor adaptor) {
  auto input = cast<RankedTensorType>(getInput().getType());
  if (getAxes().empty() && (getKind() == ReductionKind::Sum || getKind() == ReductionKind::Max))
    return getInput();
  auto values = getConstantInts(getInput());
  if (!values || values->empty() || !input.getElementType().isInteger(64) ||
      static_cast<int64_t>(getAxes().size()) != input.getRank())
    return {};
  int64_t result = values->front();
  for (int64_t value : ArrayRef(*values).drop_front()) {
    auto next = combine(getKind(), result, value);
    if (!next)
      return {};
    result = *next;
  }
  if (!combine(getKind(), 0, 0))
    return {};
  return DenseElementsAttr::get(cast<RankedTensorType>(getType()), result);
}

} // namespace nnc::nn
