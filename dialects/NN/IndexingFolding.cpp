// Folders of the indexing family: shapes, and constants.
#include "dialects/NN/NN.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace nnc::nn {

OpFoldResult GatherOp::fold(FoldAdaptor adaptor) {
  ConstantElements data{adaptor.getData()};
  DenseElementsAttr indices = getDenseConstant(adaptor.getIndices());
  if (!data || !indices)
    return foldKnownInts(*this);
  int64_t axis = getAxis(), extent = data.getType().getDimSize(axis), rank = indices.getType().getRank();
  ConstantElements positions{indices};
  return buildConstant(getType(), [&](ArrayRef<int64_t> index) {
    int64_t position = cast<IntegerAttr>(positions.at(index.slice(axis, rank))).getInt();
    SmallVector<int64_t> source(index.take_front(axis));
    source.push_back(position < 0 ? position + extent : position);
    llvm::append_range(source, index.drop_front(axis + rank));
    return data.at(source);
  });
}

namespace {

/// A table that is stored in half precision stays so: what is chosen of it is widened, not all of it.
struct WidenBehindGather : OpRewritePattern<GatherOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(GatherOp op, PatternRewriter &rewriter) const override {
    auto widen = op.getData().getDefiningOp<CastOp>();
    if (!widen || !matchPattern(widen.getInput(), m_Constant()))
      return rewriter.notifyMatchFailure(op, "not of a converted constant");
    Type from = getElementTypeOrSelf(widen.getInput()), to = op.getType().getElementType();
    if (!(from.isF16() || from.isBF16()) || !(to.isF32() || to.isF64()))
      return rewriter.notifyMatchFailure(op, "not widened");
    Value chosen = GatherOp::create(rewriter, op.getLoc(), widen.getInput(), op.getIndices(), op.getAxis());
    rewriter.replaceOpWithNewOp<CastOp>(op, op.getType(), chosen, to, widen.getSaturate(), widen.getRounding());
    return success();
  }
};

} // namespace

void GatherOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<WidenBehindGather>(context);
}

OpFoldResult ShapeOp::fold(FoldAdaptor) { return foldKnownInts(*this); }

OpFoldResult SizeOp::fold(FoldAdaptor) {
  auto input = cast<RankedTensorType>(getInput().getType());
  if (!input.hasStaticShape())
    return {};
  return DenseElementsAttr::get(getType(), input.getNumElements());
}

OpFoldResult FillOp::fold(FoldAdaptor adaptor) {
  DenseElementsAttr value = getDenseConstant(adaptor.getValue());
  if (!value || !getType().hasStaticShape() || getType().getNumElements() > maxFoldedElements)
    return {};
  return DenseElementsAttr::get(getType(), *value.getValues<Attribute>().begin());
}

OpFoldResult RangeOp::fold(FoldAdaptor adaptor) {
  auto ints = getConstantInts(getStart()), intSteps = getConstantInts(getDelta());
  auto floats = getConstantFloats(getStart()), floatSteps = getConstantFloats(getDelta());
  if (!(ints && intSteps) && !(floats && floatSteps))
    return {};
  Builder builder(getContext());
  Type type = getType().getElementType();
  return buildConstant(getType(), [&](ArrayRef<int64_t> index) -> Attribute {
    if (ints)
      return builder.getIntegerAttr(type, ints->front() + index[0] * intSteps->front());
    return builder.getFloatAttr(type, floats->front() + index[0] * floatSteps->front());
  });
}

} // namespace nnc::nn
