// Views of a tensor with neighbouring axes merged, and the way back. Both are at
// most one tensor.collapse_shape and one tensor.expand_shape.
#include "lib/Conversion/NNToLinalg/AxisGroups.h"

#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

using namespace mlir;

namespace nnc {

SmallVector<Value> getExtents(ImplicitLocOpBuilder &builder, Value tensor) {
  SmallVector<Value> extents;
  for (int64_t axis = 0; axis < getRanked(tensor).getRank(); ++axis)
    extents.push_back(getExtent(builder, builder.getLoc(), tensor, axis));
  return extents;
}

/// Consecutive groups of the given sizes; sizes of 0 are left out.
static SmallVector<ReassociationIndices> getGroups(ArrayRef<int64_t> sizes) {
  SmallVector<ReassociationIndices> groups;
  int64_t next = 0;
  for (int64_t size : sizes) {
    if (size == 0)
      continue;
    groups.push_back(llvm::to_vector(llvm::seq<int64_t>(next, next + size)));
    next += size;
  }
  return groups;
}

/// For each group that has axes of its own, that axis and those of the empty groups beside it.
static SmallVector<ReassociationIndices> getNeighbours(ArrayRef<int64_t> counts) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices pending;
  for (auto [axis, count] : llvm::enumerate(counts)) {
    bool isOwn = count != 0;
    if (isOwn) {
      groups.push_back(pending);
      pending.clear();
    }
    (groups.empty() ? pending : groups.back()).push_back(axis);
  }
  return groups;
}

Value mergeAxes(ImplicitLocOpBuilder &builder, Value value, ArrayRef<int64_t> counts) {
  SmallVector<ReassociationIndices> groups = getGroups(counts);
  if (llvm::any_of(counts, [](int64_t count) { return count > 1; }))
    value = tensor::CollapseShapeOp::create(builder, value, groups);
  if (!llvm::is_contained(counts, 0))
    return value;
  SmallVector<Value> merged = getExtents(builder, value), extents;
  SmallVector<int64_t> shape;
  int64_t next = 0;
  for (int64_t count : counts) {
    shape.push_back(count == 0 ? 1 : getRanked(value).getDimSize(next));
    extents.push_back(count == 0 ? getIndex(builder, 1) : merged[next]);
    next += count != 0;
  }
  RankedTensorType type = getRanked(value).clone(shape);
  SmallVector<OpFoldResult> sizes;
  for (auto [axis, extent] : llvm::enumerate(extents))
    sizes.push_back(type.isDynamicDim(axis) ? OpFoldResult(extent) : builder.getIndexAttr(shape[axis]));
  return tensor::ExpandShapeOp::create(builder, type, value, getNeighbours(counts), sizes);
}

Value splitAxes(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type, ArrayRef<int64_t> counts,
                ArrayRef<Value> extents) {
  if (llvm::is_contained(counts, 0))
    value = tensor::CollapseShapeOp::create(builder, value, getNeighbours(counts));
  if (llvm::all_of(counts, [](int64_t count) { return count <= 1; }))
    return castTo(builder, value, type);
  // What the result knows of the merged extents, the value must know too.
  SmallVector<ReassociationIndices> groups = getGroups(counts);
  SmallVector<int64_t> merged;
  for (const ReassociationIndices &group : groups) {
    int64_t product = 1;
    for (int64_t axis : group)
      product = type.isDynamicDim(axis) || ShapedType::isDynamic(product) ? ShapedType::kDynamic
                                                                          : product * type.getDimSize(axis);
    merged.push_back(product);
  }
  value = castTo(builder, value, type.clone(merged));
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    sizes.push_back(type.isDynamicDim(axis) ? OpFoldResult(extents[axis])
                                            : OpFoldResult(builder.getIndexAttr(type.getDimSize(axis))));
  return tensor::ExpandShapeOp::create(builder, type, value, groups, sizes);
}

} // namespace nnc
