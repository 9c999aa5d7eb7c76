// Dequantization moves behind what only moves or chooses elements.
//
// Expects NN operations. Models with QuantizeLinear and DequantizeLinear around each layer reshape, concatenate and pool floats
// that are integers a moment later. (x - z) * s of one s > 0 and one z for the whole tensor keeps order, so that the largest of
// dequantized elements is the largest of the integers, dequantized. A quantization that undoes a dequantization then is none.
#include "lib/Transforms/Passes.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_SINKDEQUANTIZE
#include "lib/Transforms/Passes.h.inc"

/// The only element of a constant; null where there are several or `value` is no constant.
static Attribute getOnlyElement(Value value) {
  ElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)) || elements.getNumElements() != 1)
    return {};
  return *elements.value_begin<Attribute>();
}

/// The dequantization of integers of 8 or 16 bits that makes `value`, all of them with one scale above zero and one zero
/// point; null where there is none. The scale is of no extreme size: no product with it overflows or is denormal.
static nn::DequantizeOp getDequantize(Value value) {
  auto op = value.getDefiningOp<nn::DequantizeOp>();
  if (!op || !op.getTo().isF32())
    return {};
  auto type = dyn_cast<IntegerType>(getElementTypeOrSelf(op.getInput()));
  auto scale = dyn_cast_or_null<FloatAttr>(getOnlyElement(op.getScale()));
  bool isOne = type && (type.getWidth() == 8 || type.getWidth() == 16) && scale && (!op.getZeroPoint() || getOnlyElement(op.getZeroPoint()));
  constexpr double largest = 0x1p60;
  return isOne && scale.getValueAsDouble() < largest && scale.getValueAsDouble() > 1 / largest ? op : nn::DequantizeOp();
}

/// The zero point of a dequantization, 0 where it has none.
static APInt getZero(Value zeroPoint, Type type) {
  auto zero = dyn_cast_or_null<IntegerAttr>(getOnlyElement(zeroPoint));
  return zero ? zero.getValue() : APInt(type.getIntOrFloatBitWidth(), 0);
}

static bool areEqual(nn::DequantizeOp a, nn::DequantizeOp b) {
  Type type = getElementTypeOrSelf(a.getInput());
  return type == getElementTypeOrSelf(b.getInput()) && getOnlyElement(a.getScale()) == getOnlyElement(b.getScale()) &&
         getZero(a.getZeroPoint(), type) == getZero(b.getZeroPoint(), type);
}

/// A parameter of rank 0, which fits whatever shape an operation makes of the integers; null for one that is left out.
static Value makeParameter(OpBuilder &builder, Location loc, Value parameter) {
  if (!parameter)
    return {};
  auto type = RankedTensorType::get({}, getElementTypeOrSelf(parameter));
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, getOnlyElement(parameter)));
}

/// Replaces `op`, whose first `operands.size()` operands are dequantized, by the same on `operands`, dequantized as by `like`.
static void sink(PatternRewriter &rewriter, Operation *op, ValueRange operands, nn::DequantizeOp like) {
  IRMapping mapping;
  for (auto [old, value] : llvm::zip(op->getOperands(), operands))
    mapping.map(old, value);
  Operation *integer = rewriter.clone(*op, mapping);
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  integer->getResult(0).setType(type.clone(getElementTypeOrSelf(like.getInput())));
  Location loc = op->getLoc();
  rewriter.replaceOpWithNewOp<nn::DequantizeOp>(op, integer->getResult(0), makeParameter(rewriter, loc, like.getScale()),
                                                makeParameter(rewriter, loc, like.getZeroPoint()), like.getTo());
}

/// Whether a window may hold nothing but padding, which is less than any float, but not than any integer.
static bool mayBeEmpty(nn::MaxPoolOp op) {
  for (auto [window, dilation, before, after] :
       llvm::zip(op.getWindow(), op.getDilations(), op.getPadsBegin(), op.getPadsEnd()))
    if (before >= window || after >= window || (after > 0 && op.getCeil()) || (before + after > 0 && dilation != 1))
      return true;
  return false;
}

namespace {

/// Of operations whose first operand has the elements, and other operands none.
template <typename OpTy> struct SinkBehind : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    nn::DequantizeOp dequantize = getDequantize(op->getOperand(0));
    if (!dequantize)
      return rewriter.notifyMatchFailure(op, "not of integers with one scale");
    if (auto resize = dyn_cast<nn::ResizeOp>(op.getOperation()))
      if (resize.getMode() != nn::ResizeMode::Nearest || resize.getCoordinates() == nn::CoordinateMode::TfCropAndResize)
        return rewriter.notifyMatchFailure(op, "computes elements");
    if (auto pool = dyn_cast<nn::MaxPoolOp>(op.getOperation()); pool && mayBeEmpty(pool))
      return rewriter.notifyMatchFailure(op, "padding alone would win");
    sink(rewriter, op, dequantize.getInput(), dequantize);
    return success();
  }
};

struct SinkBehindConcat : public OpRewritePattern<nn::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConcatOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> integers;
    nn::DequantizeOp first = getDequantize(op.getInputs().front());
    for (Value input : op.getInputs()) {
      nn::DequantizeOp dequantize = getDequantize(input);
      if (!dequantize || !areEqual(first, dequantize))
        return rewriter.notifyMatchFailure(op, "not of integers with one scale");
      integers.push_back(dequantize.getInput());
    }
    sink(rewriter, op, integers, first);
    return success();
  }
};

/// (x - z) * s, divided by s, rounded, plus z: x, because two roundings of f32 move an integer of 17 bits by less than a half.
struct DropQuantize : public OpRewritePattern<nn::QuantizeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::QuantizeOp op, PatternRewriter &rewriter) const override {
    nn::DequantizeOp dequantize = getDequantize(op.getInput());
    if (!dequantize || op.getTo() != getElementTypeOrSelf(dequantize.getInput()) ||
        getOnlyElement(op.getScale()) != getOnlyElement(dequantize.getScale()) ||
        (op.getZeroPoint() && !getOnlyElement(op.getZeroPoint())) ||
        getZero(op.getZeroPoint(), op.getTo()) != getZero(dequantize.getZeroPoint(), op.getTo()))
      return rewriter.notifyMatchFailure(op, "of other parameters");
    rewriter.replaceOp(op, dequantize.getInput());
    return success();
  }
};

struct SinkDequantizePass : public impl::SinkDequantizeBase<SinkDequantizePass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    patterns.add<SinkBehind<nn::ReshapeOp>, SinkBehind<nn::SqueezeOp>, SinkBehind<nn::UnsqueezeOp>, SinkBehind<nn::FlattenOp>,
                 SinkBehind<nn::TransposeOp>, SinkBehind<nn::SliceOp>, SinkBehind<nn::ReverseOp>, SinkBehind<nn::TileOp>,
                 SinkBehind<nn::BroadcastToOp>, SinkBehind<nn::DepthToSpaceOp>, SinkBehind<nn::SpaceToDepthOp>,
                 SinkBehind<nn::MaxPoolOp>, SinkBehind<nn::ResizeOp>, SinkBehindConcat, DropQuantize>(context);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
