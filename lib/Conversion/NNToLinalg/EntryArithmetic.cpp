// Divisions, remainders and comparisons of the numbers of which sizes are made.
#include "lib/Conversion/NNToLinalg/EntryArithmetic.h"

#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

using namespace mlir;

namespace nnc {

arith::CmpIPredicate getPredicate(nn::ComparePredicate predicate) {
  switch (predicate) {
  case nn::ComparePredicate::Equal:
    return arith::CmpIPredicate::eq;
  case nn::ComparePredicate::Less:
    return arith::CmpIPredicate::slt;
  case nn::ComparePredicate::LessEqual:
    return arith::CmpIPredicate::sle;
  case nn::ComparePredicate::Greater:
    return arith::CmpIPredicate::sgt;
  case nn::ComparePredicate::GreaterEqual:
    return arith::CmpIPredicate::sge;
  }
  llvm_unreachable("all predicates are handled");
}

/// `divisor`, or 1 where a division by it has no result: it may run where the model's own would not.
static Value makeDivisor(ImplicitLocOpBuilder &builder, Value divisor) {
  if (auto constant = divisor.getDefiningOp<arith::ConstantIndexOp>(); constant && constant.value() > 0)
    return divisor;
  // By 0, and of the least number by -1.
  Value next = builder.createOrFold<arith::AddIOp>(divisor, getIndex(builder, 1));
  Value hasNone = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ule, next, getIndex(builder, 1));
  return builder.createOrFold<arith::SelectOp>(hasNone, getIndex(builder, 1), divisor);
}

static Value isNegative(ImplicitLocOpBuilder &builder, Value value) {
  return builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, value, getIndex(builder, 0));
}

Value divide(ImplicitLocOpBuilder &builder, Value lhs, Value rhs) {
  Value divisor = makeDivisor(builder, rhs), quotient = builder.createOrFold<arith::DivSIOp>(lhs, divisor);
  if (divisor == rhs)
    return quotient;
  Value isOpposite = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, rhs, getIndex(builder, -1));
  return builder.createOrFold<arith::SelectOp>(isOpposite, sub(builder, getIndex(builder, 0), lhs), quotient);
}

Value getRemainder(ImplicitLocOpBuilder &builder, Value lhs, Value rhs, bool ofDividend) {
  Value divisor = makeDivisor(builder, rhs), remainder = builder.createOrFold<arith::RemSIOp>(lhs, divisor);
  if (ofDividend)
    return remainder;
  Value hasOtherSign = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, isNegative(builder, remainder),
                                                           isNegative(builder, divisor));
  Value isRest = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, remainder, getIndex(builder, 0));
  Value moves = builder.createOrFold<arith::AndIOp>(isRest, hasOtherSign);
  return builder.createOrFold<arith::SelectOp>(moves, add(builder, remainder, divisor), remainder);
}

Value chooseExtreme(ImplicitLocOpBuilder &builder, bool isLess, Value lhs, Value rhs) {
  if (isa<IndexType>(lhs.getType()))
    return isLess ? builder.createOrFold<arith::MinSIOp>(lhs, rhs) : builder.createOrFold<arith::MaxSIOp>(lhs, rhs);
  auto predicate = isLess ? arith::CmpFPredicate::OLT : arith::CmpFPredicate::OGT;
  Value isFirst = builder.createOrFold<arith::CmpFOp>(predicate, lhs, rhs);
  Value isNone = builder.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::UNO, lhs, rhs);
  Value extreme = builder.createOrFold<arith::SelectOp>(isFirst, lhs, rhs);
  Value sum = builder.createOrFold<arith::AddFOp>(lhs, rhs);
  return builder.createOrFold<arith::SelectOp>(isNone, sum, extreme);
}

} // namespace nnc
