// Shape inference of the contraction family.
#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc::nn {

/// The shape of a matmul operand as a matrix with leading dimensions.
static SmallVector<int64_t> getMatrixShape(RankedTensorType type, bool isLhs, bool transposed) {
  SmallVector<int64_t> shape(type.getShape());
  if (shape.size() == 1)
    shape.insert(isLhs ? shape.begin() : shape.end(), 1);
  else if (transposed)
    std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  return shape;
}

/// The type of a product with elements of `elementType`.
static LogicalResult inferProduct(std::optional<Location> location, RankedTensorType lhs, RankedTensorType rhs,
                                  bool transposeLhs, bool transposeRhs, Type elementType,
                                  SmallVectorImpl<Type> &types) {
  if (lhs.getRank() == 0 || rhs.getRank() == 0)
    return emitOptionalError(location, "matmul of a scalar: ", lhs, " and ", rhs);
  SmallVector<int64_t> left = getMatrixShape(lhs, true, transposeLhs);
  SmallVector<int64_t> right = getMatrixShape(rhs, false, transposeRhs);
  int64_t k = left.back(), otherK = right[right.size() - 2];
  if (k != otherK && !ShapedType::isDynamic(k) && !ShapedType::isDynamic(otherK))
    return emitOptionalError(location, "inner dimensions differ: ", lhs, " and ", rhs);
  SmallVector<int64_t> batch;
  if (!inferBroadcastShape({ArrayRef(left).drop_back(2), ArrayRef(right).drop_back(2)}, batch))
    return emitOptionalError(location, "leading dimensions do not broadcast: ", lhs, " and ", rhs);
  if (lhs.getRank() > 1)
    batch.push_back(left[left.size() - 2]);
  if (rhs.getRank() > 1)
    batch.push_back(right.back());
  types.push_back(RankedTensorType::get(batch, elementType));
  return success();
}

LogicalResult MatmulOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto lhs = cast<RankedTensorType>(adaptor.getLhs().getType()), rhs = cast<RankedTensorType>(adaptor.getRhs().getType());
  if (lhs.getElementType() != rhs.getElementType())
    return emitOptionalError(location, "operands of different element types: ", lhs, " and ", rhs);
  if ((adaptor.getTransposeLhs() && lhs.getRank() < 2) || (adaptor.getTransposeRhs() && rhs.getRank() < 2))
    return emitOptionalError(location, "a vector cannot be transposed");
  return inferProduct(location, lhs, rhs, adaptor.getTransposeLhs(), adaptor.getTransposeRhs(), lhs.getElementType(),
                      types);
}

LogicalResult IntegerMatmulOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                                                Adaptor adaptor, SmallVectorImpl<Type> &types) {
  auto lhs = cast<RankedTensorType>(adaptor.getLhs().getType()), rhs = cast<RankedTensorType>(adaptor.getRhs().getType());
  if (failed(checkZeroPoint(location, lhs, adaptor.getLhsZeroPoint(), lhs.getRank() - 1)) ||
      failed(checkZeroPoint(location, rhs, adaptor.getRhsZeroPoint(), std::max<int64_t>(0, rhs.getRank() - 2))))
    return failure();
  return inferProduct(location, lhs, rhs, false, false, IntegerType::get(context, 32), types);
}

} // namespace nnc::nn
