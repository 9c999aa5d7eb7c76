// ONNX operators that compute on quantised tensors: products on integers, the
// rest on dequantised numbers.
//
// A sum of integer products becomes a number by the factor that combines all
// scales, in the order of ONNX Runtime: (scale of a * scale of b) / scale of y.
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/RunTimeFilter.h"
#include "lib/Frontend/ONNX/WindowAttributes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

static constexpr StringRef microsoft = "com.microsoft";

namespace {

/// A tensor with scale and zero point (null: 0).
struct Quantized {
  Value value, scale, zeroPoint;
};

} // namespace

static Quantized bindQuantized(NodeBinder &node, unsigned first) {
  return {node.operand(first), node.operand(first + 1), node.optionalOperand(first + 2)};
}

static Type getF32(NodeBinder &node) { return node.getBuilder().getF32Type(); }
static Type getUnsignedByte(NodeBinder &node) { return node.getBuilder().getIntegerType(8, /*isSigned=*/false); }

static Value castTo(NodeBinder &node, Value value, Type type) {
  if (!value || node.failed() || getElementTypeOrSelf(value) == type)
    return value;
  return node.create<nn::CastOp>(value, type, /*saturate=*/true, nn::PowerRounding::Up);
}

/// A parameter of one number or one per index of an axis, in a shape that broadcasts; `behind` axes follow the axis.
static Value alignTo(NodeBinder &node, Value parameter, int64_t behind) {
  if (!parameter || node.failed() || node.getRank(parameter) != 1)
    return parameter;
  if (node.getType(parameter).getDimSize(0) == 1)
    return node.create<nn::SqueezeOp>(parameter, ArrayRef<int64_t>{0});
  SmallVector<int64_t> axes;
  for (int64_t i = 1; i <= behind; ++i)
    axes.push_back(i);
  return axes.empty() ? parameter : node.create<nn::UnsqueezeOp>(parameter, axes);
}

static Value multiply(NodeBinder &node, Value a, Value b) {
  if (node.failed())
    return {};
  return node.create<nn::MulOp>(castTo(node, a, getF32(node)), castTo(node, b, getF32(node)));
}

static Value quantize(NodeBinder &node, Value x, Value scale, Value zeroPoint, Type to) {
  if (node.failed())
    return {};
  if (!scale)
    scale = node.scalar(getF32(node), 1);
  return node.create<nn::QuantizeOp>(x, scale, zeroPoint, to, nn::IntegerRounding::HalfToEven, /*saturate=*/true);
}

static Value dequantize(NodeBinder &node, const Quantized &x) {
  if (node.failed())
    return {};
  return node.create<nn::DequantizeOp>(x.value, alignTo(node, x.scale, 0), alignTo(node, x.zeroPoint, 0), getF32(node));
}

/// round(sum * factor / scale of y) + zero point of y. ONNX Runtime divides the factor, not the product.
static Value requantize(NodeBinder &node, Value sum, Value factor, Value scale, Value zeroPoint, Type to) {
  if (node.failed())
    return {};
  Value combined = node.create<nn::DivOp>(factor, castTo(node, alignTo(node, scale, 0), getF32(node)));
  Value scaled = keepShape(node, multiply(node, castTo(node, sum, getF32(node)), combined), sum);
  return quantize(node, scaled, Value(), alignTo(node, zeroPoint, 0), to);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Zero points, one or one per index of `axis` of `operand`, which they must not enlarge; the product's shape does not
/// depend on them.
static Value fitTo(NodeBinder &node, Value zeroPoints, Value operand, int64_t axis) {
  if (!zeroPoints || node.failed() || node.getRank(zeroPoints) != 1 || node.getType(zeroPoints).hasStaticShape())
    return zeroPoints;
  Value extent = node.create<nn::ShapeOp>(operand, axis, axis + 1);
  return node.create<nn::ReshapeOp>(node.create<nn::BroadcastToOp>(zeroPoints, extent), extent);
}

/// The integer product; zero points of lhs may be one per row, those of rhs one per column.
static Value multiplyMatrices(NodeBinder &node, Value lhs, Value lhsZero, Value rhs, Value rhsZero) {
  if (node.failed())
    return {};
  bool lhsIsMatrix = node.getRank(lhs) > 1, rhsIsMatrix = node.getRank(rhs) > 1;
  lhsZero = fitTo(node, lhsZero, lhs, std::max<int64_t>(node.getRank(lhs) - 2, 0));
  rhsZero = fitTo(node, rhsZero, rhs, node.getRank(rhs) - 1);
  return node.create<nn::IntegerMatmulOp>(lhs, rhs, alignTo(node, lhsZero, lhsIsMatrix ? 1 : 0),
                                          rhsIsMatrix || !rhsZero ? alignTo(node, rhsZero, 0) : rhsZero);
}

static LogicalResult importMatMulInteger(NodeBinder &node) {
  Value lhs = node.operand(0), rhs = node.operand(1);
  return node.result(multiplyMatrices(node, lhs, node.optionalOperand(2), rhs, node.optionalOperand(3)));
}

static LogicalResult importQLinearMatMul(NodeBinder &node) {
  Quantized a = bindQuantized(node, 0), b = bindQuantized(node, 3);
  Value scale = node.operand(6), zeroPoint = node.operand(7);
  if (node.failed())
    return failure();
  Value sum = multiplyMatrices(node, a.value, a.zeroPoint, b.value, b.zeroPoint);
  Value factor = multiply(node, alignTo(node, a.scale, 1), alignTo(node, b.scale, 0));
  return node.result(requantize(node, sum, factor, scale, zeroPoint, getElementTypeOrSelf(zeroPoint)));
}

/// A sum of products as a float, with a bias that may be left out.
static LogicalResult finishFloat(NodeBinder &node, Value sum, Value factor, Value bias) {
  Value result = multiply(node, castTo(node, sum, getF32(node)), factor);
  if (bias && !node.failed())
    result = node.create<nn::AddOp>(result, bias);
  return node.result(keepShape(node, result, sum));
}

static LogicalResult importMatMulIntegerToFloat(NodeBinder &node) {
  Value lhs = node.operand(0), rhs = node.operand(1), lhsScale = node.operand(2), rhsScale = node.operand(3);
  Value bias = node.optionalOperand(6);
  Value sum = multiplyMatrices(node, lhs, node.optionalOperand(4), rhs, node.optionalOperand(5));
  return finishFloat(node, sum, multiply(node, alignTo(node, lhsScale, 1), alignTo(node, rhsScale, 0)), bias);
}

/// y, scale and zero point of x quantised to u8 by its own range, in which 0 always is.
static Quantized quantizeDynamically(NodeBinder &node, Value x) {
  if (node.failed())
    return {};
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, node.getRank(x)));
  Value zero = node.scalar(getF32(node), 0), one = node.scalar(getF32(node), 1);
  Value most = node.create<nn::ReduceOp>(x, nn::ReductionKind::Max, axes, /*keepdims=*/false);
  most = node.create<nn::MaxOp>(most, zero);
  Value least = node.create<nn::ReduceOp>(x, nn::ReductionKind::Min, axes, /*keepdims=*/false);
  least = node.create<nn::MinOp>(least, zero);
  Value range = node.create<nn::SubOp>(most, least);
  Value scale = node.create<nn::DivOp>(range, node.scalar(getF32(node), 255));
  Value isFlat = node.create<nn::CompareOp>(most, least, nn::ComparePredicate::Equal);
  scale = node.create<nn::WhereOp>(isFlat, one, scale);
  Value zeroPoint = quantize(node, node.create<nn::SubOp>(zero, least), scale, Value(), getUnsignedByte(node));
  return {quantize(node, x, scale, zeroPoint, getUnsignedByte(node)), scale, zeroPoint};
}

static LogicalResult importDynamicQuantizeLinear(NodeBinder &node) {
  Quantized y = quantizeDynamically(node, node.operand(0));
  if (failed(node.result(y.value)) || failed(node.result(y.scale)))
    return failure();
  return node.result(y.zeroPoint);
}

static LogicalResult importDynamicQuantizeMatMul(NodeBinder &node) {
  Value x = node.operand(0), rhs = node.operand(1), scale = node.operand(2);
  Value zeroPoint = node.optionalOperand(3), bias = node.optionalOperand(4);
  Quantized lhs = quantizeDynamically(node, x);
  Value sum = multiplyMatrices(node, lhs.value, lhs.zeroPoint, rhs, zeroPoint);
  return finishFloat(node, sum, multiply(node, lhs.scale, alignTo(node, scale, 0)), bias);
}

/// alpha * A * B + C, requantised where there is a scale for y.
static LogicalResult importQGemm(NodeBinder &node) {
  Quantized a = bindQuantized(node, 0), b = bindQuantized(node, 3);
  Value bias = node.optionalOperand(6), scale = node.optionalOperand(7), zeroPoint = node.optionalOperand(8);
  bool transposeLhs = node.intAttr("transA", 0), transposeRhs = node.intAttr("transB", 0);
  double alpha = node.floatAttr("alpha", 1);
  if (node.failed())
    return failure();
  if (node.getRank(a.value) != 2 || node.getRank(b.value) != 2)
    return node.reject("A and B must be matrices");
  SmallVector<int64_t> swap{1, 0};
  if (transposeLhs)
    a.value = node.create<nn::TransposeOp>(a.value, swap);
  if (transposeRhs)
    b.value = node.create<nn::TransposeOp>(b.value, swap);
  Value sum = multiplyMatrices(node, a.value, a.zeroPoint, b.value, b.zeroPoint);
  if (bias && !node.failed())
    sum = keepShape(node, node.create<nn::AddOp>(sum, bias), sum);
  Value factor = multiply(node, alignTo(node, a.scale, 0), alignTo(node, b.scale, 0));
  if (alpha != 1)
    factor = multiply(node, node.scalar(getF32(node), alpha), factor);
  if (!scale)
    return finishFloat(node, sum, factor, Value());
  Type to = zeroPoint ? getElementTypeOrSelf(zeroPoint) : getElementTypeOrSelf(a.value);
  return node.result(requantize(node, sum, factor, scale, zeroPoint, to));
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// The integer convolution of (N, C, spatial...); the filter's zero point may be one per output channel.
static Value convolve(NodeBinder &node, Value input, Value inputZero, Value filter, Value filterZero) {
  int64_t groups = node.intAttr("group", 1);
  if (node.failed())
    return {};
  if (node.getRank(filter) < 3) {
    (void)node.reject("the filter must have spatial dimensions");
    return {};
  }
  inputZero = alignTo(node, fixLength(node, inputZero, 1), 0);
  filterZero = alignTo(node, fitTo(node, filterZero, filter, 0), node.getRank(filter) - 1);
  if (!node.getType(filter).hasStaticShape())
    return buildRunTimeIntegerConv(node, {node, input}, inputZero, {node, filter}, filterZero);
  SmallVector<int64_t> size(node.getType(filter).getShape().drop_front(2));
  WindowAttributes window = readWindow(node, input, size);
  requireFit(node, input, window);
  if (node.failed())
    return {};
  return node.create<nn::IntegerConvOp>(input, filter, inputZero, filterZero, nn::Layout::ChannelsFirst, window.strides,
                                        window.dilations, window.padsBegin, window.padsEnd, groups);
}

static LogicalResult importConvInteger(NodeBinder &node) {
  Value input = node.operand(0), filter = node.operand(1);
  return node.result(convolve(node, input, node.optionalOperand(2), filter, node.optionalOperand(3)));
}

/// The axes of (N, spatial..., C) so that the channels come first, or of (N, C, spatial...) so that they come last.
static Value moveChannels(NodeBinder &node, Value x, bool toLast) {
  if (node.failed())
    return {};
  int64_t rank = node.getRank(x);
  if (rank < 3) {
    (void)node.reject("the input has no spatial dimensions");
    return {};
  }
  SmallVector<int64_t> order{0};
  if (!toLast)
    order.push_back(rank - 1);
  llvm::append_range(order, toLast ? llvm::seq<int64_t>(2, rank) : llvm::seq<int64_t>(1, rank - 1));
  if (toLast)
    order.push_back(1);
  return node.create<nn::TransposeOp>(x, order);
}

/// That of com.microsoft may have its channels last.
static LogicalResult importQLinearConv(NodeBinder &node) {
  Quantized x = bindQuantized(node, 0), w = bindQuantized(node, 3);
  Value scale = node.operand(6), zeroPoint = node.operand(7), bias = node.optionalOperand(8);
  bool channelsLast = node.intAttr("channels_last", 0);
  if (channelsLast)
    x.value = moveChannels(node, x.value, /*toLast=*/false);
  Value sum = convolve(node, x.value, x.zeroPoint, w.value, w.zeroPoint);
  if (node.failed())
    return failure();
  int64_t spatial = node.getRank(x.value) - 2;
  if (bias)
    sum = keepShape(node, node.create<nn::AddOp>(sum, alignTo(node, bias, spatial)), sum);
  Value factor = multiply(node, alignTo(node, x.scale, 0), alignTo(node, w.scale, spatial));
  Value result = requantize(node, sum, factor, scale, zeroPoint, getElementTypeOrSelf(zeroPoint));
  return node.result(channelsLast ? moveChannels(node, result, /*toLast=*/true) : result);
}

//===----------------------------------------------------------------------===//
// On dequantised numbers
//===----------------------------------------------------------------------===//

template <typename OpTy> static LogicalResult importQLinearBinary(NodeBinder &node) {
  Quantized a = bindQuantized(node, 0), b = bindQuantized(node, 3);
  Value scale = node.operand(6), zeroPoint = node.optionalOperand(7);
  if (node.failed())
    return failure();
  Value result = node.create<OpTy>(dequantize(node, a), dequantize(node, b));
  return node.result(quantize(node, result, alignTo(node, scale, 0), alignTo(node, zeroPoint, 0),
                              getElementTypeOrSelf(a.value)));
}

/// x, quantised, through a function of numbers, and y's scale and zero point behind it.
static LogicalResult finishUnary(NodeBinder &node, Value result, Type to) {
  Value scale = node.operand(3), zeroPoint = node.optionalOperand(4);
  return node.result(quantize(node, result, alignTo(node, scale, 0), alignTo(node, zeroPoint, 0), to));
}

static LogicalResult importQLinearSigmoid(NodeBinder &node) {
  Quantized x = bindQuantized(node, 0);
  if (node.failed())
    return failure();
  return finishUnary(node, node.create<nn::SigmoidOp>(dequantize(node, x)), getElementTypeOrSelf(x.value));
}

static LogicalResult importQLinearLeakyRelu(NodeBinder &node) {
  Quantized x = bindQuantized(node, 0);
  double alpha = node.floatAttr("alpha", 0.01);
  if (node.failed())
    return failure();
  Value result = node.create<nn::LeakyReluOp>(dequantize(node, x), node.getBuilder().getF32FloatAttr(alpha));
  return finishUnary(node, result, getElementTypeOrSelf(x.value));
}

static LogicalResult importQLinearGlobalAveragePool(NodeBinder &node) {
  Quantized x = bindQuantized(node, 0);
  bool channelsLast = node.intAttr("channels_last", 0);
  if (node.failed())
    return failure();
  int64_t rank = node.getRank(x.value), first = channelsLast ? 1 : 2;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(first, channelsLast ? rank - 1 : rank));
  Value mean = node.create<nn::ReduceOp>(dequantize(node, x), nn::ReductionKind::Mean, axes, /*keepdims=*/true);
  return finishUnary(node, mean, getElementTypeOrSelf(x.value));
}

static LogicalResult importQLinearAveragePool(NodeBinder &node) {
  Quantized x = bindQuantized(node, 0);
  bool ceil = node.intAttr("ceil_mode", 0), includePads = node.intAttr("count_include_pad", 0);
  bool channelsLast = node.intAttr("channels_last", 0);
  if (node.failed())
    return failure();
  if (channelsLast)
    x.value = moveChannels(node, x.value, /*toLast=*/false);
  WindowAttributes window = readWindow(node, x.value);
  requireFit(node, x.value, window, ceil);
  if (node.failed())
    return failure();
  // Where pads count, so does what the last windows lack; ONNX's AveragePool leaves that out.
  for (unsigned axis = 0; ceil && includePads && axis < window.size.size(); ++axis) {
    int64_t extent = node.getType(x.value).getDimSize(axis + 2), stride = window.strides[axis];
    if (ShapedType::isDynamic(extent))
      return node.reject("ceil_mode needs spatial extents that are known at compile time");
    int64_t rest = extent + window.padsBegin[axis] + window.padsEnd[axis] - window.getReach(axis);
    int64_t last = rest > 0 ? llvm::divideCeil(rest, stride) * stride : rest;
    if (last < extent + window.padsBegin[axis]) // a window that begins behind the image is none
      window.padsEnd[axis] += last - rest;
  }
  Value mean = node.create<nn::AvgPoolOp>(dequantize(node, x), nn::Layout::ChannelsFirst, window.size, window.strides,
                                          window.dilations, window.padsBegin, window.padsEnd, ceil, includePads);
  return finishUnary(node, channelsLast ? moveChannels(node, mean, /*toLast=*/true) : mean,
                     getElementTypeOrSelf(x.value));
}

static LogicalResult importQLinearReduceMean(NodeBinder &node) {
  Quantized x = bindQuantized(node, 0);
  SmallVector<int64_t> axes = node.intsAttr("axes");
  bool keepdims = node.intAttr("keepdims", 1);
  if (node.failed())
    return failure();
  int64_t rank = node.getRank(x.value);
  for (int64_t &axis : axes)
    axis = node.normalizeAxis(axis, rank);
  if (axes.empty())
    llvm::append_range(axes, llvm::seq<int64_t>(0, rank));
  llvm::sort(axes);
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    return node.reject("an axis is named twice");
  Value mean = node.create<nn::ReduceOp>(dequantize(node, x), nn::ReductionKind::Mean, axes, keepdims);
  return finishUnary(node, mean, getElementTypeOrSelf(x.value));
}

/// Along one axis from opset 13 on, before along all from one on.
static LogicalResult importQLinearSoftmax(NodeBinder &node) {
  Quantized x = bindQuantized(node, 0);
  bool flattens = node.intAttr("opset", 13) < 13;
  int64_t axis = node.axisAttr("axis", flattens ? 1 : -1, x.value);
  if (node.failed())
    return failure();
  Value number = dequantize(node, x), result;
  if (flattens) {
    Value shape = node.create<nn::ShapeOp>(number, 0, node.getRank(number));
    result = node.create<nn::SoftmaxOp>(node.create<nn::FlattenOp>(number, axis), 1);
    result = node.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/true);
  } else {
    result = node.create<nn::SoftmaxOp>(number, axis);
  }
  return finishUnary(node, result, getElementTypeOrSelf(x.value));
}

static LogicalResult importQLinearWhere(NodeBinder &node) {
  Value condition = node.operand(0), scale = node.operand(7), zeroPoint = node.operand(8);
  Quantized x = bindQuantized(node, 1), y = bindQuantized(node, 4);
  if (node.failed())
    return failure();
  Value chosen = node.create<nn::WhereOp>(condition, dequantize(node, x), dequantize(node, y));
  return node.result(quantize(node, chosen, alignTo(node, scale, 0), alignTo(node, zeroPoint, 0),
                              getElementTypeOrSelf(x.value)));
}

/// Scale and zero point of y first, then triples.
static LogicalResult importQLinearConcat(NodeBinder &node) {
  Value scale = node.operand(0), zeroPoint = node.operand(1);
  int64_t axis = node.intAttr("axis", 0);
  if (node.failed())
    return failure();
  SmallVector<Value> parts;
  for (unsigned i = 2; i + 2 < node.getNumOperands(); i += 3) {
    Quantized x = bindQuantized(node, i);
    parts.push_back(quantize(node, dequantize(node, x), alignTo(node, scale, 0), alignTo(node, zeroPoint, 0),
                             getElementTypeOrSelf(zeroPoint)));
    if (node.failed())
      return failure();
  }
  if (parts.empty())
    return node.reject("there is nothing to concatenate");
  return node.result(node.create<nn::ConcatOp>(parts, node.normalizeAxis(axis, node.getRank(parts.front()))));
}

//===----------------------------------------------------------------------===//
// Weights of a few bits
//===----------------------------------------------------------------------===//

static const OpEntry table[] = {
    {"ConvInteger", 10, importConvInteger},
    {"DynamicQuantizeLinear", 11, importDynamicQuantizeLinear},
    {"MatMulInteger", 10, importMatMulInteger},
    {"QLinearConv", 10, importQLinearConv},
    {"QLinearMatMul", 10, importQLinearMatMul},
    {"DynamicQuantizeMatMul", 1, importDynamicQuantizeMatMul, microsoft},
    {"MatMulIntegerToFloat", 1, importMatMulIntegerToFloat, microsoft},
    {"QGemm", 1, importQGemm, microsoft},
    {"QLinearAdd", 1, importQLinearBinary<nn::AddOp>, microsoft},
    {"QLinearAveragePool", 1, importQLinearAveragePool, microsoft},
    {"QLinearConcat", 1, importQLinearConcat, microsoft},
    {"QLinearConv", 1, importQLinearConv, microsoft},
    {"QLinearGlobalAveragePool", 1, importQLinearGlobalAveragePool, microsoft},
    {"QLinearLeakyRelu", 1, importQLinearLeakyRelu, microsoft},
    {"QLinearMul", 1, importQLinearBinary<nn::MulOp>, microsoft},
    {"QLinearReduceMean", 1, importQLinearReduceMean, microsoft},
    {"QLinearSigmoid", 1, importQLinearSigmoid, microsoft},
    {"QLinearSoftmax", 1, importQLinearSoftmax, microsoft},
    {"QLinearWhere", 1, importQLinearWhere, microsoft},
};

ArrayRef<OpEntry> getQuantizedLayerOps() { return table; }

} // namespace nnc::onnx
