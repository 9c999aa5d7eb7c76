// Conversions between narrow formats and f32 in 32-bit integer arithmetic, so that
// a vector of elements needs no more than a few vector instructions.
#include "lib/Conversion/NNToLinalg/NarrowElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nnc {

/// Mantissa bits of f32, and the bits of its infinity and of a NaN.
static constexpr int floatMantissa = 23;
static constexpr int64_t floatInfinity = 0x7f800000, floatNaN = 0x7fc00000;

bool isNarrowElement(Type type) {
  if (!type.isIntOrFloat() || type.isInteger(1))
    return false;
  return type.getIntOrFloatBitWidth() < 8 || (isa<FloatType>(type) && type.getIntOrFloatBitWidth() == 8);
}

namespace {

/// i32 arithmetic.
struct Bits {
  ImplicitLocOpBuilder &builder;

  Value constant(int64_t value) const {
    return arith::ConstantOp::create(builder, builder.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value conjunction(Value a, int64_t mask) const { return arith::AndIOp::create(builder, a, constant(mask)); }
  Value disjunction(Value a, Value b) const { return arith::OrIOp::create(builder, a, b); }
  Value add(Value a, int64_t b) const { return arith::AddIOp::create(builder, a, constant(b)); }
  Value left(Value a, int64_t by) const { return by ? arith::ShLIOp::create(builder, a, constant(by)).getResult() : a; }
  Value right(Value a, int64_t by) const {
    return by ? arith::ShRUIOp::create(builder, a, constant(by)).getResult() : a;
  }
  Value isAbove(Value a, int64_t bound) const {
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::sgt, a, constant(bound));
  }
  Value isEqual(Value a, int64_t value) const {
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, a, constant(value));
  }
  Value select(Value condition, Value a, Value b) const { return arith::SelectOp::create(builder, condition, a, b); }
  Value select(Value condition, int64_t a, Value b) const { return select(condition, constant(a), b); }
  Value fromFloat(Value x) const { return arith::BitcastOp::create(builder, builder.getI32Type(), x); }
  Value toFloat(Value bits) const { return arith::BitcastOp::create(builder, builder.getF32Type(), bits); }
  Value number(double value) const { return arith::ConstantOp::create(builder, builder.getF32FloatAttr(value)); }
};

/// What distinguishes the formats with sign, exponent and mantissa.
struct Format {
  explicit Format(FloatType type) : semantics(type.getFloatSemantics()) {
    width = type.getWidth();
    mantissa = APFloat::semanticsPrecision(semantics) - 1;
    bias = 1 - APFloat::semanticsMinExponent(semantics);
    largest = APFloat::getLargest(semantics).bitcastToAPInt().getZExtValue();
    hasInfinity = APFloat::semanticsHasInf(semantics);
    hasNaN = APFloat::semanticsHasNaN(semantics);
    // FNUZ: the bits of -0 are the only NaN.
    hasUnsignedZero = hasNaN && APFloat::getNaN(semantics).bitcastToAPInt().getZExtValue() == signBit();
  }
  int64_t signBit() const { return int64_t(1) << (width - 1); }
  int64_t infinity() const { return largest + 1; }

  const llvm::fltSemantics &semantics;
  int64_t width, mantissa, bias, largest;
  bool hasInfinity, hasNaN, hasUnsignedZero;
};

} // namespace

static bool isScaleFormat(Type type) { return isa<Float8E8M0FNUType>(type); }

/// 2 to the power of byte - 127; 255 is NaN.
static Value decodeScale(const Bits &bits, Value byte) {
  Value number = bits.select(bits.isEqual(byte, 0), int64_t(1) << (floatMantissa - 1), bits.left(byte, floatMantissa));
  return bits.toFloat(bits.select(bits.isEqual(byte, 255), floatNaN, number));
}

static Value decodeFloat(const Bits &bits, Value byte, const Format &format) {
  Value magnitude = bits.conjunction(byte, format.signBit() - 1);
  Value sign = bits.left(bits.conjunction(byte, format.signBit()), 32 - format.width);
  // Exponent and mantissa in their places, then the difference of the biases: exact, subnormal numbers included.
  Value number = bits.toFloat(bits.left(magnitude, floatMantissa - format.mantissa));
  Value scale = bits.number(std::ldexp(1.0, 127 - format.bias));
  Value result = bits.fromFloat(arith::MulFOp::create(bits.builder, number, scale));
  if (format.hasInfinity) {
    result = bits.select(bits.isEqual(magnitude, format.infinity()), floatInfinity, result);
    result = bits.select(bits.isAbove(magnitude, format.infinity()), floatNaN, result);
  } else if (format.hasUnsignedZero) {
    result = bits.select(bits.isEqual(byte, format.signBit()), floatNaN, result);
  } else if (format.hasNaN) {
    result = bits.select(bits.isAbove(magnitude, format.largest), floatNaN, result);
  }
  return bits.toFloat(bits.disjunction(result, sign));
}

Value decodeNarrow(ImplicitLocOpBuilder &builder, Value stored, Type type) {
  if (auto format = dyn_cast<FloatType>(type)) {
    Bits bits{builder};
    Value byte = arith::ExtUIOp::create(builder, builder.getI32Type(), stored);
    return isScaleFormat(type) ? decodeScale(bits, byte) : decodeFloat(bits, byte, Format(format));
  }
  if (type.isUnsignedInteger())
    return stored;
  Value shift = arith::ConstantOp::create(builder, builder.getI8IntegerAttr(8 - type.getIntOrFloatBitWidth()));
  return arith::ShRSIOp::create(builder, arith::ShLIOp::create(builder, stored, shift), shift);
}

/// The magnitude's code in `format`, rounded; codes beyond the largest are overflows.
static Value encodeMagnitude(const Bits &bits, Value magnitude, const Format &format) {
  int64_t dropped = floatMantissa - format.mantissa;
  Value odd = bits.conjunction(bits.right(magnitude, dropped), 1);
  Value rounded = arith::AddIOp::create(bits.builder, magnitude, bits.add(odd, (int64_t(1) << (dropped - 1)) - 1));
  Value normal = bits.add(bits.right(rounded, dropped), -((127 - format.bias) << format.mantissa));
  // Below the least normal number: added to a number whose last bit is worth the least subnormal one.
  double anchor = std::ldexp(1.0, 1 - format.bias - format.mantissa + floatMantissa);
  Value sum = arith::AddFOp::create(bits.builder, bits.toFloat(magnitude), bits.number(anchor));
  int64_t anchorBits = APFloat(static_cast<float>(anchor)).bitcastToAPInt().getZExtValue();
  Value subnormal = bits.add(bits.fromFloat(sum), -anchorBits);
  return bits.select(bits.isAbove(magnitude, ((128 - format.bias) << floatMantissa) - 1), normal, subnormal);
}

static Value encodeFloat(const Bits &bits, Value x, const Format &format) {
  Value source = bits.fromFloat(x);
  Value magnitude = bits.conjunction(source, 0x7fffffff);
  Value sign = bits.conjunction(bits.right(source, 32 - format.width), format.signBit());
  Value code = encodeMagnitude(bits, magnitude, format);
  Value isNaN = bits.isAbove(magnitude, floatInfinity);
  Value isOverflow = bits.isAbove(code, format.largest);
  if (format.hasUnsignedZero) {
    Value number = bits.select(bits.isEqual(code, 0), code, bits.disjunction(code, sign));
    return bits.select(isOverflow, format.signBit(), number);
  }
  if (format.hasInfinity) {
    code = bits.select(isOverflow, format.infinity(), code);
    code = bits.select(isNaN, APFloat::getNaN(format.semantics).bitcastToAPInt().getZExtValue(), code);
  } else if (format.hasNaN) {
    code = bits.select(isOverflow, format.largest + 1, code);
  } else { // neither: NaN is -0, as ml_dtypes has it
    code = bits.select(isOverflow, format.largest, code);
    return bits.select(isNaN, format.signBit(), bits.disjunction(code, sign));
  }
  return bits.disjunction(code, sign);
}

Value encodeNarrow(ImplicitLocOpBuilder &builder, Value computed, Type type) {
  if (auto format = dyn_cast<FloatType>(type)) {
    Bits bits{builder};
    Value code = isScaleFormat(type)
                     ? bits.right(bits.conjunction(bits.fromFloat(computed), 0x7fffffff), floatMantissa)
                     : encodeFloat(bits, computed, Format(format));
    return arith::TruncIOp::create(builder, builder.getI8Type(), code);
  }
  Value mask = arith::ConstantOp::create(
      builder, builder.getI8IntegerAttr(static_cast<int8_t>((1 << type.getIntOrFloatBitWidth()) - 1)));
  return arith::AndIOp::create(builder, computed, mask);
}

APInt getStoredBits(Attribute element) {
  if (auto number = dyn_cast<FloatAttr>(element))
    return number.getValue().bitcastToAPInt().zext(8);
  return cast<IntegerAttr>(element).getValue().zext(8);
}

Value clampToFinite(ImplicitLocOpBuilder &builder, Value x, FloatType type) {
  bool losesInfo;
  APFloat largest = APFloat::getLargest(type.getFloatSemantics());
  largest.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
  Value high = arith::ConstantOp::create(builder, builder.getF32FloatAttr(largest.convertToFloat()));
  Value low = arith::ConstantOp::create(builder, builder.getF32FloatAttr(-largest.convertToFloat()));
  Value isAbove = arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, high, x);
  x = arith::SelectOp::create(builder, isAbove, high, x);
  Value isBelow = arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, x, low);
  return arith::SelectOp::create(builder, isBelow, low, x);
}

Value roundToPowerOfTwo(ImplicitLocOpBuilder &builder, Value x, int rounding, bool saturate) {
  Bits bits{builder};
  Value source = bits.conjunction(bits.fromFloat(x), 0x7fffffff);
  Value exponent = bits.right(source, floatMantissa), fraction = bits.conjunction(source, (1 << floatMantissa) - 1);
  Value roundsUp;
  if (rounding == 0) {
    roundsUp = bits.isAbove(fraction, 0);
  } else if (rounding == 2) { // a half is rounded up from numbers that are normal
    int64_t half = int64_t(1) << (floatMantissa - 1);
    Value isHalf = arith::AndIOp::create(builder, bits.isEqual(fraction, half), bits.isAbove(exponent, 0));
    roundsUp = arith::OrIOp::create(builder, bits.isAbove(fraction, half), isHalf);
  }
  Value result = exponent;
  if (roundsUp)
    result = bits.select(roundsUp, bits.add(exponent, 1), exponent);
  if (saturate)
    result = bits.select(bits.isAbove(result, 254), 254, result);
  result = bits.select(bits.isAbove(source, floatInfinity), 255, bits.select(bits.isAbove(result, 255), 255, result));
  return bits.toFloat(bits.left(result, floatMantissa));
}

} // namespace nnc
