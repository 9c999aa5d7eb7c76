// Folders of the element-wise family.
#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc::nn {

OpFoldResult foldElementwise(Operation *op, ArrayRef<Attribute> operands) { return {}; }
OpFoldResult WhereOp::fold(FoldAdaptor adaptor) { return foldElementwise(*this, adaptor.getOperands()); }
OpFoldResult CastOp::fold(FoldAdaptor adaptor) {
  if (getInput().getType() == getType())
    return getInput();
  return foldElementwise(*this, adaptor.getOperands());
}

} // namespace nnc::nn
