// Inference and the verifier of decision trees: that every walk from a root ends.
#include "dialects/NN/ConstantFolding.h"
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

LogicalResult FindLeavesOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput()), thresholds = getRanked(adaptor.getThresholds());
  int64_t nodes = thresholds.getDimSize(0);
  if (input.getRank() != 2 || input.getElementType() != thresholds.getElementType())
    return emitOptionalError(location, "needs rows of features of the thresholds' type, got ", input);
  if (getRanked(adaptor.getFeatures()).getDimSize(0) != nodes || getRanked(adaptor.getRelations()).getDimSize(0) != nodes ||
      getRanked(adaptor.getBranches()).getShape() != ArrayRef<int64_t>{nodes, 2})
    return emitOptionalError(location, "the nodes' features, thresholds, relations and branches differ in number");
  types.push_back(RankedTensorType::get({getRanked(adaptor.getRoots()).getDimSize(0), input.getDimSize(0)},
                                        IntegerType::get(context, 32)));
  return success();
}

LogicalResult FindLeavesOp::verify() {
  auto get = [](Value value) {
    DenseIntElementsAttr elements;
    (void)matchPattern(value, m_Constant(&elements));
    return elements;
  };
  DenseIntElementsAttr roots = get(getRoots()), features = get(getFeatures()), branches = get(getBranches());
  if (!roots || !features || !branches || !get(getRelations()) || !matchPattern(getThresholds(), m_Constant()))
    return emitOpError("needs trees that are constant");
  int64_t inner = features.getNumElements(), columns = getRanked(getInput()).getDimSize(1);
  auto columnsOf = features.getValues<int32_t>(), next = branches.getValues<int32_t>();
  if (llvm::any_of(roots.getValues<int32_t>(), [](int32_t root) { return root < 0; }))
    return emitOpError("has a negative root");
  for (int64_t i = 0; i < inner; ++i) {
    if (columnsOf[i] < 0 || columnsOf[i] >= columns) // any, where the number of columns is not known
      return emitOpError("tests feature ") << columnsOf[i] << " of " << getInput().getType();
    for (int64_t side = 0; side < 2; ++side)
      if (next[2 * i + side] <= i)
        return emitOpError("has a branch from node ") << i << " to " << next[2 * i + side] << ", which is not behind it";
  }
  return success();
}

} // namespace nnc::nn
