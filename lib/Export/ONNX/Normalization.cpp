// Normalizations. What ONNX has no operator for, or only in a later opset, is
// written as the formula.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

static void writeSoftmax(OpWriter &writer, nn::SoftmaxOp op) {
  writer.finish("Softmax", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

static void writeLogSoftmax(OpWriter &writer, nn::LogSoftmaxOp op) {
  writer.finish("LogSoftmax", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

static void writeBatchNorm(OpWriter &writer, nn::BatchNormOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  around.finish("BatchNormalization",
                {around.getInput(), writer.name(op.getScale()), writer.name(op.getBias()), writer.name(op.getMean()),
                 writer.name(op.getVariance())},
                {{"epsilon", static_cast<float>(op.getEpsilon().convertToDouble())}});
}

static void writeInstanceNorm(OpWriter &writer, nn::InstanceNormOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  around.finish("InstanceNormalization",
                {around.getInput(), writer.name(op.getScale()), writer.name(op.getBias())},
                {{"epsilon", static_cast<float>(op.getEpsilon().convertToDouble())}});
}

static void writeLrn(OpWriter &writer, nn::LrnOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  auto number = [](const APFloat &value) { return static_cast<float>(value.convertToDouble()); };
  around.finish("LRN", {around.getInput()},
                {{"size", int64_t(op.getSize())},
                 {"alpha", number(op.getAlpha())},
                 {"beta", number(op.getBeta())},
                 {"bias", number(op.getBias())}});
}

/// The mean over the axes from `axis` on, which stay as ones.
static std::string addMean(OpWriter &writer, const std::string &x, int64_t axis, int64_t rank) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq(axis, rank));
  if (writer.getOpset() >= 18)
    return writer.add("ReduceMean", {x, writer.ints(axes)}, {{"keepdims", int64_t(1)}});
  return writer.add("ReduceMean", {x}, {{"keepdims", int64_t(1)}, {"axes", axes}});
}

/// x / sqrt(mean(x^2) + epsilon) * scale + bias.
static void finishNormalized(OpWriter &writer, const std::string &x, RankedTensorType type, int64_t axis, double epsilon,
                             Value scale, Value bias) {
  std::string square = addMean(writer, writer.add("Mul", {x, x}), axis, type.getRank());
  std::string root = writer.add("Sqrt", {writer.add("Add", {square, writer.scalar(type.getElementType(), epsilon)})});
  if (!scale && !bias)
    return writer.finish("Div", {x, root});
  std::string normalized = writer.add("Div", {x, root});
  if (!bias)
    return writer.finish("Mul", {normalized, writer.name(scale)});
  if (scale)
    normalized = writer.add("Mul", {normalized, writer.name(scale)});
  writer.finish("Add", {normalized, writer.name(bias)});
}

static void writeLayerNorm(OpWriter &writer, nn::LayerNormOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  auto axis = static_cast<int64_t>(op.getAxis());
  ArrayRef<int64_t> row = type.getShape().drop_front(axis);
  auto isWhole = [&](Value parameter) {
    return !parameter || cast<RankedTensorType>(parameter.getType()).getShape() == row;
  };
  std::string x = writer.name(op.getInput());
  if (writer.getOpset() >= 17 && op.getScale() && isWhole(op.getScale()) && isWhole(op.getBias()))
    return writer.finish("LayerNormalization", {x, writer.name(op.getScale()), writer.name(op.getBias())},
                         {{"axis", axis}, {"epsilon", static_cast<float>(op.getEpsilon().convertToDouble())}});
  std::string centred = writer.add("Sub", {x, addMean(writer, x, axis, type.getRank())});
  finishNormalized(writer, centred, type, axis, op.getEpsilon().convertToDouble(), op.getScale(), op.getBias());
}

static void writeRmsNorm(OpWriter &writer, nn::RmsNormOp op) {
  finishNormalized(writer, writer.name(op.getInput()), cast<RankedTensorType>(op.getInput().getType()), op.getAxis(),
                   op.getEpsilon().convertToDouble(), op.getScale(), {});
}

static const WriterEntry table[] = {
    row<nn::SoftmaxOp, writeSoftmax>(),           row<nn::LogSoftmaxOp, writeLogSoftmax>(),
    row<nn::BatchNormOp, writeBatchNorm>(),       row<nn::InstanceNormOp, writeInstanceNorm>(),
    row<nn::LrnOp, writeLrn>(),                   row<nn::LayerNormOp, writeLayerNorm>(),
    row<nn::RmsNormOp, writeRmsNorm>(),
};

ArrayRef<WriterEntry> getNormalizationWriters() { return table; }

} // namespace nnc::onnx_export
