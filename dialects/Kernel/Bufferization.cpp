// One-shot bufferisation of structured kernels: each is rebuilt on the buffers
// of its operands, like a linalg operation.
#include "dialects/Kernel/Kernel.h"

#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"

using namespace mlir;
using namespace mlir::bufferization;

namespace nnc::kernel {
namespace {

template <typename OpTy>
struct KernelBufferization
    : public DstBufferizableOpInterfaceExternalModel<KernelBufferization<OpTy>, OpTy> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand, const AnalysisState &) const {
    return cast<DestinationStyleOpInterface>(op).isDpsInput(&operand);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter, const BufferizationOptions &options,
                          BufferizationState &state) const {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(op);
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (!isa<TensorType>(operand.getType())) {
        operands.push_back(operand);
        continue;
      }
      FailureOr<Value> buffer = getBuffer(rewriter, operand, options, state);
      if (failed(buffer))
        return failure();
      operands.push_back(*buffer);
    }
    Value init = operands[cast<DestinationStyleOpInterface>(op).getDpsInitsMutable()[0].getOperandNumber()];
    OperationState newState(op->getLoc(), op->getName(), operands, TypeRange{}, op->getAttrs());
    for (Region &region : op->getRegions())
      newState.addRegion()->takeBody(region);
    rewriter.create(newState);
    replaceOpWithBufferizedValues(rewriter, op, init);
    return success();
  }
};

template <typename... Ops> void attachAll(MLIRContext *context) {
  (Ops::template attachInterface<KernelBufferization<Ops>>(*context), ...);
}

} // namespace

void registerBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, KernelDialect *) {
    attachAll<ContractOp, ConvOp, DepthwiseOp, LrnOp, NormalizeOp, PackFilterOp, PackMatrixOp, PoolOp, QuantizeBlocksOp, ReduceOp,
              PackWinogradOp, SoftmaxOp, TopKOp, WinogradOp>(context);
  });
}

} // namespace nnc::kernel
