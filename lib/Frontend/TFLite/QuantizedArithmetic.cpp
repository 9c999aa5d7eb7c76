// Sums, products, means and windows of quantised numbers.
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "lib/Frontend/TFLite/ModelReader.h"

#include "mlir/IR/TypeUtilities.h"

#include <algorithm>
#include <array>

using namespace mlir;

namespace nnc::tflite {

//===--- Between floats and integers ---===//

static Value makeFloat(OpBinder &op, double number) { return op.scalar(op.getBuilder().getF32Type(), number); }

/// Integers of one quantisation become those of another.
static Value requantize(OpBinder &op, Value x, const Quantization &from, const Quantization &to) {
  double factor = static_cast<double>(from.scale()) / static_cast<double>(to.scale());
  return buildResult(op, buildScaled(op, buildDifference(op, x, from), makeMultiplier(factor)), to,
                     format::Activation::NONE);
}

LogicalResult importQuantize(OpBinder &op) {
  Value x = op.operand(0);
  Quantization result = op.resultTensorQuantization(0);
  if (op.failed())
    return failure();
  if (isa<FloatType>(op.getResultType(0)))
    return op.result(x);
  if (!isa<FloatType>(getElementTypeOrSelf(x)))
    return op.result(requantize(op, x, op.tensorQuantization(0), result));
  Type type = op.getResultType(0);
  return op.result(op.create<nn::QuantizeOp>(x, makeFloat(op, result.scale()), op.scalar(type, result.zeroPoint()),
                                             type, nn::IntegerRounding::HalfAwayFromZero, /*saturate=*/true));
}

/// Operand `index` as floats of `type`.
static Value buildDequantized(OpBinder &op, unsigned index, Type type) {
  Value x = op.operand(index);
  if (x && getElementTypeOrSelf(x).getIntOrFloatBitWidth() < 8)
    x = op.cast(x, op.getBuilder().getI8Type());
  Quantization numbers = op.quantizationOf(index);
  SmallVector<int64_t> shape;
  if (numbers.scales.size() > 1) {
    numbers.axis = op.normalizeAxis(numbers.axis, op.getRank(x));
    if (op.failed())
      return {};
    shape.assign(op.getRank(x) - numbers.axis, 1);
    shape[0] = numbers.scales.size();
  }
  if (op.failed())
    return {};
  Value scale = op.floats(shape, std::vector<float>(numbers.scales.begin(), numbers.scales.end()));
  Value zeroPoint;
  if (llvm::any_of(numbers.zeroPoints, [](int64_t number) { return number != 0; }))
    zeroPoint = op.cast(op.reshape(op.ints(numbers.zeroPoints), shape), getElementTypeOrSelf(x));
  return op.create<nn::DequantizeOp>(x, scale, zeroPoint, type);
}

LogicalResult importDequantize(OpBinder &op) { return op.result(buildDequantized(op, 0, op.getResultType(0))); }

void dequantizeWeights(OpBinder &op) {
  for (unsigned i = 0; i < op.getNumOperands(); ++i)
    if (op.isOperandQuantized(i))
      op.replaceOperand(i, buildDequantized(op, i, op.getResultType(0)));
}

bool canComputeInFloats(format::BuiltinOperator kind, const OpEntry &entry, bool isWide) {
  switch (kind) {
  // States are quantised too.
  case format::BuiltinOperator::LSTM:
  case format::BuiltinOperator::SVDF:
  case format::BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM:
  // The kernels interpolate with few bits, up to several integers beside what floats give.
  case format::BuiltinOperator::RESIZE_BILINEAR:
  // Another rounding would be another answer.
  case format::BuiltinOperator::EQUAL:
  case format::BuiltinOperator::GREATER:
  case format::BuiltinOperator::GREATER_EQUAL:
  case format::BuiltinOperator::LESS:
  case format::BuiltinOperator::LESS_EQUAL:
  case format::BuiltinOperator::NOT_EQUAL:
    return false;
  // Approximations, whose errors are several integers of 16 bits.
  case format::BuiltinOperator::LOGISTIC:
  case format::BuiltinOperator::SOFTMAX:
  case format::BuiltinOperator::TANH:
    return !isWide;
  case format::BuiltinOperator::QUANTIZE:
    return true;
  default: // where both are one, numbers are only moved
    return entry.import && entry.import != entry.importQuantized;
  }
}

/// Where a layer has its input, filter and bias.
static std::optional<std::array<unsigned, 3>> findBias(format::BuiltinOperator kind) {
  switch (kind) {
  case format::BuiltinOperator::CONV_2D:
  case format::BuiltinOperator::DEPTHWISE_CONV_2D:
  case format::BuiltinOperator::FULLY_CONNECTED:
    return std::array<unsigned, 3>{0, 1, 2};
  case format::BuiltinOperator::TRANSPOSE_CONV:
    return std::array<unsigned, 3>{2, 1, 3};
  default:
    return std::nullopt;
  }
}

/// A bias counts in products of the units of input and filter, whatever the file says of it.
static Value buildDequantizedBias(OpBinder &op, std::array<unsigned, 3> places) {
  Value bias = op.operand(places[2]);
  Quantization input = op.tensorQuantization(places[0]), filter = op.quantizationOf(places[1]);
  if (op.failed() || isa<FloatType>(getElementTypeOrSelf(bias)))
    return bias;
  std::vector<float> scales;
  for (float scale : filter.scales)
    scales.push_back(input.scale() * scale);
  SmallVector<int64_t> shape;
  if (scales.size() > 1)
    shape.push_back(scales.size());
  Value scale = op.floats(shape, scales);
  Type f32 = op.getBuilder().getF32Type();
  if (getElementTypeOrSelf(bias).isInteger(64)) // which nn.dequantize does not take
    return op.create<nn::MulOp>(op.cast(bias, f32), scale);
  return op.create<nn::DequantizeOp>(bias, scale, Value(), f32);
}

void dequantizeOperands(OpBinder &op, format::BuiltinOperator kind) {
  Value bias;
  auto places = findBias(kind);
  if (places && op.optionalOperand((*places)[2]))
    bias = buildDequantizedBias(op, *places);
  for (unsigned i = 0; i < op.getNumOperands(); ++i)
    if (op.optionalOperand(i) && op.isOperandQuantized(i))
      op.replaceOperand(i, buildDequantized(op, i, op.getBuilder().getF32Type()));
  if (bias)
    op.replaceOperand((*places)[2], bias);
  op.computeInFloats();
}

//===--- Sums and products ---===//

/// Both operands in units of half the larger scale, shifted to the left so that rounding loses little.
template <typename OpTy> static Value buildSum(OpBinder &op, format::Activation activation) {
  Value x = op.operand(0), y = op.operand(1);
  Quantization left = op.tensorQuantization(0), right = op.tensorQuantization(1),
               result = op.resultTensorQuantization(0);
  if (op.failed())
    return {};
  int shift = getElementTypeOrSelf(x).isInteger(16) ? 15 : 20;
  double unit = 2.0 * std::max(left.scale(), right.scale());
  auto scaled = [&](Value value, const Quantization &numbers) {
    Value difference = buildDifference(op, value, numbers);
    difference = op.create<nn::ShiftLeftOp>(difference, op.scalar(op.getBuilder().getI32Type(), shift));
    return buildScaled(op, difference, makeMultiplier(numbers.scale() / unit));
  };
  Value sum = op.create<OpTy>(scaled(x, left), scaled(y, right));
  double back = unit / ((1 << shift) * static_cast<double>(result.scale()));
  return buildResult(op, buildScaled(op, sum, makeMultiplier(back)), result, activation);
}

/// Whether numbers of 16 bits would be added in the way of scales that are powers of two, which is another one.
template <typename Options> static LogicalResult checkScales(OpBinder &op, const Options &options) {
  Quantization numbers = op.tensorQuantization(0);
  if (numbers.highest <= 255 || !options.pot_scale_int16())
    return success();
  return op.reject("sums of 16-bit numbers whose scales are powers of two are not supported");
}

LogicalResult importQuantizedAdd(OpBinder &op) {
  const auto &options = op.options<format::AddOptions>();
  if (failed(checkScales(op, options)))
    return failure();
  return op.result(buildSum<nn::AddOp>(op, options.fused_activation_function()));
}

LogicalResult importQuantizedSub(OpBinder &op) {
  const auto &options = op.options<format::SubOptions>();
  if (failed(checkScales(op, options)))
    return failure();
  return op.result(buildSum<nn::SubOp>(op, options.fused_activation_function()));
}

LogicalResult importQuantizedMul(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  Quantization left = op.tensorQuantization(0), right = op.tensorQuantization(1),
               result = op.resultTensorQuantization(0);
  format::Activation activation = op.options<format::MulOptions>().fused_activation_function();
  Value product = op.create<nn::MulOp>(buildDifference(op, x, left), buildDifference(op, y, right));
  float factor = left.scale() * right.scale() / result.scale();
  return op.result(buildResult(op, buildScaled(op, product, makeMultiplier(factor)), result, activation));
}

LogicalResult importQuantizedSquaredDifference(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  Quantization left = op.tensorQuantization(0), right = op.tensorQuantization(1),
               result = op.resultTensorQuantization(0);
  if (op.failed())
    return failure();
  double unit = 2.0 * std::max(left.scale(), right.scale());
  Multiplier back = makeMultiplier(unit * unit / ((1 << 14) * result.scale()));
  if (result.lowest >= 0 || result.highest > 255 || back.shift > 0)
    return op.reject("on quantised numbers it is supported for signed ones of 8 bits, and a result whose scale is not too small");
  auto scaled = [&](Value value, const Quantization &numbers) {
    Value difference = buildDifference(op, value, numbers);
    difference = op.create<nn::ShiftLeftOp>(difference, op.scalar(op.getBuilder().getI32Type(), 7));
    return buildScaled(op, difference, makeMultiplier(numbers.scale() / unit));
  };
  Value difference = op.create<nn::SubOp>(scaled(x, left), scaled(y, right));
  Value square = op.create<nn::MulOp>(difference, difference);
  return op.result(buildResult(op, buildScaled(op, square, back), result, format::Activation::NONE));
}

LogicalResult importQuantizedPRelu(OpBinder &op) {
  Value x = op.operand(0), slope = op.operand(1);
  Quantization numbers = op.tensorQuantization(0), slopes = op.tensorQuantization(1),
               result = op.resultTensorQuantization(0);
  if (!op.failed() && numbers.highest > 255)
    return op.reject("on quantised numbers it is supported for 8 bits");
  x = buildDifference(op, x, numbers);
  Value product = op.create<nn::MulOp>(x, buildDifference(op, slope, slopes));
  Value positive = buildScaled(op, x, makeMultiplier(numbers.scale() / result.scale()));
  Value negative = buildScaled(op, product, makeMultiplier(numbers.scale() * slopes.scale() / result.scale()));
  Value isNegative = op.create<nn::CompareOp>(x, op.scalar(op.getBuilder().getI32Type(), 0), nn::ComparePredicate::Less);
  return op.result(buildResult(op, op.create<nn::WhereOp>(isNegative, negative, positive), result, format::Activation::NONE));
}

std::pair<Value, Value> bindCompared(OpBinder &op) {
  Value values[2];
  for (unsigned i = 0; i < 2; ++i) {
    Quantization numbers = op.tensorQuantization(i);
    if (!op.failed() && (numbers.highest > 255 || numbers.scale() >= 1))
      (void)op.reject("on quantised numbers it is supported for 8 bits and scales below 1");
    Value difference = buildDifference(op, op.operand(i), numbers);
    difference = op.create<nn::ShiftLeftOp>(difference, op.scalar(op.getBuilder().getI32Type(), 8));
    values[i] = buildScaled(op, difference, makeMultiplier(numbers.scale()));
  }
  return {values[0], values[1]};
}

/// x / y of integers without their zero points, as the reference kernels have it, in units of the result.
static int64_t divide(int32_t x, int32_t y, Multiplier factor) {
  if (y == 0) // nothing that is defined
    return x < 0 ? INT32_MIN : INT32_MAX;
  if (y < 0) {
    x = -x;
    y = -y;
  }
  int32_t shift = 0, reciprocal = makeReciprocal(y, 31, shift);
  int headroom = x == 0 ? 31 : llvm::countl_zero(static_cast<uint32_t>(x < 0 ? ~x : x)) - 1;
  int32_t quotient = multiplyHigh(static_cast<int32_t>(static_cast<uint32_t>(x) << headroom), reciprocal);
  int total = factor.shift - shift - headroom;
  return divideByPower(multiplyHigh(quotient, factor.value), -total);
}

/// A table of what each pair of integers gives.
LogicalResult importQuantizedDiv(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  Quantization left = op.tensorQuantization(0), right = op.tensorQuantization(1),
               result = op.resultTensorQuantization(0);
  auto [least, most] = getLimits(op, result, op.options<format::DivOptions>().fused_activation_function());
  if (op.failed())
    return failure();
  Multiplier factor = makeMultiplier(static_cast<double>(left.scale()) / (right.scale() * result.scale()));
  if (left.highest > 255 || right.highest > 255 || result.highest > 255 || factor.shift > 20)
    return op.reject("on quantised numbers it is supported for 8 bits, and scales that are not too far apart");
  SmallVector<int32_t> table(1 << 16);
  for (int64_t a = left.lowest; a <= left.highest; ++a)
    for (int64_t b = right.lowest; b <= right.highest; ++b) {
      int64_t quotient = divide(a - left.zeroPoint(), b - right.zeroPoint(), factor) + result.zeroPoint();
      table[((a & 255) << 8) | (b & 255)] = std::clamp(quotient, least, most);
    }
  auto type = RankedTensorType::get({1 << 16}, op.getBuilder().getI32Type());
  Value entries = op.cast(op.constant(DenseElementsAttr::get(type, ArrayRef<int32_t>(table))), op.getResultType(0));
  Type i32 = op.getBuilder().getI32Type();
  auto byte = [&](Value value) { return op.create<nn::BitwiseAndOp>(op.cast(value, i32), op.scalar(i32, 255)); };
  Value place = op.create<nn::ShiftLeftOp>(byte(x), op.scalar(i32, 8));
  return op.result(op.create<nn::GatherOp>(entries, op.create<nn::AddOp>(place, byte(y)), 0));
}

//===--- Means and sums ---===//

/// The factor takes the number of elements in: its bits are shifted to the left as far as they go before they are
/// divided.
static Multiplier divideMultiplier(Multiplier multiplier, int64_t count) {
  int shift = 63 - llvm::countl_zero(static_cast<uint64_t>(count));
  shift = std::min({shift, 32, 31 + multiplier.shift});
  return {static_cast<int32_t>((static_cast<int64_t>(multiplier.value) << shift) / count), multiplier.shift - shift};
}

LogicalResult importQuantizedMean(OpBinder &op) {
  Value x = op.operand(0);
  SmallVector<int64_t> axes = constantAxes(op, 1, x);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  bool keepDims = op.options<format::ReducerOptions>().keep_dims();
  if (op.failed())
    return failure();
  int64_t count = 1;
  for (int64_t axis : axes) {
    int64_t extent = op.getShape(x)[axis];
    if (extent < 1 || count > INT32_MAX / extent)
      return op.reject("the extents it takes the mean of must be known at compile time, positive and reasonable");
    count *= extent;
  }
  Value sum = op.create<nn::ReduceOp>(buildDifference(op, x, numbers), nn::ReductionKind::Sum, axes, keepDims);
  Multiplier factor = makeMultiplier(static_cast<double>(numbers.scale()) / static_cast<double>(result.scale()));
  return op.result(
      buildResult(op, buildScaled(op, sum, divideMultiplier(factor, count)), result, format::Activation::NONE));
}

/// In floats, as TFLite's own kernels do it; its reference kernel takes the limits of uint8 for those of
/// all types.
LogicalResult importQuantizedSum(OpBinder &op) {
  Value x = op.operand(0);
  SmallVector<int64_t> axes = constantAxes(op, 1, x);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  bool keepDims = op.options<format::ReducerOptions>().keep_dims();
  if (op.failed())
    return failure();
  float count = 1, scale = numbers.scale() / result.scale();
  for (int64_t axis : axes) {
    if (op.getType(x).isDynamicDim(axis))
      return op.reject("the extents it sums over must be known at compile time");
    count *= static_cast<float>(op.getShape(x)[axis]);
  }
  if (count > (op.getType(x).getElementType().isInteger(16) ? 0x1p15F : 0x1p23F))
    return op.reject("it sums more numbers than 32 bits hold");
  Type i32 = op.getBuilder().getI32Type(), f32 = op.getBuilder().getF32Type();
  Value sum = op.cast(op.create<nn::ReduceOp>(op.cast(x, i32), nn::ReductionKind::Sum, axes, keepDims), f32);
  float bias = static_cast<float>(-numbers.zeroPoint()) * scale * count;
  Value value = op.create<nn::AddOp>(op.create<nn::MulOp>(sum, op.number(scale)), op.number(bias));
  Value zero = op.scalar(op.getResultType(0), static_cast<double>(result.zeroPoint()));
  return op.result(op.create<nn::QuantizeOp>(value, op.number(1), zero, op.getResultType(0),
                                             nn::IntegerRounding::HalfAwayFromZero, /*saturate=*/true));
}

/// How many elements of the image each window has, (1, h, w, 1).
static Value countElements(OpBinder &op, Value input, const Windows &windows) {
  SmallVector<int64_t> extents(op.getShape(input).slice(1, 2)), positions;
  if (llvm::is_contained(extents, ShapedType::kDynamic)) {
    (void)op.reject("its spatial extents must be known at compile time");
    return {};
  }
  SmallVector<SmallVector<int32_t>> counts(2);
  for (int axis = 0; axis < 2; ++axis)
    for (int64_t start = -windows.padsBegin[axis]; start + windows.size[axis] <= extents[axis] + windows.padsEnd[axis];
         start += windows.strides[axis])
      counts[axis].push_back(std::min(start + windows.size[axis], extents[axis]) - std::max<int64_t>(start, 0));
  bool isUniform = llvm::all_equal(counts[0]) && llvm::all_equal(counts[1]) && !counts[0].empty() && !counts[1].empty();
  if (isUniform)
    return makeInts(op, {counts[0][0] * counts[1][0]});
  auto makeAxis = [&](int axis) {
    SmallVector<int64_t> shape{1, 1, 1, 1};
    shape[axis + 1] = counts[axis].size();
    auto type = RankedTensorType::get(shape, op.getBuilder().getI32Type());
    return op.constant(DenseElementsAttr::get(type, ArrayRef<int32_t>(counts[axis])));
  };
  return op.create<nn::MulOp>(makeAxis(0), makeAxis(1));
}

LogicalResult importQuantizedAveragePool(OpBinder &op) {
  requireOneScale(op);
  Value x = op.operand(0);
  const auto &options = op.options<format::Pool2DOptions>();
  Quantization result = op.resultTensorQuantization(0);
  Windows windows = readPool(op, x, options);
  if (op.failed())
    return failure();
  bool isWide = result.highest > 255;
  if (windows.size[0] * windows.size[1] > (isWide ? 1 << 15 : 1 << 16))
    return op.reject("on quantised numbers it is supported for windows of at most 65536 elements of 8 bits, or half as many of 16");
  Type i32 = op.getBuilder().getI32Type();
  // Sums of integers below 2^24 are exact in f32.
  Type sums = isWide ? op.getBuilder().getF64Type() : Type(op.getBuilder().getF32Type());
  Value sum = op.create<nn::SumPoolOp>(op.cast(x, sums), nn::Layout::ChannelsLast, windows.size, windows.strides,
                                       windows.dilations, windows.padsBegin, windows.padsEnd, /*ceil=*/false);
  sum = op.cast(sum, i32);
  Value count = countElements(op, x, windows);
  Value half = op.create<nn::DivOp>(count, op.scalar(i32, 2));
  Value isPositive = op.create<nn::CompareOp>(sum, op.scalar(i32, 0), nn::ComparePredicate::Greater);
  Value rounded = op.create<nn::WhereOp>(isPositive, op.create<nn::AddOp>(sum, half), op.create<nn::SubOp>(sum, half));
  Value mean = op.create<nn::DivOp>(rounded, count);
  auto [least, most] = getLimits(op, result, options.fused_activation_function());
  return op.result(op.cast(op.clip(mean, least, most), op.getResultType(0)));
}

//===--- The numbers stay as they are ---===//

void requireOneScale(OpBinder &op) {
  Quantization result = op.resultTensorQuantization(0);
  for (unsigned i = 0; i < op.getNumOperands() && !op.failed(); ++i) {
    Value value = op.optionalOperand(i);
    if (!value || getElementTypeOrSelf(value) != op.getResultType(0))
      continue;
    Quantization numbers = op.tensorQuantization(i);
    if (numbers.scale() != result.scale() || numbers.zeroPoint() != result.zeroPoint())
      (void)op.reject("its operands and its result must have one scale and zero point");
  }
}

LogicalResult importQuantizedMaxPool(OpBinder &op) {
  requireOneScale(op);
  Value x = op.operand(0);
  const auto &options = op.options<format::Pool2DOptions>();
  Windows windows = readPool(op, x, options);
  Value largest = op.create<nn::MaxPoolOp>(x, nn::Layout::ChannelsLast, windows.size, windows.strides,
                                           windows.dilations, windows.padsBegin, windows.padsEnd, /*ceil=*/false);
  if (options.fused_activation_function() == format::Activation::NONE)
    return op.result(largest);
  auto [least, most] = getLimits(op, op.resultTensorQuantization(0), options.fused_activation_function());
  return op.result(op.clip(largest, least, most));
}

LogicalResult importQuantizedConcatenation(OpBinder &op) {
  requireOneScale(op);
  SmallVector<Value> parts = op.allOperands();
  const auto &options = op.options<format::ConcatenationOptions>();
  if (op.failed())
    return failure();
  if (options.fused_activation_function() != format::Activation::NONE)
    return op.reject("an activation of quantised numbers is not supported here");
  return op.result(op.create<nn::ConcatOp>(parts, op.normalizeAxis(options.axis(), op.getRank(parts.front()))));
}

/// Padding stands for 0, or is one number more of the file.
LogicalResult importQuantizedPad(OpBinder &op) {
  requireOneScale(op);
  Value x = op.operand(0), pads = bindPads(op, 1, x), value = op.optionalOperand(2);
  if (!value && !op.failed())
    value = op.scalar(getElementTypeOrSelf(x), op.tensorQuantization(0).zeroPoint());
  return op.result(op.create<nn::PadOp>(x, pads, value, llvm::to_vector(llvm::seq<int64_t>(0, op.getRank(x))),
                                        nn::PadMode::Constant));
}

LogicalResult importQuantizedMaximum(OpBinder &op) {
  requireOneScale(op);
  Value x = op.operand(0), y = op.operand(1);
  return op.result(op.create<nn::MaxOp>(x, y));
}

LogicalResult importQuantizedMinimum(OpBinder &op) {
  requireOneScale(op);
  Value x = op.operand(0), y = op.operand(1);
  return op.result(op.create<nn::MinOp>(x, y));
}

} // namespace nnc::tflite
