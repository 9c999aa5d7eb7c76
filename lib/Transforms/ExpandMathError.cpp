// The error function.
#include "lib/Transforms/ExpandMathFunctions.h"
#include "lib/Transforms/ExpandMathPolynomials.h"

namespace nnc {

/// Below 1 a polynomial; above, 1 - 2^g with a polynomial g(|x|), whose error shrinks with 2^g.
Number errorFunction(Number x) {
  bool isDouble = x.isDouble();
  Number magnitude = absolute(x), square = magnitude * magnitude;
  Number small = isDouble ? evaluate(polynomial::errorF64, square) : evaluate(polynomial::errorF32, square);
  small = multiplyAdd(magnitude, small, magnitude);
  Number t = atMost(magnitude, isDouble ? 6.0 : 4.0) - 1.0;
  Number g = isDouble ? evaluate(polynomial::errorExponentF64, t) : evaluate(polynomial::errorExponentF32, t);
  // 1.5 * 2^52 (2^23) leaves round(g) in the lowest bits, with the bias of the exponent.
  double magic = isDouble ? 0x1.8p52 + 1023 : 0x1.8p23 + 127;
  Number rounded = g + magic;
  Number r = g - (rounded - magic);
  Number p = isDouble ? evaluate(polynomial::exponentOfTwoF64, r) : evaluate(polynomial::exponentOfTwoF32, r);
  Number scale = fromBits(toBits(rounded) << (isDouble ? 52 : 23));
  Number large = multiplyAdd(-p, scale, 1.0);
  return copySign(select(magnitude < 1.0, small, large), x);
}

} // namespace nnc
