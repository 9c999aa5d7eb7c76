// Exponential and hyperbolic functions.
//
// exp(x) = 2^n * exp(r) with n = round(x / ln 2), so that |r| <= ln 2 / 2, and a polynomial for exp(r). Adding a number
// of the size 1.5 * 2^23 (2^52) rounds to an integer and leaves it in the lowest bits, from where a shift makes 2^n.
#include "lib/Transforms/ExpandMathFunctions.h"
#include "lib/Transforms/ExpandMathPolynomials.h"

namespace nnc {

static int getMantissaBits(Number x) { return x.isDouble() ? 52 : 23; }
static int getBias(Number x) { return x.isDouble() ? 1023 : 127; }
static double getMagic(Number x) { return x.isDouble() ? 0x1.8p52 : 0x1.8p23; }

namespace {
/// x = n * ln 2 + r; `rounded` is n plus the magic number.
struct Reduction {
  Number rounded, r;
};
} // namespace

/// `magic` carries what the integer is to be increased by.
static Reduction reduce(Number x, double magic) {
  Number rounded = multiplyAdd(x, 0x1.71547652b82fep0, makeConstant(x, magic));
  Number n = rounded - magic;
  // The first part has so few digits that its product with n is exact.
  Number r = multiplyAdd(n, x.isDouble() ? -0x1.62e42fefa3p-1 : -0.693359375, x);
  return {rounded, multiplyAdd(n, x.isDouble() ? -0x1.3de6af278ece6p-42 : 2.12194440054690583e-4, r)};
}

/// (exp(r) - 1 - r) / r^2.
static Number evaluateExponential(Number r) {
  return r.isDouble() ? evaluate(polynomial::exponentialF64, r) : evaluate(polynomial::exponentialF32, r);
}

/// `x`, or, below `least`, what `scale` multiplies by two zeros. The products would be below all denormal numbers, which takes
/// many CPUs a hundred cycles: masked scores of an attention are such numbers.
static Number dropVanishing(Number x, double least, double zero) { return select(x < least, makeConstant(x, zero), x); }

/// p * 2^n in two steps: the result may be denormal, and 2^n beyond the largest float. `rounded` has twice the bias.
static Number scale(Number p, Number rounded) {
  Number bits = toBits(rounded), half = shiftRightUnsigned(bits, 1);
  Number rest = bits - half;
  Number first = p * fromBits(half << getMantissaBits(p));
  return first * fromBits(rest << getMantissaBits(p));
}

/// exp(x) * 2^shift for |shift| < 4.
static Number scaledExponential(Number x, int shift) {
  // Beyond these the result is infinite or zero; NaN passes through everything.
  constexpr double ln2 = 0x1.62e42fefa39efp-1;
  double vanishing = (x.isDouble() ? -1075.2 : -150.2) - shift, zero = -2.0 * getBias(x) - shift;
  x = atMost(dropVanishing(x, vanishing * ln2, zero * ln2), x.isDouble() ? 712.0 : 91.0);
  auto [rounded, r] = reduce(x, getMagic(x) + 2 * getBias(x) + shift);
  return scale(multiplyAdd(multiplyAdd(evaluateExponential(r), r, 1.0), r, 1.0), rounded);
}

Number exponential(Number x) { return scaledExponential(x, 0); }

Number exponentialOfTwo(Number x) {
  x = atMost(dropVanishing(x, x.isDouble() ? -1075.2 : -150.2, -2.0 * getBias(x)), x.isDouble() ? 1026.0 : 130.0);
  double magic = getMagic(x) + 2 * getBias(x);
  Number rounded = x + magic;
  Number r = (x - (rounded - magic)) * 0x1.62e42fefa39efp-1;
  return scale(multiplyAdd(multiplyAdd(evaluateExponential(r), r, 1.0), r, 1.0), rounded);
}

Number exponentialOfTwo(Pair x) {
  Number hi = atMost(dropVanishing(x.hi, -1075.2, -2.0 * getBias(x.hi)), 1026.0);
  double magic = getMagic(hi) + 2 * getBias(hi);
  Number rounded = hi + magic;
  Number r = (hi - (rounded - magic)) + x.lo;
  return scale(evaluate(polynomial::exponentOfTwoF64, r), rounded);
}

Number exponentialMinusOne(Number x) {
  bool isDouble = x.isDouble();
  Number bounded = atMost(atLeast(x, isDouble ? -40.0 : -20.0), isDouble ? 710.0 : 89.0);
  // 2 * (2^(n-1) * (exp(r) - 1) + (2^(n-1) - 1/2)); 2^(n-1) is a float for every n.
  auto [rounded, r] = reduce(bounded, getMagic(x) + getBias(x) - 1);
  Number p = multiplyAdd(evaluateExponential(r), r * r, r);
  Number power = fromBits(toBits(rounded) << getMantissaBits(x));
  Number half = multiplyAdd(p, power, power - 0.5);
  return select(absolute(x) < (isDouble ? 0x1p-60 : 0x1p-30), x, half + half);
}

Number hyperbolicSine(Number x) {
  Number magnitude = absolute(x), square = magnitude * magnitude;
  Number p =
      x.isDouble() ? evaluate(polynomial::hyperbolicSineF64, square) : evaluate(polynomial::hyperbolicSineF32, square);
  Number small = multiplyAdd(p * square, magnitude, magnitude);
  Number half = scaledExponential(magnitude, -1);
  Number large = half - 0.25 / half;
  return copySign(select(magnitude < 1.0, small, large), x);
}

Number hyperbolicCosine(Number x) {
  Number half = scaledExponential(absolute(x), -1);
  return half + 0.25 / half;
}

/// e / (e + 2) with e = exp(2 |x|) - 1.
Number hyperbolicTangent(Number x) {
  bool isDouble = x.isDouble();
  // Beyond this the result is 1.
  Number magnitude = atMost(absolute(x), isDouble ? 20.0 : 9.1);
  Number twice = magnitude + magnitude;
  auto [rounded, r] = reduce(twice, getMagic(x) + getBias(x));
  if (!isDouble) // n is at most 26: one float of ln 2 will do
    r = multiplyAdd(rounded - (getMagic(x) + getBias(x)), -0x1.62e43p-1, twice);
  Number p = multiplyAdd(evaluateExponential(r), r * r, r);
  Number power = fromBits(toBits(rounded) << getMantissaBits(x));
  Number e = multiplyAdd(p, power, power - 1.0);
  return copySign(e / (e + 2.0), x);
}

} // namespace nnc
