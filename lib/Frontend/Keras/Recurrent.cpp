// Layers with a state that goes from step to step. Keras has (batch, time, feature), and weights (feature, gates).
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Steps.h"
#include "lib/Frontend/Keras/Cells.h"
#include "lib/Frontend/Keras/FirstGeneration.h"
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/StringSwitch.h"

#include <tuple>

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

namespace {

/// The activations of the gates, as the operations take them.
struct Activations {
  ArrayAttr kinds;
  SmallVector<float> alphas, betas;
};

/// A recurrent layer, or the cell that one runs, as the recurrent operations take it.
struct WholeCell {
  StringRef kind; ///< LSTM, GRU or SimpleRNN
  int64_t units = 1, gates = 1;
  bool isCudnn = false, isReverse = false;
  Activations activations;
};

} // namespace

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

static WholeCell getCell(LayerBinder &layer) {
  WholeCell cell;
  cell.kind = getCellKind(layer.get().className);
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
static Value turnGates(LayerBinder &layer, const WholeCell &cell, Value weights, int64_t axis) {
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

static bool hasTwoBiases(LayerBinder &layer, const WholeCell &cell) {
  bool isAfter = layer.parameters().getBool("reset_after", false);
  return cell.isCudnn || (cell.kind == "GRU" && isAfter);
}

/// The biases of inputs and of the state; null where there are none.
static std::pair<Value, Value> getBiases(LayerBinder &layer, const WholeCell &cell) {
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

/// Weights, recurrent weights and biases of Keras 1: those of one gate after the other, an LSTM's i, c, f, o.
static std::tuple<Value, Value, Value> readSeparateGates(LayerBinder &layer, const WholeCell &cell, int64_t features) {
  SmallVector<Value> parts[3];
  for (int64_t gate = 0; gate < cell.gates; ++gate) {
    parts[0].push_back(layer.weight({features, cell.units}));
    parts[1].push_back(layer.weight({cell.units, cell.units}));
    parts[2].push_back(layer.weight({cell.units}));
  }
  if (layer.failed())
    return {};
  Value joined[3];
  for (int i = 0; i < 3; ++i) {
    if (cell.kind == "LSTM")
      std::swap(parts[i][1], parts[i][2]);
    joined[i] = layer.create<nn::ConcatOp>(ValueRange(parts[i]), i == 2 ? 0 : 1);
    joined[i] = turnGates(layer, cell, joined[i], i == 2 ? 0 : 1);
  }
  return {joined[0], joined[1], joined[2]};
}

/// The steps of x (time, batch, feature), then the last states.
static SmallVector<Value> runWhole(LayerBinder &layer, const WholeCell &cell, Value x, ArrayRef<Value> states) {
  if (layer.failed())
    return {};
  int64_t width = cell.gates * cell.units;
  Value weights, recurrent, bias, stateBias;
  if (layer.parameters().has(separateGates)) {
    std::tie(weights, recurrent, bias) = readSeparateGates(layer, cell, layer.extent(x, 2));
  } else {
    weights = turnGates(layer, cell, layer.weight({layer.extent(x, 2), width}), 1);
    recurrent = turnGates(layer, cell, layer.weight({cell.units, width}), 1);
    std::tie(bias, stateBias) = getBiases(layer, cell);
  }
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

//===--- Layers ---===//

/// A layer whose cells run.
struct RecurrentLayer {
  LayerBinder &layer;
  std::vector<std::unique_ptr<LayerBinder>> inner; ///< of a layer RNN
  std::vector<LayerBinder *> cells;

  explicit RecurrentLayer(LayerBinder &layer) : layer(layer) {
    if (layer.get().className != "RNN") {
      cells.push_back(&layer);
      return;
    }
    const Layer &cell = *layer.get().inner.front().second;
    if (cell.className == "StackedRNNCells")
      for (const auto &[member, single] : cell.inner)
        inner.push_back(std::make_unique<LayerBinder>(layer, *single));
    else
      inner.push_back(std::make_unique<LayerBinder>(layer, cell));
    for (const auto &binder : inner)
      cells.push_back(binder.get());
  }

  /// Tells the layer why one of its cells failed.
  bool hasFailed() {
    for (LayerBinder *cell : cells)
      if (cell != &layer && cell->failed())
        (void)layer.reject("its cell '" + cell->get().name + "' (" + cell->get().className + "): " + cell->getReason());
    return layer.failed();
  }
};

/// All steps of x (time, batch, feature), then the last states: cell by cell, where steps that are masked change nothing.
static SmallVector<Value> runMasked(RecurrentLayer &recurrent, Value x, ArrayRef<Value> initial, Value mask,
                                    bool isReverse, bool givesZeros) {
  LayerBinder &layer = recurrent.layer;
  std::vector<Cell> cells;
  SmallVector<Value> states;
  int64_t features = layer.extent(x, 2);
  Value batch = layer.create<nn::ShapeOp>(x, 1, 2);
  for (LayerBinder *binder : recurrent.cells) {
    cells.push_back(bindCell(*binder, features));
    features = cells.back().units;
    if (recurrent.hasFailed())
      return {};
    Expression shape = Expression::concat(layer, {Expression(layer, batch), Expression::ints(layer, {features})}, 0);
    for (unsigned i = 0; i < cells.back().getNumStates(); ++i)
      states.push_back(states.size() < initial.size() ? initial[states.size()]
                                                      : layer.create<nn::FillOp>(shape, layer.like(x, 0)));
  }
  if (initial.size() > states.size())
    (void)layer.reject("it is given more states than it has");
  SmallVector<Value> sequences{projectInput(cells.front(), x)};
  if (mask)
    sequences.push_back(layer.transpose(mask, {1, 0}));
  Value steps = frontend::runSteps(layer, sequences, states, isReverse, [&](ArrayRef<Value> parts, MutableArrayRef<Value> next) {
    SmallVector<Value> before(next);
    Value output = parts[0];
    unsigned place = 0;
    for (const Cell &cell : cells) {
      output = runCell(cell, &cell == &cells.front() ? output : projectInput(cell, output),
                       next.slice(place, cell.getNumStates()));
      place += cell.getNumStates();
    }
    if (!mask || recurrent.hasFailed())
      return output;
    Expression counts = Expression(layer, parts[1]).unsqueeze({1});
    for (auto [state, old] : llvm::zip(next, before))
      state = counts.choose(Expression(layer, state), Expression(layer, old));
    Expression rest(layer, before.front());
    return static_cast<Value>(counts.choose(Expression(layer, output), givesZeros ? rest.like(0) : rest));
  });
  if (recurrent.hasFailed())
    return {};
  SmallVector<Value> results{steps};
  llvm::append_range(results, states);
  return results;
}

/// The last of the steps (time, batch, feature), in the order in which they are computed.
static Value takeLast(LayerBinder &layer, Value steps, bool isReverse) {
  Value place = layer.ints({0});
  if (!isReverse)
    place = layer.create<nn::SubOp>(layer.create<nn::ShapeOp>(steps, 0, 1), layer.ints({1}));
  return layer.create<nn::SqueezeOp>(layer.create<nn::GatherOp>(steps, place, 0), ArrayRef<int64_t>{0});
}

/// Results of a layer: what return_sequences asks for, then with return_state the last states. `givesZeros`: masked steps
/// give zeros instead of what the step before gave.
static SmallVector<Value> runLayer(LayerBinder &layer, Value x, ArrayRef<Value> states, bool isReverse, bool givesZeros) {
  layer.refuse({"stateful"});
  Value mask = layer.mask();
  RecurrentLayer recurrent(layer);
  bool isTimeMajor = layer.parameters().getBool("time_major", false);
  if (mask && (isTimeMajor || recurrent.cells.size() > 1))
    (void)layer.reject("a mask of its input is not supported with time_major, or several cells");
  // Keras 3 does not hand the mask on then; Keras 2 does.
  if (mask && llvm::any_of(states, [](Value state) { return static_cast<bool>(state); }))
    (void)layer.reject("a mask of its input together with initial states is not supported");
  if (!isTimeMajor)
    x = layer.transpose(x, {1, 0, 2});
  SmallVector<Value> results;
  if (mask || recurrent.cells.size() > 1) {
    if (!layer.failed())
      results = runMasked(recurrent, x, states, mask, isReverse, givesZeros);
  } else {
    LayerBinder &binder = *recurrent.cells.front();
    if (getCellKind(binder.get().className).empty())
      (void)binder.reject("a cell of this class is not supported");
    WholeCell cell = getCell(binder);
    cell.isReverse = isReverse;
    if (!recurrent.hasFailed())
      results = runWhole(binder, cell, x, states);
  }
  if (recurrent.hasFailed())
    return {};
  if (!layer.parameters().getBool("return_sequences", false)) {
    // Without a mask that is the first state.
    results[0] = mask || recurrent.cells.size() > 1 ? takeLast(layer, results[0], isReverse) : results[1];
  } else {
    // Steps come in the order in which they were computed.
    if (isReverse)
      results[0] = layer.create<nn::ReverseOp>(results[0], ArrayRef<int64_t>{0});
    if (!isTimeMajor)
      results[0] = layer.transpose(results[0], {1, 0, 2});
    if (mask)
      layer.setMask(mask);
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
  bool givesZeros = layer.parameters().getBool("zero_output_for_mask", false);
  return giveAll(layer, runLayer(layer, x, getStates(layer), isReverse, givesZeros));
}

static void listCell(const Parameters &parameters, StringRef path, bool isCudnn, SmallVectorImpl<WeightSlot> &slots) {
  unsigned count = isCudnn || parameters.getBool("use_bias", true) ? 3 : 2;
  for (unsigned i = 0; i < count; ++i)
    slots.push_back({(path + "vars/" + Twine(i)).str()});
}

static void listRecurrent(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  if (parameters.has(separateGates)) {
    // Of .h5 files, which have no paths; an LSTM's forget gate has an initial value of its own.
    slots.append(parameters.has("forget_bias_init") ? 12 : 9, WeightSlot{""});
    return;
  }
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
    if (wrapped->className != "RNN" && getCellKind(wrapped->className).empty())
      return layer.reject("a layer of the class " + Twine(wrapped->className) + " in both directions is not supported");
  bool goesBackwards = inner[0].second->parameters().getBool("go_backwards", false);
  bool returnsSequences = inner[0].second->parameters().getBool("return_sequences", false);
  if (layer.failed())
    return failure();
  size_t numStates = states.size() / 2;
  for (int i = 0; i < 2; ++i) {
    LayerBinder direction(layer, *inner[i].second);
    // Of whole sequences masked steps are zeros in both directions.
    results[i] = runLayer(direction, x, ArrayRef(states).slice(i * numStates, numStates), goesBackwards != (i == 1),
                          returnsSequences);
    if (direction.failed())
      return layer.reject("its layer '" + inner[i].second->name + "' (" + inner[i].second->className +
                          "): " + direction.getReason());
  }
  int64_t timeAxis = inner[0].second->parameters().getBool("time_major", false) ? 0 : 1;
  if (returnsSequences)
    results[1][0] = layer.create<nn::ReverseOp>(results[1][0], ArrayRef<int64_t>{timeAxis});
  if (returnsSequences && layer.mask())
    layer.setMask(layer.mask());
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
  // A layer that would use the mask gets that of its step, which is another one.
  const Layer &wrapped = *layer.get().inner.front().second;
  Value mask = layer.mask();
  if (mask && (wrapped.graph || getMaskUse(wrapped) == MaskUse::Needs || getMaskUse(wrapped) == MaskUse::Uses))
    return layer.reject("a mask of its input is not supported around " + Twine(wrapped.className));
  operand.value = layer.create<nn::ReshapeOp>(x, join(layer.ints({-1}), rest), /*allow_zero=*/false);
  Operands operands;
  operands.positional.push_back(operand);
  for (Value result : layer.importInner(*layer.get().inner.front().second, operands)) {
    Value shape = join(lead, layer.create<nn::ShapeOp>(result, 1, layer.getRank(result)));
    if (failed(layer.result(layer.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/false))))
      return failure();
  }
  layer.setMask(mask);
  return failure(layer.failed());
}

/// A cell outside of a layer.
static LogicalResult refuseCell(LayerBinder &layer) { return layer.reject("a cell is supported in a layer RNN only"); }

static void listSingleCell(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  listCell(parameters, "", /*isCudnn=*/false, slots);
}

static const LayerEntry table[] = {
    {"Bidirectional", importBidirectional},     {"CuDNNGRU", importRecurrent, listCudnn},
    {"CuDNNLSTM", importRecurrent, listCudnn},  {"GRU", importRecurrent, listRecurrent},
    {"LSTM", importRecurrent, listRecurrent},   {"SimpleRNN", importRecurrent, listRecurrent},
    {"GRUCell", refuseCell, listSingleCell},    {"LSTMCell", refuseCell, listSingleCell},
    {"RNN", importRecurrent},                   {"SimpleRNNCell", refuseCell, listSingleCell},
    {"StackedRNNCells", refuseCell},            {"TimeDistributed", importTimeDistributed},
};

ArrayRef<LayerEntry> getRecurrentLayers() { return table; }

} // namespace nnc::keras
