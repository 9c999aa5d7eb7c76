// Folds a batch norm into the convolution before it.
//
// Expects NN operations. With s = scale / sqrt(variance + epsilon) per channel,
// batch_norm(conv(x, w) + b) = conv(x, w * s) + ((b - mean) * s + bias). The new
// filter and bias are NN operations on constants, evaluated later.
#include "lib/Transforms/Passes.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_FOLDBATCHNORM
#include "lib/Transforms/Passes.h.inc"

static Value createScalar(OpBuilder &builder, Location loc, Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, builder.getFloatAttr(elementType, value)));
}

namespace {

template <typename ConvTy> struct FoldIntoConvolution : public OpRewritePattern<nn::BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;

  /// The filter's axis of output channels.
  static constexpr int64_t channelAxis = std::is_same_v<ConvTy, nn::ConvOp> ? 0 : 1;

  LogicalResult matchAndRewrite(nn::BatchNormOp op, PatternRewriter &rewriter) const override {
    auto conv = op.getInput().template getDefiningOp<ConvTy>();
    if (!conv || !conv->hasOneUse() || conv.getLayout() != op.getLayout())
      return rewriter.notifyMatchFailure(op, "no convolution of its own before it");
    if (channelAxis == 1 && conv.getGroups() != 1)
      return rewriter.notifyMatchFailure(op, "channels of a grouped transposed filter are not one axis");
    for (Value value : {Value(conv.getFilter()), Value(op.getScale()), Value(op.getBias()), Value(op.getMean()),
                        Value(op.getVariance())})
      if (!matchPattern(value, m_Constant()))
        return rewriter.notifyMatchFailure(op, "parameters are not constant");
    Location loc = rewriter.getFusedLoc({conv.getLoc(), op.getLoc()});
    rewriter.setInsertionPoint(op);
    Type elementType = getElementTypeOrSelf(op.getScale().getType());
    if (elementType != getElementTypeOrSelf(conv.getFilter().getType()))
      return rewriter.notifyMatchFailure(op, "filter and scale differ in type");

    Value epsilon = createScalar(rewriter, loc, elementType, op.getEpsilon().convertToDouble());
    Value variance = nn::AddOp::create(rewriter, loc, op.getVariance(), epsilon);
    Value scale = nn::DivOp::create(rewriter, loc, op.getScale(), nn::SqrtOp::create(rewriter, loc, variance));
    int64_t filterRank = cast<RankedTensorType>(conv.getFilter().getType()).getRank();
    SmallVector<int64_t> axes;
    for (int64_t axis = 0; axis < filterRank; ++axis)
      if (axis != channelAxis)
        axes.push_back(axis);
    Value filterScale = nn::UnsqueezeOp::create(rewriter, loc, scale, axes);
    Value filter = nn::MulOp::create(rewriter, loc, conv.getFilter(), filterScale);
    Value bias = op.getMean();
    bias = conv.getBias() ? Value(nn::SubOp::create(rewriter, loc, conv.getBias(), bias))
                          : Value(nn::NegOp::create(rewriter, loc, bias));
    bias = nn::AddOp::create(rewriter, loc, nn::MulOp::create(rewriter, loc, bias, scale), op.getBias());

    auto folded = cast<ConvTy>(rewriter.clone(*conv));
    folded->setLoc(loc);
    folded.getFilterMutable().assign(filter);
    folded.getBiasMutable().assign(bias);
    rewriter.replaceOp(op, folded);
    return success();
  }
};

struct FoldBatchNormPass : public impl::FoldBatchNormBase<FoldBatchNormPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FoldIntoConvolution<nn::ConvOp>, FoldIntoConvolution<nn::ConvTransposeOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
