// Expands linalg.generic, linalg.fill and memref.copy to loops over vectors.
#include "lib/Conversion/LinalgToVector/GenericExpansion.h"
#include "lib/Conversion/Passes.h"

#include "mlir/Dialect/Linalg/Transforms/Transforms.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_CONVERTLINALGTOVECTOR
#include "lib/Conversion/Passes.h.inc"

/// A copy as the generic operation that it is.
static linalg::GenericOp makeGeneric(RewriterBase &rewriter, memref::CopyOp copy) {
  int64_t rank = cast<MemRefType>(copy.getTarget().getType()).getRank();
  AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  return linalg::GenericOp::create(rewriter, copy.getLoc(), ValueRange{copy.getSource()}, ValueRange{copy.getTarget()},
                                   ArrayRef<AffineMap>{identity, identity}, iterators,
                                   [](OpBuilder &builder, Location loc, ValueRange arguments) {
                                     linalg::YieldOp::create(builder, loc, arguments.front());
                                   });
}

namespace {

struct ConvertLinalgToVectorPass : public impl::ConvertLinalgToVectorBase<ConvertLinalgToVectorPass> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation()->walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, memref::CopyOp>(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops) {
      rewriter.setInsertionPoint(op);
      if (failed(expand(rewriter, op)))
        return signalPassFailure();
    }
  }

  static LogicalResult expand(RewriterBase &rewriter, Operation *op) {
    linalg::GenericOp generic;
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      generic = makeGeneric(rewriter, copy);
      rewriter.eraseOp(copy);
    } else if (!cast<linalg::LinalgOp>(op).hasPureBufferSemantics()) {
      return op->emitOpError("must be on buffers before it is expanded");
    } else if (!(generic = dyn_cast<linalg::GenericOp>(op))) {
      FailureOr<linalg::GenericOp> generalized = linalg::generalizeNamedOp(rewriter, cast<linalg::LinalgOp>(op));
      if (failed(generalized))
        return op->emitOpError("cannot be expanded");
      generic = *generalized;
    }
    rewriter.setInsertionPoint(generic);
    generic = collapseLoops(rewriter, generic);
    rewriter.setInsertionPoint(generic);
    expandGeneric(rewriter, generic);
    rewriter.eraseOp(generic);
    return success();
  }
};

} // namespace
} // namespace nnc
