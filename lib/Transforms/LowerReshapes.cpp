// Splits of one extent into several that are only known at run time become
// explicit sizes and strides.
//
// Expects memrefs. MLIR's own expansion of strided metadata takes at most one
// unknown extent per group of memref.expand_shape, and takes the address of a view
// for that of its source; this pass runs before it and rewrites those.
#include "lib/Transforms/Passes.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_LOWERRESHAPES
#include "lib/Transforms/Passes.h.inc"

static OpFoldResult multiply(OpBuilder &builder, Location loc, OpFoldResult lhs, OpFoldResult rhs) {
  std::optional<int64_t> left = getConstantIntValue(lhs), right = getConstantIntValue(rhs);
  if (left && right)
    return builder.getIndexAttr(*left * *right);
  if (left == 1)
    return rhs;
  if (right == 1)
    return lhs;
  auto toValue = [&](OpFoldResult value) { return getValueOrCreateConstantIndexOp(builder, loc, value); };
  return arith::MulIOp::create(builder, loc, toValue(lhs), toValue(rhs)).getResult();
}

namespace {

struct LowerExpandShape : public OpRewritePattern<memref::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(memref::ExpandShapeOp op, PatternRewriter &rewriter) const override {
    MemRefType type = op.getResultType();
    auto isUnclear = [&](const ReassociationIndices &group) {
      return llvm::count_if(group, [&](int64_t axis) { return type.isDynamicDim(axis); }) > 1;
    };
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    if (llvm::none_of(groups, isUnclear))
      return rewriter.notifyMatchFailure(op, "each group has at most one unknown extent");
    Location loc = op.getLoc();
    auto metadata = memref::ExtractStridedMetadataOp::create(rewriter, loc, op.getSrc());
    SmallVector<OpFoldResult> sourceStrides = metadata.getConstifiedMixedStrides();
    SmallVector<OpFoldResult> sizes = getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), rewriter);
    SmallVector<OpFoldResult> strides(sizes.size());
    for (auto [group, stride] : llvm::zip(groups, sourceStrides))
      for (int64_t axis : llvm::reverse(group)) {
        strides[axis] = stride;
        stride = multiply(rewriter, loc, stride, sizes[axis]);
      }
    rewriter.replaceOpWithNewOp<memref::ReinterpretCastOp>(op, type, metadata.getBaseBuffer(),
                                                           metadata.getConstifiedMixedOffset(), sizes, strides);
    return success();
  }
};

struct LowerAddressOfView : public OpRewritePattern<memref::ExtractAlignedPointerAsIndexOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(memref::ExtractAlignedPointerAsIndexOp op, PatternRewriter &rewriter) const override {
    auto view = op.getSource().getDefiningOp<memref::ViewOp>();
    if (!view)
      return rewriter.notifyMatchFailure(op, "not of a view");
    Value base = memref::ExtractAlignedPointerAsIndexOp::create(rewriter, op.getLoc(), view.getSource());
    rewriter.replaceOpWithNewOp<arith::AddIOp>(op, base, view.getByteShift());
    return success();
  }
};

struct LowerReshapesPass : public impl::LowerReshapesBase<LowerReshapesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<LowerExpandShape, LowerAddressOfView>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
