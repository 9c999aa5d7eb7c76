// Verifiers of the normalization family.
#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc::nn {

static LogicalResult verifyAxis(Operation *op, int64_t axis) {
  int64_t rank = cast<RankedTensorType>(op->getOperand(0).getType()).getRank();
  if (axis < 0 || axis >= rank)
    return op->emitOpError("axis ") << axis << " is out of range for " << rank << " dimensions";
  return success();
}

LogicalResult SoftmaxOp::verify() { return verifyAxis(*this, getAxis()); }
LogicalResult LogSoftmaxOp::verify() { return verifyAxis(*this, getAxis()); }

/// Checks that each of `parameters` has one element per channel.
static LogicalResult verifyChannels(Operation *op, Layout layout, ValueRange parameters) {
  auto input = cast<RankedTensorType>(op->getOperand(0).getType());
  if (input.getRank() < 2)
    return op->emitOpError("needs a batch and a channel dimension");
  int64_t channels = input.getDimSize(layout == Layout::ChannelsFirst ? 1 : input.getRank() - 1);
  for (Value parameter : parameters) {
    auto type = cast<RankedTensorType>(parameter.getType());
    if (type.getRank() != 1 || failed(verifyCompatibleShape(type.getShape(), {channels})))
      return op->emitOpError("parameter ") << type << " does not have one element per channel (" << channels << ")";
    if (type.getElementType() != input.getElementType())
      return op->emitOpError("parameter ") << type << " does not have the input's element type";
  }
  return success();
}

LogicalResult BatchNormOp::verify() {
  return verifyChannels(*this, getLayout(), {getScale(), getBias(), getMean(), getVariance()});
}

LogicalResult InstanceNormOp::verify() { return verifyChannels(*this, getLayout(), {getScale(), getBias()}); }

LogicalResult LrnOp::verify() {
  if (getSize() < 1 || getSize() > (1 << 12))
    return emitOpError("size must be positive and at most 4096");
  return verifyChannels(*this, getLayout(), {});
}

/// Checks that `parameter` broadcasts to the input without changing its shape.
static LogicalResult verifyParameter(Operation *op, Value parameter) {
  if (!parameter)
    return success();
  SmallVector<Type> types;
  Value input = op->getOperand(0);
  if (failed(inferBroadcast(op->getLoc(), {input, parameter}, {}, types)))
    return failure();
  if (!areCompatible(types, TypeRange{input.getType()}))
    return op->emitOpError("parameter ") << parameter.getType() << " does not broadcast to " << input.getType();
  return success();
}

LogicalResult LayerNormOp::verify() {
  if (failed(verifyAxis(*this, getAxis())) || failed(verifyParameter(*this, getScale())))
    return failure();
  return verifyParameter(*this, getBias());
}

LogicalResult RmsNormOp::verify() {
  if (failed(verifyAxis(*this, getAxis())))
    return failure();
  return verifyParameter(*this, getScale());
}

} // namespace nnc::nn
