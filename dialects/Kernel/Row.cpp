// Verifiers of the row family.
#include "dialects/Kernel/Kernel.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::kernel {

static LogicalResult verifyRanks(Operation *op, int64_t inputRank, int64_t initRank) {
  auto rank = [&](Value value) { return cast<ShapedType>(value.getType()).getRank(); };
  auto dps = cast<DestinationStyleOpInterface>(op);
  if (rank(op->getOperand(0)) != inputRank || rank(dps.getDpsInits()[0]) != initRank)
    return op->emitOpError("expects an input of rank ") << inputRank << " and a destination of rank " << initRank;
  return verifyStructured(cast<EpilogueOpInterface>(op));
}

LogicalResult SoftmaxOp::verify() { return verifyRanks(*this, 3, 3); }
LogicalResult NormalizeOp::verify() { return verifyRanks(*this, 3, 3); }
LogicalResult ReduceOp::verify() {
  if (getKind() == ReduceKind::Mean && !isa<FloatType>(getElementTypeOrSelf(getInput().getType())))
    return emitOpError("has no mean of integers");
  return verifyRanks(*this, 3, 2);
}
LogicalResult LrnOp::verify() { return verifyRanks(*this, 2, 2); }

int64_t getMostSelected(TargetAttr target) { return target.getVectorRegisters() / 2; }

LogicalResult TopKOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()), init = cast<ShapedType>(getInit().getType());
  if (source.getRank() != 3 || init.getRank() != 3 || !init.getElementType().isInteger(64))
    return emitOpError("expects tensors of rank 3, the destination of i64");
  if (!source.getElementType().isIntOrFloat() || source.getElementTypeBitWidth() > 32)
    return emitOpError("has no keys of elements of more than 32 bits");
  return success();
}

} // namespace nnc::kernel
