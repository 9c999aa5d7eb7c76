// Quantization to bytes without conversions between integers and floats, with the same bits.
//
// Expects bodies of kernels and of linalg operations that are complete. round(x) + zero, clamped to bytes, is x clamped to
// what rounds to bytes, rounded: as the low bits of x + 1.5 * 2^23, whose last place is 1. What is dequantized at once needs
// no integer at all. Half to even is the rounding of the addition; NaN becomes the least byte, as before.
#include "lib/Transforms/ClampPattern.h"
#include "lib/Transforms/Passes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include <cmath>

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_SIMPLIFYQUANTIZATION
#include "lib/Transforms/Passes.h.inc"

/// f32 from here to twice of it less a half are the integers.
static constexpr double roundingConstant = 0x1.8p23;
/// The sum with no larger number has its units in the low bits.
static constexpr double largestRounded = 0x1p21;

static std::optional<double> getFloat(Value value) {
  FloatAttr attribute;
  if (!value.getType().isF32() || !matchPattern(value, m_Constant(&attribute)))
    return std::nullopt;
  return attribute.getValueAsDouble();
}

static Value createFloat(OpBuilder &builder, Location loc, double value) {
  return arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(static_cast<float>(value)));
}

namespace {

/// What a quantization computes: clamp(roundeven(x) + zero, low, high).
struct Quantization {
  Value x;
  double zero, low, high;

  /// x, between what rounds to the least and to the largest integer, plus the rounding constant.
  Value createRounded(OpBuilder &builder, Location loc) const;
};

} // namespace

/// The quantization whose result, in floats, is `value`.
static std::optional<Quantization> getQuantization(Value value) {
  std::optional<Clamp> clamp = matchClamp(value);
  if (!clamp)
    return std::nullopt;
  Quantization found{clamp->x, 0, clamp->low, clamp->high};
  if (auto add = found.x.getDefiningOp<arith::AddFOp>()) {
    std::optional<double> zero = getFloat(add.getRhs());
    if (!zero)
      return std::nullopt;
    found.zero = *zero;
    found.x = add.getLhs();
  }
  auto round = found.x.getDefiningOp<math::RoundEvenOp>();
  auto isInteger = [](double number) { return std::abs(number) < largestRounded && number == std::trunc(number); };
  if (!round || !isInteger(found.zero) || !isInteger(found.low) || !isInteger(found.high) || found.low > found.high)
    return std::nullopt;
  found.x = round.getOperand();
  return found;
}

/// `x` without a relu that the lower bound makes superfluous: of x, or of what is divided by (or multiplied with) a positive
/// constant.
static Value dropRelu(OpBuilder &builder, Value x) {
  auto getBelowZero = [](Value value) -> Value {
    auto select = value.getDefiningOp<arith::SelectOp>();
    auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
    bool isRelu = compare && compare.getPredicate() == arith::CmpFPredicate::OLT && getFloat(compare.getRhs()) == 0 &&
                  getFloat(select.getTrueValue()) == 0 && compare.getLhs() == select.getFalseValue();
    return isRelu ? select.getFalseValue() : Value();
  };
  if (Value below = getBelowZero(x))
    return below;
  Operation *op = x.getDefiningOp();
  if (!isa_and_nonnull<arith::DivFOp, arith::MulFOp>(op))
    return x;
  Value below = getBelowZero(op->getOperand(0));
  std::optional<double> factor = getFloat(op->getOperand(1));
  if (!below || !factor || !(*factor > 0) || !std::isfinite(*factor))
    return x;
  Operation *without = builder.clone(*op);
  without->setOperand(0, below);
  return without->getResult(0);
}

Value Quantization::createRounded(OpBuilder &builder, Location loc) const {
  Value least = createFloat(builder, loc, low - zero), largest = createFloat(builder, loc, high - zero);
  Value bounded = low - zero >= 0 ? dropRelu(builder, x) : x;
  Value isAbove = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, bounded, least);
  bounded = arith::SelectOp::create(builder, loc, isAbove, bounded, least);
  Value isBelow = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, bounded, largest);
  bounded = arith::SelectOp::create(builder, loc, isBelow, bounded, largest);
  return arith::AddFOp::create(builder, loc, bounded, createFloat(builder, loc, roundingConstant));
}

/// The quantization whose result, as an integer that it fits, is `value`.
static std::optional<Quantization> getQuantized(Value value, bool isSigned) {
  auto narrow = value.getDefiningOp<arith::TruncIOp>();
  auto convert = narrow ? narrow.getIn().getDefiningOp<arith::FPToSIOp>() : nullptr;
  std::optional<Quantization> found = convert ? getQuantization(convert.getIn()) : std::nullopt;
  if (!found)
    return std::nullopt;
  auto width = static_cast<int>(value.getType().getIntOrFloatBitWidth());
  double low = isSigned ? -std::ldexp(1, width - 1) : 0, high = std::ldexp(1, isSigned ? width - 1 : width) - 1;
  return found->low >= low && found->high <= high ? found : std::nullopt;
}

namespace {

/// trunc(fptosi(clamp(round(x) + zero))), to at most 16 bits, by the low bits of a sum.
struct TakeLowBits : public OpRewritePattern<arith::TruncIOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::TruncIOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<IntegerType>(op.getType());
    if (!type || type.getWidth() > 16 || !op.getIn().getType().isInteger(32))
      return rewriter.notifyMatchFailure(op, "no small integer of 32 bits");
    std::optional<Quantization> found = getQuantized(op, /*isSigned=*/true);
    if (!found)
      found = getQuantized(op, /*isSigned=*/false);
    if (!found)
      return rewriter.notifyMatchFailure(op, "no quantization");
    Location loc = op.getLoc();
    Value bits = arith::BitcastOp::create(rewriter, loc, rewriter.getI32Type(), found->createRounded(rewriter, loc));
    if (found->zero != 0) {
      auto zero = rewriter.getI32IntegerAttr(static_cast<int32_t>(found->zero));
      bits = arith::AddIOp::create(rewriter, loc, bits, arith::ConstantOp::create(rewriter, loc, zero));
    }
    rewriter.replaceOpWithNewOp<arith::TruncIOp>(op, type, bits);
    return success();
  }
};

/// sitofp(ext(quantized) - offset), whose difference is exact, by a sum of floats.
struct StayFloat : public OpRewritePattern<arith::SIToFPOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SIToFPOp op, PatternRewriter &rewriter) const override {
    if (!op.getType().isF32() || !op.getIn().getType().isInteger(32))
      return rewriter.notifyMatchFailure(op, "no f32 of i32");
    Value integer = op.getIn();
    double offset = 0;
    if (auto subtract = integer.getDefiningOp<arith::SubIOp>()) {
      IntegerAttr constant;
      if (!matchPattern(subtract.getRhs(), m_Constant(&constant)) || std::abs(constant.getInt()) > largestRounded)
        return rewriter.notifyMatchFailure(op, "the offset is not known");
      offset = static_cast<double>(constant.getInt());
      integer = subtract.getLhs();
    }
    Operation *extend = integer.getDefiningOp();
    if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(extend) || extend->getOperand(0).getType().getIntOrFloatBitWidth() > 16)
      return rewriter.notifyMatchFailure(op, "no small integer");
    std::optional<Quantization> found = getQuantized(extend->getOperand(0), isa<arith::ExtSIOp>(extend));
    if (!found)
      return rewriter.notifyMatchFailure(op, "no quantization");
    Location loc = op.getLoc();
    Value shift = createFloat(rewriter, loc, roundingConstant + offset - found->zero);
    rewriter.replaceOpWithNewOp<arith::SubFOp>(op, found->createRounded(rewriter, loc), shift);
    return success();
  }
};

struct SimplifyQuantizationPass : public impl::SimplifyQuantizationBase<SimplifyQuantizationPass> {
  void runOnOperation() override {
    // What is dequantized first: it reads what the other pattern rewrites.
    for (bool isFirst : {true, false}) {
      RewritePatternSet patterns(&getContext());
      if (isFirst)
        patterns.add<StayFloat>(&getContext());
      else
        patterns.add<TakeLowBits>(&getContext());
      if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
        return signalPassFailure();
    }
  }
};

} // namespace
} // namespace nnc
