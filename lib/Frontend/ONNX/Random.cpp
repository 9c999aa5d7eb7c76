// ONNX operators that draw random numbers.
#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RandomNumbers.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// The type that numbers of `type` are drawn in.
static Type getDrawnType(NodeBinder &node, Type type) {
  return type.isF64() ? type : node.getBuilder().getF32Type();
}

/// The result's type: that of the attribute dtype, else `otherwise`. Null, with the node rejected, where it is no float.
static Type getFloatResult(NodeBinder &node, Type otherwise) {
  int64_t number = node.intAttr("dtype", 0);
  Type type = number ? node.elementType(number) : otherwise;
  if (type && !type.isF16() && !type.isBF16() && !type.isF32() && !type.isF64()) {
    (void)node.reject("draws only floats");
    return {};
  }
  return type;
}

/// The shape that an attribute gives, or that of operand 0.
template <bool isLike> static Expression getShape(NodeBinder &node) {
  if (isLike) {
    Expression like(node, node.operand(0));
    return node.failed() ? Expression() : like.shape();
  }
  SmallVector<int64_t> shape = node.intsAttr("shape");
  if (!frontend::countElements(shape)) {
    (void)node.reject("the shape is negative or too large");
    return {};
  }
  return Expression::ints(node, shape);
}

template <bool isLike> static Type getDefaultType(NodeBinder &node) {
  if (!isLike)
    return node.getBuilder().getF32Type();
  return node.operand(0) ? NodeBinder::getType(node.operand(0)).getElementType() : Type();
}

template <bool isLike> static LogicalResult importRandomUniform(NodeBinder &node) {
  double low = node.floatAttr("low", 0), high = node.floatAttr("high", 1);
  Type type = getFloatResult(node, getDefaultType<isLike>(node));
  RandomNumbers random = RandomNumbers::fromFloatSeed(node);
  Expression shape = getShape<isLike>(node);
  if (node.failed())
    return failure();
  Expression drawn = random.uniform(shape, getDrawnType(node, type));
  if (node.failed())
    return failure();
  return node.result((drawn * (high - low) + low).cast(type));
}

template <bool isLike> static LogicalResult importRandomNormal(NodeBinder &node) {
  double mean = node.floatAttr("mean", 0), scale = node.floatAttr("scale", 1);
  Type type = getFloatResult(node, getDefaultType<isLike>(node));
  RandomNumbers random = RandomNumbers::fromFloatSeed(node);
  Expression shape = getShape<isLike>(node);
  if (node.failed())
    return failure();
  Expression drawn = random.normal(shape, getDrawnType(node, type));
  if (node.failed())
    return failure();
  return node.result((drawn * scale + mean).cast(type));
}

/// 1 with the probability that the input says, else 0.
static LogicalResult importBernoulli(NodeBinder &node) {
  Expression probability(node, node.operand(0));
  int64_t number = node.intAttr("dtype", 0);
  RandomNumbers random = RandomNumbers::fromFloatSeed(node);
  if (node.failed())
    return failure();
  Type type = number ? node.elementType(number) : probability.getElementType();
  if (node.failed())
    return failure();
  Type drawnType = getDrawnType(node, probability.getElementType());
  Expression drawn = random.uniform(probability.shape(), drawnType);
  if (node.failed())
    return failure();
  return node.result((drawn < probability.cast(drawnType)).cast(type));
}

/// Classes by the logarithms (B, C) of their probabilities, which need not add up to 1: (B, sample_size).
static LogicalResult importMultinomial(NodeBinder &node) {
  Expression logits(node, node.operand(0));
  int64_t samples = node.intAttr("sample_size", 1), number = node.intAttr("dtype", 6);
  RandomNumbers random = RandomNumbers::fromFloatSeed(node);
  if (node.failed())
    return failure();
  Type type = node.elementType(number), f64 = node.getBuilder().getF64Type();
  if (node.failed())
    return failure();
  if (!type.isSignlessInteger(32) && !type.isSignlessInteger(64))
    return node.reject("gives classes as i32 or i64");
  if (logits.getRank() != 2 || !isa<FloatType>(logits.getElementType()) || samples < 1 || logits.getExtent(1) == 0)
    return node.reject("needs logarithms of probabilities (batch, classes), and a sample_size");
  // A sample is the number of classes whose cumulative probability it has passed. Numbers of 24 bits times a sum in
  // f64 are below that sum.
  logits = logits.cast(f64);
  Expression largest = logits.reduce(nn::ReductionKind::Max, {1}, /*keepdims=*/true);
  Expression weights = (logits - largest).unary<nn::ExpOp>();
  Expression sums(node, node.create<nn::CumSumOp>(weights, 1, /*exclusive=*/false, /*reverse=*/false));
  Expression total = sums.slice(1, -1, std::numeric_limits<int64_t>::max());
  Expression shape = Expression::concat(node, {logits.extent(0), Expression::ints(node, {samples})}, 0);
  Expression drawn = random.uniform(shape, node.getBuilder().getF32Type());
  if (node.failed())
    return failure();
  Expression target = drawn.cast(f64) * total;
  Expression isPassed = sums.unsqueeze({1}) <= target.unsqueeze({2});
  return node.result(isPassed.cast(type).reduce(nn::ReductionKind::Sum, {2}, /*keepdims=*/false));
}

static const OpEntry table[] = {
    {"Bernoulli", 15, importBernoulli},
    {"Multinomial", 7, importMultinomial},
    {"RandomNormal", 1, importRandomNormal</*isLike=*/false>},
    {"RandomNormalLike", 1, importRandomNormal</*isLike=*/true>},
    {"RandomUniform", 1, importRandomUniform</*isLike=*/false>},
    {"RandomUniformLike", 1, importRandomUniform</*isLike=*/true>},
};

ArrayRef<OpEntry> getRandomOps() { return table; }

} // namespace nnc::onnx
