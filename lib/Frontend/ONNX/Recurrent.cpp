// ONNX operators with a state: RNN, GRU, LSTM. Each direction is a layer of its own.
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Precision.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::onnx {

static constexpr int64_t toEnd = std::numeric_limits<int64_t>::max();

namespace {

/// An activation's name in ONNX, how many of alpha and beta it reads, and their defaults (-1: there is none).
struct ActivationInfo {
  nn::Activation kind;
  bool hasAlpha, hasBeta, hasDefaults;
  float alpha, beta;
};

/// The activations of all gates of a direction.
struct Activations {
  ArrayAttr kinds;
  SmallVector<float> alphas, betas;
};

/// Reads one node and builds its directions.
class RecurrentImport {
public:
  RecurrentImport(NodeBinder &node, int64_t gates, ArrayRef<std::string> activations)
      : node(node), gates(gates), numActivations(activations.size()), defaults(activations) {}

  /// Binds what all operators share; `numStates` is 2 where there is a cell.
  LogicalResult bind(unsigned numStates);
  /// As bind, with quantised weights (directions, inputs, gates) whose scales and zero points are operands 8 to 11.
  LogicalResult bindQuantized(unsigned numStates);
  /// Direction `number` of an operand with one entry for each, or null.
  Value takeDirection(Value stacked, int64_t number, int64_t axis = 0);
  /// One half of the biases, which lie one behind the other.
  Value takeBias(int64_t number, bool recurrent);
  Activations takeActivations(int64_t number);
  bool isReverse(int64_t number) const { return number == 1 || direction == "reverse"; }
  Value takeState(unsigned operand, int64_t number) {
    return takeDirection(node.optionalOperand(operand), number, batchFirst ? 1 : 0);
  }
  /// The node's results from those of each direction.
  LogicalResult finish(ArrayRef<SmallVector<Value>> directions);

  NodeBinder &node;
  int64_t gates;
  unsigned numActivations;
  SmallVector<std::string> defaults;
  int64_t numDirections = 1, hidden = 0;
  bool batchFirst = false, isTransposed = false;
  std::string direction;
  Value input, weights, recurrentWeights, biases, lengths;
  FloatAttr clip;

private:
  LogicalResult readActivations();
  SmallVector<ActivationInfo> activations; // of all directions
};

} // namespace

static std::optional<ActivationInfo> findActivation(StringRef name) {
  using nn::Activation;
  return llvm::StringSwitch<std::optional<ActivationInfo>>(name.lower())
      .Case("sigmoid", ActivationInfo{Activation::Sigmoid, false, false, true, 0, 0})
      .Case("tanh", ActivationInfo{Activation::Tanh, false, false, true, 0, 0})
      .Case("relu", ActivationInfo{Activation::Relu, false, false, true, 0, 0})
      .Case("affine", ActivationInfo{Activation::Affine, true, true, false, 0, 0})
      .Case("leakyrelu", ActivationInfo{Activation::LeakyRelu, true, false, true, 0.01f, 0})
      .Case("thresholdedrelu", ActivationInfo{Activation::ThresholdedRelu, true, false, true, 1, 0})
      .Case("scaledtanh", ActivationInfo{Activation::ScaledTanh, true, true, false, 0, 0})
      .Case("hardsigmoid", ActivationInfo{Activation::HardSigmoid, true, true, true, 0.2f, 0.5f})
      .Case("elu", ActivationInfo{Activation::Elu, true, false, true, 1, 0})
      .Case("softsign", ActivationInfo{Activation::Softsign, false, false, true, 0, 0})
      .Case("softplus", ActivationInfo{Activation::Softplus, false, false, true, 0, 0})
      .Default(std::nullopt);
}

/// Alphas and betas are listed for those activations only that have one.
LogicalResult RecurrentImport::readActivations() {
  SmallVector<std::string> names = node.stringsAttr("activations");
  SmallVector<double> alphas = node.floatsAttr("activation_alpha"), betas = node.floatsAttr("activation_beta");
  if (names.empty())
    for (int64_t i = 0; i < numDirections; ++i)
      llvm::append_range(names, defaults);
  if (static_cast<int64_t>(names.size()) != numActivations * numDirections)
    return node.reject("it needs " + Twine(numActivations * numDirections) + " activations");
  size_t nextAlpha = 0, nextBeta = 0;
  for (const std::string &name : names) {
    std::optional<ActivationInfo> info = findActivation(name);
    if (!info)
      return node.reject("the activation '" + name + "' is not supported");
    bool isGiven = (!info->hasAlpha || nextAlpha < alphas.size()) && (!info->hasBeta || nextBeta < betas.size());
    if (!isGiven && !info->hasDefaults)
      return node.reject("the activation '" + name + "' needs alpha and beta");
    if (info->hasAlpha && nextAlpha < alphas.size())
      info->alpha = static_cast<float>(alphas[nextAlpha++]);
    if (info->hasBeta && nextBeta < betas.size())
      info->beta = static_cast<float>(betas[nextBeta++]);
    activations.push_back(*info);
  }
  if (nextAlpha != alphas.size() || nextBeta != betas.size())
    return node.reject("there are more alphas or betas than activations that have one");
  return success();
}

LogicalResult RecurrentImport::bind(unsigned numStates) {
  direction = node.stringAttr("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return node.reject("the direction '" + direction + "' is not supported");
  numDirections = direction == "bidirectional" ? 2 : 1;
  batchFirst = node.intAttr("layout", 0) != 0;
  input = node.operand(0);
  weights = node.operand(1);
  recurrentWeights = node.operand(2);
  biases = node.optionalOperand(3);
  lengths = node.optionalOperand(4);
  if (double bound = node.floatAttr("clip", 0); bound > 0)
    clip = node.getBuilder().getF32FloatAttr(static_cast<float>(bound));
  int64_t size = node.intAttr("hidden_size", 0);
  if (node.failed() || failed(readActivations()))
    return failure();
  int64_t ranks[] = {3, 3, 3, 2, 1};
  for (auto [i, rank] : llvm::enumerate(ranks))
    if (Value value = node.optionalOperand(i); value && node.getRank(value) != rank)
      return node.reject("operand " + Twine(i) + " must have " + Twine(rank) + " dimensions");
  for (unsigned i = 5; i < 5 + numStates; ++i)
    if (Value value = node.optionalOperand(i); value && node.getRank(value) != 3)
      return node.reject("operand " + Twine(i) + " must have 3 dimensions");
  hidden = node.getType(recurrentWeights).getDimSize(isTransposed ? 1 : 2);
  if (ShapedType::isDynamic(hidden))
    hidden = size;
  if (hidden <= 0 || (size > 0 && size != hidden))
    return node.reject("its hidden size is not known, or differs from that of its weights");
  if (batchFirst)
    input = node.create<nn::TransposeOp>(input, ArrayRef<int64_t>{1, 0, 2});
  return failure(node.failed());
}

Value RecurrentImport::takeDirection(Value stacked, int64_t number, int64_t axis) {
  if (!stacked || node.failed())
    return {};
  int64_t extent = node.getType(stacked).getDimSize(axis);
  if (!ShapedType::isDynamic(extent) && extent != numDirections) {
    (void)node.reject("an operand has " + Twine(extent) + " directions, not " + Twine(numDirections));
    return {};
  }
  // Of an unknown number the last direction takes the rest: one, or the axis cannot be removed.
  bool takesRest = ShapedType::isDynamic(extent) && number == numDirections - 1;
  Value end = node.ints({takesRest ? toEnd : number + 1});
  Value chosen = node.create<nn::SliceOp>(stacked, node.ints({number}), end, Value(), ArrayRef<int64_t>{axis});
  return node.create<nn::SqueezeOp>(chosen, ArrayRef<int64_t>{axis});
}

Value RecurrentImport::takeBias(int64_t number, bool recurrent) {
  Value both = takeDirection(biases, number);
  if (!both)
    return {};
  int64_t size = gates * hidden, from = recurrent ? size : 0, extent = node.getType(both).getDimSize(0);
  if (!ShapedType::isDynamic(extent) && extent != 2 * size) {
    (void)node.reject("the biases have " + Twine(extent) + " elements, not " + Twine(2 * size));
    return {};
  }
  // Of an unknown number the second half takes the rest, which must fit the gates.
  int64_t end = ShapedType::isDynamic(extent) && recurrent ? toEnd : from + size;
  return node.create<nn::SliceOp>(both, node.ints({from}), node.ints({end}), Value(), ArrayRef<int64_t>{0});
}

Activations RecurrentImport::takeActivations(int64_t number) {
  Activations result;
  SmallVector<Attribute> kinds;
  for (const ActivationInfo &info : ArrayRef(activations).slice(number * numActivations, numActivations)) {
    kinds.push_back(nn::ActivationAttr::get(node.getBuilder().getContext(), info.kind));
    result.alphas.push_back(info.alpha);
    result.betas.push_back(info.beta);
  }
  result.kinds = node.getBuilder().getArrayAttr(kinds);
  return result;
}

LogicalResult RecurrentImport::finish(ArrayRef<SmallVector<Value>> directions) {
  if (node.failed())
    return failure();
  for (size_t number = 0; number < directions.front().size(); ++number) {
    bool isSequence = number == 0;
    int64_t axis = isSequence ? (batchFirst ? 2 : 1) : (batchFirst ? 1 : 0);
    SmallVector<Value> parts;
    for (const SmallVector<Value> &results : directions) {
      Value part = results[number];
      if (isSequence && batchFirst)
        part = node.create<nn::TransposeOp>(part, ArrayRef<int64_t>{1, 0, 2});
      parts.push_back(node.create<nn::UnsqueezeOp>(part, ArrayRef<int64_t>{axis}));
    }
    if (node.failed() ||
        failed(node.result(parts.size() == 1 ? parts.front() : node.create<nn::ConcatOp>(parts, axis))))
      return failure();
  }
  return success();
}

static LogicalResult importRnn(NodeBinder &node) {
  RecurrentImport layer(node, 1, {"Tanh"});
  if (failed(layer.bind(1)))
    return failure();
  SmallVector<SmallVector<Value>> directions;
  for (int64_t i = 0; i < layer.numDirections; ++i) {
    Activations activations = layer.takeActivations(i);
    directions.push_back(node.createAll<nn::RnnOp>(
        2, layer.input, layer.takeDirection(layer.weights, i), layer.takeDirection(layer.recurrentWeights, i),
        layer.takeBias(i, false), layer.takeBias(i, true), layer.lengths, layer.takeState(5, i), layer.isReverse(i),
        activations.kinds, activations.alphas, activations.betas, layer.clip));
  }
  return layer.finish(directions);
}

static LogicalResult importGru(NodeBinder &node) {
  RecurrentImport layer(node, 3, {"Sigmoid", "Tanh"});
  bool isLinear = node.intAttr("linear_before_reset", 0);
  if (failed(layer.bind(1)))
    return failure();
  SmallVector<SmallVector<Value>> directions;
  for (int64_t i = 0; i < layer.numDirections; ++i) {
    Activations activations = layer.takeActivations(i);
    directions.push_back(node.createAll<nn::GruOp>(
        2, layer.input, layer.takeDirection(layer.weights, i), layer.takeDirection(layer.recurrentWeights, i),
        layer.takeBias(i, false), layer.takeBias(i, true), layer.lengths, layer.takeState(5, i), layer.isReverse(i),
        activations.kinds, activations.alphas, activations.betas, layer.clip, isLinear));
  }
  return layer.finish(directions);
}

LogicalResult RecurrentImport::bindQuantized(unsigned numStates) {
  isTransposed = true;
  if (failed(bind(numStates)))
    return failure();
  Type f32 = node.getBuilder().getF32Type();
  Value *matrices[] = {&weights, &recurrentWeights};
  for (unsigned i = 0; i < 2; ++i) {
    SmallVector<Value> parameters{node.operand(8 + 2 * i), node.operand(9 + 2 * i)};
    for (Value &parameter : parameters) { // one for each direction, or for each gate of it
      if (node.failed())
        return failure();
      int64_t rank = node.getRank(parameter);
      if (rank != 1 && rank != 2)
        return node.reject("scales and zero points of weights must have 1 or 2 dimensions");
      parameter = node.create<nn::UnsqueezeOp>(parameter, rank == 1 ? ArrayRef<int64_t>{1, 2} : ArrayRef<int64_t>{1});
    }
    Value number = node.create<nn::DequantizeOp>(*matrices[i], parameters[0], parameters[1], f32);
    *matrices[i] = node.create<nn::TransposeOp>(number, ArrayRef<int64_t>{0, 2, 1});
  }
  return failure(node.failed());
}

/// ONNX Runtime also quantises inputs and states, by ranges that depend on how it divides the batch; here they stay f32.
template <bool isQuantized> static LogicalResult importLstm(NodeBinder &node) {
  RecurrentImport layer(node, 4, {"Sigmoid", "Tanh", "Tanh"});
  bool inputForget = node.intAttr("input_forget", 0);
  if (failed(isQuantized ? layer.bindQuantized(2) : layer.bind(2)))
    return failure();
  Value peepholes = node.optionalOperand(7);
  if (peepholes && node.getRank(peepholes) != 2)
    return node.reject("operand 7 must have 2 dimensions");
  SmallVector<SmallVector<Value>> directions;
  for (int64_t i = 0; i < layer.numDirections; ++i) {
    Activations activations = layer.takeActivations(i);
    directions.push_back(node.createAll<nn::LstmOp>(
        3, layer.input, layer.takeDirection(layer.weights, i), layer.takeDirection(layer.recurrentWeights, i),
        layer.takeBias(i, false), layer.takeBias(i, true), layer.lengths, layer.takeState(5, i), layer.takeState(6, i),
        layer.takeDirection(peepholes, i), layer.isReverse(i), activations.kinds, activations.alphas,
        activations.betas, layer.clip, inputForget, /*cell_clip=*/FloatAttr()));
  }
  return layer.finish(directions);
}

static const OpEntry table[] = {
    {"DynamicQuantizeLSTM", 1, importLstm</*isQuantized=*/true>, "com.microsoft"},
    {"GRU", 7, importWide<importGru>},
    {"LSTM", 7, importWide<importLstm</*isQuantized=*/false>>},
    {"RNN", 7, importWide<importRnn>},
};

ArrayRef<OpEntry> getRecurrentOps() { return table; }

} // namespace nnc::onnx
