// Floats of one sign are ordered as their bits are; the others the other way round.
#include "lib/Codegen/OrderKeys.h"

#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace nnc {

static Value createLargest(OpBuilder &builder, Location loc, Type integers) {
  int exponent = getElementTypeOrSelf(integers).getIntOrFloatBitWidth() - 1;
  return createConstant(builder, loc, integers, std::ldexp(1.0, exponent) - 1);
}

/// The bits of `integers`, but those of negative ones upside down; twice is the same bits.
static Value flipNegatives(OpBuilder &builder, Location loc, Value integers) {
  Type type = integers.getType();
  unsigned width = getElementTypeOrSelf(type).getIntOrFloatBitWidth();
  Value signs = arith::ShRSIOp::create(builder, loc, integers, createConstant(builder, loc, type, width - 1));
  Value largest = createLargest(builder, loc, type);
  return arith::XOrIOp::create(builder, loc, integers, arith::AndIOp::create(builder, loc, signs, largest));
}

Value createRanks(OpBuilder &builder, Location loc, Value x) {
  unsigned width = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  Type integer = builder.getIntegerType(width);
  auto vector = dyn_cast<VectorType>(x.getType());
  Type integers = vector ? Type(vector.clone(integer)) : integer;
  Value rank = flipNegatives(builder, loc, arith::BitcastOp::create(builder, loc, integers, x));
  Value zero = createConstant(builder, loc, x.getType(), 0), none = createConstant(builder, loc, integers, 0);
  Value isZero = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, x, zero);
  rank = arith::SelectOp::create(builder, loc, isZero, none, rank);
  Value isNaN = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, x, x);
  return arith::SelectOp::create(builder, loc, isNaN, createLargest(builder, loc, integers), rank);
}

Value createFloatsOfRanks(OpBuilder &builder, Location loc, Value ranks, Type type) {
  return arith::BitcastOp::create(builder, loc, type, flipNegatives(builder, loc, ranks));
}

static Value rankIntegers(OpBuilder &builder, Location loc, Value x, Type integers, bool isUnsigned) {
  if (x.getType() == integers) {
    Value sign = createConstant(builder, loc, integers, INT32_MIN);
    return isUnsigned ? arith::XOrIOp::create(builder, loc, x, sign).getResult() : x;
  }
  return isUnsigned ? arith::ExtUIOp::create(builder, loc, integers, x).getResult()
                    : arith::ExtSIOp::create(builder, loc, integers, x).getResult();
}

Value createOrderKeys(OpBuilder &builder, Location loc, Value elements, Value position, bool ascending, bool isUnsigned) {
  auto vector = dyn_cast<VectorType>(elements.getType());
  int64_t width = vector ? vector.getDimSize(0) : 1;
  Type i32 = builder.getI32Type(), i64 = builder.getI64Type();
  Type integers = getWideType(i32, width), keys = getWideType(i64, width);
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(elements.getType()));
  Value rank = isFloat ? createRanks(builder, loc, convertElements(builder, loc, elements, builder.getF32Type()))
                       : rankIntegers(builder, loc, elements, integers, isUnsigned);
  if (!ascending)
    rank = arith::XOrIOp::create(builder, loc, rank, createConstant(builder, loc, integers, -1));
  Value high = arith::ShLIOp::create(builder, loc, arith::ExtSIOp::create(builder, loc, keys, rank),
                                     createConstant(builder, loc, keys, 32));
  Value low = broadcastTo(builder, loc, arith::IndexCastOp::create(builder, loc, i64, position), width);
  return arith::OrIOp::create(builder, loc, high, low);
}

} // namespace nnc
