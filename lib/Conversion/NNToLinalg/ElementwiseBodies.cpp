// The scalar bodies of the element-wise operations: one table from operation to
// the arith and math operations that compute one element. Comparisons are chosen
// so that NaN stays NaN, and so that a select of a comparison is one instruction
// where the hardware has one.
#include "lib/Conversion/NNToLinalg/ElementwiseBodies.h"

#include "lib/Conversion/NNToLinalg/NarrowElements.h"
#include "lib/Conversion/NNToLinalg/Quantization.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>

using namespace mlir;

namespace nnc {

static bool isNarrowFloat(Type type) { return isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32; }

Value loadElement(ImplicitLocOpBuilder &builder, Value stored, Type type) {
  if (type.isInteger(1)) {
    Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(stored.getType()));
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, stored, zero);
  }
  if (isNarrowElement(type))
    return decodeNarrow(builder, stored, type);
  return isNarrowFloat(type) ? arith::ExtFOp::create(builder, builder.getF32Type(), stored).getResult() : stored;
}

Value storeElement(ImplicitLocOpBuilder &builder, Value computed, Type type) {
  if (type.isInteger(1))
    return arith::ExtUIOp::create(builder, builder.getI8Type(), computed);
  if (isNarrowElement(type))
    return encodeNarrow(builder, computed, type);
  return isNarrowFloat(type) ? arith::TruncFOp::create(builder, type, computed).getResult() : computed;
}

namespace {

/// Builds scalar expressions of one NN element type.
struct Scalars {
  Scalars(ImplicitLocOpBuilder &builder, Operation *op, Type type)
      : builder(builder), op(op), isFloat(isa<FloatType>(type)),
        isUnsigned(type.isUnsignedInteger() || type.isInteger(1)) {}

  template <typename OpTy, typename... Args>
  Value make(Args &&...args) {
    return OpTy::create(builder, std::forward<Args>(args)...);
  }
  Value constant(Type type, double value) {
    if (isa<FloatType>(type))
      return make<arith::ConstantOp>(builder.getFloatAttr(type, value));
    return make<arith::ConstantOp>(builder.getIntegerAttr(type, static_cast<int64_t>(value)));
  }
  Value like(Value x, double value) { return constant(x.getType(), value); }
  Value add(Value a, Value b) { return isFloat ? make<arith::AddFOp>(a, b) : make<arith::AddIOp>(a, b); }
  Value sub(Value a, Value b) { return isFloat ? make<arith::SubFOp>(a, b) : make<arith::SubIOp>(a, b); }
  Value mul(Value a, Value b) { return isFloat ? make<arith::MulFOp>(a, b) : make<arith::MulIOp>(a, b); }
  Value divide(Value a, Value b) { return make<arith::DivFOp>(a, b); }
  Value select(Value c, Value a, Value b) { return make<arith::SelectOp>(c, a, b); }
  Value exp(Value a) { return make<math::ExpOp>(a); }
  Value less(Value a, Value b) {
    if (isFloat)
      return make<arith::CmpFOp>(arith::CmpFPredicate::OLT, a, b);
    return make<arith::CmpIOp>(isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, a, b);
  }
  Value isEqual(Value a, Value b) {
    return isFloat ? make<arith::CmpFOp>(arith::CmpFPredicate::OEQ, a, b)
                   : make<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b);
  }
  /// `bound` where x is below it, else x (NaN too).
  Value atLeast(Value x, Value bound) { return select(less(x, bound), bound, x); }
  Value atMost(Value x, Value bound) { return select(less(bound, x), bound, x); }
  Value isNaN(Value x) { return make<arith::CmpFOp>(arith::CmpFPredicate::UNO, x, x); }
  Value negate(Value x) { return isFloat ? make<arith::NegFOp>(x) : make<arith::SubIOp>(like(x, 0), x); }
  Value absolute(Value x) {
    if (isFloat)
      return make<math::AbsFOp>(x);
    return isUnsigned ? x : select(less(x, like(x, 0)), negate(x), x);
  }
  Value clampToUnit(Value x) { return atMost(atLeast(x, like(x, 0)), like(x, 1)); }
  /// x / (1 + exp(-alpha * x)) and the like.
  Value logistic(Value numerator, Value x) { return divide(numerator, add(like(x, 1), exp(negate(x)))); }

  ImplicitLocOpBuilder &builder;
  Operation *op;
  bool isFloat;
  bool isUnsigned;
};

} // namespace

using Body = std::function<Value(Scalars &, ValueRange)>;

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// Truncation as C does it on the usual hardware: by way of a signed integer that
/// is wide enough for all values of the target.
static Value floatToInt(ImplicitLocOpBuilder &builder, Value x, Type to) {
  unsigned width = std::max(8u, to.getIntOrFloatBitWidth());
  auto type = builder.getIntegerType(width);
  if (width == 64 && to.isUnsignedInteger())
    return arith::FPToUIOp::create(builder, type, x);
  unsigned via = width < 32 ? 32 : to.isUnsignedInteger() ? 64 : width;
  Value wide = arith::FPToSIOp::create(builder, builder.getIntegerType(via), x);
  return via == width ? wide : arith::TruncIOp::create(builder, type, wide).getResult();
}

Value convertElement(ImplicitLocOpBuilder &builder, Value x, Type from, Type to) {
  bool isUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  if (auto type = dyn_cast<FloatType>(to)) {
    auto computed = isNarrowFloat(type) ? builder.getF32Type() : type;
    if (isa<IntegerType>(from))
      return isUnsigned ? arith::UIToFPOp::create(builder, computed, x).getResult()
                        : arith::SIToFPOp::create(builder, computed, x).getResult();
    if (x.getType() == computed)
      return x;
    return x.getType().getIntOrFloatBitWidth() < computed.getWidth()
               ? arith::ExtFOp::create(builder, computed, x).getResult()
               : arith::TruncFOp::create(builder, computed, x).getResult();
  }
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(x.getType()));
  if (to.isInteger(1)) {
    if (isa<FloatType>(from))
      return arith::CmpFOp::create(builder, arith::CmpFPredicate::UNE, x, zero);
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, x, zero);
  }
  if (isa<FloatType>(from))
    return floatToInt(builder, x, to);
  auto type = builder.getIntegerType(std::max(8u, to.getIntOrFloatBitWidth()));
  unsigned width = x.getType().getIntOrFloatBitWidth();
  if (width == type.getWidth())
    return x;
  if (width > type.getWidth())
    return arith::TruncIOp::create(builder, type, x);
  return isUnsigned ? arith::ExtUIOp::create(builder, type, x).getResult()
                    : arith::ExtSIOp::create(builder, type, x).getResult();
}

//===----------------------------------------------------------------------===//
// Bodies that are longer than a line
//===----------------------------------------------------------------------===//

/// Quotient (or remainder) of integers that never traps: a division by 0 is one
/// by 1, and by -1 it is a negation (or 0).
static Value divideInts(Scalars &s, Value x, Value y, bool remainder) {
  Value one = s.like(x, 1), zero = s.like(x, 0);
  if (s.isUnsigned) {
    Value safe = s.select(s.isEqual(y, zero), one, y);
    return remainder ? s.make<arith::RemUIOp>(x, safe) : s.make<arith::DivUIOp>(x, safe);
  }
  Value isMinusOne = s.isEqual(y, s.like(x, -1));
  Value safe = s.select(s.make<arith::OrIOp>(s.isEqual(y, zero), isMinusOne), one, y);
  if (remainder)
    return s.make<arith::RemSIOp>(x, safe);
  return s.select(isMinusOne, s.negate(x), s.make<arith::DivSIOp>(x, safe));
}

/// Bits of a quotient of which the product with an f32 is exact in f64.
static constexpr int remainderBits = 28;

/// Steps that divide by y * 2^(remainderBits * step): one for each `remainderBits` of the largest quotient. For f64,
/// which no wider type helps, large quotients are not exact.
static int countRemainderSteps(Type type) { return type.isF64() ? 1 : type.isF16() ? 2 : 10; }

/// The remainder with the sign of x. Each step's quotient is truncated in f64, and corrected by one.
static Value remainderOfFloats(Scalars &s, Value x, Value y) {
  Type type = x.getType(), f64 = s.builder.getF64Type();
  auto widen = [&](Value v) { return type == f64 ? v : s.make<arith::ExtFOp>(f64, v); };
  Value a = widen(s.absolute(x)), b = widen(s.absolute(y));
  Value r = a;
  for (int step = countRemainderSteps(type) - 1; step >= 0; --step) {
    Value divisor = s.mul(b, s.like(b, std::ldexp(1.0, remainderBits * step)));
    Value quotient = s.make<math::FloorOp>(s.divide(r, divisor));
    r = s.sub(r, s.mul(quotient, divisor));
    r = s.select(s.less(r, s.like(r, 0)), s.add(r, divisor), r);
    r = s.select(s.less(r, divisor), r, s.sub(r, divisor));
  }
  Value infinite = s.isEqual(b, s.like(b, std::numeric_limits<double>::infinity()));
  Value finite = s.less(a, s.like(a, std::numeric_limits<double>::infinity()));
  r = s.select(s.make<arith::AndIOp>(infinite, finite), a, r);
  if (type != f64)
    r = s.make<arith::TruncFOp>(type, r);
  return s.make<math::CopySignOp>(r, x);
}

static Value buildMod(Scalars &s, ValueRange x) {
  Value r = s.isFloat ? remainderOfFloats(s, x[0], x[1]) : divideInts(s, x[0], x[1], /*remainder=*/true);
  if (cast<nn::ModOp>(s.op).getFmod() || s.isUnsigned)
    return r;
  Value zero = s.like(r, 0);
  Value differs = s.make<arith::XOrIOp>(s.less(r, zero), s.less(x[1], zero));
  Value isZero = s.isEqual(r, zero);
  return s.select(s.make<arith::OrIOp>(isZero, s.make<arith::XOrIOp>(differs, s.constant(s.builder.getI1Type(), 1))),
                  r, s.add(r, x[1]));
}

/// By way of the stored form, which is what has the bits.
static Value buildBitcast(Scalars &s, ValueRange x) {
  auto op = cast<nn::BitcastOp>(s.op);
  Type to = op.getTo();
  Value stored = storeElement(s.builder, x[0], getElementTypeOrSelf(op.getInput()));
  Type storage = isa<FloatType>(to) ? to : s.builder.getIntegerType(std::max(to.getIntOrFloatBitWidth(), 8u));
  if (stored.getType() != storage)
    stored = s.make<arith::BitcastOp>(storage, stored);
  return loadElement(s.builder, stored, to);
}

/// The exponent where it is one constant for all elements.
static std::optional<double> getConstantExponent(nn::PowOp op) {
  DenseElementsAttr dense = nn::getDenseConstant(op.getRhs());
  if (!dense || !dense.isSplat())
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType()))
    return nn::getConstantFloats(op.getRhs())->front();
  return static_cast<double>(nn::getConstantInts(op.getRhs())->front());
}

static Value buildPow(Scalars &s, ValueRange operands) {
  auto op = cast<nn::PowOp>(s.op);
  Value x = operands[0], y = operands[1];
  Type base = getElementTypeOrSelf(op.getLhs()), exponent = getElementTypeOrSelf(op.getRhs());
  std::optional<double> constant = getConstantExponent(op);
  if (constant == 0)
    return s.like(x, 1);
  if (constant == 1)
    return x;
  if (constant == 2)
    return s.mul(x, x);
  if (constant == 3)
    return s.mul(s.mul(x, x), x);
  if (s.isFloat && constant == 0.5)
    return s.make<math::SqrtOp>(x);
  if (s.isFloat && constant == -1)
    return s.divide(s.like(x, 1), x);
  if (s.isFloat)
    return s.make<math::PowFOp>(x, convertElement(s.builder, y, exponent, base));
  // Integers: in f64, to the nearest integer where the power is one but for rounding.
  Type f64 = s.builder.getF64Type();
  Value power = s.make<math::PowFOp>(convertElement(s.builder, x, base, f64),
                                     convertElement(s.builder, y, exponent, f64));
  Value rounded = s.make<math::RoundEvenOp>(power);
  Value error = s.make<math::AbsFOp>(s.make<arith::SubFOp>(power, rounded));
  Value slack = s.make<arith::MulFOp>(s.make<math::AbsFOp>(power), s.constant(f64, 1e-12));
  Value exact = s.make<arith::CmpFOp>(arith::CmpFPredicate::OLE, error, slack);
  return floatToInt(s.builder, s.select(exact, rounded, power), base);
}

/// The larger (or smaller) of two floats, NaN where either is: the select yields
/// the right operand where they are unordered, so only the left must be tested.
static Value buildExtremum(Scalars &s, ValueRange x, bool larger) {
  Value chosen = larger ? s.select(s.less(x[1], x[0]), x[0], x[1]) : s.select(s.less(x[0], x[1]), x[0], x[1]);
  return s.isFloat ? s.select(s.isNaN(x[0]), x[0], chosen) : chosen;
}

static Value buildShift(Scalars &s, ValueRange x, bool left) {
  unsigned width = x[0].getType().getIntOrFloatBitWidth();
  Value inRange = s.make<arith::CmpIOp>(arith::CmpIPredicate::ult, x[1], s.like(x[1], width));
  if (!left && !s.isUnsigned)
    return s.make<arith::ShRSIOp>(x[0], s.select(inRange, x[1], s.like(x[1], width - 1)));
  Value amount = s.select(inRange, x[1], s.like(x[1], 0));
  Value shifted = left ? s.make<arith::ShLIOp>(x[0], amount) : s.make<arith::ShRUIOp>(x[0], amount);
  return s.select(inRange, shifted, s.like(x[0], 0));
}

static Value buildCompare(Scalars &s, ValueRange x) {
  nn::ComparePredicate predicate = cast<nn::CompareOp>(s.op).getPredicate();
  if (predicate == nn::ComparePredicate::Equal)
    return s.isEqual(x[0], x[1]);
  bool swap = predicate == nn::ComparePredicate::Greater || predicate == nn::ComparePredicate::GreaterEqual;
  Value a = swap ? x[1] : x[0], b = swap ? x[0] : x[1];
  if (predicate == nn::ComparePredicate::Less || predicate == nn::ComparePredicate::Greater)
    return s.less(a, b);
  if (s.isFloat)
    return s.make<arith::CmpFOp>(arith::CmpFPredicate::OLE, a, b);
  return s.make<arith::CmpIOp>(s.isUnsigned ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle, a, b);
}

static Value buildClip(Scalars &s, ValueRange x) {
  auto op = cast<nn::ClipOp>(s.op);
  Value result = op.getMinimum() ? s.atLeast(x[0], x[1]) : x[0];
  return op.getMaximum() ? s.atMost(result, x.back()) : result;
}

static Value buildGelu(Scalars &s, ValueRange operands) {
  Value x = operands[0], inner;
  if (cast<nn::GeluOp>(s.op).getApproximate() == nn::GeluForm::Tanh) {
    Value cube = s.mul(s.mul(x, x), s.mul(x, s.like(x, 0.044715)));
    inner = s.make<math::TanhOp>(s.mul(s.add(x, cube), s.like(x, 0.7978845608028654)));
  } else {
    inner = s.make<math::ErfOp>(s.mul(x, s.like(x, 0.7071067811865476)));
  }
  return s.mul(s.mul(x, s.like(x, 0.5)), s.add(inner, s.like(x, 1)));
}

/// x * tanh(log(1 + e)) with e = exp(x) is x * n / (n + 2), n = e * (e + 2); the
/// fraction is 1 long before x is 40.
static Value buildMish(Scalars &s, ValueRange x) {
  Value e = s.exp(s.atMost(x[0], s.like(x[0], 40)));
  Value n = s.mul(e, s.add(e, s.like(e, 2)));
  return s.mul(x[0], s.divide(n, s.add(n, s.like(n, 2))));
}

/// max(x, 0) + log(1 + exp(-|x|)), which does not overflow.
static Value buildSoftplus(Scalars &s, ValueRange x) {
  Value e = s.exp(s.negate(s.absolute(x[0])));
  return s.add(s.atLeast(x[0], s.like(x[0], 0)), s.make<math::LogOp>(s.add(e, s.like(e, 1))));
}

static Value buildCelu(Scalars &s, ValueRange x) {
  double alpha = cast<nn::CeluOp>(s.op).getAlpha().convertToFloat();
  Value zero = s.like(x[0], 0), scale = s.like(x[0], alpha);
  Value negative = s.mul(scale, s.sub(s.exp(s.divide(x[0], scale)), s.like(x[0], 1)));
  return s.add(s.atLeast(x[0], zero), s.atMost(negative, zero));
}

static Value buildShrink(Scalars &s, ValueRange x) {
  auto op = cast<nn::ShrinkOp>(s.op);
  Value bias = s.like(x[0], op.getBias().convertToFloat());
  double lambda = op.getLambda().convertToFloat();
  Value below = s.less(x[0], s.like(x[0], -lambda)), above = s.less(s.like(x[0], lambda), x[0]);
  return s.select(below, s.add(x[0], bias), s.select(above, s.sub(x[0], bias), s.like(x[0], 0)));
}

static Value buildIsInf(Scalars &s, ValueRange x) {
  auto op = cast<nn::IsInfOp>(s.op);
  double infinity = std::numeric_limits<double>::infinity();
  Value result = s.constant(s.builder.getI1Type(), 0);
  if (op.getDetectPositive())
    result = s.isEqual(x[0], s.like(x[0], infinity));
  if (op.getDetectNegative())
    result = s.make<arith::OrIOp>(result, s.isEqual(x[0], s.like(x[0], -infinity)));
  return result;
}

/// `negative(x)` below 0, else x.
static Value below(Scalars &s, Value x, Value negative) { return s.select(s.less(x, s.like(x, 0)), negative, x); }

/// alpha * (exp(x) - 1).
static Value exponential(Scalars &s, Value x, const APFloat &alpha) {
  return s.mul(s.like(x, alpha.convertToFloat()), s.sub(s.exp(x), s.like(x, 1)));
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

template <typename OpTy>
static std::pair<StringRef, Body> row(Body body) {
  return {OpTy::getOperationName(), std::move(body)};
}

/// An operation that is one operation of the math or arith dialect.
template <typename OpTy, typename ScalarOpTy>
static std::pair<StringRef, Body> same() {
  return row<OpTy>([](Scalars &s, ValueRange x) { return s.make<ScalarOpTy>(x); });
}

static void addUnary(llvm::StringMap<Body> &table) {
  using namespace nn;
  std::pair<StringRef, Body> rows[] = {
      same<CeilOp, math::CeilOp>(), same<FloorOp, math::FloorOp>(), same<RoundOp, math::RoundEvenOp>(),
      same<SqrtOp, math::SqrtOp>(), same<ExpOp, math::ExpOp>(), same<LogOp, math::LogOp>(),
      same<ErfOp, math::ErfOp>(), same<SinOp, math::SinOp>(), same<CosOp, math::CosOp>(),
      same<TanOp, math::TanOp>(), same<AsinOp, math::AsinOp>(), same<AcosOp, math::AcosOp>(),
      same<AtanOp, math::AtanOp>(), same<SinhOp, math::SinhOp>(), same<CoshOp, math::CoshOp>(),
      same<TanhOp, math::TanhOp>(), same<AsinhOp, math::AsinhOp>(), same<AcoshOp, math::AcoshOp>(),
      same<AtanhOp, math::AtanhOp>(),
      row<AbsOp>([](Scalars &s, ValueRange x) { return s.absolute(x[0]); }),
      row<NegOp>([](Scalars &s, ValueRange x) { return s.negate(x[0]); }),
      row<SignOp>([](Scalars &s, ValueRange x) {
        Value zero = s.like(x[0], 0), negative = s.isUnsigned ? x[0] : below(s, x[0], s.like(x[0], -1));
        return s.select(s.less(zero, x[0]), s.like(x[0], 1), negative);
      }),
      row<ReciprocalOp>([](Scalars &s, ValueRange x) { return s.divide(s.like(x[0], 1), x[0]); }),
      row<NotOp>([](Scalars &s, ValueRange x) { return s.make<arith::XOrIOp>(x[0], s.like(x[0], 1)); }),
      row<BitwiseNotOp>([](Scalars &s, ValueRange x) { return s.make<arith::XOrIOp>(x[0], s.like(x[0], -1)); }),
      row<IsNaNOp>([](Scalars &s, ValueRange x) { return s.isNaN(x[0]); }),
      row<IsInfOp>(buildIsInf),
  };
  table.insert(std::begin(rows), std::end(rows));
}

static void addActivations(llvm::StringMap<Body> &table) {
  using namespace nn;
  std::pair<StringRef, Body> rows[] = {
      row<ReluOp>([](Scalars &s, ValueRange x) { return s.atLeast(x[0], s.like(x[0], 0)); }),
      row<SigmoidOp>([](Scalars &s, ValueRange x) { return s.logistic(s.like(x[0], 1), x[0]); }),
      row<SoftplusOp>(buildSoftplus),
      row<SoftsignOp>([](Scalars &s, ValueRange x) {
        return s.divide(x[0], s.add(s.absolute(x[0]), s.like(x[0], 1)));
      }),
      row<SiluOp>([](Scalars &s, ValueRange x) {
        double alpha = cast<SiluOp>(s.op).getAlpha().convertToFloat();
        return s.logistic(x[0], alpha == 1 ? x[0] : s.mul(x[0], s.like(x[0], alpha)));
      }),
      row<MishOp>(buildMish),
      row<HardSwishOp>([](Scalars &s, ValueRange x) {
        Value line = s.add(s.mul(x[0], s.like(x[0], 1.0 / 6)), s.like(x[0], 0.5));
        return s.mul(x[0], s.clampToUnit(line));
      }),
      row<GeluOp>(buildGelu),
      row<LeakyReluOp>([](Scalars &s, ValueRange x) {
        return below(s, x[0], s.mul(x[0], s.like(x[0], cast<LeakyReluOp>(s.op).getAlpha().convertToFloat())));
      }),
      row<EluOp>([](Scalars &s, ValueRange x) {
        return below(s, x[0], exponential(s, x[0], cast<EluOp>(s.op).getAlpha()));
      }),
      row<SeluOp>([](Scalars &s, ValueRange x) {
        auto op = cast<SeluOp>(s.op);
        return s.mul(below(s, x[0], exponential(s, x[0], op.getAlpha())),
                     s.like(x[0], op.getGamma().convertToFloat()));
      }),
      row<CeluOp>(buildCelu),
      row<HardSigmoidOp>([](Scalars &s, ValueRange x) {
        auto op = cast<HardSigmoidOp>(s.op);
        Value alpha = s.like(x[0], op.getAlpha().convertToFloat()), beta = s.like(x[0], op.getBeta().convertToFloat());
        return s.clampToUnit(s.add(s.mul(x[0], alpha), beta));
      }),
      row<ThresholdedReluOp>([](Scalars &s, ValueRange x) {
        Value alpha = s.like(x[0], cast<ThresholdedReluOp>(s.op).getAlpha().convertToFloat());
        return s.select(s.less(alpha, x[0]), x[0], s.like(x[0], 0));
      }),
      row<ShrinkOp>(buildShrink),
      row<ClipOp>(buildClip),
  };
  table.insert(std::begin(rows), std::end(rows));
}

static void addBinary(llvm::StringMap<Body> &table) {
  using namespace nn;
  std::pair<StringRef, Body> rows[] = {
      row<AddOp>([](Scalars &s, ValueRange x) { return s.add(x[0], x[1]); }),
      row<SubOp>([](Scalars &s, ValueRange x) { return s.sub(x[0], x[1]); }),
      row<MulOp>([](Scalars &s, ValueRange x) { return s.mul(x[0], x[1]); }),
      row<DivOp>([](Scalars &s, ValueRange x) {
        return s.isFloat ? s.divide(x[0], x[1]) : divideInts(s, x[0], x[1], /*remainder=*/false);
      }),
      row<ModOp>(buildMod),
      row<MaxOp>([](Scalars &s, ValueRange x) { return buildExtremum(s, x, /*larger=*/true); }),
      row<MinOp>([](Scalars &s, ValueRange x) { return buildExtremum(s, x, /*larger=*/false); }),
      same<AndOp, arith::AndIOp>(), same<OrOp, arith::OrIOp>(), same<XorOp, arith::XOrIOp>(),
      same<BitwiseAndOp, arith::AndIOp>(), same<BitwiseOrOp, arith::OrIOp>(), same<BitwiseXorOp, arith::XOrIOp>(),
      row<ShiftLeftOp>([](Scalars &s, ValueRange x) { return buildShift(s, x, /*left=*/true); }),
      row<ShiftRightOp>([](Scalars &s, ValueRange x) { return buildShift(s, x, /*left=*/false); }),
      row<PReluOp>([](Scalars &s, ValueRange x) { return s.isUnsigned ? x[0] : below(s, x[0], s.mul(x[0], x[1])); }),
      row<CompareOp>(buildCompare),
      row<PowOp>(buildPow),
      row<BitcastOp>(buildBitcast),
      row<WhereOp>([](Scalars &s, ValueRange x) { return s.select(x[0], x[1], x[2]); }),
      row<CastOp>([](Scalars &s, ValueRange x) {
        auto op = cast<CastOp>(s.op);
        Value result = convertElement(s.builder, x[0], getElementTypeOrSelf(op.getInput()), op.getTo());
        auto narrow = dyn_cast<FloatType>(op.getTo());
        if (narrow && isa<Float8E8M0FNUType>(narrow))
          return roundToPowerOfTwo(s.builder, result, static_cast<int>(op.getRounding()), op.getSaturate());
        return narrow && isNarrowElement(narrow) && op.getSaturate() ? clampToFinite(s.builder, result, narrow) : result;
      }),
      row<QuantizeOp>([](Scalars &s, ValueRange x) { return buildQuantize(s.builder, cast<QuantizeOp>(s.op), x); }),
      row<DequantizeOp>([](Scalars &s, ValueRange x) {
        return buildDequantize(s.builder, cast<DequantizeOp>(s.op), x);
      }),
  };
  table.insert(std::begin(rows), std::end(rows));
}

static const llvm::StringMap<Body> &getBodies() {
  static const llvm::StringMap<Body> bodies = [] {
    llvm::StringMap<Body> table;
    addUnary(table);
    addActivations(table);
    addBinary(table);
    return table;
  }();
  return bodies;
}

bool hasElementwiseBody(Operation *op) { return getBodies().contains(op->getName().getStringRef()); }

Value buildElementwiseBody(ImplicitLocOpBuilder &builder, Operation *op, ValueRange operands) {
  Scalars scalars(builder, op, getElementTypeOrSelf(op->getOperand(0)));
  return getBodies().find(op->getName().getStringRef())->second(scalars, operands);
}

} // namespace nnc
