// Verifiers of branches and loops.
#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

static bool isOneElement(Value value) {
  return llvm::all_of(cast<RankedTensorType>(value.getType()).getShape(),
                      [](int64_t extent) { return extent == 1 || ShapedType::isDynamic(extent); });
}

/// The values that a region ends with.
static OperandRange getYielded(Region &region) { return region.front().getTerminator()->getOperands(); }

LogicalResult IfOp::verify() {
  if (!isOneElement(getCondition()))
    return emitOpError("needs a condition of one element");
  for (Region *region : {&getThenRegion(), &getElseRegion()})
    if (getYielded(*region).size() != getNumResults() ||
        !areCompatible(getYielded(*region).getTypes(), getResultTypes()))
      return emitOpError("has a branch that does not yield values of the result types");
  return success();
}

LogicalResult LoopOp::verify() {
  if (!getTrips() && !getCondition())
    return emitOpError("never ends: it has neither a number of iterations nor a condition");
  for (Value control : {Value(getTrips()), Value(getCondition())})
    if (control && !isOneElement(control))
      return emitOpError("needs a number of iterations and a condition of one element");
  Block &block = getBody().front();
  unsigned numCarried = getNumCarried();
  if (block.getNumArguments() != numCarried + 1 || getNumResults() < numCarried ||
      !areCompatible(ValueRange(block.getArguments().drop_front()).getTypes(), getInitial().getTypes()) ||
      !areCompatible(getResults().take_front(numCarried).getTypes(), getInitial().getTypes()))
    return emitOpError("does not give its body, and back, what it carries");
  auto number = dyn_cast<RankedTensorType>(block.getArgument(0).getType());
  if (!number || number.getRank() != 0 || !number.getElementType().isInteger(64))
    return emitOpError("has a body whose first argument is not the number of the iteration");
  OperandRange yielded = getYielded(getBody());
  if (yielded.size() != getNumResults() + 1 || !getElementTypeOrSelf(yielded.front()).isInteger(1) ||
      !isOneElement(yielded.front()) ||
      !areCompatible(yielded.drop_front().take_front(numCarried).getTypes(), getInitial().getTypes()))
    return emitOpError("has a body that does not yield whether to go on and what it carries");
  for (auto [element, result] : llvm::zip(yielded.drop_front(numCarried + 1), getResults().drop_front(numCarried))) {
    auto type = cast<RankedTensorType>(result.getType()), part = cast<RankedTensorType>(element.getType());
    if (type.getRank() != part.getRank() + 1 || !areCompatible(part, part.clone(type.getShape().drop_front())) ||
        type.getElementType() != part.getElementType())
      return emitOpError("does not stack what its body collects");
  }
  return success();
}

} // namespace nnc::nn
