// Divisions of vectors by constants as products.
#include "lib/Transforms/ClampPattern.h"
#include "lib/Transforms/ExpandMathFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;

namespace nnc {

/// The factor whose product with x is nearly x / divisor, if a step of Newton's method makes it x / divisor: a constant of no
/// extreme size that is no power of two.
static std::optional<double> getReciprocal(Value divisor) {
  DenseElementsAttr splat;
  if (!matchPattern(divisor, m_Constant(&splat)) || !splat.isSplat())
    return std::nullopt;
  double value = splat.getSplatValue<APFloat>().convertToDouble();
  constexpr double largest = 0x1p60;
  int exponent = 0;
  bool isOrdinary = std::isfinite(value) && std::abs(value) <= largest && std::abs(value) >= 1 / largest;
  if (!isOrdinary || std::abs(std::frexp(value, &exponent)) == 0.5)
    return std::nullopt;
  return static_cast<float>(1 / value);
}

/// A bound of the magnitude of `value`, a vector of f32; infinity where none is known, or where it may be NaN. Sums and
/// products of integers with constants have one, and so has what a quantized model computes of its bytes.
static double getLargest(Value value, int64_t depth = 0) {
  constexpr double unknown = std::numeric_limits<double>::infinity(), rounding = 1 + 0x1p-20;
  constexpr int64_t deepest = 12;
  Operation *op = value.getDefiningOp();
  DenseElementsAttr splat;
  if (matchPattern(value, m_Constant(&splat)) && splat.isSplat() && splat.getElementType().isF32()) {
    double constant = std::abs(splat.getSplatValue<APFloat>().convertToDouble());
    return std::isfinite(constant) ? constant : unknown;
  }
  if (!op || depth == deepest)
    return unknown;
  auto of = [&](unsigned operand) { return getLargest(op->getOperand(operand), depth + 1); };
  double largest =
      llvm::TypeSwitch<Operation *, double>(op)
          .Case<arith::SIToFPOp, arith::UIToFPOp>([&](auto) {
            return std::ldexp(1, static_cast<int>(getElementTypeOrSelf(op->getOperand(0)).getIntOrFloatBitWidth()));
          })
          .Case<arith::AddFOp, arith::SubFOp>([&](auto) { return (of(0) + of(1)) * rounding; })
          .Case([&](arith::MulFOp) { return of(0) * of(1) * rounding; })
          .Case([&](math::FmaOp) { return (of(0) * of(1) + of(2)) * rounding; })
          .Case<arith::NegFOp, math::AbsFOp>([&](auto) { return of(0); })
          .Case([&](math::RoundEvenOp) { return of(0) + 1; })
          .Case([&](arith::SelectOp) {
            std::optional<Clamp> clamp = matchClamp(value); // of which NaN is not left
            return clamp ? std::max(std::abs(clamp->low), std::abs(clamp->high)) : std::max(of(1), of(2));
          })
          .Default([](Operation *) { return unknown; });
  return std::isnan(largest) ? unknown : largest; // 0 times what is not known
}

namespace {

/// x / c of vectors of f32 as q = x * (1 / c), and then q + (x - q * c) / c, which rounds as a division does while what is
/// left, x - q * c, is no denormal (|x| above 1e-30); below, the last bit may differ. Where nothing is left, or infinity, q is
/// it. The divider takes five times as long.
struct DivideByConstant : public OpRewritePattern<arith::DivFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::DivFOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || !type.getElementType().isF32())
      return rewriter.notifyMatchFailure(op, "no vector of f32");
    std::optional<double> reciprocal = getReciprocal(op.getRhs());
    if (!reciprocal)
      return rewriter.notifyMatchFailure(op, "not a constant, or one of extreme size");
    constexpr double infinity = std::numeric_limits<double>::infinity();
    Arithmetic arithmetic{rewriter, op.getLoc(), /*hasFma=*/true};
    Number x{&arithmetic, op.getLhs()}, divisor{&arithmetic, op.getRhs()};
    Number quotient = x * *reciprocal;
    if (*reciprocal > 0 && getLargest(op.getLhs()) < 0x1p60) {
      // Neither NaN nor infinity. Of zeros the excess is +0, and what is subtracted of the quotient leaves its sign.
      Number excess = multiplyAdd(quotient, divisor, -x);
      rewriter.replaceOp(op, multiplyAdd(-excess, *reciprocal, quotient).value);
      return success();
    }
    Number left = multiplyAdd(-quotient, divisor, x);
    Number isLeft = absolute(left) > 0; // false for NaN
    if (std::abs(*reciprocal) > 1)      // the quotient may be infinite
      isLeft = isLeft & (absolute(left) < infinity);
    rewriter.replaceOp(op, select(isLeft, multiplyAdd(left, *reciprocal, quotient), quotient).value);
    return success();
  }
};

} // namespace

void populateDivideByConstantPatterns(RewritePatternSet &patterns) { patterns.add<DivideByConstant>(patterns.getContext()); }

} // namespace nnc
