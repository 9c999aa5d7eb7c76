// ONNX operators of the movement family.
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeAxes.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/Strings.h"

#include "mlir/IR/TypeUtilities.h"

#include <numeric>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef microsoft = "com.microsoft";

/// A 1-D integer operand as i64.
static Value asInt64(NodeBinder &node, Value value) {
  Type type = node.getBuilder().getI64Type();
  if (!value || getElementTypeOrSelf(value) == type)
    return value;
  return node.create<nn::CastOp>(value, type);
}

/// Constant axes, non-negative, of a tensor of `rank` axes.
static SmallVector<int64_t> normalizeAxes(NodeBinder &node, ArrayRef<int64_t> axes, int64_t rank) {
  return llvm::map_to_vector(axes, [&](int64_t axis) { return node.normalizeAxis(axis, rank); });
}

/// The axes of an operator that has them as attribute before `since`, then as operand 1.
static SmallVector<int64_t> getAxes(NodeBinder &node, int64_t since) {
  return node.getOpset() < since ? node.intsAttr("axes") : node.constantInts(1);
}

static SmallVector<int64_t> getFirstAxes(size_t count) {
  return llvm::to_vector(llvm::seq<int64_t>(0, static_cast<int64_t>(count)));
}

//===--- Shape changes that keep the order of the elements ---===//

static LogicalResult importReshape(NodeBinder &node) {
  Value x = node.operand(0);
  Value shape = node.getOpset() < 5 ? node.ints(node.intsAttr("shape")) : asInt64(node, node.operand(1));
  bool allowZero = node.intAttr("allowzero", 0);
  return node.result(node.create<nn::ReshapeOp>(x, shape, allowZero));
}

/// `x` in the shape that `getShape` makes of its extents and of the axes of operand 1, which are axes of a tensor of
/// `rank` axes.
static LogicalResult reshapeAlong(NodeBinder &node, Value x, int64_t rank,
                                  Expression (RunTimeAxes::*getShape)(Expression) const) {
  RunTimeAxes axes(node, node.operand(1), rank);
  Expression input(node, axes.check(x));
  if (node.failed())
    return failure();
  return node.result(node.create<nn::ReshapeOp>(input, (axes.*getShape)(input.shape()), /*allow_zero=*/true));
}

static LogicalResult importSqueeze(NodeBinder &node) {
  Value x = node.operand(0);
  if (node.getOpset() >= 13 && isKnownAtRunTime(node, 1))
    return reshapeAlong(node, x, node.getRank(x), &RunTimeAxes::getOthers);
  SmallVector<int64_t> axes = getAxes(node, 13);
  if (node.failed())
    return failure();
  RankedTensorType type = node.getType(x);
  bool isGiven = node.getOpset() < 13 ? node.hasAttr("axes") : node.optionalOperand(1) != nullptr;
  if (!isGiven) {
    if (!type.hasStaticShape())
      return node.reject("the axes are not given and the shape is not static");
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      if (type.getDimSize(axis) == 1)
        axes.push_back(axis);
  }
  axes = normalizeAxes(node, axes, type.getRank());
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end()); // an axis may be named twice
  return node.result(node.create<nn::SqueezeOp>(x, axes));
}

static LogicalResult importUnsqueeze(NodeBinder &node) {
  Value x = node.operand(0);
  if (node.getOpset() >= 13 && isKnownAtRunTime(node, 1)) {
    RankedTensorType axes = node.getType(node.operand(1));
    int64_t added = axes.hasStaticShape() ? axes.getNumElements() : 0; // else they are refused
    return reshapeAlong(node, x, node.getRank(x) + added, &RunTimeAxes::insertOnes);
  }
  SmallVector<int64_t> axes = getAxes(node, 13);
  axes = normalizeAxes(node, axes, node.getRank(x) + axes.size());
  llvm::sort(axes);
  return node.result(node.create<nn::UnsqueezeOp>(x, axes));
}

static LogicalResult importFlatten(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t axis = node.intAttr("axis", 1), rank = node.getRank(x);
  if (axis != rank)
    axis = node.normalizeAxis(axis, rank);
  return node.result(node.create<nn::FlattenOp>(x, axis));
}

//===--- Permutation, concatenation, cutting ---===//

static LogicalResult importTranspose(NodeBinder &node) {
  Value x = node.operand(0);
  SmallVector<int64_t> reversed = getFirstAxes(node.getRank(x));
  std::reverse(reversed.begin(), reversed.end());
  SmallVector<int64_t> permutation = node.intsAttr("perm", reversed);
  return node.result(node.create<nn::TransposeOp>(x, permutation));
}

static LogicalResult importConcat(NodeBinder &node) {
  SmallVector<Value> inputs = node.allOperands();
  int64_t axis = node.axisAttr("axis", 0, node.operand(0));
  return node.result(node.create<nn::ConcatOp>(inputs, axis));
}

/// Of axes that only a run knows, all axes are cut: those that are not named from their first to their last element.
static LogicalResult sliceAlong(NodeBinder &node, Value x, Expression starts, Expression ends, Expression steps) {
  RunTimeAxes axes(node, node.operand(3), node.getRank(x));
  for (Value bounds : {Value(starts), Value(ends), Value(steps)})
    if (bounds && node.getShape(bounds) != ArrayRef<int64_t>{axes.size()})
      return node.reject("slice bounds and axes differ in number");
  Expression input(node, axes.check(x));
  if (node.failed())
    return failure();
  Expression isNamed = axes.getChosen().equals(1);
  ends = isNamed.choose(axes.spread(ends), input.shape());
  if (steps)
    steps = isNamed.choose(axes.spread(steps), steps.like(1));
  return node.result(node.create<nn::SliceOp>(input, axes.spread(starts), ends, steps, getFirstAxes(input.getRank())));
}

static LogicalResult importSlice(NodeBinder &node) {
  Value x = node.operand(0);
  if (node.getOpset() < 10) {
    SmallVector<int64_t> starts = node.intsAttr("starts"), ends = node.intsAttr("ends");
    SmallVector<int64_t> axes = node.intsAttr("axes", getFirstAxes(starts.size()));
    axes = normalizeAxes(node, axes, node.getRank(x));
    if (node.failed())
      return failure();
    return node.result(node.create<nn::SliceOp>(x, node.ints(starts), node.ints(ends), Value(), axes));
  }
  Value starts = asInt64(node, node.operand(1)), ends = asInt64(node, node.operand(2));
  Value steps = asInt64(node, node.optionalOperand(4));
  if (node.failed())
    return failure();
  if (node.getRank(starts) != 1)
    return node.reject("its starts are not a list");
  if (isKnownAtRunTime(node, 3))
    return sliceAlong(node, x, {node, starts}, {node, ends}, steps ? Expression(node, steps) : Expression());
  SmallVector<int64_t> axes = node.constantInts(3);
  if (!node.optionalOperand(3)) {
    if (node.getType(starts).isDynamicDim(0))
      return node.reject("the number of sliced axes is not known");
    axes = getFirstAxes(node.getType(starts).getDimSize(0));
  }
  axes = normalizeAxes(node, axes, node.getRank(x));
  return node.result(node.create<nn::SliceOp>(x, starts, ends, steps, axes));
}

/// Parts of ceil(extent / outputs) elements; slices end where the axis does, so that the last one may be shorter.
static LogicalResult splitAtRunTime(NodeBinder &node, Value x, int64_t axis, int64_t outputs) {
  Value extent = node.create<nn::ShapeOp>(x, axis, axis + 1);
  Value part = node.create<nn::DivOp>(node.create<nn::AddOp>(extent, node.ints({outputs - 1})), node.ints({outputs}));
  for (int64_t i = 0; i < outputs; ++i) {
    Value start = node.create<nn::MulOp>(part, node.ints({i})), end = node.create<nn::MulOp>(part, node.ints({i + 1}));
    if (failed(node.result(node.create<nn::SliceOp>(x, start, end, Value(), ArrayRef<int64_t>{axis}))))
      return failure();
  }
  return success();
}

/// Equal parts, as opsets below 18 want them: the axis becomes two, the parts and what each has.
static LogicalResult splitEqually(NodeBinder &node, Value x, int64_t axis, int64_t outputs) {
  int64_t rank = node.getRank(x);
  Value part = node.create<nn::DivOp>(node.create<nn::ShapeOp>(x, axis, axis + 1), node.ints({outputs}));
  SmallVector<Value> shape{node.ints({outputs}), part};
  if (axis > 0)
    shape.insert(shape.begin(), node.create<nn::ShapeOp>(x, 0, axis));
  if (axis + 1 < rank)
    shape.push_back(node.create<nn::ShapeOp>(x, axis + 1, rank));
  Value parts = node.create<nn::ReshapeOp>(x, node.create<nn::ConcatOp>(shape, /*axis=*/0), /*allow_zero=*/true);
  for (int64_t i = 0; i < outputs; ++i) {
    Value slice = node.create<nn::SliceOp>(parts, node.ints({i}), node.ints({i + 1}), Value(), ArrayRef<int64_t>{axis});
    if (failed(node.result(node.create<nn::SqueezeOp>(slice, ArrayRef<int64_t>{axis}))))
      return failure();
  }
  return success();
}

/// Parts of sizes that only a run knows, of which the axis is made.
static LogicalResult splitBySizes(NodeBinder &node, Expression x, int64_t axis, Expression sizes) {
  if (node.failed())
    return failure();
  if (node.getShape(sizes) != ArrayRef<int64_t>{node.getNumResults()})
    return node.reject("has " + Twine(node.getNumResults()) + " parts, but not a size for each");
  SmallVector<Expression> bounds{Expression::ints(node, {0})};
  Expression areSizes;
  for (int64_t i = 0; i < node.getNumResults(); ++i) {
    Expression size = sizes.slice(0, i, i + 1), isSize = size >= 0;
    areSizes = areSizes ? areSizes & isSize : isSize;
    bounds.push_back(bounds.back() + size);
  }
  Expression whole(node, require(node, x, areSizes & bounds.back().equals(x.extent(axis))));
  for (int64_t i = 0; i < node.getNumResults(); ++i)
    if (failed(node.result(whole.slice(axis, bounds[i], bounds[i + 1]))))
      return failure();
  return success();
}

/// Sizes are an attribute, from opset 13 on an operand; equal parts where there are none.
static LogicalResult importSplit(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t axis = node.axisAttr("axis", 0, x);
  if (node.getOpset() >= 13 && isKnownAtRunTime(node, 1))
    return splitBySizes(node, {node, x}, axis, {node, node.operand(1)});
  SmallVector<int64_t> sizes = node.getOpset() < 13 ? node.intsAttr("split") : node.constantInts(1);
  int64_t outputs = node.intAttr("num_outputs", 0);
  if (node.getOpset() < 18)
    outputs = node.getNumResults();
  else if (outputs > node.getNumResults())
    return node.reject("has fewer outputs than num_outputs says");
  if (node.failed())
    return failure();
  if (llvm::any_of(sizes, [](int64_t size) { return size < 0 || size > INT32_MAX; }))
    return node.reject("a part has a size that is negative or too large");
  int64_t extent = node.getType(x).getDimSize(axis), sum = std::accumulate(sizes.begin(), sizes.end(), int64_t{0});
  if (!sizes.empty() && ShapedType::isDynamic(extent)) {
    if (sum == 0)
      x = require(node, x, Expression(node, x).extent(axis).equals(0));
    else
      x = fixExtent(node, x, axis, sum);
  } else if (!sizes.empty() && sum != extent) {
    return node.reject("its parts have " + Twine(sum) + " elements together, the axis " + Twine(extent));
  } else if (sizes.empty()) {
    if (outputs < 1)
      return node.reject("the number of parts is not known");
    if (ShapedType::isDynamic(extent))
      return node.getOpset() < 18 ? splitEqually(node, x, axis, outputs) : splitAtRunTime(node, x, axis, outputs);
    if (node.getOpset() < 18 && extent % outputs != 0)
      return node.reject("cannot split " + Twine(extent) + " elements into " + Twine(outputs) + " equal parts");
    int64_t part = llvm::divideCeil(extent, outputs);
    for (int64_t i = 0; i < outputs; ++i)
      sizes.push_back(std::max<int64_t>(0, std::min(part, extent - i * part)));
  }
  int64_t start = 0;
  for (int64_t size : sizes) {
    Value part = node.create<nn::SliceOp>(x, node.ints({start}), node.ints({start + size}), Value(),
                                          ArrayRef<int64_t>{axis});
    if (failed(node.result(part)))
      return failure();
    start += size;
  }
  return success();
}

//===--- Growth ---===//

/// Pads and value are attributes up to opset 10, operands from 11 on.
static LogicalResult importPad(NodeBinder &node) {
  Value x = node.operand(0);
  std::string name = node.stringAttr("mode", "constant");
  std::optional<nn::PadMode> mode = nn::symbolizePadMode(name);
  if (!x || !mode)
    return node.reject("mode '" + name + "' is not known");
  SmallVector<int64_t> axes = getFirstAxes(node.getRank(x));
  Value pads, value;
  if (node.getOpset() < 11) {
    pads = node.ints(node.intsAttr("pads"));
    value = node.scalar(getElementTypeOrSelf(x), node.floatAttr("value", 0));
  } else {
    pads = node.operand(1);
    value = node.optionalOperand(2);
    if (isKnownAtRunTime(node, 3)) {
      RunTimeAxes named(node, node.operand(3), node.getRank(x));
      if (pads && node.getShape(pads) != ArrayRef<int64_t>{2 * named.size()})
        return node.reject("pads and axes differ in number");
      x = named.check(x);
      Expression all(node, asInt64(node, pads));
      if (node.failed())
        return failure();
      pads = Expression::concat(node,
                                {named.spread(all.slice(0, 0, named.size())),
                                 named.spread(all.slice(0, named.size(), 2 * named.size()))},
                                0);
    } else if (node.optionalOperand(3))
      axes = normalizeAxes(node, node.constantInts(3), node.getRank(x));
  }
  if (!value && text::isStrings(x.getType()))
    value = createFiller(node, getElementTypeOrSelf(x));
  return node.result(node.create<nn::PadOp>(x, pads, value, axes, *mode));
}

/// As Pad from opset 11 on; the pads may be one row of a matrix.
static LogicalResult importMicrosoftPad(NodeBinder &node) {
  Value x = node.operand(0), pads = node.operand(1), value = node.optionalOperand(2);
  std::string name = node.stringAttr("mode", "constant");
  std::optional<nn::PadMode> mode = nn::symbolizePadMode(name);
  if (node.failed())
    return failure();
  if (!mode || name == "wrap")
    return node.reject("mode '" + name + "' is not known");
  if (node.getRank(pads) == 2)
    pads = node.create<nn::ReshapeOp>(pads, node.ints({-1}), /*allow_zero=*/false);
  return node.result(node.create<nn::PadOp>(x, pads, value, getFirstAxes(node.getRank(x)), *mode));
}

/// Unsqueeze of com.microsoft: one axis.
static LogicalResult importExpandDims(NodeBinder &node) {
  Value x = node.operand(0);
  if (isKnownAtRunTime(node, 1))
    return reshapeAlong(node, x, node.getRank(x) + 1, &RunTimeAxes::insertOnes);
  SmallVector<int64_t> axis = node.constantInts(1);
  if (node.failed())
    return failure();
  if (axis.size() != 1)
    return node.reject("the axis must be one number");
  int64_t inserted = node.normalizeAxis(axis.front(), node.getRank(x) + 1);
  return node.result(node.create<nn::UnsqueezeOp>(x, ArrayRef<int64_t>{inserted}));
}

static LogicalResult importExpand(NodeBinder &node) {
  Value x = node.operand(0), shape = node.operand(1);
  return node.result(node.create<nn::BroadcastToOp>(x, shape));
}

static LogicalResult importTile(NodeBinder &node) {
  Value x = node.operand(0), repeats = node.operand(1);
  return node.result(node.create<nn::TileOp>(x, repeats));
}

//===--- Images ---===//

/// How the channels of a block are ordered; rejects the node where that is not known.
static nn::DepthOrder getDepthOrder(NodeBinder &node) {
  std::string mode = node.stringAttr("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    (void)node.reject("mode '" + mode + "' is not known");
  return mode == "CRD" ? nn::DepthOrder::ColumnRowDepth : nn::DepthOrder::DepthColumnRow;
}

template <typename OpTy> static LogicalResult importBlocks(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t block = node.intAttr("blocksize", 0);
  nn::DepthOrder order = getDepthOrder(node);
  return node.result(node.create<OpTy>(x, block, order, nn::Layout::ChannelsFirst));
}

static LogicalResult importTrilu(NodeBinder &node) {
  Value x = node.operand(0);
  bool upper = node.intAttr("upper", 1);
  return node.result(node.create<nn::TriluOp>(x, node.optionalOperand(1), upper));
}

static const OpEntry table[] = {
    {"Concat", 4, importConcat},
    {"DepthToSpace", 1, importBlocks<nn::DepthToSpaceOp>},
    {"Expand", 8, importExpand},
    {"ExpandDims", 1, importExpandDims, microsoft},
    {"Flatten", 1, importFlatten},
    {"Pad", 2, importPad},
    {"Pad", 1, importMicrosoftPad, microsoft},
    {"Reshape", 1, importReshape},
    {"Slice", 1, importSlice},
    {"SpaceToDepth", 1, importBlocks<nn::SpaceToDepthOp>},
    {"Split", 2, importSplit},
    {"Squeeze", 1, importSqueeze},
    {"Tile", 6, importTile},
    {"Transpose", 1, importTranspose},
    {"Trilu", 14, importTrilu},
    {"Trilu", 1, importTrilu, microsoft},
    {"Unsqueeze", 1, importUnsqueeze},
};

ArrayRef<OpEntry> getMovementOps() { return table; }

} // namespace nnc::onnx
