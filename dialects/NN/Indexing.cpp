// Inference and verifiers of the indexing family.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

static LogicalResult pushType(SmallVectorImpl<Type> &types, ArrayRef<int64_t> shape, Value like) {
  types.push_back(RankedTensorType::get(shape, getElementTypeOrSelf(like)));
  return success();
}

static bool isOneElement(Value value) {
  RankedTensorType type = getRanked(value);
  return type.hasStaticShape() && type.getNumElements() == 1;
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

LogicalResult GatherOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType data = getRanked(adaptor.getData()), indices = getRanked(adaptor.getIndices());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= data.getRank())
    return emitOptionalError(location, "cannot gather along axis ", axis, " of ", data);
  SmallVector<int64_t> shape(data.getShape().take_front(axis));
  llvm::append_range(shape, indices.getShape());
  llvm::append_range(shape, data.getShape().drop_front(axis + 1));
  return pushType(types, shape, adaptor.getData());
}

/// Of tuples of indices, the i-th of each into an axis of `extents[i]` elements: those that are constant are in range.
static LogicalResult verifyIndices(Operation *op, Value indices, ArrayRef<int64_t> extents) {
  std::optional<SmallVector<int64_t>> known = getConstantInts(indices);
  if (!known || extents.empty())
    return success();
  for (auto [i, index] : llvm::enumerate(*known)) {
    int64_t extent = extents[i % extents.size()];
    if (!ShapedType::isDynamic(extent) && (index < -extent || index >= extent))
      return op->emitOpError("has the index ") << index << " into an axis of " << extent << " elements";
  }
  return success();
}

LogicalResult GatherOp::verify() {
  return verifyIndices(*this, getIndices(), getRanked(getData()).getDimSize(getAxis()));
}

LogicalResult GatherElementsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                 SmallVectorImpl<Type> &types) {
  RankedTensorType data = getRanked(adaptor.getData()), indices = getRanked(adaptor.getIndices());
  int64_t axis = adaptor.getAxis();
  if (data.getRank() != indices.getRank() || axis < 0 || axis >= data.getRank())
    return emitOptionalError(location, "cannot gather ", indices, " along axis ", axis, " of ", data);
  return pushType(types, indices.getShape(), adaptor.getData());
}

/// True where no extent but that of `axis` is larger in `indices` than in `data`.
static bool fitsBeside(RankedTensorType indices, RankedTensorType data, int64_t axis) {
  for (int64_t i = 0; i < data.getRank(); ++i)
    if (i != axis && !data.isDynamicDim(i) && !indices.isDynamicDim(i) && indices.getDimSize(i) > data.getDimSize(i))
      return false;
  return true;
}

LogicalResult GatherElementsOp::verify() {
  if (!fitsBeside(getRanked(getIndices()), getRanked(getData()), getAxis()))
    return emitOpError("has more indices than data beside the axis");
  return verifyIndices(*this, getIndices(), getRanked(getData()).getDimSize(getAxis()));
}

LogicalResult GatherNDOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  RankedTensorType data = getRanked(adaptor.getData()), indices = getRanked(adaptor.getIndices());
  int64_t batch = adaptor.getBatchDims();
  if (indices.getRank() < 1 || indices.isDynamicDim(indices.getRank() - 1))
    return emitOptionalError(location, "the length of the index tuples in ", indices, " is not known");
  int64_t length = indices.getShape().back();
  if (batch < 0 || batch >= indices.getRank() || batch + length > data.getRank())
    return emitOptionalError(location, "tuples of ", length, " indices into ", data, " after ", batch, " batch axes");
  SmallVector<int64_t> shape(indices.getShape().drop_back());
  llvm::append_range(shape, data.getShape().drop_front(batch + length));
  for (int64_t i = 0; i < batch; ++i) {
    if (ShapedType::isDynamic(shape[i]))
      shape[i] = data.getDimSize(i);
    else if (!data.isDynamicDim(i) && data.getDimSize(i) != shape[i])
      return emitOptionalError(location, "batch axes of ", data, " and ", indices, " differ");
  }
  return pushType(types, shape, adaptor.getData());
}

LogicalResult ScatterElementsOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                                  SmallVectorImpl<Type> &types) {
  RankedTensorType data = getRanked(adaptor.getData()), indices = getRanked(adaptor.getIndices());
  int64_t axis = adaptor.getAxis();
  if (data.getRank() != indices.getRank() || axis < 0 || axis >= data.getRank())
    return emitOptionalError(location, "cannot scatter to ", indices, " along axis ", axis, " of ", data);
  return pushType(types, data.getShape(), adaptor.getData());
}

LogicalResult ScatterElementsOp::verify() {
  RankedTensorType updates = getRanked(getUpdates()), indices = getRanked(getIndices());
  if (updates.getElementType() != getElementTypeOrSelf(getData()))
    return emitOpError("updates ") << getData().getType() << " with " << updates;
  if (failed(verifyCompatibleShape(updates.getShape(), indices.getShape())))
    return emitOpError("has updates of ") << updates << " for indices of " << indices;
  if (!fitsBeside(indices, getRanked(getData()), getAxis()))
    return emitOpError("has more indices than data beside the axis");
  return verifyIndices(*this, getIndices(), getRanked(getData()).getDimSize(getAxis()));
}

LogicalResult ScatterNDOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType data = getRanked(adaptor.getData()), indices = getRanked(adaptor.getIndices());
  if (indices.getRank() < 1 || indices.isDynamicDim(indices.getRank() - 1))
    return emitOptionalError(location, "the length of the index tuples in ", indices, " is not known");
  if (indices.getShape().back() > data.getRank())
    return emitOptionalError(location, "tuples of ", indices.getShape().back(), " indices into ", data);
  return pushType(types, data.getShape(), adaptor.getData());
}

LogicalResult ScatterNDOp::verify() {
  RankedTensorType data = getRanked(getData()), indices = getRanked(getIndices()), updates = getRanked(getUpdates());
  SmallVector<int64_t> shape(indices.getShape().drop_back());
  llvm::append_range(shape, data.getShape().drop_front(indices.getShape().back()));
  if (updates.getElementType() != data.getElementType() || updates.getRank() != static_cast<int64_t>(shape.size()) ||
      failed(verifyCompatibleShape(shape, updates.getShape())))
    return emitOpError("updates ") << data << " at " << indices << " with " << updates;
  return verifyIndices(*this, getIndices(), data.getShape().take_front(indices.getShape().back()));
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

LogicalResult ShapeOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  int64_t size = std::max<int64_t>(adaptor.getEnd() - adaptor.getStart(), 0);
  types.push_back(RankedTensorType::get({size}, IntegerType::get(context, 64)));
  return success();
}

LogicalResult ShapeOp::verify() {
  int64_t start = getStart(), end = getEnd();
  if (start < 0 || end > getRanked(getInput()).getRank())
    return emitOpError("asks for axes ") << start << " to " << end << " of " << getInput().getType();
  return success();
}

LogicalResult SizeOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor,
                                       SmallVectorImpl<Type> &types) {
  types.push_back(RankedTensorType::get({}, IntegerType::get(context, 64)));
  return success();
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

LogicalResult FillOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  std::optional<SmallVector<KnownInt>> known = getKnownInts(adaptor.getShape());
  if (!known)
    return emitOptionalError(location, "the rank of the filled tensor is not known before run time");
  SmallVector<int64_t> shape;
  for (const KnownInt &extent : *known) {
    if (extent.value && *extent.value < 0)
      return emitOptionalError(location, "the filled tensor has the extent ", *extent.value);
    shape.push_back(extent.value.value_or(ShapedType::kDynamic));
  }
  return pushType(types, shape, adaptor.getValue());
}

LogicalResult FillOp::verify() {
  if (!isOneElement(getValue()))
    return emitOpError("fills with a value that is not one element: ") << getValue().getType();
  return success();
}

/// The number of elements of a range of constants; nullopt where not known.
static std::optional<int64_t> getRangeSize(Value start, Value limit, Value delta) {
  auto first = getConstantInts(start), last = getConstantInts(limit), step = getConstantInts(delta);
  if (first && last && step && first->size() == 1 && last->size() == 1 && step->size() == 1) {
    if (step->front() == 0)
      return std::nullopt;
    // In 128 bits no difference overflows.
    __int128 distance = static_cast<__int128>(last->front()) - first->front(), by = step->front();
    __int128 size = by > 0 ? (distance + by - 1) / by : (-distance - by - 1) / -by;
    return (by > 0 ? distance : -distance) <= 0 ? 0 : static_cast<int64_t>(size);
  }
  auto from = getConstantFloats(start), to = getConstantFloats(limit), by = getConstantFloats(delta);
  if (!from || !to || !by || from->size() != 1 || to->size() != 1 || by->size() != 1 || by->front() == 0)
    return std::nullopt;
  double size = std::ceil((to->front() - from->front()) / by->front());
  if (!(size < 1e15))
    return std::nullopt;
  return std::max<int64_t>(static_cast<int64_t>(size), 0);
}

LogicalResult RangeOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  std::optional<int64_t> size = getRangeSize(adaptor.getStart(), adaptor.getLimit(), adaptor.getDelta());
  return pushType(types, {size.value_or(ShapedType::kDynamic)}, adaptor.getStart());
}

LogicalResult RangeOp::verify() {
  for (Value operand : getOperands())
    if (!isOneElement(operand) || getElementTypeOrSelf(operand) != getElementTypeOrSelf(getStart()))
      return emitOpError("needs one element of one type each, got ") << operand.getType();
  return success();
}

LogicalResult OneHotOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType indices = getRanked(adaptor.getIndices());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis > indices.getRank())
    return emitOptionalError(location, "cannot insert axis ", axis, " into ", indices);
  std::optional<SmallVector<int64_t>> depth = getKnownShape(adaptor.getDepth());
  SmallVector<int64_t> shape(indices.getShape());
  shape.insert(shape.begin() + axis, depth && depth->size() == 1 ? depth->front() : ShapedType::kDynamic);
  return pushType(types, shape, adaptor.getValues());
}

LogicalResult OneHotOp::verify() {
  RankedTensorType values = getRanked(getValues());
  if (values.getShape() != ArrayRef<int64_t>{2})
    return emitOpError("needs two values, got ") << values;
  if (!isOneElement(getDepth()))
    return emitOpError("needs one depth, got ") << getDepth().getType();
  return success();
}

LogicalResult EyeLikeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  if (input.getRank() != 2)
    return emitOptionalError(location, "not a matrix: ", input);
  types.push_back(input.clone(adaptor.getTo()));
  return success();
}

} // namespace nnc::nn
