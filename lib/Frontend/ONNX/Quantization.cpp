// ONNX operators of the quantisation family.
//
// A scale or zero point of ONNX is one number, one per slice of an axis, or one
// per block along an axis; here it is brought into the form that broadcasts.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

namespace {

/// What QuantizeLinear and DequantizeLinear have in common.
struct LinearAttributes {
  Value x, scale, zeroPoint;
  int64_t axis = 0, block = 0;
};

} // namespace

static LinearAttributes bindLinear(NodeBinder &node) {
  LinearAttributes result;
  result.x = node.operand(0);
  result.scale = node.operand(1);
  result.zeroPoint = node.optionalOperand(2);
  int64_t axis = node.intAttr("axis", 1);
  result.block = node.intAttr("block_size", 0);
  if (node.failed())
    return result;
  int64_t rank = node.getRank(result.x);
  RankedTensorType scale = node.getType(result.scale);
  bool usesAxis = !scale.hasStaticShape() || scale.getNumElements() != 1;
  if (usesAxis || result.block != 0)
    result.axis = rank == 1 && axis == 1 ? 0 : node.normalizeAxis(axis, rank);
  if (result.block < 0)
    (void)node.reject("block_size must not be negative");
  return result;
}

/// A parameter of one number or one per slice of `axis`, in a shape that broadcasts to `rank` axes.
static Value alignParameter(NodeBinder &node, Value parameter, int64_t axis, int64_t rank) {
  if (!parameter || node.failed())
    return {};
  RankedTensorType type = node.getType(parameter);
  if (type.getRank() == 0)
    return parameter;
  if (type.getRank() > 1) {
    (void)node.reject("a scale or zero point of more than one axis needs block_size");
    return {};
  }
  if (type.getDimSize(0) == 1)
    return node.create<nn::SqueezeOp>(parameter, ArrayRef<int64_t>{0});
  SmallVector<int64_t> axes;
  for (int64_t i = 1; i < rank - axis; ++i)
    axes.push_back(i);
  return axes.empty() ? parameter : node.create<nn::UnsqueezeOp>(parameter, axes);
}

/// Blocks of `axis` as an axis of their own behind it.
static Value splitBlocks(NodeBinder &node, const LinearAttributes &linear) {
  RankedTensorType type = node.getType(linear.x);
  SmallVector<int64_t> shape;
  for (auto [axis, extent] : llvm::enumerate(type.getShape())) {
    shape.push_back(extent);
    if (static_cast<int64_t>(axis) != linear.axis)
      continue;
    shape.back() = extent / linear.block;
    shape.push_back(linear.block);
  }
  return node.create<nn::ReshapeOp>(linear.x, node.ints(shape));
}

/// Each entry of a block-wise parameter repeated for the elements of its block.
static Value repeatBlocks(NodeBinder &node, Value parameter, const LinearAttributes &linear) {
  if (!parameter || node.failed())
    return {};
  RankedTensorType type = node.getType(parameter), x = node.getType(linear.x);
  SmallVector<int64_t> repeated(type.getShape()), repeats(type.getRank() + 1, 1);
  repeats[linear.axis + 1] = linear.block;
  repeated[linear.axis] *= linear.block;
  Value wide = node.create<nn::UnsqueezeOp>(parameter, ArrayRef<int64_t>{linear.axis + 1});
  wide = node.create<nn::TileOp>(wide, node.ints(repeats));
  wide = node.create<nn::ReshapeOp>(wide, node.ints(repeated));
  int64_t extent = x.getDimSize(linear.axis);
  if (node.failed() || repeated[linear.axis] == extent)
    return wide;
  return node.create<nn::SliceOp>(wide, node.ints({0}), node.ints({extent}), Value(), ArrayRef<int64_t>{linear.axis});
}

/// As repeatBlocks, where extents are run-time values; a run ends with an error where the parameter does not have one
/// entry for each block.
static Value repeatBlocksAtRunTime(NodeBinder &node, Value parameter, const LinearAttributes &linear) {
  if (!parameter || node.failed())
    return {};
  Expression entries(node, parameter), x(node, linear.x);
  int64_t rank = x.getRank();
  auto block = static_cast<double>(linear.block);
  Expression count = entries.extent(linear.axis), extent = x.extent(linear.axis);
  Expression fits = (count * block >= extent) & ((count - 1) * block < extent);
  for (int64_t axis = 0; axis < rank; ++axis)
    if (axis != linear.axis)
      fits = fits & entries.extent(axis).equals(x.extent(axis));
  entries = {node, require(node, entries, fits)};
  Expression before = entries.shape(0, linear.axis), after = entries.shape(linear.axis + 1, rank);
  Expression wide = Expression::concat(node, {before, count, Expression::ints(node, {linear.block}), after}, 0);
  Expression repeated = Expression::concat(node, {before, count * block, after}, 0);
  entries = entries.unsqueeze({linear.axis + 1}).broadcast(wide);
  entries = {node, node.create<nn::ReshapeOp>(entries, repeated, /*allow_zero=*/true)};
  return entries.slice(linear.axis, Expression::ints(node, {0}), extent);
}

/// Whether all parameters and x are of known extents.
static bool isStatic(NodeBinder &node, const LinearAttributes &linear) {
  return llvm::all_of(ArrayRef{linear.x, linear.scale, linear.zeroPoint},
                      [&](Value value) { return !value || node.getType(value).hasStaticShape(); });
}

/// Whether block-wise parameters have one entry for each block of x, as far as that is known.
static bool checkBlocks(NodeBinder &node, const LinearAttributes &linear) {
  RankedTensorType x = node.getType(linear.x);
  for (Value parameter : {linear.scale, linear.zeroPoint}) {
    if (!parameter)
      continue;
    RankedTensorType type = node.getType(parameter);
    bool fits = type.getRank() == x.getRank();
    for (int64_t axis = 0; fits && axis < x.getRank(); ++axis) {
      int64_t extent = x.getDimSize(axis);
      fits = type.isDynamicDim(axis) || x.isDynamicDim(axis) ||
             type.getDimSize(axis) ==
                 (axis == linear.axis ? static_cast<int64_t>(llvm::divideCeil(extent, linear.block)) : extent);
    }
    if (!fits) {
      (void)node.reject("blocks need one scale for each block");
      return false;
    }
  }
  return true;
}

/// Brings scale and zero point into broadcast form; where blocks divide their axis, x and the parameters get an axis for
/// the elements of a block, else the parameters are repeated. Returns whether x was split.
static bool alignLinear(NodeBinder &node, LinearAttributes &linear) {
  if (node.failed())
    return false;
  if (linear.block == 0) {
    int64_t rank = node.getRank(linear.x);
    linear.scale = alignParameter(node, linear.scale, linear.axis, rank);
    linear.zeroPoint = alignParameter(node, linear.zeroPoint, linear.axis, rank);
    return false;
  }
  if (!checkBlocks(node, linear))
    return false;
  if (!isStatic(node, linear)) {
    linear.scale = repeatBlocksAtRunTime(node, linear.scale, linear);
    linear.zeroPoint = repeatBlocksAtRunTime(node, linear.zeroPoint, linear);
    return false;
  }
  bool splits = node.getType(linear.x).getDimSize(linear.axis) % linear.block == 0;
  if (!splits) {
    linear.scale = repeatBlocks(node, linear.scale, linear);
    linear.zeroPoint = repeatBlocks(node, linear.zeroPoint, linear);
    return false;
  }
  linear.x = splitBlocks(node, linear);
  linear.scale = node.create<nn::UnsqueezeOp>(linear.scale, ArrayRef<int64_t>{linear.axis + 1});
  if (linear.zeroPoint)
    linear.zeroPoint = node.create<nn::UnsqueezeOp>(linear.zeroPoint, ArrayRef<int64_t>{linear.axis + 1});
  return true;
}

/// `value` in the shape of `like`, undoing splitBlocks.
static Value joinBlocks(NodeBinder &node, Value value, Value like) {
  if (node.failed())
    return {};
  return node.create<nn::ReshapeOp>(value, node.ints(node.getType(like).getShape()));
}

static LogicalResult importQuantizeLinear(NodeBinder &node) {
  LinearAttributes linear = bindLinear(node);
  int64_t outputType = node.intAttr("output_dtype", 0), precision = node.intAttr("precision", 0);
  bool saturate = node.intAttr("saturate", 1);
  if (node.failed())
    return failure();
  // In f32 (f64 for f64) whatever is asked for: more precise than f16 and bf16.
  Type asked = precision ? node.elementType(precision) : getElementTypeOrSelf(linear.scale);
  if (node.failed())
    return failure();
  if (!isa<FloatType>(asked))
    return node.reject("a scale or precision that is not a float is not supported");
  Type to = outputType ? node.elementType(outputType)
                       : linear.zeroPoint ? getElementTypeOrSelf(linear.zeroPoint)
                                          : Type(node.getBuilder().getIntegerType(8, /*isSigned=*/false));
  Value original = linear.x;
  if (!isa<FloatType>(getElementTypeOrSelf(linear.x)))
    linear.x = node.create<nn::CastOp>(linear.x, node.getBuilder().getF32Type());
  bool isSplit = alignLinear(node, linear);
  Value result = node.create<nn::QuantizeOp>(linear.x, linear.scale, linear.zeroPoint, to,
                                             nn::IntegerRounding::HalfToEven, saturate);
  return node.result(isSplit ? joinBlocks(node, result, original) : keepShape(node, result, original));
}

static LogicalResult importDequantizeLinear(NodeBinder &node) {
  LinearAttributes linear = bindLinear(node);
  int64_t outputType = node.intAttr("output_dtype", 0);
  if (node.failed())
    return failure();
  Type to = outputType ? node.elementType(outputType) : getElementTypeOrSelf(linear.scale);
  Value original = linear.x;
  bool isSplit = alignLinear(node, linear);
  Value result = node.create<nn::DequantizeOp>(linear.x, linear.scale, linear.zeroPoint, to);
  return node.result(isSplit ? joinBlocks(node, result, original) : keepShape(node, result, original));
}

static const OpEntry table[] = {
    {"DequantizeLinear", 10, importDequantizeLinear},
    {"QuantizeLinear", 10, importQuantizeLinear},
    {"DequantizeLinear", 1, importDequantizeLinear, "com.microsoft"},
    {"QuantizeLinear", 1, importQuantizeLinear, "com.microsoft"},
};

ArrayRef<OpEntry> getQuantizationOps() { return table; }

} // namespace nnc::onnx
