// ONNX operators of the reduction family.
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeAxes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// The axes to reduce, ascending: an attribute before opset `since`, then operand
/// 1. All axes where none is given, unless noop_with_empty_axes says otherwise.
static SmallVector<int64_t> readAxes(NodeBinder &node, Value x, int64_t since) {
  SmallVector<int64_t> axes;
  if (node.getOpset() < since)
    axes = node.intsAttr("axes");
  else if (!llvm::is_contained(node.getShape(node.optionalOperand(1)), 0)) // else there are none
    axes = node.constantInts(1);
  bool noop = node.intAttr("noop_with_empty_axes", 0);
  int64_t rank = node.getRank(x);
  for (int64_t &axis : axes)
    axis = node.normalizeAxis(axis, rank);
  if (axes.empty() && !noop)
    axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  llvm::sort(axes);
  return axes;
}

/// What follows a reduction.
enum class After { Nothing, SquareRoot, Logarithm };

static LogicalResult importReduce(NodeBinder &node, nn::ReductionKind kind, After after, int64_t axesSince) {
  Value x = node.operand(0);
  if (!x)
    return failure();
  bool isAtRunTime = node.getOpset() >= axesSince && isKnownAtRunTime(node, 1);
  SmallVector<int64_t> axes;
  if (isAtRunTime)
    node.ignoreAttrs({"noop_with_empty_axes"}); // they are not empty
  else
    axes = readAxes(node, x, axesSince);
  bool keepdims = node.intAttr("keepdims", 1);
  Type type = getElementTypeOrSelf(x);
  // Roots and logarithms of integers are those of floats, rounded toward zero.
  bool isTranscendental = after != After::Nothing || kind == nn::ReductionKind::LogSumExp;
  // A sum of squares may be beyond the half precision that its root fits.
  bool isNarrow = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  bool converts = isTranscendental && (isNarrow || !isa<FloatType>(type));
  if (converts)
    x = node.create<nn::CastOp>(x, isNarrow ? Type(node.getBuilder().getF32Type()) : Type(node.getBuilder().getF64Type()));
  Value result;
  if (isAtRunTime)
    result = reduceAlong(node, x, RunTimeAxes(node, node.operand(1), node.getRank(x)), kind, keepdims);
  else
    result = node.create<nn::ReduceOp>(x, kind, axes, keepdims);
  if (after == After::SquareRoot)
    result = node.create<nn::SqrtOp>(result);
  if (after == After::Logarithm)
    result = node.create<nn::LogOp>(result);
  if (converts)
    result = node.create<nn::CastOp>(result, type);
  return node.result(result);
}

template <nn::ReductionKind kind, After after = After::Nothing, int64_t axesSince = 18>
static LogicalResult importReduction(NodeBinder &node) {
  return importReduce(node, kind, after, axesSince);
}

template <bool min> static LogicalResult importArgReduce(NodeBinder &node) {
  Value x = node.operand(0);
  int64_t axis = node.axisAttr("axis", 0, x);
  bool keepdims = node.intAttr("keepdims", 1), last = node.intAttr("select_last_index", 0);
  if (node.failed())
    return failure();
  // Of no elements there is none to choose, unless the result has none either.
  ArrayRef<int64_t> shape = node.getShape(x);
  if (shape[axis] == 0 && llvm::none_of(llvm::seq<int64_t>(0, shape.size()), [&](int64_t i) {
        return i != axis && (shape[i] == 0 || ShapedType::isDynamic(shape[i]));
      }))
    return node.reject("the axis has no elements");
  return node.result(node.create<nn::ArgReduceOp>(x, axis, keepdims, min, last));
}

/// Along an axis that only a run knows: the axes before it become one, and those after it.
template <typename OpTy> static Value accumulateAlong(NodeBinder &node, Value x, bool exclusive, bool reverse) {
  RunTimeAxes axes(node, node.operand(1), node.getRank(x));
  Expression input(node, axes.check(x)), extents = input.shape();
  if (node.failed())
    return {};
  if (axes.size() != 1) {
    (void)node.reject("the axis must be one number");
    return {};
  }
  Expression shape = Expression::concat(node,
                                        {multiplyWhere(axes.isBefore(), extents),
                                         multiplyWhere(axes.getChosen().equals(1), extents),
                                         multiplyWhere(axes.isAfter(), extents)},
                                        0);
  Value rows = node.create<nn::ReshapeOp>(input, shape, /*allow_zero=*/true);
  Value sums = node.create<OpTy>(rows, /*axis=*/1, exclusive, reverse);
  return node.create<nn::ReshapeOp>(sums, extents, /*allow_zero=*/true);
}

template <typename OpTy> static LogicalResult importCumulative(NodeBinder &node) {
  Value x = node.operand(0);
  (void)node.operand(1);
  bool exclusive = node.intAttr("exclusive", 0), reverse = node.intAttr("reverse", 0);
  if (isKnownAtRunTime(node, 1))
    return node.result(accumulateAlong<OpTy>(node, x, exclusive, reverse));
  SmallVector<int64_t> axis = node.constantInts(1);
  if (node.failed())
    return failure();
  if (axis.size() != 1)
    return node.reject("the axis must be one number");
  return node.result(
      node.create<OpTy>(x, node.normalizeAxis(axis.front(), node.getRank(x)), exclusive, reverse));
}

/// k is an attribute before opset 10, then operand 1.
static LogicalResult importTopK(NodeBinder &node) {
  node.ignoreAttrs({"sorted"}); // any order will do where it is 0
  Value x = node.operand(0);
  int64_t axis = node.axisAttr("axis", -1, x);
  bool largest = node.intAttr("largest", 1);
  Value k = node.getOpset() < 10 ? node.ints({node.intAttr("k", 0)}) : node.operand(1);
  if (k && node.getRank(k) == 1 && node.getShape(k)[0] != 1)
    k = node.create<nn::ReshapeOp>(k, node.ints({1}), false);
  if (node.failed())
    return failure();
  SmallVector<Value> results = node.createAll<nn::TopKOp>(2, x, k, axis, /*smallest=*/!largest);
  for (Value result : results)
    if (failed(node.result(result)))
      return failure();
  return node.failed() ? failure() : success();
}

using Kind = nn::ReductionKind;

static const OpEntry table[] = {
    {"ArgMax", 1, importArgReduce</*min=*/false>},
    {"ArgMin", 1, importArgReduce</*min=*/true>},
    {"CumProd", 26, importCumulative<nn::CumProdOp>},
    {"CumSum", 11, importCumulative<nn::CumSumOp>},
    {"ReduceL1", 1, importReduction<Kind::SumAbs>},
    {"ReduceL2", 1, importReduction<Kind::SumSquare, After::SquareRoot>},
    {"ReduceLogSum", 1, importReduction<Kind::Sum, After::Logarithm>},
    {"ReduceLogSumExp", 1, importReduction<Kind::LogSumExp>},
    {"ReduceMax", 1, importReduction<Kind::Max>},
    {"ReduceMean", 1, importReduction<Kind::Mean>},
    {"ReduceMin", 1, importReduction<Kind::Min>},
    {"ReduceProd", 1, importReduction<Kind::Prod>},
    {"ReduceSum", 1, importReduction<Kind::Sum, After::Nothing, 13>},
    {"ReduceSumSquare", 1, importReduction<Kind::SumSquare>},
    {"TopK", 1, importTopK},
};

ArrayRef<OpEntry> getReductionOps() { return table; }

} // namespace nnc::onnx
