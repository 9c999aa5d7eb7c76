// Pools. ONNX's ceil_mode is avoided where the last window can be given as a pad.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

/// Pads with which a pool without ceil_mode has the operation's result; empty where they are not known.
template <typename OpTy>
static SmallVector<int64_t> getExactPads(OpTy op, ArrayRef<int64_t> input, bool isLast, bool mayGrow) {
  SmallVector<int64_t> pads(op.getPadsBegin());
  ArrayRef<int64_t> result = cast<RankedTensorType>(op.getType()).getShape();
  for (auto [i, window] : llvm::enumerate(op.getWindow())) {
    int64_t end = op.getPadsEnd()[i];
    if (op.getCeil()) {
      int64_t extent = input[i + 2], out = result[i + (isLast ? 1 : 2)];
      if (ShapedType::isDynamic(extent) || ShapedType::isDynamic(out))
        return {};
      int64_t reach = (window - 1) * op.getDilations()[i] + 1;
      int64_t needed = (out - 1) * op.getStrides()[i] + reach - extent - op.getPadsBegin()[i];
      if (needed > end && (!mayGrow || needed >= window))
        return {};
      end = std::max(end, needed);
    }
    pads.push_back(end);
  }
  return pads;
}

template <typename OpTy>
static SmallVector<Attribute> getAttributes(OpTy op, const ChannelsFirst &around, bool mayGrow) {
  bool isLast = op.getLayout() == nn::Layout::ChannelsLast;
  SmallVector<int64_t> pads = getExactPads(op, around.getShape(), isLast, mayGrow);
  bool isExact = !pads.empty();
  if (!isExact) {
    pads.assign(op.getPadsBegin().begin(), op.getPadsBegin().end());
    llvm::append_range(pads, op.getPadsEnd());
  }
  SmallVector<Attribute> attributes{{"kernel_shape", op.getWindow()}, {"strides", op.getStrides()}, {"pads", pads}};
  if (!isExact)
    attributes.push_back({"ceil_mode", int64_t(1)});
  if (llvm::any_of(op.getDilations(), [](int64_t dilation) { return dilation != 1; }))
    attributes.push_back({"dilations", op.getDilations()});
  return attributes;
}

static void writeMaxPool(OpWriter &writer, nn::MaxPoolOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  around.finish("MaxPool", {around.getInput()}, getAttributes(op, around, /*mayGrow=*/true));
}

static void writeAvgPool(OpWriter &writer, nn::AvgPoolOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  // With count_include_pad, elements behind the padded end do not count, so that a larger pad would not be the same.
  SmallVector<Attribute> attributes = getAttributes(op, around, /*mayGrow=*/!op.getCountIncludePad());
  bool isDilated = llvm::any_of(op.getDilations(), [](int64_t dilation) { return dilation != 1; });
  if (isDilated && !writer.needsOpset(19))
    return;
  attributes.push_back({"count_include_pad", int64_t(op.getCountIncludePad())});
  around.finish("AveragePool", {around.getInput()}, attributes);
}

/// A depthwise convolution by ones.
static void writeSumPool(OpWriter &writer, nn::SumPoolOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  bool isLast = op.getLayout() == nn::Layout::ChannelsLast;
  int64_t channels = around.getShape()[1];
  SmallVector<int64_t> pads = getExactPads(op, around.getShape(), isLast, /*mayGrow=*/true), shape{channels, 1};
  if (ShapedType::isDynamic(channels) || pads.empty() || !getElementTypeOrSelf(op.getType()).isF32())
    return writer.refuse("a sum pool whose channels or extents are not known, or not of f32");
  llvm::append_range(shape, op.getWindow());
  SmallVector<float> ones(ShapedType::getNumElements(shape), 1);
  around.finish("Conv", {around.getInput(), writer.floats(shape, ones)},
                {{"kernel_shape", op.getWindow()},
                 {"strides", op.getStrides()},
                 {"dilations", op.getDilations()},
                 {"pads", pads},
                 {"group", channels}});
}

static const WriterEntry table[] = {row<nn::MaxPoolOp, writeMaxPool>(), row<nn::AvgPoolOp, writeAvgPool>(),
                                    row<nn::SumPoolOp, writeSumPool>()};

ArrayRef<WriterEntry> getPoolingWriters() { return table; }

} // namespace nnc::onnx_export
