// Expands linalg.generic, linalg.fill and memref.copy on memrefs to loops over
// hardware vectors. Fills and copies are written as linalg.generic first.
#include "lib/Conversion/LinalgToVector/LinalgToVector.h"
#include "lib/Conversion/Passes.h"
#include "lib/Support/Decision.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_CONVERTLINALGTOVECTOR
#include "lib/Conversion/Passes.h.inc"

static void rewriteCopy(RewriterBase &rewriter, memref::CopyOp op) {
  rewriter.setInsertionPoint(op);
  int64_t rank = cast<MemRefType>(op.getSource().getType()).getRank();
  SmallVector<AffineMap> maps(2, rewriter.getMultiDimIdentityMap(rank));
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  linalg::GenericOp::create(rewriter, op.getLoc(), op.getSource(), op.getTarget(), maps, iterators,
                            [](OpBuilder &nested, Location loc, ValueRange arguments) {
                              linalg::YieldOp::create(nested, loc, arguments.front());
                            });
  rewriter.eraseOp(op);
}

static LogicalResult verify(linalg::GenericOp op) {
  if (!op.hasPureBufferSemantics())
    return op.emitOpError("must be on buffers before it is expanded");
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  for (utils::IteratorType iterator : iterators)
    if (iterator != utils::IteratorType::parallel && iterator != utils::IteratorType::reduction)
      return op.emitOpError("has an iterator that is neither parallel nor a reduction");
  for (OpOperand &init : op.getDpsInitsMutable())
    for (unsigned loop = 0; loop < iterators.size(); ++loop)
      if (iterators[loop] == utils::IteratorType::reduction && op.getMatchingIndexingMap(&init).isFunctionOfDim(loop))
        return op.emitOpError("has an output whose place depends on a reduction");
  return success();
}

/// Says how many elements the loops compute at a time, and where it is one, why.
static void explain(LoopNest &nest, const VectorDimension &chosen, int64_t lanes) {
  if (chosen.loop >= 0) {
    StringRef how = chosen.tileLoop >= 0            ? ", transposing squares of them in registers"
                    : nest.isReduction[chosen.loop] ? ", each lane reducing its own part"
                                                    : "";
    remark::passed(nest.loc, about::vectors) << remark::add("{0} elements at a time{1}", chosen.lanes, how);
    return;
  }
  if (nest.getNumLoops() == 0)
    return; // one element
  bool hasParallel = llvm::is_contained(nest.isReduction, false);
  bool isCombined = llvm::all_of(llvm::seq<unsigned>(0, nest.outputs.size()),
                                 [&](unsigned i) { return getCombiner(nest, i).has_value(); });
  StringRef reason = "vectors would cost more: the loops are short, or read and write scattered elements";
  if (lanes <= 1)
    reason = "a vector of this CPU holds one element of the widest type";
  else if (!hasParallel && !isCombined)
    reason = "the loops reduce in an order that must be kept";
  remark::missed(nest.loc, about::vectors) << remark::add("one element at a time: {0}", reason);
}

/// How many operations must compute addresses, at least, for these to be vectors: CPUs whose vectors are this wide have
/// instructions that load from them. A load for each lane is as fast, and on some CPUs faster, where its address is there
/// already.
static int64_t getLeastGatherOperations(kernel::TargetAttr target) {
  constexpr unsigned leastBits = 256, wideBits = 512;
  if (target.getVectorBits() < leastBits)
    return INT64_MAX;
  return target.getVectorBits() < wideBits ? 4 : 2;
}

static void expand(RewriterBase &rewriter, linalg::GenericOp op) {
  rewriter.setInsertionPoint(op);
  LoopNest nest = LoopNest::get(rewriter, op);
  if (nest.isEmpty())
    return;
  kernel::TargetAttr target = kernel::getTarget(op);
  int64_t lanes = getLanes(target, nest);
  LoopEmission emission(nest, chooseVectorDimension(nest, lanes), getLeastGatherOperations(target));
  if (op->getContext()->getRemarkEngine())
    explain(nest, emission.dimension, lanes);
  if (nest.getNumReductions())
    emitReductionNest(rewriter, emission);
  else if (emission.dimension.tileLoop >= 0)
    emitTransposeTiles(rewriter, emission);
  else
    emitParallelNest(rewriter, emission);
}

namespace {

struct ConvertLinalgToVectorPass : public impl::ConvertLinalgToVectorBase<ConvertLinalgToVectorPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation()->walk([&](memref::CopyOp op) { rewriteCopy(rewriter, op); });
    SmallVector<linalg::LinalgOp> named;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp>(op.getOperation()))
        named.push_back(op);
    });
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      if (failed(linalg::generalizeNamedOp(rewriter, op))) {
        op->emitOpError("cannot be expanded to loops");
        return signalPassFailure();
      }
    }
    SmallVector<linalg::GenericOp> generics;
    getOperation()->walk([&](linalg::GenericOp op) { generics.push_back(op); });
    for (linalg::GenericOp op : generics) {
      if (failed(verify(op)))
        return signalPassFailure();
      expand(rewriter, op);
      rewriter.eraseOp(op);
    }
  }
};

} // namespace
} // namespace nnc
