// ONNX operators of the indexing family.
#include "dialects/Text/Text.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

static LogicalResult importGather(NodeBinder &node) {
  Value data = node.operand(0), indices = node.operand(1);
  int64_t axis = node.axisAttr("axis", 0, data);
  return node.result(node.create<nn::GatherOp>(data, indices, axis));
}

static LogicalResult importGatherElements(NodeBinder &node) {
  Value data = node.operand(0), indices = node.operand(1);
  int64_t axis = node.axisAttr("axis", 0, data);
  return node.result(node.create<nn::GatherElementsOp>(data, indices, axis));
}

static LogicalResult importGatherND(NodeBinder &node) {
  Value data = node.operand(0), indices = node.operand(1);
  int64_t batchDims = node.intAttr("batch_dims", 0);
  // How long the tuples of indices are is known by the rank of the result, where the model says it.
  int64_t last = node.getRank(indices) - 1;
  std::optional<int64_t> rank = node.getDeclaredRank(0);
  int64_t length = rank ? last + node.getRank(data) - batchDims - *rank : 0;
  if (last >= 0 && length > 0 && node.getType(indices).isDynamicDim(last))
    indices = fixExtent(node, indices, last, length);
  return node.result(node.create<nn::GatherNDOp>(data, indices, batchDims));
}

/// Where updates meet; strings cannot be added.
static std::optional<nn::ScatterReduction> getReduction(NodeBinder &node, Value data, Value indices) {
  std::string name = node.stringAttr("reduction", "none");
  std::optional<nn::ScatterReduction> reduction = nn::symbolizeScatterReduction(name);
  if (!reduction)
    (void)node.reject("reduction '" + name + "' is not known");
  bool isText = !node.failed() && text::isStrings(data.getType());
  if (!node.failed() && (text::isStrings(indices.getType()) || (isText && *reduction != nn::ScatterReduction::None)))
    (void)node.reject("strings can only be put in places that numbers give");
  return reduction;
}

/// `data` with updates in places, by `OpTy`. The sum of booleans is whether one of them holds.
template <typename OpTy, typename... Args>
static LogicalResult scatter(NodeBinder &node, Value data, Value indices, Value updates, nn::ScatterReduction reduction,
                             Args... args) {
  Type type = getElementTypeOrSelf(data);
  if (!type.isInteger(1) || reduction != nn::ScatterReduction::Add || getElementTypeOrSelf(updates) != type)
    return node.result(node.create<OpTy>(data, indices, updates, args..., reduction));
  Type byte = node.getBuilder().getIntegerType(8, /*isSigned=*/false);
  Value result = node.create<OpTy>(node.create<nn::CastOp>(data, byte), indices, node.create<nn::CastOp>(updates, byte), args...,
                                   nn::ScatterReduction::Max);
  return node.result(node.create<nn::CastOp>(result, type));
}

static LogicalResult importScatterElements(NodeBinder &node) {
  Value data = node.operand(0), indices = node.operand(1), updates = node.operand(2);
  int64_t axis = node.axisAttr("axis", 0, data);
  std::optional<nn::ScatterReduction> reduction = getReduction(node, data, indices);
  if (node.failed())
    return failure();
  return scatter<nn::ScatterElementsOp>(node, data, indices, updates, *reduction, axis);
}

static LogicalResult importScatterND(NodeBinder &node) {
  Value data = node.operand(0), indices = node.operand(1), updates = node.operand(2);
  std::optional<nn::ScatterReduction> reduction = getReduction(node, data, indices);
  if (node.failed())
    return failure();
  // The ranks tell how long the tuples of indices are.
  int64_t last = node.getRank(indices) - 1, length = node.getRank(data) - (node.getRank(updates) - last);
  if (last >= 0 && length > 0 && node.getType(indices).isDynamicDim(last))
    indices = fixExtent(node, indices, last, length);
  return scatter<nn::ScatterNDOp>(node, data, indices, updates, *reduction);
}

static LogicalResult importShape(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t rank = node.getRank(x);
  auto clamp = [&](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
  int64_t start = clamp(node.intAttr("start", 0)), end = clamp(node.intAttr("end", rank));
  return node.result(node.create<nn::ShapeOp>(x, start, std::max(start, end)));
}

static LogicalResult importSize(NodeBinder &node) {
  Value x = node.operand(0);
  return node.result(node.create<nn::SizeOp>(x));
}

static LogicalResult importConstantOfShape(NodeBinder &node) {
  Value shape = node.operand(0), value = node.tensorAttr("value");
  if (!value)
    value = node.scalar(node.getBuilder().getF32Type(), 0);
  return node.result(node.create<nn::FillOp>(shape, value));
}

/// A run ends with an error where a step that it brings is 0.
static Value buildRange(NodeBinder &node, Value start, Value limit, Value delta) {
  if (node.failed())
    return {};
  Value range = node.create<nn::RangeOp>(start, limit, delta);
  if (nn::getConstantInts(delta) || nn::getConstantFloats(delta))
    return range;
  frontend::Expression isStep = ~frontend::Expression(node, delta).equals(0);
  if (!getElementTypeOrSelf(delta).isInteger(16))
    return require(node, range, isStep);
  requireOfData(node, isStep, "Range: the step is not 0"); // no input of 16 bits makes sizes
  return range;
}

static LogicalResult importRange(NodeBinder &node) {
  return node.result(buildRange(node, node.operand(0), node.operand(1), node.operand(2)));
}

/// Of com.microsoft: each number may be a row of one, and the step may be left out.
static LogicalResult importMicrosoftRange(NodeBinder &node) {
  Value start = node.operand(0), limit = node.operand(1), delta = node.optionalOperand(2);
  if (node.failed())
    return failure();
  if (!delta)
    delta = node.scalar(getElementTypeOrSelf(start), 1);
  SmallVector<Value> numbers;
  for (Value number : {start, limit, delta})
    numbers.push_back(node.create<nn::ReshapeOp>(number, node.ints({}), /*allow_zero=*/false));
  return node.result(buildRange(node, numbers[0], numbers[1], numbers[2]));
}

static LogicalResult importOneHot(NodeBinder &node) {
  Value indices = node.operand(0), depth = node.operand(1), values = node.operand(2);
  int64_t axis = node.normalizeAxis(node.intAttr("axis", -1), node.getRank(indices) + 1);
  if (node.failed())
    return failure();
  if (text::isStrings(indices.getType()) || text::isStrings(depth.getType()))
    return node.reject("strings are not places");
  values = fixLength(node, values, 2);
  depth = node.create<nn::CastOp>(depth, node.getBuilder().getI64Type());
  depth = node.create<nn::ReshapeOp>(depth, node.ints({1}), false);
  return node.result(node.create<nn::OneHotOp>(indices, depth, values, axis));
}

static LogicalResult importEyeLike(NodeBinder &node) {
  Value x = node.operand(0);
  if (!x)
    return failure();
  Type type = node.hasAttr("dtype") ? node.elementType(node.intAttr("dtype", 0)) : getElementTypeOrSelf(x);
  int64_t diagonal = node.intAttr("k", 0);
  return node.result(node.create<nn::EyeLikeOp>(x, type, diagonal));
}

static const OpEntry table[] = {
    {"ConstantOfShape", 9, importConstantOfShape},
    {"EyeLike", 9, importEyeLike},
    {"Gather", 1, importGather},
    {"GatherElements", 11, importGatherElements},
    {"GatherND", 11, importGatherND},
    {"GatherND", 1, importGatherND, "com.microsoft"},
    {"OneHot", 9, importOneHot},
    {"Range", 11, importRange},
    {"Range", 1, importMicrosoftRange, "com.microsoft"},
    {"Scatter", 9, importScatterElements},
    {"ScatterElements", 11, importScatterElements},
    {"ScatterND", 11, importScatterND},
    {"Shape", 1, importShape},
    {"Size", 1, importSize},
};

ArrayRef<OpEntry> getIndexingOps() { return table; }

} // namespace nnc::onnx
