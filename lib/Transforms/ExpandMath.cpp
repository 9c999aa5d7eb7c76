// Replaces math functions by arithmetic, so that no object needs libm.
//
// Expects loops on scalars and vectors. f32 functions become polynomials (the
// bounds are in docs/Math.md); f16 and bf16 are computed in f32.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Math/Transforms/Approximation.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_EXPANDMATH
#include "lib/Transforms/Passes.h.inc"

/// A constant of `like`'s type.
static Value makeConstant(OpBuilder &builder, Location loc, Type type, double value) {
  TypedAttr scalar = builder.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(vector, Attribute(scalar));
  return arith::ConstantOp::create(builder, loc, scalar);
}

static Value makeInteger(OpBuilder &builder, Location loc, Type type, int64_t value) {
  TypedAttr scalar = builder.getIntegerAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(vector, Attribute(scalar));
  return arith::ConstantOp::create(builder, loc, scalar);
}

static bool isF32(Type type) { return getElementTypeOrSelf(type).isF32(); }

namespace {

/// exp(x) = 2^n * exp(r) with n = round(x / ln 2), |r| <= ln 2 / 2, and a polynomial of degree 6 for exp(r) (1.2 ULP).
/// 2^n is applied in two steps, so that results may be denormal and 2^128 does not overflow too early.
struct ExpandExp : public OpRewritePattern<math::ExpOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::ExpOp op, PatternRewriter &rewriter) const override {
    Type type = op.getType();
    if (!isF32(type))
      return rewriter.notifyMatchFailure(op, "not f32");
    Location loc = op.getLoc();
    auto constant = [&](double value) { return makeConstant(rewriter, loc, type, value); };
    auto add = [&](Value x, Value y) -> Value { return arith::AddFOp::create(rewriter, loc, x, y); };
    auto sub = [&](Value x, Value y) -> Value { return arith::SubFOp::create(rewriter, loc, x, y); };
    auto mul = [&](Value x, Value y) -> Value { return arith::MulFOp::create(rewriter, loc, x, y); };
    auto madd = [&](Value x, Value y, Value z) -> Value { return math::FmaOp::create(rewriter, loc, x, y, z); };
    auto select = [&](arith::CmpFPredicate predicate, Value x, Value y) -> Value {
      Value chosen = arith::CmpFOp::create(rewriter, loc, predicate, x, y);
      return arith::SelectOp::create(rewriter, loc, chosen, x, y);
    };
    // Beyond these the result is infinite or zero in any case; NaN passes (the comparison is false, y is x).
    Value x = op.getOperand();
    x = select(arith::CmpFPredicate::OGT, constant(-105.0), x);
    x = select(arith::CmpFPredicate::OLT, constant(89.0), x);
    // Adding 1.5 * 2^23 rounds to an integer.
    Value magic = constant(12582912.0);
    Value rounded = madd(x, constant(1.44269504088896341), magic);
    Value n = sub(rounded, magic);
    Value r = madd(n, constant(-0.693359375), x);
    r = madd(n, constant(2.12194440e-4), r);
    Value p = constant(1.3888889e-3);
    for (double coefficient : {8.3333333e-3, 4.1666666e-2, 1.6666667e-1, 0.5, 1.0, 1.0})
      p = madd(p, r, constant(coefficient));
    // 2^n = 2^a * 2^b with a = n >> 1, b = n - a.
    Type integers = type.isF32() ? Type(rewriter.getI32Type()) : cast<VectorType>(type).clone(rewriter.getI32Type());
    auto integer = [&](int64_t value) { return makeInteger(rewriter, loc, integers, value); };
    Value bits = arith::BitcastOp::create(rewriter, loc, integers, rounded);
    Value exponent = arith::SubIOp::create(rewriter, loc, bits, integer(0x4B400000));
    Value half = arith::ShRSIOp::create(rewriter, loc, exponent, integer(1));
    Value rest = arith::SubIOp::create(rewriter, loc, exponent, half);
    auto power = [&](Value e) -> Value {
      Value biased = arith::AddIOp::create(rewriter, loc, e, integer(127));
      Value shifted = arith::ShLIOp::create(rewriter, loc, biased, integer(23));
      return arith::BitcastOp::create(rewriter, loc, type, shifted);
    };
    Value isNaN = arith::CmpFOp::create(rewriter, loc, arith::CmpFPredicate::UNO, op.getOperand(), op.getOperand());
    Value result = mul(mul(p, power(half)), power(rest));
    rewriter.replaceOp(op, arith::SelectOp::create(rewriter, loc, isNaN, add(op.getOperand(), op.getOperand()), result));
    return success();
  }
};

/// Without an instruction for it, a fused multiply-add would be a library call.
struct ExpandFma : public OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::FmaOp op, PatternRewriter &rewriter) const override {
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), op.getA(), op.getB(), arith::FastMathFlags::contract);
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC(), arith::FastMathFlags::contract);
    return success();
  }
};

struct ExpandLog10 : public OpRewritePattern<math::Log10Op> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::Log10Op op, PatternRewriter &rewriter) const override {
    Value log = math::LogOp::create(rewriter, op.getLoc(), op.getOperand());
    Value scale = makeConstant(rewriter, op.getLoc(), op.getType(), 0.43429448190325182765);
    rewriter.replaceOpWithNewOp<arith::MulFOp>(op, log, scale);
    return success();
  }
};

/// Nearest integer, halves to even: adding and subtracting 2^23 (2^52) leaves no fraction. The sign of zero stays.
static Value roundHalfToEven(OpBuilder &builder, Location loc, Value x) {
  Type type = x.getType();
  Value large = makeConstant(builder, loc, type, getElementTypeOrSelf(type).isF64() ? 0x1p52 : 0x1p23);
  Value magnitude = math::AbsFOp::create(builder, loc, x);
  Value rounded = arith::SubFOp::create(builder, loc, arith::AddFOp::create(builder, loc, magnitude, large), large);
  Value hasFraction = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, magnitude, large);
  rounded = arith::SelectOp::create(builder, loc, hasFraction, rounded, magnitude);
  return math::CopySignOp::create(builder, loc, rounded, x);
}

/// `rounded`, moved by `step` where it lies on the wrong side of x.
static Value correct(OpBuilder &builder, Location loc, Value x, Value rounded, arith::CmpFPredicate wrong, double step) {
  Value isWrong = arith::CmpFOp::create(builder, loc, wrong, rounded, x);
  Value moved = arith::AddFOp::create(builder, loc, rounded, makeConstant(builder, loc, x.getType(), step));
  return math::CopySignOp::create(builder, loc, arith::SelectOp::create(builder, loc, isWrong, moved, rounded), x);
}

/// Rounding without an instruction for it (before SSE4.1) would be a library call.
template <typename OpTy> struct ExpandRounding : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = op.getOperand();
    Type element = getElementTypeOrSelf(x.getType());
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(op, "neither f32 nor f64");
    if constexpr (std::is_same_v<OpTy, math::RoundEvenOp>)
      rewriter.replaceOp(op, roundHalfToEven(rewriter, loc, x));
    else if constexpr (std::is_same_v<OpTy, math::FloorOp>)
      rewriter.replaceOp(op, correct(rewriter, loc, x, roundHalfToEven(rewriter, loc, x), arith::CmpFPredicate::OGT, -1));
    else if constexpr (std::is_same_v<OpTy, math::CeilOp>)
      rewriter.replaceOp(op, correct(rewriter, loc, x, roundHalfToEven(rewriter, loc, x), arith::CmpFPredicate::OLT, 1));
    else {
      Value magnitude = math::AbsFOp::create(rewriter, loc, x);
      Value floor = correct(rewriter, loc, magnitude, roundHalfToEven(rewriter, loc, magnitude),
                            arith::CmpFPredicate::OGT, -1);
      rewriter.replaceOp(op, math::CopySignOp::create(rewriter, loc, floor, x).getResult());
    }
    return success();
  }
};

struct ExpandMathPass : public impl::ExpandMathBase<ExpandMathPass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    bool fma = kernel::getTarget(getOperation()).getFma();
    RewritePatternSet patterns(context);
    patterns.add<ExpandExp>(context, /*benefit=*/10);
    patterns.add<ExpandLog10>(context);
    if (!fma) // such targets have no rounding instructions either
      patterns.add<ExpandFma, ExpandRounding<math::RoundEvenOp>, ExpandRounding<math::FloorOp>,
                   ExpandRounding<math::CeilOp>, ExpandRounding<math::TruncOp>>(context, /*benefit=*/10);
    math::populateExpansionPatterns(patterns, {"sinh", "cosh", "tan", "asinh", "acosh", "atanh", "exp2", "powf", "fpowi",
                                         "ipowi", "rsqrt"});
    auto all = [](StringRef) { return true; };
    populateMathF32ExpansionPatterns(patterns, all);
    populateMathPolynomialApproximationPatterns(patterns, all);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
