// Layers with a state that goes from step to step. Keras has (batch, time, feature), and weights (feature, gates).
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::keras {

namespace {

/// The activations of the gates, as the operations take them.
struct Activations {
  ArrayAttr kinds;
  SmallVector<float> alphas, betas;
};

/// A recurrent layer, or the cell that one runs.
struct Cell {
  StringRef kind; ///< LSTM, GRU or SimpleRNN
  int64_t units = 1, gates = 1;
  bool isCudnn = false, isReverse = false;
  Activations activations;
};

} // namespace

static StringRef getKind(StringRef className) {
  className.consume_front("CuDNN");
  className.consume_back("Cell");
  return className;
}

static Activations getActivations(LayerBinder &layer, ArrayRef<StringRef> keys) {
  Activations result;
  SmallVector<Attribute> kinds;
  for (StringRef key : keys) {
    StringRef name = layer.parameters().getString(key, key == "activation" ? "tanh" : "sigmoid");
    using nn::Activation;
    auto kind = llvm::StringSwitch<std::optional<Activation>>(name)
                    .Case("sigmoid", Activation::Sigmoid)
                    .Case("tanh", Activation::Tanh)
                    .Case("relu", Activation::Relu)
                    .Case("linear", Activation::Affine)
                    .Case("hard_sigmoid", Activation::HardSigmoid)
                    .Case("elu", Activation::Elu)
                    .Case("softsign", Activation::Softsign)
                    .Case("softplus", Activation::Softplus)
                    .Default(std::nullopt);
    const llvm::json::Value *given = layer.parameters().find(key);
    if (!kind || (given && !given->getAsString()))
      (void)layer.reject("its " + key + " '" + name + "' is not supported");
    kinds.push_back(nn::ActivationAttr::get(layer.getBuilder().getContext(), kind.value_or(Activation::Tanh)));
    bool isHard = kind == Activation::HardSigmoid;
    result.alphas.push_back(!isHard ? 1.0f : layer.isBeforeKeras3() ? 0.2f : 1.0f / 6);
    result.betas.push_back(isHard ? 0.5f : 0.0f);
  }
  result.kinds = layer.getBuilder().getArrayAttr(kinds);
  return result;
}

static Cell getCell(LayerBinder &layer) {
  Cell cell;
  cell.kind = getKind(layer.get().className);
  cell.isCudnn = layer.get().className.find("CuDNN") == 0;
  cell.units = layer.positive("units", 0);
  cell.gates = cell.kind == "LSTM" ? 4 : cell.kind == "GRU" ? 3 : 1;
  if (cell.kind == "LSTM")
    cell.activations = getActivations(layer, {"recurrent_activation", "activation", "activation"});
  else if (cell.kind == "GRU")
    cell.activations = getActivations(layer, {"recurrent_activation", "activation"});
  else
    cell.activations = getActivations(layer, {"activation"});
  return cell;
}

/// (rows, gates) -> (gates, rows); an LSTM's gates i, f, c, o become i, o, f, c.
static Value turnGates(LayerBinder &layer, const Cell &cell, Value weights, int64_t axis) {
  if (layer.failed())
    return {};
  if (cell.kind == "LSTM") {
    SmallVector<Value> parts;
    for (int64_t gate : {0, 3, 1, 2})
      parts.push_back(layer.create<nn::SliceOp>(weights, layer.ints({gate * cell.units}),
                                                layer.ints({(gate + 1) * cell.units}), Value(),
                                                ArrayRef<int64_t>{axis}));
    weights = layer.create<nn::ConcatOp>(ValueRange(parts), axis);
  }
  return axis == 1 ? layer.transpose(weights, {1, 0}) : weights;
}

static bool hasTwoBiases(LayerBinder &layer, const Cell &cell) {
  bool isAfter = layer.parameters().getBool("reset_after", false);
  return cell.isCudnn || (cell.kind == "GRU" && isAfter);
}

/// The biases of inputs and of the state; null where there are none.
static std::pair<Value, Value> getBiases(LayerBinder &layer, const Cell &cell) {
  int64_t width = cell.gates * cell.units;
  if (!layer.parameters().getBool("use_bias", true) && !cell.isCudnn)
    return {};
  if (!hasTwoBiases(layer, cell))
    return {turnGates(layer, cell, layer.weight({width}), 0), {}};
  Value both = cell.isCudnn ? layer.weight({2 * width}) : layer.weight({2, width});
  if (layer.failed())
    return {};
  both = layer.reshape(both, {2 * width});
  auto half = [&](int64_t from) {
    Value part =
        layer.create<nn::SliceOp>(both, layer.ints({from}), layer.ints({from + width}), Value(), ArrayRef<int64_t>{0});
    return turnGates(layer, cell, part, 0);
  };
  return {half(0), half(width)};
}

/// The steps of x (time, batch, feature), then the last states.
static SmallVector<Value> runCell(LayerBinder &layer, const Cell &cell, Value x, ArrayRef<Value> states) {
  if (layer.failed())
    return {};
  int64_t width = cell.gates * cell.units;
  Value weights = turnGates(layer, cell, layer.weight({layer.extent(x, 2), width}), 1);
  Value recurrent = turnGates(layer, cell, layer.weight({cell.units, width}), 1);
  auto [bias, stateBias] = getBiases(layer, cell);
  auto state = [&](unsigned index) { return index < states.size() ? states[index] : Value(); };
  const auto &[kinds, alphas, betas] = cell.activations;
  if (cell.kind == "LSTM")
    return layer.createAll<nn::LstmOp>(3, x, weights, recurrent, bias, stateBias, Value(), state(0), state(1), Value(),
                                       cell.isReverse, kinds, alphas, betas, FloatAttr(), /*input_forget=*/false, /*cell_clip=*/FloatAttr());
  if (cell.kind == "GRU")
    return layer.createAll<nn::GruOp>(2, x, weights, recurrent, bias, stateBias, Value(), state(0), cell.isReverse,
                                      kinds, alphas, betas, FloatAttr(), hasTwoBiases(layer, cell));
  return layer.createAll<nn::RnnOp>(2, x, weights, recurrent, bias, stateBias, Value(), state(0), cell.isReverse, kinds,
                                    alphas, betas, FloatAttr());
}

/// All states that a call brings: inputs behind the first one, or initial_state.
static SmallVector<Value> getStates(LayerBinder &layer) {
  SmallVector<Value> states;
  for (unsigned i = 1; i < layer.getInputs().size(); ++i)
    states.push_back(layer.input(i));
  const Operand *given = layer.argument("initial_state");
  if (given && given->kind == Argument::Tensor)
    states.push_back(given->value);
  if (given)
    for (const Operand &item : given->items)
      states.push_back(item.value);
  return states;
}

/// Results of a layer: what return_sequences asks for, then with return_state the last states.
static SmallVector<Value> runLayer(LayerBinder &layer, Value x, ArrayRef<Value> states, bool isReverse) {
  layer.refuse({"stateful"});
  Cell cell = getCell(layer);
  cell.isReverse = isReverse;
  bool isTimeMajor = layer.parameters().getBool("time_major", false);
  if (!isTimeMajor)
    x = layer.transpose(x, {1, 0, 2});
  SmallVector<Value> results = runCell(layer, cell, x, states);
  if (layer.failed())
    return {};
  if (!layer.parameters().getBool("return_sequences", false)) {
    results[0] = results[1];
  } else {
    // Steps come in the order in which they were computed.
    if (isReverse)
      results[0] = layer.create<nn::ReverseOp>(results[0], ArrayRef<int64_t>{0});
    if (!isTimeMajor)
      results[0] = layer.transpose(results[0], {1, 0, 2});
  }
  if (!layer.parameters().getBool("return_state", false))
    results.truncate(1);
  return results;
}

static LogicalResult giveAll(LayerBinder &layer, ArrayRef<Value> values) {
  for (Value value : values)
    if (failed(layer.result(value)))
      return failure();
  return failure(layer.failed());
}

static LogicalResult importRecurrent(LayerBinder &layer) {
  Value x = layer.inputOfRank(3);
  bool isReverse = layer.parameters().getBool("go_backwards", false);
  return giveAll(layer, runLayer(layer, x, getStates(layer), isReverse));
}

static void listCell(const Parameters &parameters, StringRef path, bool isCudnn, SmallVectorImpl<WeightSlot> &slots) {
  unsigned count = isCudnn || parameters.getBool("use_bias", true) ? 3 : 2;
  for (unsigned i = 0; i < count; ++i)
    slots.push_back({(path + "vars/" + Twine(i)).str()});
}

static void listRecurrent(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  listCell(parameters, "cell/", /*isCudnn=*/false, slots);
}

static void listCudnn(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  listCell(parameters, "", /*isCudnn=*/true, slots);
}

//===--- Both directions ---===//

static Value mergeDirections(LayerBinder &layer, StringRef mode, Value forward, Value backward) {
  if (mode == "concat") {
    SmallVector<Value> both{forward, backward};
    return layer.create<nn::ConcatOp>(ValueRange(both), layer.getRank(forward) - 1);
  }
  if (mode == "mul")
    return layer.mul(forward, backward);
  Value sum = layer.add(forward, backward);
  if (mode == "ave")
    return layer.mul(sum, layer.like(sum, 0.5));
  if (mode != "sum")
    (void)layer.reject("merge_mode '" + mode + "' is not supported");
  return sum;
}

static LogicalResult importBidirectional(LayerBinder &layer) {
  Value x = layer.inputOfRank(3);
  SmallVector<Value> states = getStates(layer), results[2];
  const auto &inner = layer.get().inner;
  for (const auto &[member, wrapped] : inner)
    if (getKind(wrapped->className) != "LSTM" && getKind(wrapped->className) != "GRU" &&
        getKind(wrapped->className) != "SimpleRNN")
      return layer.reject("a layer of the class " + Twine(wrapped->className) + " in both directions is not supported");
  bool goesBackwards = inner[0].second->parameters().getBool("go_backwards", false);
  bool returnsSequences = inner[0].second->parameters().getBool("return_sequences", false);
  if (layer.failed())
    return failure();
  size_t numStates = states.size() / 2;
  for (int i = 0; i < 2; ++i) {
    LayerBinder direction(layer, *inner[i].second);
    results[i] = runLayer(direction, x, ArrayRef(states).slice(i * numStates, numStates), goesBackwards != (i == 1));
    if (direction.failed())
      return layer.reject("its layer '" + inner[i].second->name + "' (" + inner[i].second->className +
                          "): " + direction.getReason());
  }
  int64_t timeAxis = inner[0].second->parameters().getBool("time_major", false) ? 0 : 1;
  if (returnsSequences)
    results[1][0] = layer.create<nn::ReverseOp>(results[1][0], ArrayRef<int64_t>{timeAxis});
  bool isMerged = layer.parameters().has("merge_mode") || !layer.parameters().get().get("merge_mode");
  SmallVector<Value> all{results[0][0], results[1][0]};
  if (isMerged)
    all = {mergeDirections(layer, layer.parameters().getString("merge_mode", "concat"), all[0], all[1])};
  for (const SmallVector<Value> &direction : results)
    llvm::append_range(all, llvm::drop_begin(direction));
  return giveAll(layer, all);
}

//===--- Each step by itself ---===//

static LogicalResult importTimeDistributed(LayerBinder &layer) {
  Value x = layer.input();
  layer.expectInputs(1);
  if (layer.failed())
    return failure();
  if (layer.getRank(x) < 3)
    return layer.reject("its input must have at least 3 dimensions");
  // Batch and time become one axis, and are two again afterwards.
  Value lead = layer.create<nn::ShapeOp>(x, 0, 2), rest = layer.create<nn::ShapeOp>(x, 2, layer.getRank(x));
  auto join = [&](Value first, Value second) {
    SmallVector<Value> parts{first, second};
    return layer.create<nn::ConcatOp>(ValueRange(parts), 0);
  };
  Operand operand;
  operand.kind = Argument::Tensor;
  operand.value = layer.create<nn::ReshapeOp>(x, join(layer.ints({-1}), rest), /*allow_zero=*/false);
  Operands operands;
  operands.positional.push_back(operand);
  for (Value result : layer.importInner(*layer.get().inner.front().second, operands)) {
    Value shape = join(lead, layer.create<nn::ShapeOp>(result, 1, layer.getRank(result)));
    if (failed(layer.result(layer.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/false))))
      return failure();
  }
  return failure(layer.failed());
}

static const LayerEntry table[] = {
    {"Bidirectional", importBidirectional},     {"CuDNNGRU", importRecurrent, listCudnn},
    {"CuDNNLSTM", importRecurrent, listCudnn},  {"GRU", importRecurrent, listRecurrent},
    {"LSTM", importRecurrent, listRecurrent},   {"SimpleRNN", importRecurrent, listRecurrent},
    {"TimeDistributed", importTimeDistributed},
};

ArrayRef<LayerEntry> getRecurrentLayers() { return table; }

} // namespace nnc::keras
