// Functions of one quantised number. Of 8 bits they are a table of 256 integers, computed here as TFLite's reference
// kernels would.
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace nnc::tflite {

/// Rejects the operator unless operand 0 and its result have 8 bits.
static bool checkBytes(OpBinder &op, const Quantization &numbers, const Quantization &result) {
  if (!op.failed() && (numbers.highest > 255 || result.highest > 255))
    (void)op.reject("on quantised numbers it is supported for 8 bits");
  return !op.failed();
}

Value lookUp(OpBinder &op, Value x, ArrayRef<int32_t> table, Type elementType) {
  auto type = RankedTensorType::get({256}, op.getBuilder().getI32Type());
  Value entries = op.cast(op.constant(DenseElementsAttr::get(type, table)), elementType);
  return op.create<nn::GatherOp>(entries, op.cast(x, op.getBuilder().getI32Type()), 0);
}

/// The result whose integers `function` gives for those of operand 0.
static LogicalResult tabulate(OpBinder &op, llvm::function_ref<int64_t(int64_t)> function) {
  Value x = op.operand(0);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  if (!checkBytes(op, numbers, result))
    return failure();
  SmallVector<int32_t> table(256);
  for (int64_t number = numbers.lowest; number <= numbers.highest; ++number)
    table[number & 255] = std::clamp(function(number), result.lowest, result.highest);
  return op.result(lookUp(op, x, table, op.getResultType(0)));
}

//===--- In fixed point ---===//

int64_t getRadius(int integerBits, int shift) {
  return static_cast<int64_t>(std::floor(std::ldexp((1 << integerBits) - 1.0, 31 - integerBits - shift)));
}

/// A function of numbers with 4 bits before the point, saturated outside; `fractionBits` of the result are kept.
static LogicalResult tabulateSaturated(OpBinder &op, int32_t (*function)(int32_t), int fractionBits) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  Multiplier factor = makeMultiplier(numbers.scale() * static_cast<double>(1 << 27));
  int64_t radius = getRadius(4, factor.shift);
  return tabulate(op, [&](int64_t integer) -> int64_t {
    int64_t difference = integer - numbers.zeroPoint();
    if (difference <= -radius)
      return result.lowest;
    if (difference >= radius)
      return result.highest;
    return divideByPower(function(scale(difference, factor)), 31 - fractionBits) + result.zeroPoint();
  });
}

bool checkResult(OpBinder &op, float scale, int64_t zeroPointAboveLowest) {
  Quantization result = op.resultTensorQuantization(0);
  // Of 16 bits TFLite takes scales that are nearly this one.
  float tolerance = result.highest > 255 ? 0.001f * scale : 0;
  if (!op.failed() && (std::fabs(result.scale() - scale) > tolerance || result.zeroPoint() - result.lowest != zeroPointAboveLowest))
    (void)op.reject("its result does not have the scale and zero point that this operator always has");
  return !op.failed();
}

bool isWide(OpBinder &op) {
  Value x = op.operand(0);
  return x && getElementTypeOrSelf(x).isInteger(16);
}

LogicalResult importQuantizedLogistic(OpBinder &op) {
  if (isWide(op))
    return importWideLogistic(op);
  return checkResult(op, 1.0f / 256, 0) ? tabulateSaturated(op, logistic, 8) : failure();
}

LogicalResult importQuantizedTanh(OpBinder &op) {
  if (isWide(op))
    return importWideTanh(op);
  return checkResult(op, 1.0f / 128, 128) ? tabulateSaturated(op, hyperbolicTangent, 7) : failure();
}

static int16_t multiplyHigh16(int16_t a, int16_t b) {
  if (a == b && a == INT16_MIN)
    return INT16_MAX;
  return static_cast<int16_t>((int32_t(a) * b + (1 << 14)) >> 15);
}

static int16_t shiftSaturated(int16_t x, int exponent) {
  return static_cast<int16_t>(std::clamp<int32_t>(int32_t(x) * (1 << exponent), INT16_MIN, INT16_MAX));
}

LogicalResult importQuantizedHardSwish(OpBinder &op) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  float fine = 1.0f / 128 * numbers.scale();
  Multiplier toResult = makeMultiplier(fine / result.scale()), toSlope = makeMultiplier(fine / (3.0f / 32768));
  if (!op.failed() && (toResult.shift > 0 || toResult.shift < -15 || toSlope.shift < -15 || toSlope.shift > 15))
    return op.reject("its scales are too far apart");
  return tabulate(op, [&](int64_t integer) -> int64_t {
    int16_t input = static_cast<int16_t>((integer - numbers.zeroPoint()) * 128);
    int16_t inResult = multiplyHigh16(input, halve(toResult.value)), slope = input;
    if (toSlope.shift > 0)
      slope = shiftSaturated(slope, toSlope.shift - 1);
    slope = multiplyHigh16(slope, halve(toSlope.value));
    if (toSlope.shift > 0)
      slope = shiftSaturated(slope, 1);
    if (toSlope.shift < 0)
      slope = divideByPower(slope, -toSlope.shift);
    slope = static_cast<int16_t>((slope + (1 << 15)) >> 1); // from [-1, 1] to [0, 1]
    int16_t product = static_cast<int16_t>(int32_t(slope) * inResult / (1 << 15));
    return divideByPower(product, -toResult.shift) + result.zeroPoint();
  });
}

LogicalResult importQuantizedLeakyRelu(OpBinder &op) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  float alpha = op.options<format::LeakyReluOptions>().alpha();
  if (op.failed() || !(alpha >= 0))
    return op.reject("on quantised numbers its slope must not be negative");
  Multiplier positive = makeMultiplier(numbers.scale() / result.scale());
  Multiplier negative = makeMultiplier(numbers.scale() * alpha / result.scale());
  if (numbers.highest > 255) {
    Value x = buildDifference(op, op.operand(0), numbers);
    Value isBelow = op.create<nn::CompareOp>(x, op.scalar(op.getBuilder().getI32Type(), 0), nn::ComparePredicate::Less);
    Value scaled = op.create<nn::WhereOp>(isBelow, buildScaled(op, x, negative), buildScaled(op, x, positive));
    return op.result(buildResult(op, scaled, result, format::Activation::NONE));
  }
  return tabulate(op, [&](int64_t integer) -> int64_t {
    int64_t difference = integer - numbers.zeroPoint();
    return scale(difference, difference >= 0 ? positive : negative) + result.zeroPoint();
  });
}

/// Numbers of another scale, limited to an interval.
static LogicalResult importInterval(OpBinder &op, float least, float most) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  Multiplier factor = makeMultiplier(static_cast<double>(numbers.scale() / result.scale()));
  int64_t from = std::max(result.lowest, quantize(least, result));
  int64_t to = std::min(result.highest, std::isinf(most) ? result.highest : quantize(most, result));
  if (!op.failed() && from > to)
    return op.reject("its result has no number of the interval it limits them to");
  if (isWide(op)) {
    Value scaled = buildScaled(op, buildDifference(op, op.operand(0), numbers), factor);
    scaled = op.create<nn::AddOp>(scaled, op.scalar(op.getBuilder().getI32Type(), result.zeroPoint()));
    return op.result(op.cast(op.clip(scaled, from, to), op.getResultType(0)));
  }
  return tabulate(op, [&](int64_t integer) -> int64_t {
    return std::clamp(scale(integer - numbers.zeroPoint(), factor) + result.zeroPoint(), from, to);
  });
}

LogicalResult importQuantizedRelu(OpBinder &op) { return importInterval(op, 0, INFINITY); }
LogicalResult importQuantizedRelu6(OpBinder &op) { return importInterval(op, 0, 6); }
LogicalResult importQuantizedReluN1To1(OpBinder &op) { return importInterval(op, -1, 1); }
LogicalResult importQuantizedRelu0To1(OpBinder &op) { return importInterval(op, 0, 1); }

/// Rejects the operator on unsigned numbers, which the reference kernel does not have.
static bool checkSigned(OpBinder &op) {
  if (!op.failed() && op.tensorQuantization(0).lowest >= 0)
    (void)op.reject("on quantised numbers it is supported for signed ones");
  return !op.failed();
}

LogicalResult importQuantizedAbs(OpBinder &op) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  Multiplier factor = makeMultiplier(static_cast<double>(numbers.scale() / result.scale()));
  bool isSame = numbers.scale() == result.scale();
  if (!checkSigned(op))
    return failure();
  if (isWide(op)) {
    Value magnitude = op.create<nn::AbsOp>(buildDifference(op, op.operand(0), numbers));
    magnitude = isSame ? magnitude : buildScaled(op, magnitude, factor);
    return op.result(buildResult(op, magnitude, result, format::Activation::NONE));
  }
  return tabulate(op, [&](int64_t integer) -> int64_t {
    int64_t magnitude = std::abs(integer - numbers.zeroPoint());
    return (isSame ? magnitude : scale(magnitude, factor)) + result.zeroPoint();
  });
}

/// Of numbers below 0, where the reference kernels stop, the result is the largest one.
LogicalResult importQuantizedRsqrt(OpBinder &op) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  if (!checkSigned(op))
    return failure();
  if (isWide(op))
    return importWideLines(op, [&](float x) { return x <= 0 ? 32767 * result.scale() : 1.0f / std::sqrt(x); });
  Multiplier factor = makeMultiplier(1.0 / (std::sqrt(numbers.scale()) * result.scale()));
  constexpr int fractionBits = 20;
  factor.shift -= fractionBits;
  return tabulate(op, [&](int64_t integer) -> int64_t {
    int64_t difference = integer - numbers.zeroPoint();
    if (difference <= 0)
      return result.highest;
    Multiplier root = makeInverseRoot(difference);
    root.shift += fractionBits;
    return scale(scale(1, root), factor) + result.zeroPoint();
  });
}

//===--- Through floats ---===//

static LogicalResult tabulateFloat(OpBinder &op, llvm::function_ref<float(float)> function) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  float inverse = 1 / result.scale();
  return tabulate(op, [&](int64_t integer) -> int64_t {
    float value = function(numbers.scale() * static_cast<float>(integer - numbers.zeroPoint()));
    return static_cast<int64_t>(std::round(std::clamp(value * inverse, -1e9f, 1e9f))) + result.zeroPoint();
  });
}

LogicalResult importQuantizedGelu(OpBinder &op) {
  if (op.options<format::GeluOptions>().approximate())
    return tabulateFloat(op, [](float x) {
      return 0.5f * x * (1.0f + std::tanh(0.79788456080286535588f * (x + 0.044715f * x * x * x))); // sqrt(2 / pi)
    });
  return tabulateFloat(op, [](float x) { return 0.5f * x * std::erfc(x * -0.70710678118654752440f); });
}

/// Of numbers that are not positive it is the least integer.
LogicalResult importQuantizedLog(OpBinder &op) {
  Quantization result = op.resultTensorQuantization(0);
  if (!checkSigned(op))
    return failure();
  float least = static_cast<float>(result.lowest - result.zeroPoint()) * result.scale();
  auto function = [least](float x) { return x <= 0 ? least : std::log(x); };
  return isWide(op) ? importWideLines(op, function) : tabulateFloat(op, function);
}

/// Rounded down. Below 0, where the reference kernel stops, it is that of 0.
LogicalResult importQuantizedSqrt(OpBinder &op) {
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  if (!checkSigned(op))
    return failure();
  auto root = [&](int64_t integer) -> int64_t {
    float value = numbers.scale() * static_cast<float>(std::max<int64_t>(integer - numbers.zeroPoint(), 0));
    return static_cast<int64_t>(std::min(std::sqrt(value) / result.scale(), 1e9f)) + result.zeroPoint();
  };
  if (!isWide(op))
    return tabulate(op, root);
  if (result.highest != INT16_MAX)
    return op.reject("on numbers of 16 bits it is supported for a result of 16");
  Value table = makeWideTable(op, [&](int16_t number) {
    return static_cast<int16_t>(std::clamp(root(number), result.lowest, result.highest));
  });
  return op.result(op.create<nn::GatherOp>(table, op.cast(op.operand(0), op.getBuilder().getI32Type()), 0));
}

LogicalResult importQuantizedElu(OpBinder &op) {
  return tabulateFloat(op, [](float x) { return x < 0 ? std::exp(x) - 1 : x; });
}

LogicalResult importQuantizedExp(OpBinder &op) {
  auto function = [](float x) { return std::exp(x); };
  return isWide(op) ? importWideLines(op, function) : tabulateFloat(op, function);
}

} // namespace nnc::tflite
