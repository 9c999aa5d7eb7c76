// Quantisation: element-wise bodies.
#include "lib/Conversion/NNToLinalg/Quantization.h"

#include "lib/Conversion/NNToLinalg/ElementwiseBodies.h"
#include "lib/Conversion/NNToLinalg/NarrowElements.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc {

/// A computed value in f32, or in f64 where it is f64.
static Value toFloat(ImplicitLocOpBuilder &builder, Value x, Type type, Type computed) {
  return convertElement(builder, x, type, computed);
}

static Value constantLike(ImplicitLocOpBuilder &builder, Value x, double value) {
  return arith::ConstantOp::create(builder, builder.getFloatAttr(x.getType(), value));
}

/// To the nearest integer; f64 and f32.
static Value roundToInteger(ImplicitLocOpBuilder &builder, Value x, nn::IntegerRounding rounding) {
  if (rounding == nn::IntegerRounding::HalfToEven)
    return math::RoundEvenOp::create(builder, x);
  // Away from zero: floor of |x| and the comparison of what is left are exact.
  Value magnitude = math::AbsFOp::create(builder, x), floor = math::FloorOp::create(builder, magnitude);
  Value rest = arith::SubFOp::create(builder, magnitude, floor);
  Value isUp = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGE, rest, constantLike(builder, x, 0.5));
  Value up = arith::AddFOp::create(builder, floor, constantLike(builder, x, 1));
  return math::CopySignOp::create(builder, arith::SelectOp::create(builder, isUp, up, floor), x);
}

Value buildQuantize(ImplicitLocOpBuilder &builder, nn::QuantizeOp op, ValueRange operands) {
  Type input = getElementTypeOrSelf(op.getInput()), to = op.getTo();
  Type computed = input.isF64() ? input : Type(builder.getF32Type());
  Value x = toFloat(builder, operands[0], input, computed);
  Value scale = toFloat(builder, operands[1], getElementTypeOrSelf(op.getScale()), computed);
  if (!matchPattern(scale, m_OneFloat()))
    x = arith::DivFOp::create(builder, x, scale);
  Value zeroPoint;
  if (operands.size() > 2)
    zeroPoint = toFloat(builder, operands[2], to, computed);
  if (auto narrow = dyn_cast<FloatType>(to)) {
    if (zeroPoint)
      x = arith::AddFOp::create(builder, x, zeroPoint);
    x = convertElement(builder, x, computed, builder.getF32Type());
    return isNarrowElement(to) && op.getSaturate() ? clampToFinite(builder, x, narrow) : x;
  }
  x = roundToInteger(builder, x, op.getRounding());
  if (zeroPoint)
    x = arith::AddFOp::create(builder, x, zeroPoint);
  bool isUnsigned = to.isUnsignedInteger();
  unsigned width = to.getIntOrFloatBitWidth();
  double low = isUnsigned ? 0 : -std::ldexp(1.0, width - 1), high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
  Value least = constantLike(builder, x, low), largest = constantLike(builder, x, high);
  // Chosen so that NaN becomes the least.
  Value isAbove = arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, x, least);
  x = arith::SelectOp::create(builder, isAbove, x, least);
  Value isBelow = arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, x, largest);
  x = arith::SelectOp::create(builder, isBelow, x, largest);
  Value wide = arith::FPToSIOp::create(builder, builder.getI32Type(), x);
  return arith::TruncIOp::create(builder, builder.getIntegerType(std::max(8u, width)), wide);
}

Value buildDequantize(ImplicitLocOpBuilder &builder, nn::DequantizeOp op, ValueRange operands) {
  Type from = getElementTypeOrSelf(op.getInput()), to = op.getTo();
  Type computed = to.isF64() ? to : Type(builder.getF32Type());
  Value scale = toFloat(builder, operands[1], getElementTypeOrSelf(op.getScale()), computed);
  Value x;
  if (isa<FloatType>(from)) {
    x = toFloat(builder, operands[0], from, computed);
    if (operands.size() > 2)
      x = arith::SubFOp::create(builder, x, toFloat(builder, operands[2], from, computed));
  } else {
    Type i32 = builder.getI32Type();
    x = convertElement(builder, operands[0], from, i32);
    if (operands.size() > 2)
      x = arith::SubIOp::create(builder, x, convertElement(builder, operands[2], from, i32));
    x = arith::SIToFPOp::create(builder, computed, x);
  }
  x = arith::MulFOp::create(builder, x, scale);
  return convertElement(builder, x, computed, to);
}

} // namespace nnc
