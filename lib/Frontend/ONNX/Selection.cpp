// ONNX operators of the selection family.
#include "lib/Frontend/ONNX/OpTable.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

static LogicalResult importNonZero(NodeBinder &node) {
  Value x = node.operand(0);
  return node.result(node.create<nn::NonZeroOp>(x));
}

/// All elements in one row.
static Value flatten(NodeBinder &node, Value x) { return node.create<nn::ReshapeOp>(x, node.ints({-1}), false); }

/// The slices where the condition is true, which may be shorter than the axis; what is beyond its end is left out.
static LogicalResult importCompress(NodeBinder &node) {
  Value x = node.operand(0), condition = node.operand(1);
  if (node.failed())
    return failure();
  if (node.getRank(condition) != 1 || !getElementTypeOrSelf(condition).isInteger(1))
    return node.reject("the condition must be one row of booleans");
  int64_t axis = 0;
  if (node.hasAttr("axis"))
    axis = node.axisAttr("axis", 0, x);
  else
    x = flatten(node, x);
  if (node.failed())
    return failure();
  int64_t extent = node.getShape(x)[axis], length = node.getShape(condition)[0];
  if (ShapedType::isDynamic(extent) || ShapedType::isDynamic(length) || length > extent)
    condition = node.create<nn::SliceOp>(condition, node.ints({0}), node.create<nn::ShapeOp>(x, axis, axis + 1),
                                         Value(), ArrayRef<int64_t>{0});
  Value chosen = node.create<nn::SqueezeOp>(node.create<nn::NonZeroOp>(condition), ArrayRef<int64_t>{0});
  return node.result(node.create<nn::GatherOp>(x, chosen, axis));
}

static LogicalResult importUnique(NodeBinder &node) {
  Value x = node.operand(0);
  bool isSorted = node.intAttr("sorted", 1);
  int64_t axis = 0;
  if (node.hasAttr("axis"))
    axis = node.axisAttr("axis", 0, x);
  else
    x = flatten(node, x);
  SmallVector<Value> places = node.createAll<nn::UniqueOp>(3, x, axis, isSorted);
  if (node.failed())
    return failure();
  if (failed(node.result(node.create<nn::GatherOp>(x, places[0], axis))))
    return failure();
  for (Value place : places)
    if (failed(node.result(place)))
      return failure();
  return success();
}

/// Of com.microsoft: the values of a row in the order of their first places, where each element is among them, counts.
static LogicalResult importMicrosoftUnique(NodeBinder &node) {
  Value x = node.operand(0);
  if (node.failed())
    return failure();
  if (node.getRank(x) != 1)
    return node.reject("needs one dimension");
  SmallVector<Value> places = node.createAll<nn::UniqueOp>(3, x, 0, /*sorted=*/false);
  if (node.failed() || failed(node.result(node.create<nn::GatherOp>(x, places[0], 0))) ||
      failed(node.result(places[1])))
    return failure();
  return node.result(places[2]);
}

/// A number as a row of one element; `otherwise` where it is left out.
static Value asRow(NodeBinder &node, Value number, Value otherwise) {
  return number ? node.create<nn::ReshapeOp>(number, node.ints({1}), false) : otherwise;
}

static LogicalResult importNonMaxSuppression(NodeBinder &node) {
  Value boxes = node.operand(0), scores = node.operand(1);
  int64_t isCenter = node.intAttr("center_point_box", 0);
  if (node.failed())
    return failure();
  if (isCenter != 0 && isCenter != 1)
    return node.reject("center_point_box must be 0 or 1");
  Value most = asRow(node, node.optionalOperand(2), node.ints({0}));
  Value overlap = asRow(node, node.optionalOperand(3), node.floats({1}, {0}));
  Value score = asRow(node, node.optionalOperand(4), Value());
  return node.result(node.create<nn::NonMaxSuppressionOp>(boxes, scores, most, overlap, score, isCenter == 1));
}

static const OpEntry table[] = {
    {"Compress", 9, importCompress},
    {"NonMaxSuppression", 10, importNonMaxSuppression},
    {"NonZero", 9, importNonZero},
    {"Unique", 11, importUnique},
    {"Unique", 1, importMicrosoftUnique, "com.microsoft"},
};

ArrayRef<OpEntry> getSelectionOps() { return table; }

} // namespace nnc::onnx
