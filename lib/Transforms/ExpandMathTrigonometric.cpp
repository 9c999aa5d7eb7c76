// Sine, cosine, tangent.
//
// |x| = n * pi / 2 + r with |r| <= pi / 4; r by products of n with parts of pi / 2. Where a lane is too large for that,
// it is reduced by itself, with as many digits of 2 / pi as it takes (Payne and Hanek).
#include "lib/Transforms/ExpandMathFunctions.h"
#include "lib/Transforms/ExpandMathPolynomials.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

namespace {
/// The lowest two bits of `quadrant` count quarters of a turn.
struct Reduction {
  Number r, quadrant;
};
} // namespace

/// From here on magnitudes are reduced one by one.
static double getLimit(Number x) { return x.isDouble() ? 0x1p20 : 0x1p17; }

static Reduction reduceModerate(Number x) {
  double magic = x.isDouble() ? 0x1.8p52 : 0x1.8p23;
  Number rounded = multiplyAdd(x, 0x1.45f306dc9c883p-1, makeConstant(x, magic));
  Number n = rounded - magic, quadrant = toBits(rounded);
  auto subtract = [&](Number r, Number n, std::initializer_list<double> parts) {
    for (double part : parts)
      r = multiplyAdd(n, -part, r);
    return r;
  };
  if (x.arithmetic->hasFma && x.isDouble())
    return {subtract(x, n, {0x1.921fb54442d18p0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110}), quadrant};
  if (x.arithmetic->hasFma)
    return {subtract(x, n, {0x1.921fb6p0, -0x1.777a5cp-25, -0x1.ee59dap-50}), quadrant};
  // Parts of 33 digits have exact products with n.
  if (x.isDouble())
    return {subtract(x, n, {0x1.921fb544p0, 0x1.0b4611a6p-34, 0x1.3198a2ep-69, 0x1.b839a252049c1p-104}), quadrant};
  Number r = subtract(toDouble(x), toDouble(n), {0x1.921fb544p0, 0x1.0b4611a626331p-34});
  return {convert(r, x.getElementType()), quadrant};
}

/// 2 / pi * 2^1161, rounded down.
static constexpr StringRef TwoOverPi =
    "145f306dc9c882a53f84eafa3ea69bb81b6c52b3278872083fca2c757bd778ac36e48dc74849ba5c00c925dd413a3243"
    "9fc3bd63962534e7dd1046bea5d768909d338e04d68befc827323ac7306a673e93908bf177bf250763ff12fffbc0b301"
    "fde5e2316b414da3eda6cfd9e4f96136e9e8c7ecd3cbfd45aea4f758fd7cbe2f67a0e73ef14a525d4d7f6bf623f1aba1"
    "0ac";

/// The reduction of one finite float of at least getLimit() (as a double), all in integers: x = m * 2^e, and of 2 / pi
/// only the 192 digits count that are neither whole turns of x nor below its last digit. Returns r and the quadrant.
static std::pair<Value, Value> reduceLarge(Arithmetic &arithmetic, Value x, bool isDouble) {
  OpBuilder &b = arithmetic.builder;
  Location loc = arithmetic.loc;
  Type i64 = b.getI64Type(), wide = b.getIntegerType(192);
  // The largest exponent of x, and the digits of 2 / pi for it.
  int64_t largest = isDouble ? 971 : 75;
  unsigned digits = 190 + largest;
  Type table = b.getIntegerType(digits);
  auto constant = [&](Type type, const APInt &value) -> Value {
    return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, value));
  };
  auto integer = [&](Type type, int64_t value) {
    return constant(type, APInt(type.getIntOrFloatBitWidth(), value, /*isSigned=*/true));
  };
  Value bits = arith::BitcastOp::create(b, loc, i64, x);
  Value mantissa = arith::AndIOp::create(b, loc, bits, integer(i64, (int64_t(1) << 52) - 1));
  mantissa = arith::OrIOp::create(b, loc, mantissa, integer(i64, int64_t(1) << 52));
  Value exponent = arith::ShRUIOp::create(b, loc, bits, integer(i64, 52));
  // 2 / pi * 2^(e + 190) modulo 2^192.
  Value shift = arith::SubIOp::create(b, loc, integer(i64, largest + 1075), exponent);
  APInt all(1161, TwoOverPi, 16);
  Value window = arith::ShRUIOp::create(b, loc, constant(table, all.lshr(1161 - digits).trunc(digits)),
                                        arith::ExtUIOp::create(b, loc, table, shift));
  window = arith::TruncIOp::create(b, loc, wide, window);
  Value product = arith::MulIOp::create(b, loc, window, arith::ExtUIOp::create(b, loc, wide, mantissa));
  // The first two bits are the quadrant, to be rounded; what follows is a signed fraction of a quarter.
  Value quadrant = arith::TruncIOp::create(b, loc, i64, arith::ShRUIOp::create(b, loc, product, integer(wide, 190)));
  Value fraction = arith::ShLIOp::create(b, loc, product, integer(wide, 2));
  Value isNegative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, fraction, integer(wide, 0));
  quadrant = arith::AddIOp::create(b, loc, quadrant, arith::ExtUIOp::create(b, loc, i64, isNegative));
  Value negated = arith::SubIOp::create(b, loc, integer(wide, 0), fraction);
  Value magnitude = arith::SelectOp::create(b, loc, isNegative, negated, fraction);
  // 64 digits of it, times pi / 2 = (pi / 4 * 2^64) * 2^-63.
  Value zeros = math::CountLeadingZerosOp::create(b, loc, magnitude);
  Value normalized = arith::ShLIOp::create(b, loc, magnitude, zeros);
  Value top = arith::TruncIOp::create(b, loc, i64, arith::ShRUIOp::create(b, loc, normalized, integer(wide, 128)));
  auto radians = arith::MulUIExtendedOp::create(b, loc, top, integer(i64, 0xc90fdaa22168c234));
  Value positive = arith::ShRUIOp::create(b, loc, radians.getHigh(), integer(i64, 1));
  Value r = arith::SIToFPOp::create(b, loc, b.getF64Type(), positive);
  // Times 2^(-62 - zeros).
  Value power = arith::SubIOp::create(b, loc, integer(i64, 1023 - 62), arith::TruncIOp::create(b, loc, i64, zeros));
  power = arith::ShLIOp::create(b, loc, power, integer(i64, 52));
  r = arith::MulFOp::create(b, loc, r, arith::BitcastOp::create(b, loc, b.getF64Type(), power));
  return {arith::SelectOp::create(b, loc, isNegative, arith::NegFOp::create(b, loc, r), r), quadrant};
}

/// Reduces x, a scalar, or yields `fallback`, unless it is large and finite.
static std::pair<Value, Value> reduceScalar(Arithmetic &arithmetic, Value x, Value r, Value quadrant) {
  OpBuilder &b = arithmetic.builder;
  Location loc = arithmetic.loc;
  Number number{&arithmetic, x};
  Number isLarge = number >= getLimit(number);
  Number isFinite = number < std::numeric_limits<double>::infinity();
  auto branch = scf::IfOp::create(b, loc, TypeRange{r.getType(), quadrant.getType()}, (isLarge & isFinite).value,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  auto [largeR, largeQuadrant] = reduceLarge(arithmetic, toDouble(number).value, number.isDouble());
  if (!number.isDouble()) {
    largeR = arith::TruncFOp::create(b, loc, r.getType(), largeR);
    largeQuadrant = arith::TruncIOp::create(b, loc, quadrant.getType(), largeQuadrant);
  }
  scf::YieldOp::create(b, loc, ValueRange{largeR, largeQuadrant});
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, ValueRange{r, quadrant});
  return {branch.getResult(0), branch.getResult(1)};
}

/// Reduces the large ones of x, a vector of one dimension.
static std::pair<Value, Value> reduceLanes(Arithmetic &arithmetic, Value x, Value r, Value quadrant) {
  OpBuilder &b = arithmetic.builder;
  Location loc = arithmetic.loc;
  auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
  auto lanes = scf::ForOp::create(b, loc, index(0), index(cast<VectorType>(x.getType()).getDimSize(0)), index(1),
                                  ValueRange{r, quadrant});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(lanes.getBody());
  OpFoldResult lane = lanes.getInductionVar();
  auto extract = [&](Value vector) -> Value {
    return vector::ExtractOp::create(b, loc, vector, ArrayRef<OpFoldResult>(lane));
  };
  Value allR = lanes.getRegionIterArg(0), allQuadrants = lanes.getRegionIterArg(1);
  auto [newR, newQuadrant] = reduceScalar(arithmetic, extract(x), extract(allR), extract(allQuadrants));
  Value insertedR = vector::InsertOp::create(b, loc, newR, allR, ArrayRef<OpFoldResult>(lane));
  Value inserted = vector::InsertOp::create(b, loc, newQuadrant, allQuadrants, ArrayRef<OpFoldResult>(lane));
  scf::YieldOp::create(b, loc, ValueRange{insertedR, inserted});
  return {lanes.getResult(0), lanes.getResult(1)};
}

/// `value`, a vector of any rank, as one of one dimension, or back.
static Value reshape(Arithmetic &arithmetic, Value value, ArrayRef<int64_t> shape) {
  auto type = cast<VectorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  return vector::ShapeCastOp::create(arithmetic.builder, arithmetic.loc, VectorType::get(shape, type.getElementType()),
                                     value);
}

/// For x >= 0. Infinities and NaN give r = NaN.
static Reduction reduce(Number x) {
  Reduction moderate = reduceModerate(x);
  Arithmetic &arithmetic = *x.arithmetic;
  OpBuilder &b = arithmetic.builder;
  auto type = dyn_cast<VectorType>(x.getType());
  if (!type) {
    auto [r, quadrant] = reduceScalar(arithmetic, x.value, moderate.r.value, moderate.quadrant.value);
    return {{&arithmetic, r}, {&arithmetic, quadrant}};
  }
  int64_t lanes = type.getNumElements();
  Number isLarge = x >= getLimit(x);
  Value any = vector::ReductionOp::create(b, arithmetic.loc, vector::CombiningKind::OR,
                                          reshape(arithmetic, isLarge.value, lanes));
  auto branch = scf::IfOp::create(b, arithmetic.loc, TypeRange{moderate.r.getType(), moderate.quadrant.getType()}, any,
                                  /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  auto flatten = [&](Number number) { return reshape(arithmetic, number.value, lanes); };
  auto [r, quadrant] = reduceLanes(arithmetic, flatten(x), flatten(moderate.r), flatten(moderate.quadrant));
  scf::YieldOp::create(
      b, arithmetic.loc,
      ValueRange{reshape(arithmetic, r, type.getShape()), reshape(arithmetic, quadrant, type.getShape())});
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, arithmetic.loc, ValueRange{moderate.r.value, moderate.quadrant.value});
  return {{&arithmetic, branch.getResult(0)}, {&arithmetic, branch.getResult(1)}};
}

/// sin(r) and cos(r) for |r| <= pi / 4.
static std::pair<Number, Number> evaluateBoth(Number r) {
  bool isDouble = r.isDouble();
  Number square = r * r;
  Number s = isDouble ? evaluate(polynomial::sineF64, square) : evaluate(polynomial::sineF32, square);
  Number c = isDouble ? evaluate(polynomial::cosineF64, square) : evaluate(polynomial::cosineF32, square);
  Number sine = multiplyAdd(s * square, r, r);
  // 1 - z / 2 rounds; what it loses joins the small terms.
  Number half = square * 0.5, base = 1.0 - half;
  Number lost = (1.0 - base) - half;
  return {sine, base + multiplyAdd(square * square, c, lost)};
}

/// The sign bit where the second bit of `quadrant` is set.
static Number getQuadrantSign(Number quadrant, Number x) {
  return (quadrant & makeInteger(quadrant, 2)) << (x.isDouble() ? 62 : 30);
}

static Number isOdd(Number quadrant) { return equal(quadrant & makeInteger(quadrant, 1), 1.0); }

Number sine(Number x) {
  auto [r, quadrant] = reduce(absolute(x));
  auto [s, c] = evaluateBoth(r);
  return changeSign(select(isOdd(quadrant), c, s), getQuadrantSign(quadrant, x) ^ getSign(x));
}

Number cosine(Number x) {
  auto [r, quadrant] = reduce(absolute(x));
  auto [s, c] = evaluateBoth(r);
  Number next = quadrant + 1.0;
  return changeSign(select(isOdd(quadrant), s, c), getQuadrantSign(next, x));
}

Number tangent(Number x) {
  auto [r, quadrant] = reduce(absolute(x));
  auto [s, c] = evaluateBoth(r);
  Number odd = isOdd(quadrant);
  Number sign = (quadrant & makeInteger(quadrant, 1)) << (x.isDouble() ? 63 : 31);
  return changeSign(select(odd, c, s) / select(odd, s, c), sign ^ getSign(x));
}

} // namespace nnc
