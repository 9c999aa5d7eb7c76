// Which spatial operations could share a layout.
#include "lib/Transforms/LayoutNeighbours.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {

/// Whether a transpose can be moved past `op`.
static bool takesAnyLayout(Operation *op) {
  return op->hasTrait<nn::ElementwiseTrait>() ||
         isa<nn::ConcatOp, nn::SoftmaxOp, nn::SliceOp, nn::PadOp, nn::ReverseOp, nn::ResizeOp, nn::ReduceOp>(op);
}

bool standsAlone(Operation *spatial) {
  constexpr size_t mostNeighbours = 64;
  llvm::SetVector<Operation *> seen;
  auto visit = [&](Operation *op) {
    if (!op || op == spatial || seen.contains(op) || isa<arith::ConstantOp>(op))
      return true;
    if (isa<nn::TransposeOp>(op) || op->hasAttr("layout"))
      return false;
    if (takesAnyLayout(op))
      seen.insert(op);
    return seen.size() < mostNeighbours;
  };
  auto visitNeighbours = [&](ValueRange operands, Operation *op) {
    return llvm::all_of(operands, [&](Value value) {
             Operation *def = value.getDefiningOp();
             // What else reads a constant has nothing to do with it.
             return isa_and_present<arith::ConstantOp>(def) || (visit(def) && llvm::all_of(value.getUsers(), visit));
           }) &&
           llvm::all_of(op->getUsers(), visit);
  };
  if (!visitNeighbours(spatial->getOperand(0), spatial))
    return false;
  for (size_t i = 0; i < seen.size(); ++i)
    if (!visitNeighbours(seen[i]->getOperands(), seen[i]))
      return false;
  return true;
}

} // namespace nnc
