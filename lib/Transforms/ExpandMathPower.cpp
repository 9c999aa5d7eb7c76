// Powers and roots.
#include "lib/Transforms/ExpandMathFunctions.h"
#include "lib/Transforms/ExpandMathPolynomials.h"

#include <limits>

namespace nnc {

static constexpr double Infinity = std::numeric_limits<double>::infinity();
static constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

/// log2(x) with about 64 digits, for positive finite x: an error here is multiplied by the exponent of the power.
static Pair evaluateLongLogarithm(Number x) {
  auto [f, k] = decompose(x);
  // s = f / (2 + f); log2(1 + f) = 2 / ln(2) * artanh(s).
  Pair divisor = addExactly(makeConstant(x, 2.0), f);
  Number quotient = f / divisor.hi;
  Pair product = multiplyExactly(quotient, divisor.hi);
  Number remainder = (f - product.hi) - product.lo;
  Pair s = normalize(quotient, (remainder - quotient * divisor.lo) / divisor.hi);
  Pair square = s * s;
  // artanh(s) = s + s^3 * (1/3 + s^2 * p(s^2)).
  Number p = evaluate(polynomial::powerLogarithmF64, square.hi);
  Pair third = {makeConstant(x, 0x1.5555555555555p-2), makeConstant(x, 0x1.5555555555555p-56)};
  Pair cubic = (s * square) * (third + multiplyExactly(p, square.hi));
  Pair scale = {makeConstant(x, 0x1.71547652b82fep+1), makeConstant(x, 0x1.777d0ffda0d24p-55)};
  return Pair{k, makeConstant(x, 0.0)} + scale * (s + cubic);
}

/// log2(x), good enough for powers of f32.
static Pair evaluateShortLogarithm(Number x) {
  auto [f, k] = decompose(x);
  Number s = f / (f + 2.0), square = s * s;
  Number p = multiplyAdd(evaluate(polynomial::quotientLogarithmF64, square), square * s, s);
  return {multiplyAdd(p, 0x1.71547652b82fep+1, k), makeConstant(x, 0.0)};
}

Number power(Number x, Number y, bool isShort) {
  Number base = absolute(x);
  Number isZero = equal(base, 0.0), isInfinite = equal(base, Infinity) | equal(absolute(y), Infinity);
  Pair log = isShort ? evaluateShortLogarithm(base) : evaluateLongLogarithm(base);
  Number result;
  if (isShort) {
    result = exponentialOfTwo(Pair{log.hi * y, log.lo});
  } else {
    // Beyond 2^80 the result is infinite, zero or one; the splitting of digits would overflow.
    Number bounded = atMost(atLeast(y, -0x1p80), 0x1p80);
    Pair product = multiplyExactly(log.hi, bounded);
    Number rest = select(absolute(product.hi) < 2048.0, multiplyAdd(log.lo, bounded, product.lo), 0.0);
    result = exponentialOfTwo(normalize(product.hi, rest));
  }
  // Powers of zero and infinity, and to infinity: zero or infinite.
  Number direction = select(isZero, -Infinity, select(equal(base, Infinity), Infinity, log.hi)) * y;
  Number extreme = select(direction > 0.0, makeConstant(x, Infinity), makeConstant(x, 0.0));
  result = select(isZero | isInfinite, extreme, result);
  result = select(equal(base, 1.0), 1.0, result);
  // The sign: of an odd power that of the base; a negative base has no power that is not an integer.
  Number isInteger = equal(truncate(y), y), half = y * 0.5;
  Number isEven = equal(truncate(half), half);
  Number sign = getSign(x);
  Number odd = changeSign(result, sign);
  result = select(isEven, result, select(isInteger, odd, result));
  Number isNegative = x < 0.0, isFinite = base < Infinity;
  result = select(isInteger, result, select(isNegative & isFinite, NaN, result));
  Number sum = x + y;
  result = select(isNaN(x) | isNaN(y), sum, result);
  return select(equal(x, 1.0) | equal(y, 0.0), 1.0, result);
}

Number squareRootInverse(Number x) { return 1.0 / squareRoot(x); }

Number cubeRoot(Number x) {
  Number magnitude = absolute(x);
  Pair log = evaluateShortLogarithm(magnitude);
  Number root = exponentialOfTwo(Pair{log.hi * 0x1.5555555555555p-2, log.lo});
  // One step of Newton.
  Number step = (root - magnitude / (root * root)) * 0x1.5555555555555p-2;
  Number isOrdinary = (magnitude > 0.0) & (magnitude < Infinity);
  return copySign(select(isOrdinary, root - step, magnitude), x);
}

} // namespace nnc
