// TFLite's arithmetic on quantised numbers: 32-bit fixed point, rounded twice, as its reference kernels have it. Here
// it is done on numbers that are known when a model is imported, and built of NN operations for those that are not.
#ifndef LIB_FRONTEND_TFLITE_FIXEDPOINT_H
#define LIB_FRONTEND_TFLITE_FIXEDPOINT_H

#include "lib/Frontend/TFLite/OpBinder.h"

namespace nnc::tflite {

/// A factor: value / 2^31 * 2^shift.
struct Multiplier {
  int32_t value = 0;
  int shift = 0;
};

/// The multiplier nearest to a number that is not negative.
Multiplier makeMultiplier(double number);

//===--- On numbers ---===//

/// a * b / 2^31, to nearest, halves up.
int32_t multiplyHigh(int32_t a, int32_t b);
/// x / 2^exponent, to nearest, halves away from zero.
int32_t divideByPower(int32_t x, int exponent);
/// The upper 16 bits of a multiplier, rounded.
int16_t halve(int32_t multiplier);
/// 1 / sqrt(x), x positive: a number without bits before its point, times two to the power of the shift.
Multiplier makeInverseRoot(int32_t x);
/// x times a multiplier.
int32_t scale(int32_t x, Multiplier multiplier);
/// 1 / x, x positive with `integerBits` bits before its point, as a number without; `shift`: how many x has above 1.
int32_t makeReciprocal(int32_t x, int integerBits, int32_t &shift);
/// e to the power of x, which is not positive and has 4 or 5 bits before its point; the result has none.
int32_t exponential(int32_t x, int integerBits);
/// The logistic function of x with 4 bits before its point; the result has none.
int32_t logistic(int32_t x);
/// The hyperbolic tangent of x with 4 bits before its point; the result has none.
int32_t hyperbolicTangent(int32_t x);
/// The same in 16 bits, of x with 3 bits, and with at most 4.
int16_t logistic(int16_t x);
int16_t hyperbolicTangent(int16_t x, int integerBits);

//===--- On values ---===//

/// a * b / 2^31, to nearest, halves up.
mlir::Value buildMultipliedHigh(OpBinder &op, mlir::Value a, mlir::Value b);
/// Integers of i32 times a multiplier, or one for each slice of the last axis.
mlir::Value buildScaled(OpBinder &op, mlir::Value x, llvm::ArrayRef<Multiplier> multipliers);
/// Integers of i64 times a multiplier, or one for each slice of the last axis, of which 16 bits count; in i32.
mlir::Value buildWideScaled(OpBinder &op, mlir::Value x, llvm::ArrayRef<Multiplier> multipliers);
/// x / 2^exponents, to nearest, halves away from zero; `exponents` is one i32 or broadcasts to x.
mlir::Value buildDividedByPower(OpBinder &op, mlir::Value x, mlir::Value exponents);
/// Integers of i32 in units of the result, brought to its zero point, limits and type.
mlir::Value buildResult(OpBinder &op, mlir::Value x, const Quantization &result, format::Activation activation);
/// An operand as i32, less its zero point.
mlir::Value buildDifference(OpBinder &op, mlir::Value x, const Quantization &quantization);
/// The integer that stands for a number, which may be beyond those of the type.
int64_t quantize(float number, const Quantization &quantization);
/// The least and largest integer that an activation lets through.
std::pair<int64_t, int64_t> getLimits(OpBinder &op, const Quantization &result, format::Activation activation);
/// A constant of i32, of rank 0 for one number.
mlir::Value makeInts(OpBinder &op, llvm::ArrayRef<int32_t> numbers);

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_FIXEDPOINT_H
