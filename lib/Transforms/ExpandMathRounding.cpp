// Rounding to integers.
#include "lib/Transforms/ExpandMathFunctions.h"

namespace nnc {

Number floor(Number x) {
  Number rounded = roundToEven(x);
  return copySign(select(rounded > x, rounded - 1.0, rounded), x);
}

Number ceiling(Number x) {
  Number rounded = roundToEven(x);
  return copySign(select(rounded < x, rounded + 1.0, rounded), x);
}

Number roundHalfAway(Number x) {
  Number magnitude = absolute(x), whole = truncate(magnitude);
  Number rest = magnitude - whole;
  return copySign(select(rest >= 0.5, whole + 1.0, whole), x);
}

} // namespace nnc
