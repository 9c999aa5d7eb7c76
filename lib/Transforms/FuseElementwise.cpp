// Fuses element-wise operations into one loop, as upstream's
// linalg-fuse-elementwise-ops does, but in loops of bounded size: the time of
// later passes grows faster than a loop's operands and operations. Operands
// that may be broadcast at run time are FuseReads.cpp's.
#include "lib/Transforms/FuseReads.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "lib/Transforms/Passes.h.inc"

/// Of a fused loop.
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
    SmallVector<Value> inputs = generic.getDpsInputs();
    auto *input = llvm::find_if(inputs, [&](Value operand) {
      return operand.getType() == cast<RankedTensorType>(value.getType()).clone(getElementTypeOrSelf(operand));
    });
    if (input == inputs.end())
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

/// Whether `op` reads rows of a tensor that it chooses itself, all of their elements.
static bool readsChosenRows(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && generic.getBody()->walk([&](tensor::ExtractOp extract) {
    auto index = extract.getIndices().empty() ? linalg::IndexOp() : extract.getIndices().back().getDefiningOp<linalg::IndexOp>();
    bool isRow = index && static_cast<int64_t>(index.getDim()) == generic.getNumLoops() - 1;
    return isRow ? WalkResult::interrupt() : WalkResult::advance();
  }).wasInterrupted();
}

/// Whether the consumer, a transposition, has the elements of a row of what it reads in different rows of its result.
static bool turnsRows(OpOperand *fused) {
  auto consumer = dyn_cast<linalg::GenericOp>(fused->getOwner());
  if (!consumer || consumer.getNumDpsInits() != 1 || consumer.getNumReductionLoops() > 0)
    return false;
  AffineMap from = consumer.getMatchingIndexingMap(fused), to = consumer.getMatchingIndexingMap(consumer.getDpsInitOperand(0));
  return from.isPermutation() && to.isPermutation() && from.getNumResults() > 1 &&
         from.getResults().back() != to.getResults().back();
}

static bool shouldFuse(OpOperand *fused) {
  Operation *producer = fused->get().getDefiningOp();
  if (!producer || !producer->hasOneUse())
    return false;
  Operation *consumer = fused->getOwner();
  if (turnsRows(fused) && readsChosenRows(producer))
    return false; // rows are read whole, and written through squares, but not both at once
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

namespace {

struct FuseElementwisePass : public impl::FuseElementwiseBase<FuseElementwisePass> {
  void runOnOperation() override {
    MLIRContext *context = &getContext();
    RewritePatternSet patterns(context);
    linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, shouldFuse);
    linalg::populateElementwiseOpsFusionPatterns(patterns, shouldFuse);
    populateReadPatterns(patterns, [](linalg::GenericOp producer, linalg::GenericOp consumer) {
      return !hasCalls(producer) && !isMadeOfKernel(producer.getResult(0)) &&
             countOperations(producer) + countOperations(consumer) <= maxOperations;
    });
    affine::AffineApplyOp::getCanonicalizationPatterns(patterns, context);
    linalg::GenericOp::getCanonicalizationPatterns(patterns, context);
    tensor::DimOp::getCanonicalizationPatterns(patterns, context);
    memref::populateResolveRankedShapedTypeResultDimsPatterns(patterns);
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
