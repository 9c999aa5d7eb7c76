// Turns the kernels' parallel loops into sequential ones. Expects scf.parallel
// without reductions; loops of several dimensions become a nest in the same order.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_LOWERPARALLEL
#include "lib/Transforms/Passes.h.inc"

static LogicalResult lowerToFor(scf::ParallelOp parallel) {
  if (parallel.getNumReductions() != 0)
    return parallel.emitOpError("reduces: the kernels' outermost loops must not");
  OpBuilder builder(parallel);
  Location loc = parallel.getLoc();
  SmallVector<Value> indices;
  scf::ForOp loop;
  for (auto [lower, upper, step] :
       llvm::zip(parallel.getLowerBound(), parallel.getUpperBound(), parallel.getStep())) {
    loop = scf::ForOp::create(builder, loc, lower, upper, step);
    indices.push_back(loop.getInductionVar());
    builder.setInsertionPointToStart(loop.getBody());
  }
  Block *source = parallel.getBody();
  source->getTerminator()->erase();
  IRRewriter rewriter(builder);
  rewriter.inlineBlockBefore(source, loop.getBody()->getTerminator(), indices);
  rewriter.eraseOp(parallel);
  return success();
}

namespace {

struct LowerParallelPass : public impl::LowerParallelBase<LowerParallelPass> {
  void runOnOperation() override {
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk([&](scf::ParallelOp op) { loops.push_back(op); });
    for (scf::ParallelOp loop : loops)
      if (failed(lowerToFor(loop)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace nnc
