// TFLite operators of the convolution family. Filters have their output channels first and their input channels last.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "dialects/NN/ConstantFolding.h"

#include <algorithm>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// Whether a filter has `rank` axes with known extents; rejects the operator otherwise.
static bool checkFilter(OpBinder &op, Value filter, int64_t rank) {
  if (op.failed())
    return false;
  if (op.getRank(filter) == rank && op.getType(filter).hasStaticShape() && !llvm::is_contained(op.getShape(filter), 0))
    return true;
  (void)op.reject("its filter must have " + Twine(rank) + " axes, whose extents are known at compile time");
  return false;
}

/// The extent of the last axis, which must be known.
static int64_t getChannels(OpBinder &op, Value input, int64_t rank) {
  if (!input)
    return 0;
  if (op.getRank(input) == rank && !ShapedType::isDynamic(op.getShape(input).back()))
    return op.getShape(input).back();
  (void)op.reject("its input must have " + Twine(rank) + " axes and a known number of channels");
  return 0;
}

std::optional<Conv2D> bindConv2D(OpBinder &op, Value input, Value filter, const format::Conv2DOptions &options) {
  int64_t channels = getChannels(op, input, 4);
  if (!checkFilter(op, filter, 4))
    return std::nullopt;
  ArrayRef<int64_t> shape = op.getShape(filter); // (out, h, w, in)
  if (channels == 0 || channels % shape[3] != 0) {
    (void)op.reject("its input has " + Twine(channels) + " channels, its filter " + Twine(shape[3]));
    return std::nullopt;
  }
  Conv2D conv{Value(), readWindows(op, input, options, {shape[1], shape[2]}), channels / shape[3]};
  conv.filter = op.create<nn::TransposeOp>(filter, ArrayRef<int64_t>{0, 3, 1, 2});
  return op.failed() ? std::nullopt : std::optional(conv);
}

std::optional<Conv2D> bindDepthwiseConv2D(OpBinder &op, Value input, Value filter,
                                          const format::DepthwiseConv2DOptions &options) {
  int64_t channels = getChannels(op, input, 4);
  if (!checkFilter(op, filter, 4))
    return std::nullopt;
  ArrayRef<int64_t> shape = op.getShape(filter); // (1, h, w, channels * multiplier)
  if (shape[0] != 1 || channels == 0 || shape[3] % channels != 0) {
    (void)op.reject("its filter does not fit an input of " + Twine(channels) + " channels");
    return std::nullopt;
  }
  Conv2D conv{Value(), readWindows(op, input, options, {shape[1], shape[2]}), channels};
  conv.filter = op.create<nn::TransposeOp>(filter, ArrayRef<int64_t>{3, 0, 1, 2});
  return op.failed() ? std::nullopt : std::optional(conv);
}

static LogicalResult finishConv(OpBinder &op, Value input, Value bias, const std::optional<Conv2D> &conv,
                                format::Activation activation) {
  if (!conv)
    return failure();
  const Windows &windows = conv->windows;
  Value result = op.create<nn::ConvOp>(input, conv->filter, bias, nn::Layout::ChannelsLast, windows.strides,
                                       windows.dilations, windows.padsBegin, windows.padsEnd, conv->groups);
  return op.result(op.activate(result, activation));
}

static LogicalResult importConv2D(OpBinder &op) {
  Value input = op.operand(0), filter = op.operand(1), bias = op.optionalOperand(2);
  const auto &options = op.options<format::Conv2DOptions>();
  return finishConv(op, input, bias, bindConv2D(op, input, filter, options), options.fused_activation_function());
}

static LogicalResult importDepthwiseConv2D(OpBinder &op) {
  Value input = op.operand(0), filter = op.operand(1), bias = op.optionalOperand(2);
  const auto &options = op.options<format::DepthwiseConv2DOptions>();
  return finishConv(op, input, bias, bindDepthwiseConv2D(op, input, filter, options),
                    options.fused_activation_function());
}

static LogicalResult importConv3D(OpBinder &op) {
  Value input = op.operand(0), filter = op.operand(1), bias = op.optionalOperand(2);
  const auto &options = op.options<format::Conv3DOptions>();
  int64_t channels = getChannels(op, input, 5);
  if (!checkFilter(op, filter, 5))
    return failure();
  ArrayRef<int64_t> shape = op.getShape(filter); // (d, h, w, in, out)
  if (channels == 0 || channels % shape[3] != 0)
    return op.reject("its input has " + Twine(channels) + " channels, its filter " + Twine(shape[3]));
  Windows windows;
  windows.size.assign(shape.begin(), shape.begin() + 3);
  windows.strides = {options.stride_d(), options.stride_h(), options.stride_w()};
  windows.dilations = {options.dilation_d_factor(), options.dilation_h_factor(), options.dilation_w_factor()};
  setPads(op, input, options.padding(), windows);
  filter = op.create<nn::TransposeOp>(filter, ArrayRef<int64_t>{4, 3, 0, 1, 2});
  Value result = op.create<nn::ConvOp>(input, filter, bias, nn::Layout::ChannelsLast, windows.strides,
                                       windows.dilations, windows.padsBegin, windows.padsEnd, channels / shape[3]);
  return op.result(op.activate(result, options.fused_activation_function()));
}

/// Pads of a transposed convolution from `input` to an image of `wanted` extents: those of the convolution from there
/// to here at the beginning, what fits at the end; what is missing there becomes padding of the output.
static void fitOutput(OpBinder &op, Value input, ArrayRef<int64_t> wanted, format::Padding padding, Windows &windows,
                      SmallVectorImpl<int64_t> &outputPadding) {
  for (unsigned axis = 0; axis < wanted.size(); ++axis) {
    int64_t extent = op.getShape(input)[axis + 1], stride = windows.strides[axis], size = windows.size[axis];
    if (ShapedType::isDynamic(extent) || wanted[axis] < 1) {
      (void)op.reject("its spatial extents must be known at compile time, and positive");
      return;
    }
    if (padding == format::Padding::SAME) {
      int64_t positions = llvm::divideCeil(wanted[axis], stride);
      windows.padsBegin[axis] = std::max<int64_t>((positions - 1) * stride + size - wanted[axis], 0) / 2;
    }
    int64_t rest = stride * (extent - 1) + size - windows.padsBegin[axis] - wanted[axis];
    windows.padsEnd[axis] = std::max<int64_t>(rest, 0);
    outputPadding.push_back(std::max<int64_t>(-rest, 0));
  }
}

std::optional<TransposedConv> bindTransposedConv(OpBinder &op, Value input, Value filter,
                                                 const format::TransposeConvOptions &options) {
  Value wanted = op.indexList(0);
  auto known = wanted ? nn::getConstantInts(wanted) : std::nullopt;
  SmallVector<int64_t> shape = known ? *known : SmallVector<int64_t>(4, 1);
  int64_t channels = getChannels(op, input, 4);
  if (!checkFilter(op, filter, 4))
    return std::nullopt;
  ArrayRef<int64_t> extents = op.getShape(filter); // (out, h, w, in)
  if (shape.size() != 4 || channels != extents[3]) {
    (void)op.reject("its filter or the shape of its output does not fit its input");
    return std::nullopt;
  }
  TransposedConv conv;
  conv.windows.size = {extents[1], extents[2]};
  conv.windows.strides = {options.stride_h(), options.stride_w()};
  conv.windows.dilations = {1, 1};
  setPads(op, input, format::Padding::VALID, conv.windows);
  if (known && !op.failed())
    fitOutput(op, input, {shape[1], shape[2]}, options.padding(), conv.windows, conv.outputPadding);
  if (!known) {
    conv.shape = wanted;
    conv.outputPadding = {0, 0};
    if (!op.failed() && op.getShape(wanted)[0] != 4)
      (void)op.reject("the shape of its output must have four extents");
  }
  conv.filter = op.create<nn::TransposeOp>(filter, ArrayRef<int64_t>{3, 0, 1, 2});
  return op.failed() ? std::nullopt : std::optional(conv);
}

/// What is computed at run time: all that windows reach, without what is in front of the image, as far as the image goes.
static Value cutToShape(OpBinder &op, Value whole, const TransposedConv &conv, format::Padding padding) {
  if (op.failed())
    return {};
  for (int64_t axis : {1, 2}) {
    int64_t stride = conv.windows.strides[axis - 1], size = conv.windows.size[axis - 1];
    Expression x(op, whole), wanted = Expression(op, conv.shape).slice(0, axis, axis + 1), start = wanted.like(0);
    if (padding == format::Padding::SAME) {
      Expression last = (wanted + static_cast<double>(stride - 1)) / static_cast<double>(stride) - 1;
      Expression reach = last * static_cast<double>(stride) + static_cast<double>(size) - wanted;
      start = reach.max(reach.like(0)) / 2;
    }
    start = start.reshape({1});
    Expression end = start + wanted, missing = end - x.extent(axis), none = Expression::ints(op, {0});
    Value pads = Expression::concat(op, {none, missing.max(none)}, 0);
    x = Expression(op, op.create<nn::PadOp>(x, pads, Value(), ArrayRef<int64_t>{axis}, nn::PadMode::Constant));
    whole = x.slice(axis, start, end);
  }
  return whole;
}

Value buildTransposedConv(OpBinder &op, Value input, Value filter, const TransposedConv &conv, format::Padding padding) {
  Value sums = op.create<nn::ConvTransposeOp>(input, filter, Value(), nn::Layout::ChannelsLast, conv.windows.strides,
                                              conv.windows.dilations, conv.windows.padsBegin, conv.windows.padsEnd,
                                              /*groups=*/1, conv.outputPadding);
  return conv.shape ? cutToShape(op, sums, conv, padding) : sums;
}

static LogicalResult importTransposeConv(OpBinder &op) {
  Value filter = op.operand(1), input = op.operand(2), bias = op.optionalOperand(3);
  const auto &options = op.options<format::TransposeConvOptions>();
  std::optional<TransposedConv> conv = bindTransposedConv(op, input, filter, options);
  if (!conv)
    return failure();
  Value result = buildTransposedConv(op, input, conv->filter, *conv, options.padding());
  if (bias)
    result = op.create<nn::AddOp>(result, bias);
  return op.result(op.activate(result, options.fused_activation_function()));
}

static LogicalResult importConv3DTranspose(OpBinder &op) {
  Value filter = op.operand(1), input = op.operand(2), bias = op.optionalOperand(3);
  SmallVector<int64_t> shape = op.constantInts(0);
  const auto &options = op.options<format::Conv3DOptions>();
  int64_t channels = getChannels(op, input, 5);
  if (!checkFilter(op, filter, 5))
    return failure();
  ArrayRef<int64_t> extents = op.getShape(filter); // (d, h, w, out, in)
  if (shape.size() != 5 || channels != extents[4])
    return op.reject("its filter or the shape of its output does not fit its input");
  Windows windows;
  windows.size.assign(extents.begin(), extents.begin() + 3);
  windows.strides = {options.stride_d(), options.stride_h(), options.stride_w()};
  windows.dilations = {options.dilation_d_factor(), options.dilation_h_factor(), options.dilation_w_factor()};
  if (windows.dilations != ArrayRef<int64_t>{1, 1, 1})
    return op.reject("a dilation is not supported");
  setPads(op, input, format::Padding::VALID, windows);
  SmallVector<int64_t> outputPadding;
  if (!op.failed())
    fitOutput(op, input, ArrayRef(shape).slice(1, 3), options.padding(), windows, outputPadding);
  filter = op.create<nn::TransposeOp>(filter, ArrayRef<int64_t>{4, 3, 0, 1, 2});
  Value result = op.create<nn::ConvTransposeOp>(input, filter, bias, nn::Layout::ChannelsLast, windows.strides,
                                                windows.dilations, windows.padsBegin, windows.padsEnd, /*groups=*/1,
                                                outputPadding);
  return op.result(op.activate(result, options.fused_activation_function()));
}

static const OpEntry table[] = {
    {format::BuiltinOperator::CONV_2D, importConv2D, importQuantizedConv2D},
    {format::BuiltinOperator::CONV_3D, importConv3D},
    {format::BuiltinOperator::CONV_3D_TRANSPOSE, importConv3DTranspose},
    {format::BuiltinOperator::DEPTHWISE_CONV_2D, importDepthwiseConv2D, importQuantizedDepthwiseConv2D},
    {format::BuiltinOperator::TRANSPOSE_CONV, importTransposeConv, importQuantizedTransposeConv},
};

ArrayRef<OpEntry> getConvolutionOps() { return table; }

} // namespace nnc::tflite
