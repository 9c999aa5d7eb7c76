// Expands kernel operations on memrefs to loops over vectors.
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/Passes.h"

#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_CONVERTKERNELTOVECTOR
#include "lib/Conversion/Passes.h.inc"

namespace {

struct ConvertKernelToVectorPass : public impl::ConvertKernelToVectorBase<ConvertKernelToVectorPass> {
  using ConvertKernelToVectorBase::ConvertKernelToVectorBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<kernel::PackMatrixOp> packs;
    getOperation()->walk([&](kernel::PackMatrixOp op) { packs.push_back(op); });
    for (kernel::PackMatrixOp pack : packs)
      if (cast<DestinationStyleOpInterface>(pack.getOperation()).hasPureBufferSemantics())
        readUnpacked(rewriter, pack);
    SmallVector<Operation *> kernels;
    getOperation()->walk([&](Operation *op) {
      if (isa<kernel::KernelDialect>(op->getDialect()) && isa<DestinationStyleOpInterface>(op))
        kernels.push_back(op);
    });
    for (Operation *op : kernels) {
      if (!cast<DestinationStyleOpInterface>(op).hasPureBufferSemantics()) {
        op->emitOpError("must be on buffers before it is expanded");
        return signalPassFailure();
      }
      rewriter.setInsertionPoint(op);
      expand(rewriter, op);
      rewriter.eraseOp(op);
    }
  }

  void expand(RewriterBase &rewriter, Operation *op) const {
    llvm::TypeSwitch<Operation *>(op)
        .Case([&](kernel::ContractOp kernel) { expandContract(rewriter, kernel, threads); })
        .Case([&](kernel::ConvOp kernel) { expandConv(rewriter, kernel, threads); })
        .Case([&](kernel::DepthwiseOp kernel) { expandDepthwise(rewriter, kernel); })
        .Case([&](kernel::LrnOp kernel) { expandLrn(rewriter, kernel); })
        .Case([&](kernel::NormalizeOp kernel) { expandNormalize(rewriter, kernel); })
        .Case([&](kernel::PackFilterOp kernel) { expandPackFilter(rewriter, kernel); })
        .Case([&](kernel::PackMatrixOp kernel) { expandPackMatrix(rewriter, kernel); })
        .Case([&](kernel::PoolOp kernel) { expandPool(rewriter, kernel); })
        .Case([&](kernel::QuantizeBlocksOp kernel) { expandQuantizeBlocks(rewriter, kernel); })
        .Case([&](kernel::ReduceOp kernel) { expandReduce(rewriter, kernel); })
        .Case([&](kernel::SoftmaxOp kernel) { expandSoftmax(rewriter, kernel); })
        .Case([&](kernel::TopKOp kernel) { expandTopK(rewriter, kernel); })
        .Case([&](kernel::PackWinogradOp kernel) { expandPackWinograd(rewriter, kernel); })
        .Case([&](kernel::WinogradOp kernel) { expandWinograd(rewriter, kernel); });
  }
};

} // namespace
} // namespace nnc
