// The functions of the math dialect as formulas of arithmetic. All take and
// return f32 or f64 unless said otherwise; docs/Math.md has their bounds.
#ifndef LIB_TRANSFORMS_EXPANDMATHFUNCTIONS_H
#define LIB_TRANSFORMS_EXPANDMATHFUNCTIONS_H

#include "lib/Transforms/ExpandMathArithmetic.h"

#include "mlir/IR/PatternMatch.h"

namespace nnc {

// ExpandMathExponential.cpp
Number exponential(Number x);
Number exponentialOfTwo(Number x);
Number exponentialMinusOne(Number x);
Number hyperbolicSine(Number x);
Number hyperbolicCosine(Number x);
Number hyperbolicTangent(Number x);
/// 2^(x.hi + x.lo); infinite sums are not allowed.
Number exponentialOfTwo(Pair x);

// ExpandMathLogarithmic.cpp
Number logarithm(Number x);
Number logarithmToTwo(Number x);
Number logarithmToTen(Number x);
Number logarithmOfOnePlus(Number x);
/// These three are for f64.
Number areaHyperbolicSine(Number x);
Number areaHyperbolicCosine(Number x);
Number areaHyperbolicTangent(Number x);
/// x = (1 + fraction) * 2^exponent with sqrt(1/2) <= 1 + fraction < sqrt(2), for positive finite x.
struct Decomposition {
  Number fraction, exponent;
};
Decomposition decompose(Number x);

// ExpandMathPower.cpp
/// x^y of f64; good for f32 only where `isShort`.
Number power(Number x, Number y, bool isShort);
Number squareRootInverse(Number x);
/// For f64.
Number cubeRoot(Number x);

// ExpandMathTrigonometric.cpp
Number sine(Number x);
Number cosine(Number x);
Number tangent(Number x);

// ExpandMathInverseTrigonometric.cpp
Number arcSine(Number x);
Number arcCosine(Number x);
Number arcTangent(Number x);
/// For f64.
Number arcTangent(Number y, Number x);

// ExpandMathError.cpp
Number errorFunction(Number x);

// ExpandMathRounding.cpp
Number floor(Number x);
Number ceiling(Number x);
/// Halves away from zero.
Number roundHalfAway(Number x);

// ExpandMathDivision.cpp
/// Divisions of vectors of f32 by constants become products; for targets with FMA.
void populateDivideByConstantPatterns(mlir::RewritePatternSet &patterns);

} // namespace nnc

#endif // LIB_TRANSFORMS_EXPANDMATHFUNCTIONS_H
