// Fuses element-wise operations into one loop, as upstream's
// linalg-fuse-elementwise-ops does, but in loops of bounded size: the time of
// later passes grows faster than a loop's operands and operations. Of operands
// that may be broadcast at run time, which loops read element by element, this
// file fuses what makes them.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "lib/Transforms/Passes.h.inc"

/// Limits of a fused loop.
static constexpr size_t maxOperands = 48;
static constexpr size_t maxOperations = 256;

/// Number of operations inside `op`, counted no further than is of interest.
static size_t countOperations(Operation *op) {
  size_t count = 0;
  op->walk([&](Operation *) { return ++count > maxOperations ? WalkResult::interrupt() : WalkResult::advance(); });
  return count;
}

/// Whether `op` calls functions, as loops on strings do: these take memory for what they make, each time.
static bool hasCalls(Operation *op) {
  return op->walk([](func::CallOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// Whether the consumer reads each element once.
static bool readsOnce(OpOperand *operand) {
  auto consumer = dyn_cast<linalg::LinalgOp>(operand->getOwner());
  return !consumer || consumer.getMatchingIndexingMap(operand).isPermutation();
}

/// Whether `value` is computed element by element, each step used once, of what a kernel makes.
static bool isMadeOfKernel(Value value) {
  constexpr int64_t longest = 32; // chains of loops that are not fused yet
  for (int64_t step = 0; step < longest && value.hasOneUse(); ++step) {
    auto generic = value.getDefiningOp<linalg::GenericOp>();
    if (!generic)
      return isa_and_present<kernel::EpilogueOpInterface>(value.getDefiningOp());
    auto *input = llvm::find_if(generic.getDpsInputs(), [&](Value operand) {
      return operand.getType() == cast<RankedTensorType>(value.getType()).clone(getElementTypeOrSelf(operand));
    });
    if (input == generic.getDpsInputs().end())
      return false;
    value = *input;
  }
  return false;
}

/// Whether `value` is of bytes that a kernel can store in the place of its wide sums. Its consumer is fused into the same
/// kernel later, if it can be; if it could not, the sums would have to wait in memory.
static bool isNarrowResult(Value value) {
  return getElementTypeOrSelf(value).isInteger(8) && isa<RankedTensorType>(value.getType()) && isMadeOfKernel(value);
}

/// Whether `op` reduces along some axis.
static bool isReduction(Operation *op) {
  auto consumer = dyn_cast<linalg::LinalgOp>(op);
  return consumer && consumer.getNumReductionLoops() > 0;
}

static bool shouldFuse(OpOperand *fused) {
  Operation *producer = fused->get().getDefiningOp();
  if (!producer || !producer->hasOneUse())
    return false;
  Operation *consumer = fused->getOwner();
  // A column that all rows are multiplied by is not computed anew for each row.
  bool isOnceOnly = hasCalls(producer) || (isReduction(consumer) && isa<linalg::LinalgOp>(producer));
  if ((isOnceOnly && !readsOnce(fused)) || isNarrowResult(fused->get()))
    return false;
  bool isSmall = producer->getNumOperands() + consumer->getNumOperands() <= maxOperands &&
                 countOperations(producer) + countOperations(consumer) <= maxOperations;
  // Upstream gives the fused loop the consumer's location: let it name the producer's layers too.
  if (isSmall && isa<linalg::LinalgOp>(producer) && isa<linalg::LinalgOp>(consumer))
    consumer->setLoc(FusedLoc::get(consumer->getContext(), {consumer->getLoc(), producer->getLoc()}));
  return isSmall;
}

//===--- Operands that may be broadcast at run time ---===//

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

/// Whether all that `producer` reads can be read at one place of its result: at the place's indices, or at constants.
static bool canReadAnywhere(linalg::GenericOp producer) {
  return producer.getNumResults() == 1 && producer.getNumReductionLoops() == 0 &&
         producer.getMatchingIndexingMap(producer.getDpsInitOperand(0)).isIdentity() &&
         producer.getRegionOutputArgs()[0].use_empty() && llvm::all_of(producer.getDpsInputOperands(), [&](OpOperand *input) {
           return isa<RankedTensorType>(input->get().getType()) &&
                  llvm::all_of(producer.getMatchingIndexingMap(input).getResults(),
                               llvm::IsaPred<AffineDimExpr, AffineConstantExpr>);
         });
}

/// Whether elements may be computed again and again, should they be broadcast at run time.
static bool isCheap(linalg::GenericOp producer) {
  return llvm::none_of(*producer.getBody(), [](Operation &op) {
    return op.getNumRegions() > 0 || isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op) ||
           isa_and_present<math::MathDialect>(op.getDialect());
  });
}

namespace {

/// Computes an element where a loop reads it, in the place of a loop of its own.
struct FuseRead : OpRewritePattern<tensor::ExtractOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(tensor::ExtractOp read, PatternRewriter &rewriter) const override {
    auto producer = read.getTensor().getDefiningOp<linalg::GenericOp>();
    auto consumer = dyn_cast<linalg::GenericOp>(read->getParentOp());
    if (!producer || !consumer || !producer->hasOneUse() || consumer.getNumReductionLoops() > 0 ||
        producer->getBlock() != consumer->getBlock() || hasCalls(producer) || !isCheap(producer) || isMadeOfKernel(producer.getResult(0)) ||
        !readsElements(read, consumer) || !canReadAnywhere(producer) ||
        countOperations(producer) + countOperations(consumer) > maxOperations)
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
};

struct FuseElementwisePass : public impl::FuseElementwiseBase<FuseElementwisePass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, shouldFuse);
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    patterns.add<FuseRead>(context);
    affine::AffineApplyOp::getCanonicalizationPatterns(patterns, context);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, context);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, context);
    context->getLoadedDialect<linalg::LinalgDialect>()->getCanonicalizationPatterns(patterns);
    linalg::populateConstantFoldLinalgOperations(patterns, shouldFuse);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), GreedyRewriteConfig().setUseTopDownTraversal())))
      return signalPassFailure();
  }
};

} // namespace
} // namespace nnc
