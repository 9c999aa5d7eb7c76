// Inverse trigonometric functions.
#include "lib/Transforms/ExpandMathFunctions.h"
#include "lib/Transforms/ExpandMathPolynomials.h"

#include <limits>

namespace nnc {

/// A quarter of a turn, rounded, and what rounding lost.
static double getQuarter(Number x) { return x.isDouble() ? 0x1.921fb54442d18p0 : 0x1.921fb6p0; }
static double getQuarterRest(Number x) { return x.isDouble() ? 0x1.1a62633145c07p-54 : -0x1.777a5cp-25; }

namespace {
/// asin(x) = base + correction for |x| <= 1/2; otherwise pi / 2 - asin(x) is twice that.
struct ArcSine {
  Number isSmall, base, correction;
};
} // namespace

/// `magnitude` >= 0. Beyond 1/2, asin(x) = pi / 2 - 2 * asin(sqrt((1 - x) / 2)).
static ArcSine evaluateArcSine(Number magnitude) {
  Number isSmall = magnitude < 0.5;
  Number half = multiplyAdd(magnitude, -0.5, makeConstant(magnitude, 0.5));
  Number square = select(isSmall, magnitude * magnitude, half);
  Number base = select(isSmall, magnitude, squareRoot(half));
  Number p = magnitude.isDouble() ? evaluate(polynomial::arcSineF64, square) : evaluate(polynomial::arcSineF32, square);
  return {isSmall, base, p * square * base};
}

Number arcSine(Number x) {
  ArcSine parts = evaluateArcSine(absolute(x));
  Number sum = parts.base + parts.correction;
  Number rest = getQuarterRest(x) - (parts.correction + parts.correction);
  Number large = (getQuarter(x) - (parts.base + parts.base)) + rest; // the difference is exact near 1/2
  return copySign(select(parts.isSmall, sum, large), x);
}

Number arcCosine(Number x) {
  ArcSine parts = evaluateArcSine(absolute(x));
  Number sign = getSign(x), quarter = makeConstant(x, getQuarter(x)), rest = makeConstant(x, getQuarterRest(x));
  Number base = changeSign(parts.base, sign), correction = changeSign(parts.correction, sign);
  Number small = quarter - (base - (rest - correction));
  // Near 1 twice the sum, near -1 half a turn less that; base and correction are negative there.
  Number isNegative = x < 0.0;
  Number turn = select(isNegative, quarter, 0.0), turnRest = select(isNegative, rest, 0.0);
  Number half = turn + (base + (correction + turnRest));
  return select(parts.isSmall, small, half + half);
}

/// atan(y / x) for x, y >= 0 and 0 / 0 = 0.
static Number evaluateQuotient(Number y, Number x) {
  // The smaller over the larger; of more than tan(pi / 8), atan(t) = pi / 4 + atan((t - 1) / (t + 1)).
  Number isSteep = y > x;
  Number low = select(isSteep, x, y), high = select(isSteep, y, x);
  Number isLarge = low > high * 0.41421356;
  Number numerator = select(isLarge, low - high, low), denominator = select(isLarge, low + high, high);
  Number t = select(equal(low, 0.0), 0.0, numerator / denominator);
  Number square = t * t;
  Number p = t.isDouble() ? evaluate(polynomial::arcTangentF64, square) : evaluate(polynomial::arcTangentF32, square);
  Number correction = p * square * t;
  // The angle is offset + t + correction, or a quarter of a turn less that.
  Number eighth = makeConstant(t, 0.5 * getQuarter(t)), eighthRest = makeConstant(t, 0.5 * getQuarterRest(t));
  Number offset = select(isLarge, eighth, 0.0), rest = select(isLarge, eighthRest, 0.0);
  Number flat = offset + (t + (correction + rest));
  // pi / 2 - pi / 4 = pi / 4.
  offset = select(isLarge, eighth, getQuarter(t));
  rest = select(isLarge, eighthRest, getQuarterRest(t));
  Number steep = offset - (t + (correction - rest));
  return select(isSteep, steep, flat);
}

Number arcTangent(Number x) { return copySign(evaluateQuotient(absolute(x), makeConstant(x, 1.0)), x); }

Number arcTangent(Number y, Number x) {
  constexpr double Infinity = std::numeric_limits<double>::infinity();
  Number up = absolute(y), right = absolute(x), zero = makeConstant(x, 0.0);
  // Of infinities only the ratio counts.
  Number isUp = equal(up, Infinity), isRight = equal(right, Infinity);
  Number isInfinite = isUp | isRight;
  up = select(isInfinite, select(isUp, 1.0, zero), up);
  right = select(isInfinite, select(isRight, 1.0, zero), right);
  // Away from the ends of the range, where sums overflow and quotients lose digits.
  Number isHuge = (up > 0x1p1000) | (right > 0x1p1000), isTiny = (up < 0x1p-900) & (right < 0x1p-900);
  Number factor = select(isHuge, 0x1p-4, select(isTiny, 0x1p120, makeConstant(x, 1.0)));
  Number angle = evaluateQuotient(up * factor, right * factor);
  Number bits = toBits(x);
  Number left = 2 * getQuarter(x) - (angle - 2 * getQuarterRest(x));
  Number result = copySign(select(bits < 0.0, left, angle), y);
  Number sum = x + y;
  return select(isNaN(x) | isNaN(y), sum, result);
}

} // namespace nnc
