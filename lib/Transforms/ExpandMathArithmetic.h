// Formulas on scalars and vectors of f32 and f64: what the expansions of math
// functions are written in.
#ifndef LIB_TRANSFORMS_EXPANDMATHARITHMETIC_H
#define LIB_TRANSFORMS_EXPANDMATHARITHMETIC_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

namespace nnc {

/// How to build operations, and what the target has.
struct Arithmetic {
  mlir::OpBuilder &builder;
  mlir::Location loc;
  /// Fused multiply-add and rounding to integers are instructions.
  bool hasFma;
};

/// A float, an integer or a truth value, scalar or vector, to compute with. The operators build operations; a double
/// stands for a constant of the other side's type.
struct Number {
  Arithmetic *arithmetic = nullptr;
  mlir::Value value;

  mlir::Type getType() const { return value.getType(); }
  mlir::Type getElementType() const { return mlir::getElementTypeOrSelf(value.getType()); }
  bool isFloat() const { return llvm::isa<mlir::FloatType>(getElementType()); }
  bool isDouble() const { return getElementType().isF64(); }
};

/// A constant of the type of `like`; integers wider than a double take `makeInteger`.
Number makeConstant(Number like, double value);
Number makeInteger(Number like, int64_t value);

Number operator+(Number x, Number y);
Number operator-(Number x, Number y);
Number operator*(Number x, Number y);
Number operator/(Number x, Number y);
Number operator-(Number x);
Number operator+(Number x, double y);
Number operator-(Number x, double y);
Number operator*(Number x, double y);
Number operator/(Number x, double y);
Number operator-(double x, Number y);
Number operator/(double x, Number y);
/// Comparisons; false where an operand is NaN.
Number operator<(Number x, Number y);
Number operator<(Number x, double y);
Number operator>(Number x, Number y);
Number operator>(Number x, double y);
Number operator>=(Number x, double y);
Number equal(Number x, Number y);
Number equal(Number x, double y);
Number isNaN(Number x);
/// Bits of integers and truth values; shifts to the right keep the sign.
Number operator&(Number x, Number y);
Number operator|(Number x, Number y);
Number operator^(Number x, Number y);
Number operator<<(Number x, int64_t amount);
Number operator>>(Number x, int64_t amount);
Number shiftRightUnsigned(Number x, int64_t amount);

Number select(Number condition, Number x, Number y);
Number select(Number condition, Number x, double y);
Number select(Number condition, double x, Number y);
Number absolute(Number x);
/// The bit of the sign alone, and `x` with its sign changed by such a bit.
Number getSign(Number x);
Number changeSign(Number x, Number sign);
Number copySign(Number magnitude, Number sign);
Number squareRoot(Number x);
/// `bound` where x is beyond it; NaN stays.
Number atLeast(Number x, double bound);
Number atMost(Number x, double bound);
/// Nearest integer (halves to even), and towards zero; the sign of zero stays.
Number roundToEven(Number x);
Number truncate(Number x);

/// x * y + z, rounded once where the target can.
Number multiplyAdd(Number x, Number y, Number z);
Number multiplyAdd(Number x, double y, Number z);
Number multiplyAdd(Number x, Number y, double z);
/// Horner's scheme; the coefficient of the highest power comes first.
Number evaluate(llvm::ArrayRef<double> coefficients, Number x);

/// The bits of floats as integers, and back.
Number toBits(Number x);
Number fromBits(Number bits);
/// Floats of another width.
Number convert(Number x, mlir::Type element);
inline Number toDouble(Number x) { return convert(x, mlir::Float64Type::get(x.value.getContext())); }

/// An unrounded sum of two floats; |lo| is at most half a unit in the last place of hi.
struct Pair {
  Number hi, lo;
};
/// x + y and x * y without error.
Pair addExactly(Number x, Number y);
Pair multiplyExactly(Number x, Number y);
/// x + y where |x| >= |y|.
Pair normalize(Number x, Number y);
Pair operator+(Pair x, Pair y);
Pair operator*(Pair x, Pair y);

} // namespace nnc

#endif // LIB_TRANSFORMS_EXPANDMATHARITHMETIC_H
