// Mixtures of experts of com.microsoft: each token goes through the layers of some experts, of which the weights are
// taken when it does.
#include "lib/Frontend/Import/Repetition.h"
#include "lib/Frontend/ONNX/BlockQuantization.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "com.microsoft";

namespace {

/// The matrices of one layer, one of each expert (E, N, K), as floats or as packed integers.
struct ExpertLayer {
  Expression weights, scales, zeros, bias;
  int64_t bits = 0, block = 0; ///< of integers; 0 bits: floats. Block 0: a scale for each row

  explicit operator bool() const { return static_cast<bool>(weights); }
  int64_t getRows() const { return weights.getExtent(1); }
  int64_t getColumns() const { return weights.getExtent(2) * (bits ? 8 / bits : 1); }
  /// Rejects the node where there are not `rows` and `columns`, and all that belongs to them, for each of `experts`.
  LogicalResult check(NodeBinder &node, int64_t experts, int64_t rows, int64_t columns) const;
  Expression takeMatrix(NodeBinder &node, Expression expert) const;
  /// x (1, K) through the layer of `expert` (one i64): (1, N).
  Expression apply(NodeBinder &node, Expression x, Expression expert) const;
};

/// What attributes say.
struct Mixture {
  std::string activation;
  double alpha, beta, limit;
  int64_t fusion, count;
  bool normalizes;

  static FailureOr<Mixture> read(NodeBinder &node);
  Expression activate(NodeBinder &node, Expression hidden, Expression third) const;
};

} // namespace

FailureOr<Mixture> Mixture::read(NodeBinder &node) {
  Mixture read{node.stringAttr("activation_type", "relu"),
               node.floatAttr("activation_alpha", 1),
               node.floatAttr("activation_beta", 0),
               node.floatAttr("swiglu_limit", std::numeric_limits<float>::infinity()),
               node.intAttr("swiglu_fusion", 0),
               node.intAttr("k", 1),
               node.intAttr("normalize_routing_weights", 0) != 0};
  if (node.intAttr("use_sparse_mixer", 0) || node.intAttr("swiglu_limit_after_activation", 0))
    return node.reject("the sparse mixer, and limits behind the activation, are not supported");
  if (read.count < 1 || read.count > 1024 || read.fusion < 0 || read.fusion > 2)
    return node.reject("k or swiglu_fusion is out of range");
  if (node.failed())
    return failure();
  return read;
}

LogicalResult ExpertLayer::check(NodeBinder &node, int64_t experts, int64_t rows, int64_t columns) const {
  auto hasShape = [](Expression x, ArrayRef<int64_t> shape) { return NodeBinder::getShape(x) == shape; };
  if (weights.getExtent(0) != experts || getRows() != rows || getColumns() != columns)
    return node.reject("the weights do not fit the tokens, or each other");
  if (bias && !hasShape(bias, {experts, rows}))
    return node.reject("there must be a bias for each row of each expert's weights");
  if (!bits)
    return success();
  int64_t perByte = 8 / bits, blocks = block ? columns / block : 0;
  SmallVector<int64_t> scaleShape{experts, rows}, zeroShape{experts, llvm::divideCeilSigned(rows, perByte)};
  if (block) {
    scaleShape.push_back(blocks);
    zeroShape = {experts, rows, llvm::divideCeilSigned(blocks, perByte)};
  }
  if ((block && columns % block) || !hasShape(scales, scaleShape))
    return node.reject("there must be a scale for each block");
  if (zeros && (!hasShape(zeros, zeroShape) || !zeros.getElementType().isUnsignedInteger(8)))
    return node.reject("there must be a zero point for each block");
  return success();
}

Expression ExpertLayer::takeMatrix(NodeBinder &node, Expression expert) const {
  auto take = [&](Expression all) { return all.gather(expert, 0).squeeze({0}); };
  if (!bits)
    return take(weights);
  Expression values = unpackBits(node, take(weights), bits), scale = take(scales), zero;
  if (node.failed())
    return {node, Value()};
  int64_t columns = values.getExtent(1);
  if (block) {
    scale = spreadBlocks(node, scale, 1, columns, block);
    if (zeros)
      zero = spreadBlocks(node, unpackBits(node, take(zeros), bits).slice(1, 0, columns / block), 1, columns, block);
  } else {
    scale = scale.reshape({-1, 1});
    if (zeros)
      zero = unpackBits(node, take(zeros), bits).slice(0, 0, values.getExtent(0)).reshape({-1, 1});
  }
  if (!zeros)
    zero = scale.like(1 << (bits - 1));
  return dequantizeBlocks(values, scale, zero);
}

Expression ExpertLayer::apply(NodeBinder &node, Expression x, Expression expert) const {
  Expression result = x.matmul(takeMatrix(node, expert).cast(x.getElementType()), /*transposeY=*/true);
  return bias && !node.failed() ? result + bias.gather(expert, 0) : result;
}

/// The activation of the first layer's result, (1, N); `third`, of a layer of its own, is what a SwiGLU multiplies.
Expression Mixture::activate(NodeBinder &node, Expression hidden, Expression third) const {
  if (activation == "relu")
    hidden = hidden.unary<nn::ReluOp>();
  else if (activation == "gelu")
    hidden = hidden.unary<nn::GeluOp>(nn::GeluForm::Tanh);
  else if (activation == "silu")
    hidden = hidden.unary<nn::SiluOp>(APFloat(1.0f));
  else if (activation != "identity" && activation != "swiglu")
    (void)node.reject("activation_type '" + activation + "' is not supported");
  if (node.failed() || activation != "swiglu")
    return third && !node.failed() ? hidden * third : hidden;
  Expression gate = hidden, linear = third;
  if (fusion) {
    int64_t width = hidden.getExtent(1);
    if (third || ShapedType::isDynamic(width) || width % 2) {
      (void)node.reject("a fused swiglu needs pairs in its first layer, and no third one");
      return {node, Value()};
    }
    Expression pairs =
        fusion == 1 ? hidden.reshape({1, width / 2, 2}) : hidden.reshape({1, 2, width / 2}).transpose({0, 2, 1});
    gate = pairs.slice(2, 0, 1).squeeze({2});
    linear = pairs.slice(2, 1, 2).squeeze({2});
  } else if (!third) {
    (void)node.reject("a swiglu that is not fused needs the third layer");
    return {node, Value()};
  }
  if (std::isfinite(limit)) {
    gate = gate.min(gate.like(limit));
    linear = linear.max(linear.like(-limit)).min(linear.like(limit));
  }
  return (gate * alpha).unary<nn::SigmoidOp>() * gate * (linear + beta);
}

/// The experts of each token (tokens, k), and their shares of the result; where `shares` is given they are taken of it.
static std::pair<Expression, Expression> route(NodeBinder &node, const Mixture &mixture, Expression scores,
                                               Expression shares) {
  SmallVector<Value> top = node.createAll<nn::TopKOp>(2, scores, node.ints({mixture.count}), 1, /*smallest=*/false);
  if (node.failed())
    return {};
  Expression values(node, top[0]), experts(node, top[1]);
  if (shares) {
    values = {node, node.create<nn::GatherElementsOp>(shares, experts, 1)};
    if (mixture.normalizes && !node.failed())
      values = values / values.reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/true);
  } else if (mixture.normalizes) {
    values = values.softmax(1);
  } else {
    values = {node, node.create<nn::GatherElementsOp>(scores.softmax(1), experts, 1)};
  }
  return {experts, values};
}

/// The number of experts, of which all layers of tokens of `width` elements have the same; 0 with the node rejected.
static int64_t checkLayers(NodeBinder &node, const Mixture &mixture, int64_t width, ArrayRef<ExpertLayer> layers) {
  constexpr int64_t most = 1 << 20;
  for (const ExpertLayer &layer : layers)
    for (int64_t extent : NodeBinder::getShape(layer.weights))
      if (ShapedType::isDynamic(extent) || extent < 1 || extent > most) {
        (void)node.reject("weights must have a known shape, with 1 to 2^20 experts, rows and columns");
        return 0;
      }
  int64_t experts = layers[0].weights.getExtent(0), rows = layers[0].getRows();
  int64_t inner = mixture.activation == "swiglu" && mixture.fusion ? rows / 2 : rows;
  if (failed(layers[0].check(node, experts, rows, width)) || failed(layers[1].check(node, experts, width, inner)) ||
      (layers[2] && failed(layers[2].check(node, experts, rows, width))))
    return 0;
  if (mixture.count > experts) {
    (void)node.reject("k is more than the number of experts");
    return 0;
  }
  return experts;
}

/// `scores` (tokens, experts), which a run ends with an error without.
static Expression fixScores(NodeBinder &node, Expression scores, int64_t experts) {
  if (node.failed() || !scores)
    return scores;
  int64_t count = scores.getRank() == 2 ? scores.getExtent(1) : 0;
  if (!ShapedType::isDynamic(count)) {
    if (count != experts)
      (void)node.reject("there must be a score for each expert");
    return scores;
  }
  return {node, fixExtent(node, scores, 1, experts)};
}

/// Each token through its experts, one after the other.
static LogicalResult mix(NodeBinder &node, const Mixture &mixture, Expression shares, ArrayRef<ExpertLayer> layers) {
  Expression x(node, node.operand(0)), scores(node, node.operand(1));
  if (node.failed())
    return failure();
  int64_t rank = x.getRank(), width = rank ? x.getExtent(rank - 1) : 0;
  if ((rank != 2 && rank != 3) || scores.getRank() != 2 || ShapedType::isDynamic(width))
    return node.reject("needs tokens of a known size in 2 or 3 dimensions, and scores of 2");
  int64_t numExperts = checkLayers(node, mixture, width, layers);
  scores = fixScores(node, scores, numExperts);
  shares = fixScores(node, shares, numExperts);
  if (node.failed())
    return failure();
  Expression shape = x.shape(), rows = x.reshape({-1, width});
  Type f32 = node.getBuilder().getF32Type(), type = x.getElementType();
  auto [experts, values] = route(node, mixture, scores.cast(f32), shares ? shares.cast(f32) : shares);
  if (node.failed())
    return failure();
  Expression flat = experts.reshape({-1}), trips = rows.extent(0) * static_cast<double>(mixture.count);
  auto apply = [&](Expression number, ArrayRef<Expression>) {
    Expression place = number.reshape({1}), expert = flat.gather(place, 0);
    Expression row = rows.gather(place / static_cast<double>(mixture.count), 0).cast(f32);
    Expression hidden = layers[0].apply(node, row, expert);
    Expression third = layers[2] ? layers[2].apply(node, row, expert) : Expression();
    return frontend::Iteration{{}, {layers[1].apply(node, mixture.activate(node, hidden, third), expert)}};
  };
  SmallVector<Expression> all = frontend::repeat(node, trips, {}, apply);
  if (node.failed() || all.empty())
    return failure();
  Expression parts = all.front().reshape({-1, mixture.count, width}) * values.unsqueeze({2});
  Expression result = parts.reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/false).cast(type);
  return node.result(node.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/true));
}

static LogicalResult importMoE(NodeBinder &node) {
  FailureOr<Mixture> mixture = Mixture::read(node);
  if (failed(mixture))
    return failure();
  ExpertLayer layers[3];
  for (unsigned i = 0; i < 3; ++i) {
    layers[i].weights = {node, node.optionalOperand(2 + 2 * i)};
    layers[i].bias = {node, node.optionalOperand(3 + 2 * i)};
    if (layers[i] && layers[i].weights.getRank() != 3)
      return node.reject("weights must be (experts, rows, columns)");
  }
  if (!layers[0] || !layers[1])
    return node.reject("it has no weights");
  return mix(node, *mixture, Expression(), layers);
}

/// The bits of layer `number`, 1 to 3, and its operands from 2 + 3 * (number - 1) on.
static LogicalResult readQuantized(NodeBinder &node, unsigned number, ExpertLayer &layer) {
  unsigned first = 3 * number - 1;
  std::string own = "fc" + std::to_string(number) + "_expert_weight_bits";
  int64_t shared = node.intAttr("expert_weight_bits", 4), block = node.intAttr("block_size", 0);
  layer.bits = node.intAttr(own, shared);
  layer.block = std::max<int64_t>(0, block);
  layer.weights = {node, node.optionalOperand(first)};
  layer.scales = {node, node.optionalOperand(first + 1)};
  layer.bias = {node, node.optionalOperand(first + 2)};
  layer.zeros = {node, node.optionalOperand(10 + number)};
  if (!layer)
    return success(!node.failed());
  if (layer.bits != 2 && layer.bits != 4 && layer.bits != 8)
    return node.reject("weights must have 2, 4 or 8 bits");
  int64_t rank = layer.block ? 3 : 2;
  if (layer.weights.getRank() != 3 || !layer.weights.getElementType().isUnsignedInteger(8) || !layer.scales ||
      layer.scales.getRank() != rank || (layer.zeros && layer.zeros.getRank() != rank))
    return node.reject("weights, scales or zero points have other types or dimensions than its attributes say");
  return success(!node.failed());
}

static LogicalResult importQMoE(NodeBinder &node) {
  FailureOr<Mixture> mixture = Mixture::read(node);
  if (failed(mixture))
    return failure();
  if (node.stringAttr("quant_type", "int") != "int" || node.intAttr("weights_prepacked", -1) > 0)
    return node.reject("quantised floats and prepacked weights are not supported");
  for (unsigned i = 15; i < node.getNumOperands(); ++i)
    if (node.optionalOperand(i))
      return node.reject("scales of all of a layer, and of activations, are not supported");
  ExpertLayer layers[3];
  for (unsigned i = 0; i < 3; ++i)
    if (failed(readQuantized(node, i + 1, layers[i])))
      return failure();
  if (!layers[0] || !layers[1])
    return node.reject("it has no weights");
  return mix(node, *mixture, {node, node.optionalOperand(14)}, layers);
}

//===--- MoEGroupRouter ---===//

/// 0 where one of the `count` largest of each row is, else -infinity.
static Expression keepLargest(NodeBinder &node, Expression scores, int64_t count) {
  SmallVector<Value> top = node.createAll<nn::TopKOp>(2, scores, node.ints({count}), 1, /*smallest=*/false);
  if (node.failed())
    return {};
  Expression none = scores.like(-INFINITY).broadcast(scores.shape());
  Expression zeros = Expression(node, top[0]).like(0).broadcast(Expression(node, top[0]).shape());
  return {node, node.create<nn::ScatterElementsOp>(none, top[1], zeros, 1, nn::ScatterReduction::None)};
}

/// Scores of the best experts of the best groups, for MoE to choose from.
static LogicalResult importGroupRouter(NodeBinder &node) {
  Expression x(node, node.operand(0)), bias(node, node.operand(1)), projection(node, node.optionalOperand(2));
  int64_t count = node.intAttr("top_k", 0), groups = node.intAttr("n_group", 1), kept = node.intAttr("topk_group", 1),
          best = node.intAttr("group_topk", 2);
  double sentinel = node.floatAttr("router_sentinel", -10000);
  if (node.failed())
    return failure();
  int64_t experts = bias.getRank() == 1 ? bias.getExtent(0) : ShapedType::kDynamic;
  if (ShapedType::isDynamic(experts) || x.getRank() < 1)
    return node.reject("the number of experts must be known");
  Type original = x.getElementType();
  x = x.cast(node.getBuilder().getF32Type());
  if (projection)
    x = x.matmul(projection.cast(x.getElementType()), /*transposeY=*/true);
  if (node.failed() || x.getExtent(x.getRank() - 1) != experts)
    return node.reject("the bias does not have an element for each expert");
  Expression share = x.reshape({-1, experts}).unary<nn::SigmoidOp>(), score = share + bias;
  if (!node.wantsResult(0)) {
    if (node.failed() || failed(node.result(share)) || failed(node.result(score))) // the first one is left out
      return failure();
    return node.result(share);
  }
  if (groups < 1 || experts % groups || kept < 1 || kept > groups || best < 1 || count < 1 ||
      count > kept * (experts / groups))
    return node.reject("the groups do not fit the experts");
  int64_t width = experts / groups;
  if (kept < groups) {
    Expression grouped = score.reshape({-1, width});
    Value top = node.createAll<nn::TopKOp>(2, grouped, node.ints({std::min(best, width)}), 1, /*smallest=*/false)[0];
    Expression sums = Expression(node, top).reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/false).reshape({-1, groups});
    score = (score.reshape({-1, groups, width}) + keepLargest(node, sums, kept).unsqueeze({2})).reshape({-1, experts});
  }
  Expression isChosen = keepLargest(node, score, count).equals(0.0);
  Expression result = isChosen.choose(share.max(share.like(1e-20)).unary<nn::LogOp>(), share.like(sentinel));
  return node.failed() ? failure() : node.result(result.cast(original));
}

static const OpEntry table[] = {
    {"MoE", 1, importMoE, domain},
    {"MoEGroupRouter", 1, importGroupRouter, domain},
    {"QMoE", 1, importQMoE, domain},
};

ArrayRef<OpEntry> getExpertOps() { return table; }

} // namespace nnc::onnx
