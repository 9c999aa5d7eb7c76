// Fixed-point arithmetic with the roundings of TFLite's reference kernels.
#include "lib/Frontend/TFLite/FixedPoint.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;

namespace nnc::tflite {

Multiplier makeMultiplier(double number) {
  Multiplier result;
  if (number == 0)
    return result;
  // Beyond this everything saturates.
  double fraction = std::frexp(std::min(number, std::ldexp(1, 31)), &result.shift);
  int64_t value = std::llround(fraction * (int64_t(1) << 31));
  if (value == int64_t(1) << 31) {
    value /= 2;
    ++result.shift;
  }
  if (result.shift < -31)
    return {};
  result.value = static_cast<int32_t>(value);
  return result;
}

//===--- On numbers ---===//

int32_t multiplyHigh(int32_t a, int32_t b) {
  if (a == b && a == INT32_MIN)
    return INT32_MAX;
  return static_cast<int32_t>((int64_t(a) * b + (int64_t(1) << 30)) >> 31);
}

int32_t divideByPower(int32_t x, int exponent) {
  if (exponent == 0)
    return x;
  return static_cast<int32_t>((int64_t(x) + (x < 0 ? -1 : 0) + (int64_t(1) << (exponent - 1))) >> exponent);
}

int16_t halve(int32_t multiplier) {
  return multiplier >= INT32_MAX - (1 << 15) ? INT16_MAX : static_cast<int16_t>((multiplier + (1 << 15)) >> 16);
}

int32_t scale(int32_t x, Multiplier multiplier) {
  uint32_t shifted = static_cast<uint32_t>(x) << std::min(std::max(multiplier.shift, 0), 31);
  return divideByPower(multiplyHigh(static_cast<int32_t>(shifted), multiplier.value), std::max(-multiplier.shift, 0));
}

/// Numbers of T, all of whose bits but the sign may lie behind the point.
template <typename T> static constexpr int numBits = 8 * sizeof(T) - 1;

/// A number without bits before its point, given in 32 bits.
template <typename T> static T fromWord(int32_t number) {
  return static_cast<T>(sizeof(T) == 4 ? number : divideByPower(number, 16));
}

/// a * b / 2^bits, to nearest, halves up.
template <typename T> static T multiplyFractions(T a, T b) {
  if (a == b && a == std::numeric_limits<T>::min())
    return std::numeric_limits<T>::max();
  return static_cast<T>((int64_t(a) * b + (int64_t(1) << (numBits<T> - 1))) >> numBits<T>);
}

/// x * 2^exponent, at most the largest number.
template <typename T> static T saturatingShift(T x, int exponent) {
  int64_t wide = int64_t(x) * (int64_t(1) << exponent);
  return static_cast<T>(std::clamp<int64_t>(wide, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

template <typename T> static T halfSum(T a, T b) {
  int64_t sum = int64_t(a) + b;
  return static_cast<T>((sum + (sum >= 0 ? 1 : -1)) / 2);
}

/// e to the power of a in [-1/4, 0], without bits before the point.
template <typename T> static T exponentialNearZero(T a) {
  const T anchor = fromWord<T>(1895147668), third = fromWord<T>(715827883); // exp(-1/8) and 1/3
  T x = a + (T(1) << (numBits<T> - 3));
  T x2 = multiplyFractions(x, x), x3 = multiplyFractions(x2, x), x4 = multiplyFractions(x2, x2);
  T quarter = divideByPower(x4, 2);
  T tail = divideByPower(multiplyFractions<T>(quarter + x3, third) + x2, 1);
  return std::min<int64_t>(int64_t(anchor) + multiplyFractions<T>(anchor, x + tail), std::numeric_limits<T>::max());
}

template <typename T> static T exponentialOf(T x, int integerBits) {
  if (x == 0)
    return std::numeric_limits<T>::max();
  int fractionBits = numBits<T> - integerBits;
  T quarter = T(1) << (fractionBits - 2), inQuarter = (x & (quarter - 1)) - quarter;
  T result = exponentialNearZero<T>(saturatingShift<T>(inQuarter, integerBits));
  T rest = inQuarter - x;
  // exp(-2^k) for k = -2 ... 4, as numbers without bits before the point.
  static const int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  for (int i = 0; i < integerBits + 2; ++i)
    if (rest & (T(1) << (fractionBits - 2 + i)))
      result = multiplyFractions<T>(result, fromWord<T>(factors[i]));
  return result;
}

/// Newton's method for 2 / (1 + a), a in [0, 1], with 2 bits before the point.
template <typename T> static T refineReciprocal(T a) {
  T half = halfSum<T>(a, std::numeric_limits<T>::max());
  T x = fromWord<T>(1515870810) + multiplyFractions<T>(half, fromWord<T>(-1010580540)); // 48/17 - 32/17 * half
  for (int i = 0; i < 3; ++i) {
    T error = (T(1) << (numBits<T> - 2)) - multiplyFractions<T>(half, x);
    x += saturatingShift<T>(multiplyFractions<T>(x, error), 2);
  }
  return x;
}

/// -|x|, which the least number has too.
template <typename T> static T makeNegative(T x) { return x > 0 ? -x : x; }

template <typename T> static T logisticOf(T x, int integerBits) {
  if (x == 0)
    return T(1) << (numBits<T> - 1);
  T ofMagnitude = saturatingShift<T>(refineReciprocal<T>(exponentialOf<T>(makeNegative(x), integerBits)), 1);
  return x > 0 ? ofMagnitude : std::numeric_limits<T>::max() - ofMagnitude;
}

template <typename T> static T hyperbolicTangentOf(T x, int integerBits) {
  if (x == 0)
    return 0;
  // (1 - a) / (1 + a) with a = exp(-2 |x|): the double has one bit more before its point.
  T reciprocal = refineReciprocal<T>(exponentialOf<T>(makeNegative(x), integerBits + 1));
  T magnitude = saturatingShift<T>(reciprocal - (T(1) << (numBits<T> - 2)), 2);
  return x > 0 ? magnitude : -magnitude;
}

int32_t makeReciprocal(int32_t x, int integerBits, int32_t &shift) {
  int headroom = llvm::countl_zero(static_cast<uint32_t>(x));
  shift = integerBits - headroom;
  auto above = static_cast<int32_t>((static_cast<uint32_t>(x) << headroom) - (uint32_t(1) << 31));
  return saturatingShift<int32_t>(refineReciprocal<int32_t>(above), 1);
}

Multiplier makeInverseRoot(int32_t x) {
  if (x <= 1)
    return {INT32_MAX, 0};
  int shift = 11;
  for (; x >= 1 << 29; x /= 4)
    ++shift;
  // x in [1/4, 1) with 3 bits before the point, after as many pairs of bits as there is room for.
  int pairs = (llvm::countl_zero(static_cast<uint32_t>(x)) - 1) / 2 - 1;
  shift -= pairs;
  x <<= 2 * pairs;
  const int32_t half = divideByPower(x >> 1, 1), threeHalves = (1 << 28) + (1 << 27);
  int32_t root = 1 << 28;
  for (int i = 0; i < 5; ++i) {
    int32_t cube = saturatingShift<int32_t>(multiplyHigh(multiplyHigh(root, root), root), 6);
    root = saturatingShift<int32_t>(multiplyHigh(threeHalves, root) - multiplyHigh(half, cube), 3);
  }
  root = multiplyHigh(root, 1518500250); // sqrt(1/2)
  if (shift < 0) {
    root = static_cast<int32_t>(static_cast<uint32_t>(root) << -shift);
    shift = 0;
  }
  return {root, -shift};
}

int32_t exponential(int32_t x, int integerBits) { return exponentialOf(x, integerBits); }
int32_t logistic(int32_t x) { return logisticOf(x, 4); }
int32_t hyperbolicTangent(int32_t x) { return hyperbolicTangentOf(x, 4); }
int16_t logistic(int16_t x) { return logisticOf(x, 3); }
int16_t hyperbolicTangent(int16_t x, int integerBits) { return hyperbolicTangentOf(x, integerBits); }

//===--- On values ---===//

Value makeInts(OpBinder &op, ArrayRef<int32_t> numbers) {
  SmallVector<int64_t> shape;
  if (numbers.size() != 1)
    shape.push_back(numbers.size());
  auto type = RankedTensorType::get(shape, op.getBuilder().getI32Type());
  return op.constant(DenseElementsAttr::get(type, numbers));
}

Value buildDividedByPower(OpBinder &op, Value x, Value exponents) {
  if (op.failed())
    return {};
  Type wide = op.getBuilder().getI64Type(), narrow = op.getBuilder().getI32Type();
  Value one = op.scalar(wide, 1), wideExponents = op.cast(exponents, wide);
  Value half = op.create<nn::ShiftRightOp>(op.create<nn::ShiftLeftOp>(one, wideExponents), one);
  // Negative numbers are rounded down in the middle, unless nothing is rounded.
  Value sign =
      op.create<nn::MaxOp>(op.create<nn::ShiftRightOp>(x, op.scalar(narrow, 31)), op.create<nn::NegOp>(exponents));
  Value sum = op.create<nn::AddOp>(op.create<nn::AddOp>(op.cast(x, wide), op.cast(sign, wide)), half);
  return op.cast(op.create<nn::ShiftRightOp>(sum, wideExponents), narrow);
}

/// The same for exponents of at least 2, in 32 bits: half of x first, so that nothing overflows.
static Value divideByLargerPower(OpBinder &op, Value x, ArrayRef<int32_t> exponents) {
  SmallVector<int32_t> halves, rest;
  for (int32_t exponent : exponents) {
    halves.push_back(1 << (exponent - 2));
    rest.push_back(exponent - 1);
  }
  Type i32 = op.getBuilder().getI32Type();
  x = op.create<nn::AddOp>(x, op.create<nn::ShiftRightOp>(x, op.scalar(i32, 31)));
  x = op.create<nn::ShiftRightOp>(x, op.scalar(i32, 1));
  x = op.create<nn::AddOp>(x, makeInts(op, halves));
  return op.create<nn::ShiftRightOp>(x, makeInts(op, rest));
}

Value buildMultipliedHigh(OpBinder &op, Value a, Value b) {
  Type i32 = op.getBuilder().getI32Type(), i64 = op.getBuilder().getI64Type();
  Value product = op.create<nn::MulOp>(op.cast(a, i64), op.cast(b, i64));
  product = op.create<nn::AddOp>(product, op.scalar(i64, int64_t(1) << 30));
  return op.cast(op.create<nn::ShiftRightOp>(product, op.scalar(i64, 31)), i32);
}

Value buildScaled(OpBinder &op, Value x, ArrayRef<Multiplier> multipliers) {
  if (op.failed())
    return {};
  SmallVector<int32_t> values, left, right;
  for (Multiplier multiplier : multipliers) {
    values.push_back(multiplier.value);
    left.push_back(std::min(std::max(multiplier.shift, 0), 31));
    right.push_back(std::max(-multiplier.shift, 0));
  }
  if (llvm::any_of(left, [](int32_t shift) { return shift > 0; }))
    x = op.create<nn::ShiftLeftOp>(x, makeInts(op, left));
  x = buildMultipliedHigh(op, x, makeInts(op, values));
  if (llvm::all_of(right, [](int32_t shift) { return shift == 0; }))
    return x;
  if (llvm::all_of(right, [](int32_t shift) { return shift >= 2; }))
    return divideByLargerPower(op, x, right);
  return buildDividedByPower(op, x, makeInts(op, right));
}

Value buildWideScaled(OpBinder &op, Value x, ArrayRef<Multiplier> multipliers) {
  if (op.failed())
    return {};
  SmallVector<int32_t> values, shifts;
  SmallVector<int64_t> halves;
  for (Multiplier multiplier : multipliers) {
    values.push_back(halve(multiplier.value));
    shifts.push_back(15 - std::min(multiplier.shift, 14));
    halves.push_back(int64_t(1) << (shifts.back() - 1));
  }
  Type i64 = op.getBuilder().getI64Type();
  x = op.create<nn::MulOp>(x, op.cast(makeInts(op, values), i64));
  x = op.create<nn::AddOp>(x, halves.size() == 1 ? op.scalar(i64, halves.front()) : op.ints(halves));
  return op.cast(op.create<nn::ShiftRightOp>(x, op.cast(makeInts(op, shifts), i64)), op.getBuilder().getI32Type());
}

Value buildDifference(OpBinder &op, Value x, const Quantization &quantization) {
  Type i32 = op.getBuilder().getI32Type();
  Value wide = op.cast(x, i32);
  if (op.failed() || quantization.zeroPoint() == 0)
    return wide;
  return op.create<nn::SubOp>(wide, op.scalar(i32, quantization.zeroPoint()));
}

int64_t quantize(float number, const Quantization &quantization) {
  // Beyond the integers of the type any number does.
  float quotient = std::clamp(number / quantization.scale(), -1e9f, 1e9f);
  return quantization.zeroPoint() + static_cast<int64_t>(std::round(quotient));
}

std::pair<int64_t, int64_t> getLimits(OpBinder &op, const Quantization &result, format::Activation activation) {
  int64_t least = result.lowest, most = result.highest;
  switch (activation) {
  case format::Activation::NONE:
    break;
  case format::Activation::RELU:
    least = std::max(least, quantize(0, result));
    break;
  case format::Activation::RELU6:
    least = std::max(least, quantize(0, result));
    most = std::min(most, quantize(6, result));
    break;
  case format::Activation::RELU_N1_TO_1:
    least = std::max(least, quantize(-1, result));
    most = std::min(most, quantize(1, result));
    break;
  default:
    (void)op.reject("activation " + Twine(static_cast<int>(activation)) + " of quantised numbers is not supported");
  }
  return {least, most};
}

Value buildResult(OpBinder &op, Value x, const Quantization &result, format::Activation activation) {
  auto [least, most] = getLimits(op, result, activation);
  if (op.failed())
    return {};
  Type i32 = op.getBuilder().getI32Type();
  if (result.zeroPoint() != 0)
    x = op.create<nn::AddOp>(x, op.scalar(i32, result.zeroPoint()));
  x = op.create<nn::ClipOp>(x, op.scalar(i32, least), op.scalar(i32, most));
  return op.cast(x, op.getResultType(0));
}

} // namespace nnc::tflite
