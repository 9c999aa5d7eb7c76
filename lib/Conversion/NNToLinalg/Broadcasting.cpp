// Run-time extents and broadcasting on tensors. Two unknown extents are taken as
// equal where both come from the same extent of the same value; otherwise either
// may turn out to be 1.
#include "lib/Conversion/NNToLinalg/Broadcasting.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc {

Value getExtent(OpBuilder &builder, Location loc, Value tensor, int64_t axis) {
  RankedTensorType type = getRanked(tensor);
  if (!type.isDynamicDim(axis))
    return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(axis));
  return tensor::DimOp::create(builder, loc, tensor, axis);
}

Value createEmpty(OpBuilder &builder, Location loc, RankedTensorType type, ArrayRef<Value> extents) {
  SmallVector<Value> dynamic;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      dynamic.push_back(extents[axis]);
  return tensor::EmptyOp::create(builder, loc, type, dynamic);
}

Value createEmptyLike(OpBuilder &builder, Location loc, RankedTensorType type, Value like) {
  SmallVector<Value> extents(type.getRank());
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      extents[axis] = getExtent(builder, loc, like, axis);
  return createEmpty(builder, loc, type, extents);
}

SmallVector<Value> getBroadcastExtents(OpBuilder &builder, Location loc, ValueRange operands, RankedTensorType type) {
  SmallVector<Value> extents(type.getRank());
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    if (!type.isDynamicDim(axis))
      continue;
    Value &extent = extents[axis];
    for (Value operand : operands) {
      int64_t local = axis - type.getRank() + getRanked(operand).getRank();
      if (local < 0 || getRanked(operand).getDimSize(local) == 1)
        continue;
      Value other = getExtent(builder, loc, operand, local);
      if (!extent) {
        extent = other;
        continue;
      }
      Value one = arith::ConstantIndexOp::create(builder, loc, 1);
      Value isOne = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, extent, one);
      extent = arith::SelectOp::create(builder, loc, isOne, other, extent);
    }
    if (!extent)
      extent = arith::ConstantIndexOp::create(builder, loc, 1);
  }
  return extents;
}

bool mayBroadcastAtRunTime(ValueRange operands, Value operand) {
  RankedTensorType type = getRanked(operand);
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    if (!type.isDynamicDim(axis))
      continue;
    for (Value other : operands) {
      int64_t local = axis - type.getRank() + getRanked(other).getRank();
      if (other == operand || local < 0 || getRanked(other).getDimSize(local) == 1)
        continue;
      if (!nn::haveSameExtent(operand, axis, other, local))
        return true;
    }
  }
  return false;
}

AffineMap getBroadcastMap(MLIRContext *context, RankedTensorType operand, int64_t rank) {
  SmallVector<AffineExpr> exprs;
  for (int64_t axis = 0; axis < operand.getRank(); ++axis)
    exprs.push_back(operand.getDimSize(axis) == 1 ? getAffineConstantExpr(0, context)
                                                  : getAffineDimExpr(rank - operand.getRank() + axis, context));
  return AffineMap::get(rank, 0, exprs, context);
}

} // namespace nnc
