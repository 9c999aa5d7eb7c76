// Simplifies what element-wise loops read by tensor.extract.
//
// An operand that may be broadcast at run time is read at select(extent == 1, 0, i). Most of these extents turn out to be
// the loop's, once arithmetic is folded: then the index is i, and the operand one like others, which a kernel's epilogue can
// take too. Of the others, what makes them is computed where they are read.
#include "lib/Transforms/FuseReads.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

namespace nnc {

//===--- Whole operands ---===//

/// The extent `dim` of `tensor` as far back as destinations lead; null where it has no name.
static OpFoldResult findExtent(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return IntegerAttr::get(IndexType::get(tensor.getContext()), type.getDimSize(dim));
  if (auto empty = tensor.getDefiningOp<tensor::EmptyOp>())
    return empty.getDynamicSize(dim);
  if (auto op = tensor.getDefiningOp<DestinationStyleOpInterface>())
    return findExtent(op.getTiedOpOperand(cast<OpResult>(tensor))->get(), dim);
  return {};
}

/// Whether extent `dim` of `tensor` is `extent`.
static bool hasExtent(Value tensor, int64_t dim, OpFoldResult extent) {
  if (OpFoldResult own = findExtent(tensor, dim))
    return isEqualConstantIntOrValue(own, extent);
  auto value = dyn_cast_if_present<Value>(extent);
  auto named = value ? value.getDefiningOp<tensor::DimOp>() : nullptr;
  return named && named.getSource() == tensor && named.getConstantIndex() == dim;
}

/// The extent of a loop that the result's dimensions are; null where it has no name.
static OpFoldResult findLoopExtent(linalg::GenericOp op, uint64_t loop) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  std::optional<unsigned> dim = map.getResultPosition(getAffineDimExpr(loop, op.getContext()));
  return dim && isa<RankedTensorType>(op.getDpsInits()[0].getType()) ? findExtent(op.getDpsInits()[0], *dim) : OpFoldResult();
}

/// The only index of a dimension `dim` of one element: of the loop with that number, where it has one iteration and is not
/// among the `others`.
static AffineExpr getUnitLoop(linalg::GenericOp op, uint64_t dim, ArrayRef<AffineExpr> others) {
  OpFoldResult extent = dim < op.getNumLoops() ? findLoopExtent(op, dim) : OpFoldResult();
  bool isUnit = extent && isOneInteger(extent) && !llvm::is_contained(others, getAffineDimExpr(dim, op.getContext()));
  return isUnit ? getAffineDimExpr(dim, op.getContext()) : getAffineConstantExpr(0, op.getContext());
}

namespace {

/// select(extent == 1, 0, i) is i where the extent is the loop's.
struct SimplifyIndex : OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(arith::SelectOp select, PatternRewriter &rewriter) const override {
    auto loop = select.getFalseValue().getDefiningOp<linalg::IndexOp>();
    auto isOne = select.getCondition().getDefiningOp<arith::CmpIOp>();
    auto op = loop ? dyn_cast<linalg::GenericOp>(loop->getParentOp()) : nullptr;
    if (!op || !isOne || isOne.getPredicate() != arith::CmpIPredicate::eq || !matchPattern(isOne.getRhs(), m_One()) ||
        !matchPattern(select.getTrueValue(), m_Zero()))
      return failure();
    OpFoldResult extent = findLoopExtent(op, loop.getDim());
    if (!extent || !isEqualConstantIntOrValue(extent, OpFoldResult(isOne.getLhs())))
      return failure();
    rewriter.replaceOp(select, loop.getResult());
    return success();
  }
};

/// What is read at the loops' own indices, and has their extents, is an input.
struct ReadWhole : OpRewritePattern<tensor::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractOp read, PatternRewriter &rewriter) const override {
    auto op = dyn_cast<linalg::GenericOp>(read->getParentOp());
    if (!op || op.getNumReductionLoops() > 0 || op->getNumOperands() >= maxOperands ||
        op->isAncestor(read.getTensor().getParentRegion()->getParentOp()))
      return failure();
    SmallVector<AffineExpr> place;
    auto type = cast<RankedTensorType>(read.getTensor().getType());
    for (auto [dim, index] : llvm::enumerate(read.getIndices())) {
      if (isZeroInteger(OpFoldResult(index)) && type.getDimSize(dim) == 1) {
        place.push_back(getUnitLoop(op, dim, place));
        continue;
      }
      auto loop = index.getDefiningOp<linalg::IndexOp>();
      OpFoldResult extent = loop && loop->getParentOp() == op ? findLoopExtent(op, loop.getDim()) : OpFoldResult();
      if (!extent || !hasExtent(read.getTensor(), dim, extent) ||
          llvm::is_contained(place, rewriter.getAffineDimExpr(loop.getDim())))
        return failure();
      place.push_back(rewriter.getAffineDimExpr(loop.getDim()));
    }
    int64_t number = op.getNumDpsInputs();
    SmallVector<Value> inputs(op.getDpsInputs());
    inputs.push_back(read.getTensor());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps.insert(maps.begin() + number, AffineMap::get(op.getNumLoops(), 0, place, op.getContext()));
    rewriter.setInsertionPoint(op);
    auto whole = linalg::GenericOp::create(rewriter, op.getLoc(), op->getResultTypes(), inputs, op.getDpsInits(), maps,
                                           op.getIteratorTypesArray());
    whole->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(op.getRegion(), whole.getRegion(), whole.getRegion().begin());
    Value element = whole.getBody()->insertArgument(number, read.getType(), read.getLoc());
    rewriter.replaceOp(read, element);
    rewriter.replaceOp(op, whole->getResults());
    return success();
  }
};

} // namespace

//===--- What is computed where it is read ---===//

/// The loop that `index` counts, or counts where an extent is not 1: select(extent == 1, 0, linalg.index).
static std::optional<uint64_t> getLoop(Value index) {
  if (auto select = index.getDefiningOp<arith::SelectOp>(); select && isZeroInteger(OpFoldResult(select.getTrueValue())))
    index = select.getFalseValue();
  auto loop = index.getDefiningOp<linalg::IndexOp>();
  return loop ? std::optional(loop.getDim()) : std::nullopt;
}

/// Whether `read`, in the body of `consumer`, reads each element once unless it is broadcast, and neighbours in a row.
static bool readsElements(tensor::ExtractOp read, linalg::GenericOp consumer) {
  llvm::SmallDenseSet<uint64_t> loops;
  for (Value index : read.getIndices())
    if (std::optional<uint64_t> loop = getLoop(index); !loop || !loops.insert(*loop).second)
      return false;
  auto last = read.getIndices().empty() ? nullptr : read.getIndices().back().getDefiningOp<linalg::IndexOp>();
  return last && last.getDim() + 1 == consumer.getNumLoops();
}

/// Whether all that `producer` reads can be read at one place of its result, at the place's indices or at constants, and lies
/// in a row where the results do.
static bool canReadAnywhere(linalg::GenericOp producer) {
  return producer.getNumResults() == 1 && producer.getNumReductionLoops() == 0 &&
         producer.getMatchingIndexingMap(producer.getDpsInitOperand(0)).isIdentity() &&
         producer.getRegionOutputArgs()[0].use_empty() && llvm::all_of(producer.getDpsInputOperands(), [&](OpOperand *input) {
           AffineMap map = producer.getMatchingIndexingMap(input);
           bool isInRow = map.getNumResults() < 2 || llvm::none_of(map.getResults().drop_back(), [&](AffineExpr place) {
                            return place.isFunctionOfDim(producer.getNumLoops() - 1);
                          });
           return isa<RankedTensorType>(input->get().getType()) && isInRow &&
                  llvm::all_of(map.getResults(), llvm::IsaPred<AffineDimExpr, AffineConstantExpr>);
         });
}

/// Whether elements may be computed again and again, should they be broadcast at run time.
static bool isCheap(linalg::GenericOp producer) {
  constexpr size_t mostOperations = 16;
  Block &body = *producer.getBody();
  return body.getOperations().size() <= mostOperations && llvm::none_of(body, [](Operation &op) {
    bool isDivision = isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op);
    return op.getNumRegions() > 0 || isDivision || isa_and_present<math::MathDialect>(op.getDialect());
  });
}

namespace {

/// Computes an element where a loop reads it, in the place of a loop of its own.
struct FuseRead : OpRewritePattern<tensor::ExtractOp> {
  FuseRead(MLIRContext *context, MayFuse mayFuse) : OpRewritePattern(context), mayFuse(std::move(mayFuse)) {}

  LogicalResult matchAndRewrite(tensor::ExtractOp read, PatternRewriter &rewriter) const override {
    auto producer = read.getTensor().getDefiningOp<linalg::GenericOp>();
    auto consumer = dyn_cast<linalg::GenericOp>(read->getParentOp());
    if (!producer || !consumer || !producer->hasOneUse() || consumer.getNumReductionLoops() > 0 ||
        producer->getBlock() != consumer->getBlock() || !isCheap(producer) || !readsElements(read, consumer) ||
        !canReadAnywhere(producer) || !mayFuse(producer, consumer))
      return failure();
    IRMapping mapping;
    for (OpOperand *input : producer.getDpsInputOperands()) {
      SmallVector<Value> indices;
      for (AffineExpr place : producer.getMatchingIndexingMap(input).getResults()) {
        if (auto dim = dyn_cast<AffineDimExpr>(place))
          indices.push_back(read.getIndices()[dim.getPosition()]);
        else
          indices.push_back(arith::ConstantIndexOp::create(rewriter, read.getLoc(), cast<AffineConstantExpr>(place).getValue()));
      }
      mapping.map(producer.getMatchingBlockArgument(input),
                  tensor::ExtractOp::create(rewriter, read.getLoc(), input->get(), indices).getResult());
    }
    for (Operation &op : producer.getBody()->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(op))
        mapping.map(index.getResult(), read.getIndices()[index.getDim()]);
      else
        rewriter.clone(op, mapping);
    }
    rewriter.replaceOp(read, mapping.lookupOrDefault(producer.getBody()->getTerminator()->getOperand(0)));
    rewriter.modifyOpInPlace(consumer, [&] {
      consumer->setLoc(FusedLoc::get(consumer->getContext(), {consumer->getLoc(), producer->getLoc()}));
    });
    rewriter.eraseOp(producer);
    return success();
  }

private:
  MayFuse mayFuse;
};

} // namespace

void populateReadPatterns(RewritePatternSet &patterns, MayFuse mayFuse) {
  patterns.add<SimplifyIndex, ReadWhole>(patterns.getContext());
  patterns.add<FuseRead>(patterns.getContext(), std::move(mayFuse));
}

} // namespace nnc
