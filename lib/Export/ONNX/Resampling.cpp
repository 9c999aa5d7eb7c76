// nn.resize as Resize, for all axes at once where scales or sizes are constant: ONNX Runtime's optimiser loses the
// attribute `axes`, which opset 18 has for some of them.
#include "lib/Export/ONNX/OpWriter.h"

using namespace mlir;

namespace nnc::onnx_export {

/// The scales or sizes of all axes from those of the resized ones; "" where they are not constant.
static std::string addForAllAxes(OpWriter &writer, nn::ResizeOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  auto rank = type.getRank();
  if (op.getScales()) {
    auto known = nn::getConstantFloats(op.getScales());
    if (!known)
      return "";
    SmallVector<float> scales(rank, 1);
    for (auto [axis, scale] : llvm::zip(op.getAxes(), *known))
      scales[axis] = static_cast<float>(scale);
    return writer.floats({rank}, scales);
  }
  auto known = nn::getConstantInts(op.getSizes());
  if (!known || !type.hasStaticShape())
    return "";
  SmallVector<int64_t> sizes(type.getShape());
  for (auto [axis, size] : llvm::zip(op.getAxes(), *known))
    sizes[axis] = size;
  return writer.ints(sizes);
}

static void writeResize(OpWriter &writer, nn::ResizeOp op) {
  if (op.getScales() && op.getSizes())
    return writer.refuse("a resize by scales to sizes that do not follow from them");
  if (op.getCoordinates() == nn::CoordinateMode::TfHalfPixelForNearest)
    return writer.refuse("the coordinates tf_half_pixel_for_nn, which ONNX has no more");
  bool isSymmetric = op.getCoordinates() == nn::CoordinateMode::HalfPixelSymmetric;
  if ((isSymmetric && !writer.needsOpset(19)) || (op.getAntialias() && !writer.needsOpset(18)) ||
      (op.getRegion() && !writer.needsOpset(18)))
    return;
  SmallVector<Attribute> attributes{
      {"mode", nn::stringifyResizeMode(op.getMode()).str()},
      {"coordinate_transformation_mode", nn::stringifyCoordinateMode(op.getCoordinates()).str()},
      {"nearest_mode", nn::stringifyNearestMode(op.getNearest()).str()},
      {"cubic_coeff_a", op.getCubicCoefficient().convertToFloat()},
      {"exclude_outside", int64_t(op.getExcludeOutside())},
      {"extrapolation_value", op.getExtrapolationValue().convertToFloat()}};
  if (writer.getOpset() >= 18)
    attributes.push_back({"antialias", int64_t(op.getAntialias())});
  std::string all = op.getRegion() ? "" : addForAllAxes(writer, op);
  bool isForAll = !all.empty();
  std::string scales = isForAll && op.getScales() ? all : writer.name(op.getScales());
  std::string sizes = isForAll && op.getSizes() ? all : writer.name(op.getSizes());
  if (!isForAll && writer.getOpset() >= 18)
    attributes.push_back({"axes", op.getAxes()});
  else if (!isForAll)
    return writer.refuse("scales or sizes that are not constant need --opset=18");
  writer.finish("Resize", {writer.name(op.getInput()), writer.name(op.getRegion()), scales, sizes}, attributes);
}

static const WriterEntry table[] = {row<nn::ResizeOp, writeResize>()};

ArrayRef<WriterEntry> getResamplingWriters() { return table; }

} // namespace nnc::onnx_export
