// Products of dequantised integers become integer products.
//
// Expects NN operations. With a = sa (qa - za) and b = sb (qb - zb), where no
// scale varies along what is summed over,
//
//     sum(a b) = (sa sb) sum((qa - za) (qb - zb))
//
// The sum is exact, where that of floats is rounded. Where the result is quantised
// at once, the factor is (sa sb) / sy, as ONNX Runtime has it.
#include "lib/Transforms/Passes.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_RECOGNIZEINTEGERPRODUCTS
#include "lib/Transforms/Passes.h.inc"

/// The dequantisation of integers of 8 bits to f32 that makes `value`; null where there is none.
static nn::DequantizeOp getDequantized(Value value) {
  auto op = value ? value.getDefiningOp<nn::DequantizeOp>() : nn::DequantizeOp();
  if (!op || !op.getTo().isF32() || !getElementTypeOrSelf(op.getScale()).isF32())
    return {};
  Type type = getElementTypeOrSelf(op.getInput());
  return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() == 8 ? op : nn::DequantizeOp();
}

static bool isScalar(Value value) {
  RankedTensorType type = getRanked(value);
  return type.hasStaticShape() && type.getNumElements() == 1;
}

/// A tensor of one element as one of rank 0.
static Value makeScalar(ImplicitLocOpBuilder &builder, Value value) {
  if (!value || getRanked(value).getRank() == 0)
    return value;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, getRanked(value).getRank()));
  return nn::SqueezeOp::create(builder, value, axes);
}

/// Whether `parameter` of an operand of `rank` axes has extent 1 along all axes but `free`.
static bool variesAlong(Value parameter, int64_t rank, int64_t free) {
  RankedTensorType type = getRanked(parameter);
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (axis + rank - type.getRank() != free && type.getDimSize(axis) != 1)
      return false;
  return true;
}

static Value toFloat(ImplicitLocOpBuilder &builder, Value sum) {
  return nn::CastOp::create(builder, sum, builder.getF32Type(), /*saturate=*/true, nn::PowerRounding::Up);
}

/// Replaces `op`, whose value is factor * sum, and the quantisation behind it where it is the only user.
static void replaceScaled(PatternRewriter &rewriter, ImplicitLocOpBuilder &builder, Operation *op, Value sum,
                          Value factor) {
  auto quantize = op->getResult(0).hasOneUse() ? dyn_cast<nn::QuantizeOp>(*op->getResult(0).getUsers().begin())
                                               : nn::QuantizeOp();
  bool combines = quantize && quantize.getInput() == op->getResult(0) && isScalar(quantize.getScale()) &&
                  getElementTypeOrSelf(quantize.getScale()).isF32() && isa<IntegerType>(quantize.getTo());
  if (!combines) {
    rewriter.replaceOp(op, nn::MulOp::create(builder, toFloat(builder, sum), factor));
    return;
  }
  builder.setInsertionPoint(quantize);
  Value combined = nn::DivOp::create(builder, factor, makeScalar(builder, quantize.getScale()));
  Value scaled = nn::MulOp::create(builder, toFloat(builder, sum), combined);
  auto scalar = RankedTensorType::get({}, builder.getF32Type());
  Value one = arith::ConstantOp::create(builder, DenseElementsAttr::get(scalar, 1.0f));
  rewriter.replaceOp(quantize, nn::QuantizeOp::create(builder, scaled, one, quantize.getZeroPoint(), quantize.getTo(),
                                                      quantize.getRounding(), quantize.getSaturate()));
  rewriter.eraseOp(op);
}

namespace {

struct RecognizeConv : OpRewritePattern<nn::ConvOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The bias in units of factor, where it is i32 dequantised by exactly that.
  static Value getIntegerBias(nn::ConvOp op, nn::DequantizeOp input, nn::DequantizeOp filter) {
    auto bias = op.getBias() ? op.getBias().getDefiningOp<nn::DequantizeOp>() : nn::DequantizeOp();
    if (!bias || !getElementTypeOrSelf(bias.getInput()).isSignlessInteger(32) || !bias.getTo().isF32())
      return {};
    if (bias.getZeroPoint()) {
      auto zero = nn::getConstantInts(bias.getZeroPoint());
      if (!zero || llvm::any_of(*zero, [](int64_t entry) { return entry != 0; }))
        return {};
    }
    auto own = nn::getConstantFloats(bias.getScale()), a = nn::getConstantFloats(input.getScale());
    auto b = nn::getConstantFloats(filter.getScale());
    if (!own || !a || !b || a->size() != 1 || (own->size() != b->size() && own->size() != 1 && b->size() != 1))
      return {};
    for (size_t i = 0; i < std::max(own->size(), b->size()); ++i) {
      auto product = static_cast<float>(a->front()) * static_cast<float>((*b)[b->size() == 1 ? 0 : i]);
      if (static_cast<float>((*own)[own->size() == 1 ? 0 : i]) != product)
        return {};
    }
    return bias.getInput();
  }

  /// [C] as (C, 1, 1...) or as it is, for a result of `layout`.
  static Value alignChannels(ImplicitLocOpBuilder &builder, Value value, nn::Layout layout, int64_t spatial) {
    if (layout == nn::Layout::ChannelsLast || getRanked(value).getRank() != 1)
      return value;
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, spatial + 1));
    return nn::UnsqueezeOp::create(builder, value, axes);
  }

  LogicalResult matchAndRewrite(nn::ConvOp op, PatternRewriter &rewriter) const override {
    nn::DequantizeOp input = getDequantized(op.getInput()), filter = getDequantized(op.getFilter());
    if (!input || !filter)
      return rewriter.notifyMatchFailure(op, "not of dequantised operands");
    int64_t rank = getRanked(op.getFilter()).getRank();
    if (!isScalar(input.getScale()) || (input.getZeroPoint() && !isScalar(input.getZeroPoint())) ||
        !variesAlong(filter.getScale(), rank, 0) ||
        (filter.getZeroPoint() && !variesAlong(filter.getZeroPoint(), rank, 0)))
      return rewriter.notifyMatchFailure(op, "a scale varies along what is summed over");
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value sum = nn::IntegerConvOp::create(builder, input.getInput(), filter.getInput(),
                                          makeScalar(builder, input.getZeroPoint()), filter.getZeroPoint(),
                                          op.getLayout(), op.getStrides(), op.getDilations(), op.getPadsBegin(),
                                          op.getPadsEnd(), op.getGroups());
    Value scale = filter.getScale();
    if (isScalar(scale)) {
      scale = makeScalar(builder, scale);
    } else {
      SmallVector<int64_t> axes;
      for (int64_t axis = 1; axis < getRanked(scale).getRank(); ++axis)
        axes.push_back(axis);
      scale = alignChannels(builder, nn::SqueezeOp::create(builder, scale, axes), op.getLayout(), rank - 2);
    }
    Value factor = nn::MulOp::create(builder, makeScalar(builder, input.getScale()), scale);
    if (Value bias = getIntegerBias(op, input, filter)) {
      sum = nn::AddOp::create(builder, sum, alignChannels(builder, bias, op.getLayout(), rank - 2));
    } else if (op.getBias()) {
      Value scaled = nn::MulOp::create(builder, toFloat(builder, sum), factor);
      rewriter.replaceOpWithNewOp<nn::AddOp>(op, scaled,
                                             alignChannels(builder, op.getBias(), op.getLayout(), rank - 2));
      return success();
    }
    replaceScaled(rewriter, builder, op, sum, factor);
    return success();
  }
};

struct RecognizeMatmul : OpRewritePattern<nn::MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The last two axes swapped; parameters of fewer axes get axes of extent 1.
  static Value swapAxes(ImplicitLocOpBuilder &builder, Value value, int64_t rank) {
    if (!value || isScalar(value))
      return makeScalar(builder, value);
    if (int64_t missing = rank - getRanked(value).getRank()) {
      SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, missing));
      value = nn::UnsqueezeOp::create(builder, value, axes);
    }
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(permutation[rank - 1], permutation[rank - 2]);
    return nn::TransposeOp::create(builder, value, permutation);
  }

  static bool fits(nn::DequantizeOp op, int64_t rank, int64_t free) {
    return variesAlong(op.getScale(), rank, free) && (!op.getZeroPoint() || variesAlong(op.getZeroPoint(), rank, free));
  }

  LogicalResult matchAndRewrite(nn::MatmulOp op, PatternRewriter &rewriter) const override {
    nn::DequantizeOp lhs = getDequantized(op.getLhs()), rhs = getDequantized(op.getRhs());
    if (!lhs || !rhs)
      return rewriter.notifyMatchFailure(op, "not of dequantised operands");
    int64_t left = getRanked(op.getLhs()).getRank(), right = getRanked(op.getRhs()).getRank();
    if (left < 2 || right < 2)
      return rewriter.notifyMatchFailure(op, "a vector");
    if (!fits(lhs, left, op.getTransposeLhs() ? left - 1 : left - 2) ||
        !fits(rhs, right, op.getTransposeRhs() ? right - 2 : right - 1))
      return rewriter.notifyMatchFailure(op, "a scale varies along what is summed over");
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value a = lhs.getInput(), b = rhs.getInput(), scaleA = lhs.getScale(), scaleB = rhs.getScale();
    Value zeroA = lhs.getZeroPoint(), zeroB = rhs.getZeroPoint();
    if (op.getTransposeLhs()) {
      a = swapAxes(builder, a, left);
      scaleA = swapAxes(builder, scaleA, left), zeroA = swapAxes(builder, zeroA, left);
    }
    if (op.getTransposeRhs()) {
      b = swapAxes(builder, b, right);
      scaleB = swapAxes(builder, scaleB, right), zeroB = swapAxes(builder, zeroB, right);
    }
    Value sum = nn::IntegerMatmulOp::create(builder, a, b, zeroA, zeroB);
    if (isScalar(scaleA))
      scaleA = makeScalar(builder, scaleA);
    if (isScalar(scaleB))
      scaleB = makeScalar(builder, scaleB);
    replaceScaled(rewriter, builder, op, sum, nn::MulOp::create(builder, scaleA, scaleB));
    return success();
  }
};

struct RecognizeIntegerProductsPass : public impl::RecognizeIntegerProductsBase<RecognizeIntegerProductsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<RecognizeConv, RecognizeMatmul>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
