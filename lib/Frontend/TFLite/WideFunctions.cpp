// Functions of quantised numbers of 16 bits. Of one number they are a table of all 65536; TFLite has smaller ones, between
// whose entries it goes in straight lines.
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

using namespace mlir;

namespace nnc::tflite {

Value makeWideTable(OpBinder &op, llvm::function_ref<int16_t(int16_t)> function) {
  SmallVector<int16_t> entries;
  for (int32_t i = 0; i < (1 << 16); ++i)
    entries.push_back(function(static_cast<int16_t>(i)));
  auto type = RankedTensorType::get({static_cast<int64_t>(entries.size())}, op.getBuilder().getIntegerType(16));
  return op.constant(DenseElementsAttr::get(type, ArrayRef<int16_t>(entries)));
}

/// Entries of such a table for integers of i32, in i32.
static Value lookUp(OpBinder &op, Value table, Value x) {
  return op.cast(op.create<nn::GatherOp>(table, x, 0), op.getBuilder().getI32Type());
}

//===--- Logistic and tangent ---===//

/// The logistic function of i / 24, with 16 bits behind the point. TFLite has some of them one larger, for the lines between.
static uint32_t getLogistic(uint32_t i) {
  static const std::set<uint32_t> larger{4,  8,  12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27,  28,  29,
                                         30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46,  49,  50,
                                         54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255};
  double value = 65536 / (1 + std::exp(-static_cast<double>(i) / 24));
  return static_cast<uint32_t>(std::lround(value)) + larger.count(i);
}

namespace {

/// From integers to units of 1 / (3 * 4096): times `factor`, shifted to the right.
struct InputScale {
  int32_t factor = 3;
  int shift = 0;

  int32_t apply(int32_t x) const { return (x * factor + (shift > 0 ? 1 << (shift - 1) : 0)) >> shift; }
};

} // namespace

/// `bits`: before the point that numbers of a scale that is a power of two have where they are taken as they are.
static InputScale makeInputScale(float scale) {
  int exponent = 0;
  if (std::frexp(scale, &exponent) == 0.5f && exponent - 1 == -12)
    return {};
  InputScale result;
  double factor = static_cast<double>(scale) * 4096 * 3;
  while (factor <= 32767.0 / 2 && result.shift <= 30) {
    ++result.shift;
    factor *= 2;
  }
  result.factor = static_cast<int32_t>(factor);
  return result;
}

static int16_t wideLogistic(int32_t x) {
  uint32_t magnitude = std::abs(x), high = magnitude >> 9, result = 0x7FFF << 10;
  if (high < 255)
    result = (getLogistic(high) << 9) + (magnitude & 0x1FF) * (getLogistic(high + 1) - getLogistic(high));
  result = x >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1;
  return static_cast<int16_t>(result >> 10);
}

static int16_t wideTanh(int32_t x) {
  uint32_t magnitude = std::abs(x), high = magnitude >> 8;
  int32_t result = 0xFFFF << 8;
  if (high < 255)
    result = (getLogistic(high) << 8) + (magnitude & 0xFF) * (getLogistic(high + 1) - getLogistic(high));
  result = x >= 0 ? result - (1 << 23) + (1 << 7) : -result + (1 << 23) + (1 << 7) - 1;
  return static_cast<int16_t>(result >> 8);
}

static LogicalResult importTable(OpBinder &op, int16_t (*function)(int32_t)) {
  Value x = op.operand(0);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  if (op.failed())
    return failure();
  if (numbers.zeroPoint() != 0 || result.zeroPoint() != 0 || result.scale() != 1.0f / 32768 || numbers.highest != INT16_MAX ||
      result.highest != INT16_MAX || numbers.scale() > 0.5f)
    return op.reject("on numbers of 16 bits it is supported without zero points, and for a result of the scale 2^-15");
  InputScale scale = makeInputScale(numbers.scale());
  Value table = makeWideTable(op, [&](int16_t number) { return function(scale.apply(number)); });
  return op.result(op.create<nn::GatherOp>(table, op.cast(x, op.getBuilder().getI32Type()), 0));
}

LogicalResult importWideLogistic(OpBinder &op) { return importTable(op, wideLogistic); }
LogicalResult importWideTanh(OpBinder &op) { return importTable(op, wideTanh); }

//===--- Lines ---===//

namespace {

/// 512 lines between the values of a function on [least, most], of which each is `unit` integers; a line is moved by half
/// of what it misses in its middle.
struct Lines {
  std::array<int16_t, 513> points;

  template <typename T> Lines(llvm::function_ref<T(T)> function, T least, T most, T unit) {
    T step = (most - least) / 512;
    auto limit = [](T value) { return static_cast<int16_t>(std::clamp<T>(value, -32768, 32767)); };
    for (int i = 0; i < 512; ++i) {
      T value = function(least + i * step), middle = function(least + i * step + step / 2);
      T next = function(least + (i + 1) * step), sample = std::round(value * unit);
      T error = std::round((next * unit + sample) / 2) - std::round(middle * unit);
      points[i] = limit(sample - std::round(error / 2));
    }
    points[512] = limit(std::round(function(most) * unit));
  }

  int16_t operator()(int16_t x) const {
    int index = 256 + (x >> 7);
    return points[index] + (((points[index + 1] - points[index]) * (x & 0x7F) + (1 << 6)) >> 7);
  }
};

} // namespace

LogicalResult importWideLines(OpBinder &op, llvm::function_ref<float(float)> function) {
  Value x = op.operand(0);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  if (op.failed())
    return failure();
  if (numbers.highest != INT16_MAX || result.highest != INT16_MAX || numbers.zeroPoint() != 0 || result.zeroPoint() != 0)
    return op.reject("on numbers of 16 bits it is supported for a result of 16, and without zero points");
  float unit = 65536.0f / (result.scale() * 32767 - result.scale() * -32768);
  const Lines lines(function, numbers.scale() * -32768, numbers.scale() * 32767, unit);
  return op.result(op.create<nn::GatherOp>(makeWideTable(op, lines), op.cast(x, op.getBuilder().getI32Type()), 0));
}

//===--- Softmax ---===//

/// In units of 2 / 65536.
static Lines makeLines(llvm::function_ref<double(double)> function, double least, double most) {
  return Lines(function, least, most, 65536 / 2.0);
}

LogicalResult importWideSoftmax(OpBinder &op) {
  Value x = op.operand(0);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  double beta = op.options<format::SoftmaxOptions>().beta();
  if (op.failed())
    return failure();
  int64_t rank = op.getRank(x);
  if (!(beta > 0) || numbers.highest != INT16_MAX || result.highest != INT16_MAX || result.zeroPoint() != 0 ||
      std::fabs(result.scale() * 32768 - 1) > 0.001f || rank < 1 || ShapedType::isDynamic(op.getShape(x)[rank - 1]) ||
      op.getShape(x)[rank - 1] > (1 << 15))
    return op.reject("on numbers of 16 bits it is supported for a result of the scale 2^-15 and without a zero point");
  const Lines exponentials = makeLines([](double v) { return std::exp(v); }, -10, 0);
  const Lines reciprocals = makeLines([](double v) { return 1 / (1 + v); }, 0, 1);
  Value exponentialTable = makeWideTable(op, exponentials), reciprocalTable = makeWideTable(op, reciprocals);
  Type i32 = op.getBuilder().getI32Type(), i64 = op.getBuilder().getI64Type();
  auto number = [&](int64_t value) { return op.scalar(i32, value); };
  SmallVector<int64_t> last{rank - 1};
  Value wide = op.cast(x, i32), largest = op.create<nn::ReduceOp>(wide, nn::ReductionKind::Max, last, /*keepdims=*/true);
  Value distance = op.create<nn::SubOp>(wide, largest);
  distance = buildScaled(op, distance, makeMultiplier(numbers.scale() * beta / (10.0 / 65535)));
  distance = op.clip(op.create<nn::AddOp>(distance, number(32767)), -32768, 32767);
  Value powers = lookUp(op, exponentialTable, distance);
  Value sum = op.create<nn::ReduceOp>(powers, nn::ReductionKind::Sum, last, /*keepdims=*/true);
  // The bits of the sum: 1 to 2 with 16 bits behind the point, of which 1 is taken.
  SmallVector<int32_t> limits;
  for (int bit = 0; bit < 31; ++bit)
    limits.push_back(1 << bit);
  Value isReached = op.create<nn::CompareOp>(sum, makeInts(op, limits), nn::ComparePredicate::GreaterEqual);
  Value bits = op.create<nn::ReduceOp>(op.cast(isReached, i32), nn::ReductionKind::Sum, last, /*keepdims=*/true);
  Value shifted = op.create<nn::ShiftLeftOp>(op.cast(sum, i64), op.cast(op.create<nn::SubOp>(number(31), bits), i64));
  shifted = op.create<nn::ShiftRightOp>(op.create<nn::AddOp>(shifted, op.scalar(i64, 1 << 13)), op.scalar(i64, 14));
  Value place = op.create<nn::SubOp>(op.cast(shifted, i32), number((1 << 15) + (1 << 16)));
  Value reciprocal = lookUp(op, reciprocalTable, op.clip(place, -32768, 32767));
  Value shift = op.create<nn::SubOp>(bits, number(1)); // 31 less the headroom and 1
  Value half = op.create<nn::ShiftLeftOp>(number(1), op.create<nn::SubOp>(shift, number(1)));
  Value share = op.create<nn::AddOp>(op.create<nn::MulOp>(powers, reciprocal), half);
  share = op.clip(op.create<nn::ShiftRightOp>(share, shift), 0, 32767);
  return op.result(op.cast(share, op.getResultType(0)));
}

} // namespace nnc::tflite
