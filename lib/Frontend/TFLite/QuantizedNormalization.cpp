// Operators on quantised numbers along the last axis. The reference kernels have them in fixed point: a word of 32 bits is a
// number with so many bits before its point, products are rounded, and what is not a number between 0 and 1 saturates.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include <algorithm>

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::tflite {

//===--- Words ---===//

/// a * b / 2^31.
static Expression multiply(OpBinder &op, Expression a, Expression b) { return {op, buildMultipliedHigh(op, a, b)}; }
static Expression multiply(OpBinder &op, Expression a, int64_t b) { return multiply(op, a, a.like(b)); }

static Expression shiftLeft(Expression x, Expression exponent) { return x.binary<nn::ShiftLeftOp>(exponent); }

static Expression shiftRight(Expression x, int64_t exponent) { return x.binary<nn::ShiftRightOp>(x.like(exponent)); }

/// x * 2^exponent, at most the largest word and at least the least.
static Expression shiftSaturated(OpBinder &op, Expression x, Expression exponent) {
  Type i32 = op.getBuilder().getI32Type(), i64 = op.getBuilder().getI64Type();
  Expression wide = shiftLeft(x.cast(i64), exponent.cast(i64));
  return wide.min(wide.like(INT32_MAX)).max(wide.like(INT32_MIN)).cast(i32);
}

static Expression shiftSaturated(OpBinder &op, Expression x, int64_t exponent) {
  return shiftSaturated(op, x, x.like(exponent));
}

static Expression divide(OpBinder &op, Expression x, Expression exponent) {
  return {op, buildDividedByPower(op, x, exponent)};
}

/// How many bits words have that are not negative, without zeros in front. Their last axis has one element.
static Expression countBits(OpBinder &op, Expression x) {
  // As many as there are powers of two that are not larger.
  SmallVector<int32_t> powers;
  for (int bit = 0; bit < 31; ++bit)
    powers.push_back(1 << bit);
  if (op.failed())
    return x;
  Expression isReached = x >= Expression(op, makeInts(op, powers));
  return isReached.cast(op.getBuilder().getI32Type()).reduce(nn::ReductionKind::Sum, {x.getRank() - 1}, /*keepdims=*/true);
}

/// 1 / (1 + x), x in [0, 1).
static Expression invertOnePlus(OpBinder &op, Expression x) {
  Expression half = shiftRight(x, 1) + (1 << 30);
  Expression result = multiply(op, half, -1010580540) + 1515870810;
  for (int i = 0; i < 3; ++i) {
    Expression error = half.like(1 << 29) - multiply(op, half, result);
    result = result + shiftLeft(multiply(op, result, error), error.like(2));
  }
  // Twice that, at most the largest number.
  return (result > (1 << 30) - 1).choose(result.like(INT32_MAX), shiftLeft(result, result.like(1)));
}

//===--- Softmax ---===//

/// Of 12 bits before the point, as all sums of exponentials are: they overflow behind so many.
static constexpr int sumBits = 12;

namespace {

/// How far the numbers of a row are below its largest one, and the sum of the exponentials.
struct Row {
  Expression distance, sum;
};

} // namespace

/// Exponentials of how far a number is below the largest one.
static SmallVector<int32_t> tabulateExponentials(Multiplier factor) {
  SmallVector<int32_t> exponentials(256);
  for (int64_t distance = 0; distance < 256 && distance <= getRadius(5, factor.shift); ++distance)
    exponentials[distance] = exponential(scale(-distance, factor), 5);
  return exponentials;
}

static Row buildRow(OpBinder &op, Expression x, ArrayRef<int32_t> exponentials) {
  SmallVector<int32_t> terms;
  for (int32_t number : exponentials)
    terms.push_back(divideByPower(number, sumBits));
  Type i32 = op.getBuilder().getI32Type();
  SmallVector<int64_t> last{x.getRank() - 1};
  Expression wide = x.cast(i32);
  Expression distance = wide.reduce(nn::ReductionKind::Max, last, /*keepdims=*/true) - wide;
  Expression sum(op, lookUp(op, distance, terms, i32));
  return {distance, op.failed() ? Expression() : sum.reduce(nn::ReductionKind::Sum, last, /*keepdims=*/true)};
}

/// The multiplier of distances, which get 5 bits before the point; rejects the operator where it is out of range.
static Multiplier bindDistances(OpBinder &op, double beta) {
  Quantization numbers = op.tensorQuantization(0);
  if (op.failed())
    return {};
  Multiplier factor = makeMultiplier(std::min(beta * numbers.scale() * (1 << 26), 2147483647.0));
  if (!(beta > 0) || factor.shift < 0 || op.getRank(op.operand(0)) < 1)
    (void)op.reject("its beta or the scale of its input is out of range, or it has no axis");
  return factor;
}

LogicalResult importQuantizedSoftmax(OpBinder &op) {
  Value x = op.operand(0);
  if (isWide(op))
    return importWideSoftmax(op);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  bool isWideResult = result.highest == INT16_MAX;
  if (!op.failed() && numbers.highest > 255)
    (void)op.reject("on quantised numbers it is supported for 8 bits, or 16");
  if (op.failed() || !checkResult(op, isWideResult ? 1.0f / 65536 : 1.0f / 256, 0))
    return failure();
  Multiplier factor = bindDistances(op, op.options<format::SoftmaxOptions>().beta());
  if (op.failed())
    return failure();
  SmallVector<int32_t> exponentials = tabulateExponentials(factor);
  Row row = buildRow(op, {op, x}, exponentials);
  if (op.failed())
    return failure();
  Expression headroom = row.sum.like(32) - countBits(op, row.sum);
  // The sum shifted to [1, 2), less 1.
  Expression above = shiftLeft(row.sum, headroom).binary<nn::BitwiseAndOp>(row.sum.like(INT32_MAX));
  Expression exponent = headroom.like(sumBits + 31 - (isWideResult ? 16 : 8)) - headroom;
  Expression share(op, lookUp(op, row.distance, exponentials, op.getBuilder().getI32Type()));
  share = divide(op, multiply(op, invertOnePlus(op, above), share), exponent);
  return op.result(buildResult(op, share, result, format::Activation::NONE));
}

/// The logarithm of x, 1 at least and with 12 bits before the point: with 5 bits. With 6 bits on the way, of x as z * 2^n,
/// with z near 2^(-1/4), it is n ln 2 + ln z, and that a quotient of polynomials.
static Expression buildLogarithm(OpBinder &op, Expression x) {
  const int64_t rootOfHalf = 1518500250, fourthRootOfHalf = 1805811301, quarter = 1 << 23;
  // Of two places for the point the one that has z nearer.
  Expression bits = countBits(op, x), other = multiply(op, x, rootOfHalf), otherBits = countBits(op, other);
  Expression z = shiftSaturated(op, multiply(op, shiftLeft(x, bits.like(31) - bits), rootOfHalf), 1);
  z = z.min(shiftSaturated(op, x, bits.like(31) - otherBits));
  Expression n = shiftLeft(bits - (32 - sumBits), bits.like(25)) + quarter;
  n = n.max(shiftLeft(otherBits - (31 - sumBits), bits.like(25)) - quarter);
  Type i32 = op.getBuilder().getI32Type(), i64 = op.getBuilder().getI64Type();
  Expression middle = shiftRight(z.cast(i64) + (fourthRootOfHalf + 1), 1).cast(i32);
  Expression q = z - fourthRootOfHalf;
  q = q + q;
  Expression square = multiply(op, q, q);
  Expression numerator = multiply(op, q, z) + multiply(op, multiply(op, q, square), 117049297);
  Expression factor = (q + 1057819769) + multiply(op, square, 127690142);
  Expression inverse = invertOnePlus(op, multiply(op, middle, factor) + multiply(op, q, 638450708));
  Expression result = multiply(op, n, 1488522236) + multiply(op, divide(op, numerator, numerator.like(6)), inverse);
  return shiftSaturated(op, result, 1);
}

LogicalResult importQuantizedLogSoftmax(OpBinder &op) {
  Value x = op.operand(0);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  if (!op.failed() && (numbers.highest > 255 || result.highest > 255))
    (void)op.reject("on quantised numbers it is supported for 8 bits");
  Multiplier factor = bindDistances(op, 1);
  if (op.failed() || !checkResult(op, 1.0f / 16, 255))
    return failure();
  if (int64_t extent = op.getShape(x).back(); ShapedType::isDynamic(extent) || extent >= 1 << sumBits)
    return op.reject("on quantised numbers it is supported for less than " + Twine(1 << sumBits) + " classes");
  Row row = buildRow(op, {op, x}, tabulateExponentials(factor));
  if (op.failed())
    return failure();
  // Below -16 all are the least integer.
  SmallVector<int32_t> differences(256, -(1 << 30));
  for (int64_t distance = 0; distance < 256 && distance <= getRadius(5, factor.shift); ++distance)
    differences[distance] = std::max(scale(-distance, factor), -(1 << 30));
  Expression logarithm = buildLogarithm(op, row.sum);
  Expression difference(op, lookUp(op, row.distance, differences, op.getBuilder().getI32Type()));
  if (op.failed())
    return failure();
  difference = difference - logarithm;
  return op.result(buildResult(op, divide(op, difference, difference.like(22)), result, format::Activation::NONE));
}

//===--- Norms ---===//

/// 1 / sqrt(x) as a number without bits before its point, and the power of two that divides it.
static std::pair<Expression, Expression> buildInverseRoot(OpBinder &op, Expression x) {
  Expression isOne = x <= 1, isLarge = x >= (1 << 29);
  Expression small = isLarge.choose(shiftRight(x, 2), x);
  // In [1/4, 1) with 3 bits before the point, after as many pairs of bits as there is room for.
  Expression pairs = shiftRight(small.like(29) - countBits(op, small), 1);
  small = shiftLeft(small, pairs + pairs);
  Expression half = divide(op, shiftRight(small, 1), small.like(1)), root = small.like(1 << 28);
  for (int i = 0; i < 5; ++i) {
    Expression cube = shiftSaturated(op, multiply(op, multiply(op, root, root), root), 6);
    Expression three = multiply(op, root, (1 << 28) + (1 << 27));
    root = shiftSaturated(op, three - multiply(op, half, cube), 3);
  }
  root = multiply(op, root, 1518500250); // sqrt(1/2)
  Expression shift = isLarge.choose(pairs.like(12), pairs.like(11)) - pairs, zero = pairs.like(0);
  root = shiftLeft(root, (zero - shift).max(zero));
  return {isOne.choose(root.like(INT32_MAX), root), isOne.choose(zero, shift.max(zero))};
}

LogicalResult importQuantizedL2Normalization(OpBinder &op) {
  Value x = op.operand(0);
  Quantization numbers = op.tensorQuantization(0), result = op.resultTensorQuantization(0);
  format::Activation activation = op.options<format::L2NormOptions>().fused_activation_function();
  if (!op.failed() && (numbers.highest > 255 || result.highest > 255 || activation != format::Activation::NONE))
    (void)op.reject("on quantised numbers it is supported for 8 bits, without an activation");
  if (op.failed() || !checkResult(op, 1.0f / 128, 128))
    return failure();
  if (op.getRank(x) < 1)
    return op.reject("its input has no axis");
  Expression difference(op, buildDifference(op, x, numbers));
  Expression sum = (difference * difference).reduce(nn::ReductionKind::Sum, {op.getRank(x) - 1}, /*keepdims=*/true);
  auto [root, shift] = buildInverseRoot(op, sum);
  if (op.failed())
    return failure();
  // 7 bits of the result are behind the point; unsigned numbers get them before the product.
  constexpr int resultBits = 7;
  Expression zero = shift.like(0), left = shift.like(resultBits), right = shift;
  if (numbers.lowest < 0) {
    left = (shift.like(resultBits) - shift).max(zero);
    right = (shift - resultBits).max(zero);
  }
  Expression scaled = divide(op, multiply(op, shiftLeft(difference, left), root), right);
  return op.result(buildResult(op, scaled, result, format::Activation::NONE));
}

} // namespace nnc::tflite
