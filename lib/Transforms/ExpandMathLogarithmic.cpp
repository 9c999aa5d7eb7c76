// Logarithms and inverse hyperbolic functions.
//
// x = 2^k * (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2); ln(1 + f) = f + rest, where the rest is small beside f.
#include "lib/Transforms/ExpandMathFunctions.h"
#include "lib/Transforms/ExpandMathPolynomials.h"

#include <limits>

namespace nnc {

static constexpr double Infinity = std::numeric_limits<double>::infinity();
static constexpr double NaN = std::numeric_limits<double>::quiet_NaN();

Decomposition decompose(Number x) {
  bool isDouble = x.isDouble();
  int mantissaBits = isDouble ? 52 : 23;
  Number isSmall = x < (isDouble ? 0x1p-1022 : 0x1p-126);
  x = select(isSmall, x * (isDouble ? 0x1p52 : 0x1p23), x);
  Number bits = toBits(x);
  // The bits of sqrt(1/2); the exponent gets an offset that keeps it positive.
  int64_t root = isDouble ? 0x3fe6a09e667f3bcd : 0x3f3504f3, offset = isDouble ? 1024 : 128;
  Number moved = bits + makeInteger(bits, (offset << mantissaBits) - root);
  Number mantissa = (moved & makeInteger(bits, (int64_t(1) << mantissaBits) - 1)) + makeInteger(bits, root);
  // An integer in the lowest bits of 1.5 * 2^52 (2^23) becomes a float by subtraction.
  Number magic = makeConstant(x, isDouble ? 0x1.8p52 : 0x1.8p23);
  Number exponent = fromBits(shiftRightUnsigned(moved, mantissaBits) | toBits(magic));
  Number subtrahend = select(isSmall, makeConstant(x, (isDouble ? 0x1.8p52 + 52 : 0x1.8p23 + 23) + offset),
                             makeConstant(x, (isDouble ? 0x1.8p52 : 0x1.8p23) + offset));
  return {fromBits(mantissa) - 1.0, exponent - subtrahend};
}

/// ln(1 + f) - f.
static Number evaluateRest(Number f) {
  if (!f.isDouble()) {
    Number p = evaluate(polynomial::logarithmF32, f);
    return multiplyAdd(p, f, -0.5) * (f * f);
  }
  // With s = f / (2 + f), ln(1 + f) = 2 * artanh(s) and 2 * s = f - f^2 / 2 + s * f^2 / 2.
  Number s = f / (f + 2.0), square = s * s, half = f * 0.5 * f;
  Number p = evaluate(polynomial::quotientLogarithmF64, square);
  return multiplyAdd(s, multiplyAdd(p, square + square, half), -half);
}

/// `result` where x is positive and finite, otherwise what a logarithm gives.
static Number withSpecials(Number x, Number result) {
  result = select(x < Infinity, result, x); // NaN too
  result = select(x < 0.0, NaN, result);
  return select(equal(x, 0.0), -Infinity, result);
}

/// k * ln(2) + f + rest, smallest first.
static Number combine(Number k, Number f) {
  bool isDouble = f.isDouble();
  Number rest = multiplyAdd(k, isDouble ? 0x1.3de6af278ece6p-42 : -2.12194440054690583e-4, evaluateRest(f));
  return multiplyAdd(k, isDouble ? 0x1.62e42fefa3p-1 : 0.693359375, f + rest);
}

Number logarithm(Number x) {
  Decomposition parts = decompose(x);
  return withSpecials(x, combine(parts.exponent, parts.fraction));
}

Number logarithmToTwo(Number x) {
  bool isDouble = x.isDouble();
  auto [f, k] = decompose(x);
  // 1 / ln(2) in two parts; powers of two stay exact.
  double hi = isDouble ? 0x1.71547652b82fep0 : 0x1.715476p0,
         lo = isDouble ? 0x1.777d0ffda0d24p-56 : 0x1.4ae0bf85ddf44p-26;
  Number rest = multiplyAdd(evaluateRest(f), hi, f * lo);
  return withSpecials(x, k + multiplyAdd(f, hi, rest));
}

Number logarithmToTen(Number x) {
  bool isDouble = x.isDouble();
  auto [f, k] = decompose(x);
  double hi = isDouble ? 0x1.bcb7b1526e50ep-2 : 0x1.bcb7b2p-2,
         lo = isDouble ? 0x1.95355baaafad3p-57 : -0x1.5b235e39ab2a9p-27;
  Number rest = multiplyAdd(f, lo, k * (isDouble ? 0x1.3fde623e2566bp-43 : 0x1.3509f79fef312p-18));
  rest = multiplyAdd(evaluateRest(f), hi, rest);
  return withSpecials(x, multiplyAdd(k, isDouble ? 0x1.34413509f7p-2 : 0x1.344p-2, multiplyAdd(f, hi, rest)));
}

Number logarithmOfOnePlus(Number x) {
  bool isDouble = x.isDouble();
  int mantissaBits = isDouble ? 52 : 23;
  Pair sum = addExactly(makeConstant(x, 1.0), x);
  auto [f, k] = decompose(sum.hi);
  // What rounding 1 + x lost belongs to f, divided by 2^k = (1 + x) / (1 + f).
  Number power =
      toBits(f + 1.0) - toBits(sum.hi) + makeInteger(toBits(x), int64_t(isDouble ? 1023 : 127) << mantissaBits);
  f = select(x < (isDouble ? 0x1p60 : 0x1p30), multiplyAdd(sum.lo, fromBits(power), f), f);
  Number result = withSpecials(sum.hi, combine(k, f));
  return select(absolute(x) < (isDouble ? 0x1p-60 : 0x1p-30), x, result);
}

Number areaHyperbolicSine(Number x) {
  Number magnitude = absolute(x), square = magnitude * magnitude;
  Number root = squareRoot(square + 1.0) + 1.0;
  // Beyond 2^60 it is ln(2 * x).
  Number isLarge = magnitude > 0x1p60;
  Number result = logarithmOfOnePlus(select(isLarge, magnitude, magnitude + square / root));
  return copySign(select(isLarge, result + 0x1.62e42fefa39efp-1, result), x);
}

Number areaHyperbolicCosine(Number x) {
  Number t = x - 1.0, isLarge = x > 0x1p60;
  Number root = squareRoot(t * (t + 2.0));
  Number result = logarithmOfOnePlus(select(isLarge, x, t + root));
  return select(x < 1.0, NaN, select(isLarge, result + 0x1.62e42fefa39efp-1, result));
}

Number areaHyperbolicTangent(Number x) {
  Number magnitude = absolute(x);
  Number quotient = (magnitude + magnitude) / (1.0 - magnitude);
  return copySign(logarithmOfOnePlus(quotient) * 0.5, x);
}

} // namespace nnc
