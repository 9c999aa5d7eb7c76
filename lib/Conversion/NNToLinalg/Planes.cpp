// Channels-first images as planes.
#include "lib/Conversion/NNToLinalg/Planes.h"

#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

using namespace mlir;

namespace nnc {

/// How many axes of (N, C, spatial...) each of (N * C, spatial..., 1) has.
static SmallVector<int64_t> getAxisCounts(int64_t rank) {
  SmallVector<int64_t> counts{2};
  counts.append(rank - 2, 1);
  counts.push_back(0);
  return counts;
}

Value toPlanes(ImplicitLocOpBuilder &builder, Value image) {
  return mergeAxes(builder, image, getAxisCounts(getRanked(image).getRank()));
}

RankedTensorType getPlanesType(RankedTensorType type) {
  bool isDynamic = type.isDynamicDim(0) || type.isDynamicDim(1);
  SmallVector<int64_t> shape{isDynamic ? ShapedType::kDynamic : type.getDimSize(0) * type.getDimSize(1)};
  llvm::append_range(shape, type.getShape().drop_front(2));
  shape.push_back(1);
  return type.clone(shape);
}

Value fromPlanes(ImplicitLocOpBuilder &builder, Value planes, Value image, RankedTensorType type) {
  SmallVector<Value> extents = getExtents(builder, image), inner = getExtents(builder, planes);
  std::copy(inner.begin() + 1, inner.end() - 1, extents.begin() + 2);
  return splitAxes(builder, planes, type, getAxisCounts(type.getRank()), extents);
}

Value repeatPerImage(ImplicitLocOpBuilder &builder, Value parameter, Value image) {
  RankedTensorType type = getRanked(parameter), imageType = getRanked(image);
  if (imageType.getDimSize(0) == 1)
    return parameter;
  SmallVector<int64_t> shape(type.getShape().drop_back()), counts(type.getRank() - 1, 1);
  SmallVector<Value> extents = getExtents(builder, parameter), ofImage = getExtents(builder, image);
  shape.append({imageType.getDimSize(0), type.getShape().back()});
  extents.insert(extents.end() - 1, ofImage[0]);
  Value all = generate(builder, type.clone(shape), extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    SmallVector<Value> from(index.drop_back(2));
    from.push_back(index.back());
    return tensor::ExtractOp::create(inner, parameter, from);
  });
  counts.push_back(2);
  return mergeAxes(builder, all, counts);
}

} // namespace nnc
