// Inference and verifiers of the resampling family.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

/// Whether a 1-D operand, where given, has another number of elements.
static bool hasOtherLength(Value operand, int64_t length) {
  return operand && !getRanked(operand).isDynamicDim(0) && getRanked(operand).getDimSize(0) != length;
}

LogicalResult ResizeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  ArrayRef<int64_t> axes = adaptor.getAxes();
  int64_t count = axes.size();
  if (!areDistinctAxes(axes, input.getRank()))
    return emitOptionalError(location, "not axes of ", input);
  if (!adaptor.getSizes() && !adaptor.getScales())
    return emitOptionalError(location, "resizes neither to sizes nor by scales");
  if (hasOtherLength(adaptor.getSizes(), count) || hasOtherLength(adaptor.getScales(), count) ||
      hasOtherLength(adaptor.getRegion(), 2 * count))
    return emitOptionalError(location, "sizes, scales or region and axes differ in number");
  std::optional<SmallVector<int64_t>> sizes;
  std::optional<SmallVector<double>> scales;
  if (adaptor.getSizes())
    sizes = getKnownShape(adaptor.getSizes());
  else
    scales = getConstantFloats(adaptor.getScales());
  SmallVector<int64_t> shape(input.getShape());
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t extent = ShapedType::kDynamic;
    if (sizes)
      extent = (*sizes)[i];
    else if (scales && !input.isDynamicDim(axis)) {
      float scaled = std::floor(static_cast<float>(input.getDimSize(axis)) * static_cast<float>((*scales)[i]));
      if (!(scaled >= 0 && scaled < 2147483648.0f))
        return emitOptionalError(location, "scale ", (*scales)[i], " of axis ", axis, " is out of range");
      extent = static_cast<int64_t>(scaled);
    }
    if (!ShapedType::isDynamic(extent) && (extent < 0 || (extent > 0 && input.getDimSize(axis) == 0)))
      return emitOptionalError(location, "axis ", axis, " of ", input, " cannot have ", extent, " elements");
    shape[axis] = extent;
  }
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult ResizeOp::verify() {
  if (std::optional<SmallVector<double>> scales = getScales() ? getConstantFloats(getScales()) : std::nullopt)
    if (llvm::any_of(*scales, [](double scale) { return !(scale > 0); }))
      return emitOpError("has a scale that is not positive");
  if ((getCoordinates() == CoordinateMode::TfCropAndResize) != static_cast<bool>(getRegion()))
    return emitOpError("needs a region for tf_crop_and_resize, and only for that");
  if (getMode() != ResizeMode::Nearest && !isa<FloatType>(getElementTypeOrSelf(getInput())))
    return emitOpError("interpolates only floats, got ") << getInput().getType();
  return success();
}

} // namespace nnc::nn
