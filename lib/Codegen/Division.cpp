// A quotient of integers of n bits is at least 2^-n of itself away from the next integer that it is not: a float of more
// than n bits is on the right side of that, whichever way it is rounded. i64 is divided twice, by a reciprocal.
#include "lib/Codegen/Division.h"

#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"

using namespace mlir;

namespace nnc {

/// Vectors of so many i64 have instructions that convert them to f64 and back, as a rule.
static constexpr int64_t leastLanesOfI64 = 8;

/// Of integers of up to 32 bits: the floats have more.
static Value divideNarrow(OpBuilder &builder, Location loc, Value dividend, Value divisor, bool isUnsigned) {
  auto type = cast<VectorType>(dividend.getType());
  unsigned bits = type.getElementTypeBitWidth();
  Type element = bits > 16 ? Type(builder.getF64Type()) : Type(builder.getF32Type());
  Type integers = VectorType::get(type.getShape(), builder.getI32Type()), floats = VectorType::get(type.getShape(), element);
  auto convert = [&](Value x) -> Value {
    if (bits < 32)
      x = isUnsigned ? arith::ExtUIOp::create(builder, loc, integers, x).getResult()
                     : arith::ExtSIOp::create(builder, loc, integers, x).getResult();
    return isUnsigned && bits == 32 ? arith::UIToFPOp::create(builder, loc, floats, x).getResult()
                                    : arith::SIToFPOp::create(builder, loc, floats, x).getResult();
  };
  Value quotient = arith::DivFOp::create(builder, loc, convert(dividend), convert(divisor));
  quotient = isUnsigned && bits == 32 ? arith::FPToUIOp::create(builder, loc, integers, quotient).getResult()
                                      : arith::FPToSIOp::create(builder, loc, integers, quotient).getResult();
  return bits < 32 ? arith::TruncIOp::create(builder, loc, type, quotient).getResult() : quotient;
}

/// Of i64, by their magnitudes, up to 2^63. The first quotient is wrong by up to 2^12, of divisors below 2^12, or by one;
/// with that of what it leaves over it is wrong by at most one.
static Value divideI64(OpBuilder &builder, Location loc, Value dividend, Value divisor) {
  auto type = cast<VectorType>(dividend.getType());
  Type floats = VectorType::get(type.getShape(), builder.getF64Type());
  Value zero = createConstant(builder, loc, type, 0), one = createConstant(builder, loc, type, 1);
  Value x = math::AbsIOp::create(builder, loc, dividend), y = math::AbsIOp::create(builder, loc, divisor);
  Value reciprocal = arith::DivFOp::create(builder, loc, createConstant(builder, loc, floats, 1),
                                           arith::UIToFPOp::create(builder, loc, floats, y));
  Value first = createMul(builder, loc, arith::UIToFPOp::create(builder, loc, floats, x), reciprocal);
  Value quotient = arith::FPToUIOp::create(builder, loc, type, first);
  Value rest = createSub(builder, loc, x, createMul(builder, loc, quotient, y));
  Value second = createMul(builder, loc, arith::SIToFPOp::create(builder, loc, floats, rest), reciprocal);
  Value more = arith::FPToSIOp::create(builder, loc, type, second);
  quotient = createAdd(builder, loc, quotient, more);
  rest = createSub(builder, loc, rest, createMul(builder, loc, more, y));
  auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) -> Value {
    return arith::CmpIOp::create(builder, loc, predicate, a, b);
  };
  auto choose = [&](Value condition, Value a, Value b) -> Value {
    return arith::SelectOp::create(builder, loc, condition, a, b);
  };
  // Less than nothing is left, or another divisor.
  Value isLess = compare(arith::CmpIPredicate::slt, rest, zero);
  Value isMore = arith::AndIOp::create(builder, loc, compare(arith::CmpIPredicate::uge, rest, y),
                                       compare(arith::CmpIPredicate::sge, rest, zero));
  quotient = createSub(builder, loc, quotient, choose(isLess, one, zero));
  quotient = createAdd(builder, loc, quotient, choose(isMore, one, zero));
  Value signs = arith::XOrIOp::create(builder, loc, dividend, divisor);
  return choose(compare(arith::CmpIPredicate::slt, signs, zero), createSub(builder, loc, zero, quotient), quotient);
}

Value divideThroughFloats(OpBuilder &builder, Location loc, Value dividend, Value divisor, bool isUnsigned,
                          bool remainder) {
  auto type = dyn_cast<VectorType>(dividend.getType());
  if (!type || type.getRank() != 1 || !type.getElementType().isInteger())
    return {};
  // CPUs of 32 bits may have no f64, and no division of vectors.
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  if (DataLayout::closest(parent).getTypeSizeInBits(builder.getIndexType()) < 64)
    return {};
  unsigned bits = type.getElementTypeBitWidth();
  if (bits > 32 && (bits != 64 || isUnsigned || type.getDimSize(0) < leastLanesOfI64))
    return {};
  Value quotient = bits > 32 ? divideI64(builder, loc, dividend, divisor)
                             : divideNarrow(builder, loc, dividend, divisor, isUnsigned);
  if (!remainder)
    return quotient;
  Value rest = createSub(builder, loc, dividend, createMul(builder, loc, quotient, divisor));
  if (isUnsigned || bits != 32)
    return rest;
  // The least of all, divided by -1, has no quotient; CPUs differ in what they make of it.
  Value minusOne = createConstant(builder, loc, type, -1);
  Value isMinusOne = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, divisor, minusOne);
  return arith::SelectOp::create(builder, loc, isMinusOne, createConstant(builder, loc, type, 0), rest);
}

} // namespace nnc
