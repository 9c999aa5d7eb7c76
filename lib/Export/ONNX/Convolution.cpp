// nn.conv, nn.conv_transpose and nn.integer_conv as Conv, ConvTranspose and ConvInteger.
#include "lib/Export/ONNX/Quantization.h"

#include "dialects/NN/Extent.h"

using namespace mlir;

namespace nnc::onnx_export {

static SmallVector<int64_t> concat(ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  SmallVector<int64_t> both(a);
  llvm::append_range(both, b);
  return both;
}

/// What ONNX says of all convolutions.
template <typename OpTy> static SmallVector<Attribute> getAttributes(OpTy op, ArrayRef<int64_t> pads) {
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  return {{"kernel_shape", filter.getShape().drop_front(2)},
          {"strides", op.getStrides()},
          {"dilations", op.getDilations()},
          {"pads", pads},
          {"group", int64_t(op.getGroups())}};
}

/// Pads below 0 cut the image; ONNX's Conv has none.
static std::string cut(OpWriter &writer, const std::string &input, SmallVectorImpl<int64_t> &pads) {
  if (llvm::none_of(pads, [](int64_t pad) { return pad < 0; }))
    return input;
  size_t spatial = pads.size() / 2;
  SmallVector<int64_t> all{0, 0};
  all.append(pads.begin(), pads.begin() + spatial);
  all.append({0, 0});
  all.append(pads.begin() + spatial, pads.end());
  pads.assign(pads.size(), 0);
  return writer.add("Pad", {input, writer.ints(all)});
}

static void writeConv(OpWriter &writer, nn::ConvOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  SmallVector<int64_t> pads = concat(op.getPadsBegin(), op.getPadsEnd());
  std::string input = cut(writer, around.getInput(), pads);
  around.finish("Conv", {input, writer.name(op.getFilter()), writer.name(op.getBias())}, getAttributes(op, pads));
}

static void writeConvTranspose(OpWriter &writer, nn::ConvTransposeOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  SmallVector<int64_t> pads = concat(op.getPadsBegin(), op.getPadsEnd());
  if (llvm::any_of(pads, [](int64_t pad) { return pad < 0; }))
    return writer.refuse("a transposed convolution with pads below 0");
  SmallVector<Attribute> attributes = getAttributes(op, pads);
  attributes.push_back({"output_padding", op.getOutputPadding()});
  around.finish("ConvTranspose", {around.getInput(), writer.name(op.getFilter()), writer.name(op.getBias())}, attributes);
}

static void writeIntegerConv(OpWriter &writer, nn::IntegerConvOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  SmallVector<int64_t> pads = concat(op.getPadsBegin(), op.getPadsEnd());
  if (llvm::any_of(pads, [](int64_t pad) { return pad < 0; }))
    return writer.refuse("an integer convolution with pads below 0");
  int64_t rank = getRanked(op.getFilter()).getRank();
  std::string inputZero = getProductZeroPoint(writer, op.getInputZeroPoint(), rank, /*axis=*/-1);
  std::string filterZero = getProductZeroPoint(writer, op.getFilterZeroPoint(), rank, /*axis=*/0);
  around.finish("ConvInteger", {around.getInput(), writer.name(op.getFilter()), inputZero, filterZero},
                getAttributes(op, pads));
}

static const WriterEntry table[] = {row<nn::ConvOp, writeConv>(), row<nn::ConvTransposeOp, writeConvTranspose>(),
                                    row<nn::IntegerConvOp, writeIntegerConv>()};

ArrayRef<WriterEntry> getConvolutionWriters() { return table; }

} // namespace nnc::onnx_export
