// Convolutions and products of quantised numbers: sums of i32, exact, then brought to the result's scale.
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/Windows.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::tflite {

/// As many products of 8-bit integers less their zero points as f32 can sum without rounding, whatever the order:
/// 2^24 / (255 * 255).
static constexpr int64_t maxExactProducts = 258;

namespace {

/// What layers with weights have in common: operands and how they are quantised.
struct Layer {
  Value input, filter, bias;
  Quantization inputNumbers, filterNumbers, result;
  bool isWide = false; ///< inputs of 16 bits, sums and biases of 64
};

} // namespace

static bool isByte(Value value) {
  Type type = getElementTypeOrSelf(value);
  return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() == 8;
}

/// `channelAxis`: the filter's axis of output channels.
static Layer bindLayer(OpBinder &op, unsigned input, unsigned filter, unsigned bias, int64_t channelAxis) {
  Layer layer{op.operand(input), op.operand(filter), op.optionalOperand(bias), {}, {}, {}, false};
  layer.inputNumbers = op.tensorQuantization(input);
  layer.filterNumbers = op.quantizationOf(filter);
  layer.result = op.resultTensorQuantization(0);
  if (op.failed())
    return layer;
  if (getElementTypeOrSelf(layer.filter).isInteger(4))
    layer.filter = op.cast(layer.filter, op.getBuilder().getI8Type());
  if (op.failed())
    return layer;
  layer.isWide = getElementTypeOrSelf(layer.input).isInteger(16);
  if ((!layer.isWide && !isByte(layer.input)) || !isByte(layer.filter) ||
      (layer.bias && !getElementTypeOrSelf(layer.bias).isInteger(layer.isWide ? 64 : 32))) {
    (void)op.reject(
        "on quantised numbers it is supported for inputs and weights of 8 bits and biases of 32, and for inputs "
        "of 16 and biases of 64");
    return layer;
  }
  if (layer.filterNumbers.scales.size() == 1)
    return layer;
  if (layer.filterNumbers.axis != channelAxis || op.getRank(layer.filter) <= channelAxis ||
      op.getShape(layer.filter)[channelAxis] != static_cast<int64_t>(layer.filterNumbers.scales.size()) ||
      llvm::any_of(layer.filterNumbers.zeroPoints, [](int64_t zeroPoint) { return zeroPoint != 0; }))
    (void)op.reject("its weights must have one scale, or one for each output channel and no zero points");
  return layer;
}

/// From products of input and filter to the result.
static SmallVector<Multiplier> getMultipliers(const Layer &layer) {
  SmallVector<Multiplier> multipliers;
  for (float scale : layer.filterNumbers.scales)
    multipliers.push_back(makeMultiplier(static_cast<double>(layer.inputNumbers.scale()) * scale /
                                         static_cast<double>(layer.result.scale())));
  return multipliers;
}

static Value makeZeroPoint(OpBinder &op, Value of, const Quantization &quantization) {
  if (op.failed() || quantization.zeroPoint() == 0)
    return {};
  return op.scalar(getElementTypeOrSelf(of), quantization.zeroPoint());
}

static LogicalResult finishLayer(OpBinder &op, const Layer &layer, Value sum, format::Activation activation) {
  sum = op.cast(sum, layer.isWide ? op.getBuilder().getI64Type() : op.getBuilder().getI32Type());
  if (layer.bias)
    sum = op.create<nn::AddOp>(sum, layer.bias);
  Value scaled =
      layer.isWide ? buildWideScaled(op, sum, getMultipliers(layer)) : buildScaled(op, sum, getMultipliers(layer));
  return op.result(buildResult(op, scaled, layer.result, activation));
}

/// A product's sum of 64 bits as the result: TFLite's kernels of products scale it in doubles and round once, half away
/// from zero, where those of convolutions have multipliers of 16 bits.
static Value buildRounded(OpBinder &op, const Layer &layer, Value sum) {
  SmallVector<double> factors;
  for (float scale : layer.filterNumbers.scales)
    factors.push_back(static_cast<double>(layer.inputNumbers.scale()) * scale / static_cast<double>(layer.result.scale()));
  Type f64 = op.getBuilder().getF64Type(), i32 = op.getBuilder().getI32Type();
  auto type = RankedTensorType::get({static_cast<int64_t>(factors.size())}, f64);
  Value factor = op.constant(DenseElementsAttr::get(type, ArrayRef<double>(factors)));
  frontend::Expression scaled(op, op.create<nn::MulOp>(op.cast(sum, f64), factor));
  if (op.failed())
    return {};
  frontend::Expression size = scaled.unary<nn::AbsOp>().min(scaled.like(1 << 30)), whole = size.unary<nn::FloorOp>();
  frontend::Expression rounded = (size - whole >= 0.5).choose(whole + 1, whole);
  return (scaled < 0.0).choose(rounded.unary<nn::NegOp>(), rounded).cast(i32);
}

static LogicalResult finishWideProduct(OpBinder &op, const Layer &layer, Value sum, format::Activation activation) {
  sum = op.cast(sum, op.getBuilder().getI64Type());
  if (layer.bias)
    sum = op.create<nn::AddOp>(sum, layer.bias);
  return op.result(buildResult(op, buildRounded(op, layer, sum), layer.result, activation));
}

/// The floats that sum `count` products of a layer without rounding, whatever the order.
static Type getExactType(OpBinder &op, const Layer &layer, int64_t count) {
  if (layer.isWide || count > maxExactProducts)
    return op.getBuilder().getF64Type();
  return op.getBuilder().getF32Type();
}

/// `value` less its zero point as floats.
static Value toFloat(OpBinder &op, Value value, const Quantization &quantization, Type type) {
  return op.cast(buildDifference(op, value, quantization), type);
}

/// The sums of an image and a filter (out, in, h, w).
static Value convolve(OpBinder &op, const Layer &layer, const Conv2D &conv) {
  if (op.failed())
    return {};
  const Windows &windows = conv.windows;
  ArrayRef<int64_t> shape = op.getShape(conv.filter);
  int64_t count = shape[1] * shape[2] * shape[3];
  // Windows of single channels have no kernel on integers.
  if (layer.isWide || (conv.groups > 1 && count <= maxExactProducts)) {
    Type type = getExactType(op, layer, count);
    return op.create<nn::ConvOp>(toFloat(op, layer.input, layer.inputNumbers, type),
                                 toFloat(op, conv.filter, layer.filterNumbers, type), Value(), nn::Layout::ChannelsLast,
                                 windows.strides, windows.dilations, windows.padsBegin, windows.padsEnd, conv.groups);
  }
  return op.create<nn::IntegerConvOp>(layer.input, conv.filter, makeZeroPoint(op, layer.input, layer.inputNumbers),
                                      makeZeroPoint(op, conv.filter, layer.filterNumbers), nn::Layout::ChannelsLast,
                                      windows.strides, windows.dilations, windows.padsBegin, windows.padsEnd,
                                      conv.groups);
}

LogicalResult importQuantizedConv2D(OpBinder &op) {
  Layer layer = bindLayer(op, 0, 1, 2, /*channelAxis=*/0);
  const auto &options = op.options<format::Conv2DOptions>();
  std::optional<Conv2D> conv = bindConv2D(op, layer.input, layer.filter, options);
  if (!conv)
    return failure();
  return finishLayer(op, layer, convolve(op, layer, *conv), options.fused_activation_function());
}

LogicalResult importQuantizedDepthwiseConv2D(OpBinder &op) {
  Layer layer = bindLayer(op, 0, 1, 2, /*channelAxis=*/3);
  const auto &options = op.options<format::DepthwiseConv2DOptions>();
  std::optional<Conv2D> conv = bindDepthwiseConv2D(op, layer.input, layer.filter, options);
  if (!conv)
    return failure();
  return finishLayer(op, layer, convolve(op, layer, *conv), options.fused_activation_function());
}

LogicalResult importQuantizedFullyConnected(OpBinder &op) {
  Layer layer = bindLayer(op, 0, 1, 2, /*channelAxis=*/0);
  const auto &options = op.options<format::FullyConnectedOptions>();
  Value rows = bindRows(op, layer.input, layer.filter, options);
  if (layer.isWide && !op.failed()) {
    Type type = getExactType(op, layer, op.getShape(layer.filter)[1]);
    Value wide = op.create<nn::MatmulOp>(toFloat(op, rows, layer.inputNumbers, type),
                                         toFloat(op, layer.filter, layer.filterNumbers, type), false,
                                         /*transpose_rhs=*/true);
    if (options.keep_num_dims())
      wide = restoreAxes(op, wide, layer.input);
    return finishWideProduct(op, layer, wide, options.fused_activation_function());
  }
  Value columns = op.create<nn::TransposeOp>(layer.filter, ArrayRef<int64_t>{1, 0});
  Value sum = op.create<nn::IntegerMatmulOp>(rows, columns, makeZeroPoint(op, layer.input, layer.inputNumbers),
                                             makeZeroPoint(op, layer.filter, layer.filterNumbers));
  if (options.keep_num_dims())
    sum = restoreAxes(op, sum, layer.input);
  return finishLayer(op, layer, sum, options.fused_activation_function());
}

/// The same operand with its last two axes in the other order.
static Value swapMatrix(OpBinder &op, Value matrix) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, op.getRank(matrix)));
  std::swap(order[order.size() - 2], order.back());
  return op.create<nn::TransposeOp>(matrix, order);
}

LogicalResult importQuantizedBatchMatMul(OpBinder &op) {
  Value lhs = op.operand(0), rhs = op.operand(1);
  Quantization left = op.tensorQuantization(0), right = op.tensorQuantization(1),
               result = op.resultTensorQuantization(0);
  const auto &options = op.options<format::BatchMatMulOptions>();
  if (op.failed())
    return failure();
  if (op.getRank(lhs) < 2 || op.getRank(rhs) < 2)
    return op.reject("its operands must have at least two axes");
  bool isWide = getElementTypeOrSelf(lhs).isInteger(16);
  if (left.highest != right.highest || left.highest != result.highest || (!isWide && left.highest > INT8_MAX))
    return op.reject("on quantised numbers it is supported for signed ones of 8 or 16 bits");
  lhs = options.adj_x() ? swapMatrix(op, lhs) : lhs;
  rhs = options.adj_y() ? swapMatrix(op, rhs) : rhs;
  double product = left.scale() * right.scale();
  Multiplier factor = makeMultiplier(product / static_cast<double>(result.scale()));
  if (isWide) {
    Type f64 = op.getBuilder().getF64Type();
    Value sum = op.create<nn::MatmulOp>(toFloat(op, lhs, left, f64), toFloat(op, rhs, right, f64), false, false);
    Value scaled = buildWideScaled(op, op.cast(sum, op.getBuilder().getI64Type()), factor);
    return op.result(buildResult(op, scaled, result, format::Activation::NONE));
  }
  Value sum = op.create<nn::IntegerMatmulOp>(lhs, rhs, makeZeroPoint(op, lhs, left), makeZeroPoint(op, rhs, right));
  return op.result(buildResult(op, buildScaled(op, sum, factor), result, format::Activation::NONE));
}

LogicalResult importQuantizedTransposeConv(OpBinder &op) {
  Layer layer = bindLayer(op, 2, 1, 3, /*channelAxis=*/0);
  const auto &options = op.options<format::TransposeConvOptions>();
  std::optional<TransposedConv> conv = bindTransposedConv(op, layer.input, layer.filter, options);
  if (!conv)
    return failure();
  ArrayRef<int64_t> shape = op.getShape(conv->filter); // (in, out, h, w)
  Type type = getExactType(op, layer, shape[0] * shape[2] * shape[3]);
  Value sum = buildTransposedConv(op, toFloat(op, layer.input, layer.inputNumbers, type),
                                  toFloat(op, conv->filter, layer.filterNumbers, type), *conv, options.padding());
  return finishLayer(op, layer, sum, options.fused_activation_function());
}

} // namespace nnc::tflite
