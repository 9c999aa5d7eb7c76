// Inference, verifiers and folders of the selection family.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

//===----------------------------------------------------------------------===//
// NonZero
//===----------------------------------------------------------------------===//

/// Row-major positions of the elements of a small constant that are not zero; nullopt of other values.
static std::optional<SmallVector<int64_t>> findNonZero(Value value) {
  SmallVector<int64_t> positions;
  auto collect = [&](const auto &elements) {
    for (auto [i, element] : llvm::enumerate(elements))
      if (element != 0)
        positions.push_back(i);
  };
  if (auto ints = getConstantInts(value))
    collect(*ints);
  else if (auto floats = getConstantFloats(value))
    collect(*floats);
  else
    return std::nullopt;
  return positions;
}

LogicalResult NonZeroOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  std::optional<SmallVector<int64_t>> positions = findNonZero(adaptor.getInput());
  int64_t count = positions ? static_cast<int64_t>(positions->size()) : ShapedType::kDynamic;
  types.push_back(
      RankedTensorType::get({getRanked(adaptor.getInput()).getRank(), count}, IntegerType::get(context, 64)));
  return success();
}

OpFoldResult NonZeroOp::fold(FoldAdaptor) {
  std::optional<SmallVector<int64_t>> positions = findNonZero(getInput());
  auto type = cast<RankedTensorType>(getType());
  if (!positions || !type.hasStaticShape() || type.getDimSize(1) != static_cast<int64_t>(positions->size()))
    return {};
  if (positions->empty()) // of an input without elements, too, whose other extents may be of any size
    return DenseElementsAttr::get(type, ArrayRef<int64_t>());
  ArrayRef<int64_t> shape = getRanked(getInput()).getShape();
  SmallVector<int64_t> strides(shape.size(), 1), rows;
  for (size_t axis = shape.size(); axis-- > 1;)
    strides[axis - 1] = strides[axis] * shape[axis];
  for (auto [stride, extent] : llvm::zip(strides, shape))
    for (int64_t position : *positions)
      rows.push_back(position / stride % extent);
  return DenseElementsAttr::get(type, ArrayRef(rows));
}

//===----------------------------------------------------------------------===//
// Unique
//===----------------------------------------------------------------------===//

LogicalResult UniqueOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOptionalError(location, "axis ", axis, " is out of range for ", input);
  auto i64 = IntegerType::get(context, 64);
  auto chosen = RankedTensorType::get({ShapedType::kDynamic}, i64);
  types.append({chosen, RankedTensorType::get({input.getDimSize(axis)}, i64), chosen});
  return success();
}

//===----------------------------------------------------------------------===//
// Non-maximum suppression
//===----------------------------------------------------------------------===//

LogicalResult NonMaxSuppressionOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location,
                                                    Adaptor adaptor, SmallVectorImpl<Type> &types) {
  RankedTensorType boxes = getRanked(adaptor.getBoxes()), scores = getRanked(adaptor.getScores());
  if (boxes.getRank() != 3 || scores.getRank() != 3)
    return emitOptionalError(location, "needs boxes and scores of rank 3, got ", boxes, " and ", scores);
  types.push_back(RankedTensorType::get({ShapedType::kDynamic, 3}, IntegerType::get(context, 64)));
  return success();
}

LogicalResult NonMaxSuppressionOp::verify() {
  RankedTensorType boxes = getRanked(getBoxes()), scores = getRanked(getScores());
  auto differ = [](int64_t a, int64_t b) { return !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b) && a != b; };
  if (differ(boxes.getDimSize(2), 4))
    return emitOpError("needs 4 numbers for each box, got ") << boxes;
  if (differ(boxes.getDimSize(0), scores.getDimSize(0)) || differ(boxes.getDimSize(1), scores.getDimSize(2)))
    return emitOpError("has boxes of ") << boxes << " for scores of " << scores;
  for (Value single : {getMaxOutput(), getIouThreshold(), getScoreThreshold()})
    if (single && getRanked(single).getShape() != ArrayRef<int64_t>{1})
      return emitOpError("needs one number, got ") << single.getType();
  return success();
}

} // namespace nnc::nn
