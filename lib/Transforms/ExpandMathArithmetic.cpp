// Operations of formulas.
#include "lib/Transforms/ExpandMathArithmetic.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nnc {

template <typename OpTy, typename... Args> static Number make(Number x, Args... args) {
  Arithmetic *arithmetic = x.arithmetic;
  return {arithmetic, OpTy::create(arithmetic->builder, arithmetic->loc, args...).getResult()};
}

static Type withElement(Number like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    return vector.clone(element);
  return element;
}

static Number makeConstant(Number like, TypedAttr scalar) {
  if (auto vector = dyn_cast<VectorType>(like.getType()))
    scalar = DenseElementsAttr::get(vector, Attribute(scalar));
  return make<arith::ConstantOp>(like, scalar);
}

Number makeInteger(Number like, int64_t value) {
  return makeConstant(like, like.arithmetic->builder.getIntegerAttr(like.getElementType(), value));
}

Number makeConstant(Number like, double value) {
  if (!like.isFloat())
    return makeInteger(like, static_cast<int64_t>(value));
  return makeConstant(like, like.arithmetic->builder.getFloatAttr(like.getElementType(), value));
}

template <typename FloatOp, typename IntegerOp> static Number binary(Number x, Number y) {
  return x.isFloat() ? make<FloatOp>(x, x.value, y.value) : make<IntegerOp>(x, x.value, y.value);
}

Number operator+(Number x, Number y) { return binary<arith::AddFOp, arith::AddIOp>(x, y); }
Number operator-(Number x, Number y) { return binary<arith::SubFOp, arith::SubIOp>(x, y); }
Number operator*(Number x, Number y) { return binary<arith::MulFOp, arith::MulIOp>(x, y); }
Number operator/(Number x, Number y) { return make<arith::DivFOp>(x, x.value, y.value); }
Number operator-(Number x) { return make<arith::NegFOp>(x, x.value); }
Number operator+(Number x, double y) { return x + makeConstant(x, y); }
Number operator-(Number x, double y) { return x - makeConstant(x, y); }
Number operator*(Number x, double y) { return x * makeConstant(x, y); }
Number operator/(Number x, double y) { return x / makeConstant(x, y); }
Number operator-(double x, Number y) { return makeConstant(y, x) - y; }
Number operator/(double x, Number y) { return makeConstant(y, x) / y; }

static Number compare(Number x, Number y, arith::CmpFPredicate floats, arith::CmpIPredicate integers) {
  return x.isFloat() ? make<arith::CmpFOp>(x, floats, x.value, y.value)
                     : make<arith::CmpIOp>(x, integers, x.value, y.value);
}

Number operator<(Number x, Number y) { return compare(x, y, arith::CmpFPredicate::OLT, arith::CmpIPredicate::slt); }
Number operator>(Number x, Number y) { return compare(x, y, arith::CmpFPredicate::OGT, arith::CmpIPredicate::sgt); }
Number operator<(Number x, double y) { return x < makeConstant(x, y); }
Number operator>(Number x, double y) { return x > makeConstant(x, y); }
Number operator>=(Number x, double y) {
  return compare(x, makeConstant(x, y), arith::CmpFPredicate::OGE, arith::CmpIPredicate::sge);
}
Number equal(Number x, Number y) { return compare(x, y, arith::CmpFPredicate::OEQ, arith::CmpIPredicate::eq); }
Number equal(Number x, double y) { return equal(x, makeConstant(x, y)); }
Number isNaN(Number x) { return make<arith::CmpFOp>(x, arith::CmpFPredicate::UNO, x.value, x.value); }

Number operator&(Number x, Number y) { return make<arith::AndIOp>(x, x.value, y.value); }
Number operator|(Number x, Number y) { return make<arith::OrIOp>(x, x.value, y.value); }
Number operator^(Number x, Number y) { return make<arith::XOrIOp>(x, x.value, y.value); }
Number operator<<(Number x, int64_t amount) { return make<arith::ShLIOp>(x, x.value, makeInteger(x, amount).value); }
Number operator>>(Number x, int64_t amount) { return make<arith::ShRSIOp>(x, x.value, makeInteger(x, amount).value); }
Number shiftRightUnsigned(Number x, int64_t amount) {
  return make<arith::ShRUIOp>(x, x.value, makeInteger(x, amount).value);
}

Number select(Number condition, Number x, Number y) {
  return make<arith::SelectOp>(x, condition.value, x.value, y.value);
}
Number select(Number condition, Number x, double y) { return select(condition, x, makeConstant(x, y)); }
Number select(Number condition, double x, Number y) { return select(condition, makeConstant(y, x), y); }
Number absolute(Number x) { return make<math::AbsFOp>(x, x.value); }
Number copySign(Number magnitude, Number sign) { return make<math::CopySignOp>(sign, magnitude.value, sign.value); }
Number squareRoot(Number x) { return make<math::SqrtOp>(x, x.value); }
// Like this they are the instructions for the minimum and the maximum.
Number atLeast(Number x, double bound) {
  Number limit = makeConstant(x, bound);
  return select(limit > x, limit, x);
}
Number atMost(Number x, double bound) {
  Number limit = makeConstant(x, bound);
  return select(limit < x, limit, x);
}

Number getSign(Number x) {
  Number bits = toBits(x);
  return bits &
         makeInteger(bits, x.isDouble() ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int32_t>::min());
}
Number changeSign(Number x, Number sign) { return fromBits(toBits(x) ^ sign); }

Number roundToEven(Number x) {
  if (x.arithmetic->hasFma)
    return make<math::RoundEvenOp>(x, x.value);
  // Adding and subtracting 2^23 (2^52) leaves no fraction. Larger ones have none; NaN stays.
  double large = x.isDouble() ? 0x1p52 : 0x1p23;
  Number magnitude = absolute(x);
  return select(magnitude < large, copySign((magnitude + large) - large, x), x);
}

Number truncate(Number x) {
  if (x.arithmetic->hasFma)
    return make<math::TruncOp>(x, x.value);
  Number magnitude = absolute(x), rounded = roundToEven(magnitude);
  return copySign(select(rounded > magnitude, rounded - 1.0, rounded), x);
}

Number multiplyAdd(Number x, Number y, Number z) {
  if (x.arithmetic->hasFma)
    return make<math::FmaOp>(x, x.value, y.value, z.value);
  Number product = x * y;
  return product + z;
}
Number multiplyAdd(Number x, double y, Number z) { return multiplyAdd(x, makeConstant(x, y), z); }
Number multiplyAdd(Number x, Number y, double z) { return multiplyAdd(x, y, makeConstant(x, z)); }

Number evaluate(ArrayRef<double> coefficients, Number x) {
  Number sum = makeConstant(x, coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = multiplyAdd(sum, x, coefficient);
  return sum;
}

Number toBits(Number x) {
  unsigned width = x.getElementType().getIntOrFloatBitWidth();
  return make<arith::BitcastOp>(x, withElement(x, x.arithmetic->builder.getIntegerType(width)), x.value);
}

Number fromBits(Number bits) {
  Builder &builder = bits.arithmetic->builder;
  Type element = bits.getElementType().isInteger(64) ? Type(builder.getF64Type()) : builder.getF32Type();
  return make<arith::BitcastOp>(bits, withElement(bits, element), bits.value);
}

Number convert(Number x, Type element) {
  Type from = x.getElementType();
  if (from == element)
    return x;
  Type type = withElement(x, element);
  return from.getIntOrFloatBitWidth() < element.getIntOrFloatBitWidth() ? make<arith::ExtFOp>(x, type, x.value)
                                                                        : make<arith::TruncFOp>(x, type, x.value);
}

//===----------------------------------------------------------------------===//
// Twice the precision (Dekker, Knuth)
//===----------------------------------------------------------------------===//

Pair addExactly(Number x, Number y) {
  Number sum = x + y, part = sum - x;
  Number rest = sum - part;
  Number left = x - rest, right = y - part;
  return {sum, left + right};
}

Pair normalize(Number x, Number y) {
  Number sum = x + y, part = sum - x;
  return {sum, y - part};
}

Pair multiplyExactly(Number x, Number y) {
  Number product = x * y;
  if (x.arithmetic->hasFma)
    return {product, multiplyAdd(x, y, -product)};
  // Halves of the digits, whose products are exact.
  double splitter = x.isDouble() ? 0x1p27 + 1 : 0x1p12 + 1;
  auto split = [&](Number z) -> Pair {
    Number scaled = z * splitter, rest = scaled - z;
    Number hi = scaled - rest;
    return {hi, z - hi};
  };
  Pair a = split(x), b = split(y);
  Number error = a.hi * b.hi - product;
  error = error + a.hi * b.lo;
  error = error + a.lo * b.hi;
  return {product, error + a.lo * b.lo};
}

Pair operator+(Pair x, Pair y) {
  Pair sum = addExactly(x.hi, y.hi);
  Number low = x.lo + y.lo;
  return normalize(sum.hi, sum.lo + low);
}

Pair operator*(Pair x, Pair y) {
  Pair product = multiplyExactly(x.hi, y.hi);
  Number low = multiplyAdd(x.hi, y.lo, product.lo);
  return normalize(product.hi, multiplyAdd(x.lo, y.hi, low));
}

} // namespace nnc
