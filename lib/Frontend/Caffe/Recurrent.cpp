// Recurrent layers, unrolled: Caffe fixes the number of steps when it makes a net.
//
// Without `expose_hidden` the state begins at zero, as in a net that has just
// been made; with it the state is bottoms and tops. The second bottom says per
// step and stream whether the state goes on (1) or begins anew (0).
#include "lib/Frontend/Caffe/LayerTable.h"

using namespace mlir;

namespace nnc::caffe {

/// Steps that are still unrolled.
static constexpr int64_t maxSteps = 256;

namespace {

/// What both layers have in common.
struct Sequence {
  Value input, cont, constant; ///< (steps, streams, inputs), (steps, streams), (streams, inputs) or null
  int64_t steps = 0, streams = 0, outputs = 0;
  unsigned numBottoms = 0; ///< without the state
};

} // namespace

static Sequence bindSequence(LayerBinder &layer, unsigned numStates) {
  Sequence sequence;
  const format::RecurrentParam &param = layer.get().recurrent_param();
  sequence.input = layer.bottom(0);
  sequence.cont = layer.bottom(1);
  unsigned states = param.expose_hidden() ? numStates : 0;
  if (layer.failed())
    return sequence;
  sequence.numBottoms = layer.getNumBottoms() - std::min(states, layer.getNumBottoms());
  if (sequence.numBottoms == 3)
    sequence.constant = layer.bottom(2);
  ArrayRef<int64_t> shape = layer.getShape(sequence.input);
  if (shape.size() < 2 || sequence.numBottoms < 2 || sequence.numBottoms > 3 || param.num_output() < 1 ||
      layer.getShape(sequence.cont) != shape.take_front(2)) {
    (void)layer.reject("its bottoms must be a sequence, its continuation, and at most one more, of fitting extents");
    return sequence;
  }
  sequence.steps = shape[0];
  sequence.streams = shape[1];
  sequence.outputs = param.num_output();
  if (sequence.steps > maxSteps)
    (void)layer.reject("a sequence of more than " + Twine(maxSteps) + " steps");
  int64_t inputs = layer.getType(sequence.input).getNumElements() / (shape[0] * shape[1]);
  sequence.input = layer.reshape(sequence.input, {sequence.steps * sequence.streams, inputs});
  if (sequence.constant) {
    int64_t count = layer.getType(sequence.constant).getNumElements();
    if (layer.getRank(sequence.constant) < 1 || layer.getShape(sequence.constant)[0] != sequence.streams)
      (void)layer.reject("its third bottom must have one row per stream");
    else
      sequence.constant = layer.reshape(sequence.constant, {sequence.streams, count / sequence.streams});
  }
  return sequence;
}

static Value multiply(LayerBinder &layer, Value x, Value weights) {
  return layer.create<nn::MatmulOp>(x, weights, /*transpose_lhs=*/false, /*transpose_rhs=*/true);
}

/// The weighted inputs of all steps, (steps, streams, width); `next` counts the weight blobs.
static Value applyInputs(LayerBinder &layer, const Sequence &sequence, int64_t width, unsigned &next) {
  const format::RecurrentParam &param = layer.get().recurrent_param();
  if (layer.failed())
    return {};
  Value weights = layer.weight(next++, {width, layer.getShape(sequence.input)[1]}, param.weight_filler());
  Value bias = layer.weight(next++, {width}, param.bias_filler());
  Value gates = layer.create<nn::AddOp>(multiply(layer, sequence.input, weights), bias);
  gates = layer.reshape(gates, {sequence.steps, sequence.streams, width});
  if (sequence.constant && !layer.failed()) {
    Value more = layer.weight(next++, {width, layer.getShape(sequence.constant)[1]}, param.weight_filler());
    gates = layer.create<nn::AddOp>(gates, multiply(layer, sequence.constant, more));
  }
  return gates;
}

/// Step `step` of (steps, streams, ...), without the first axis and with `columns` columns.
static Value takeStep(LayerBinder &layer, const Sequence &sequence, Value x, int64_t step, int64_t columns) {
  Value slice = layer.create<nn::SliceOp>(x, layer.ints({step}), layer.ints({step + 1}), Value(), ArrayRef<int64_t>{0});
  return layer.reshape(slice, {sequence.streams, columns});
}

static Value takeColumns(LayerBinder &layer, Value x, int64_t start, int64_t count) {
  return layer.create<nn::SliceOp>(x, layer.ints({start}), layer.ints({start + count}), Value(), ArrayRef<int64_t>{1});
}

/// The state before the first step: a bottom of (1, streams, outputs), or zeros.
static Value getState(LayerBinder &layer, const Sequence &sequence, unsigned index) {
  if (layer.failed())
    return {};
  if (!layer.get().recurrent_param().expose_hidden())
    return layer.floats({sequence.streams, sequence.outputs},
                        std::vector<float>(sequence.streams * sequence.outputs, 0));
  Value state = layer.bottom(sequence.numBottoms + index);
  if (state && layer.getType(state).getNumElements() != sequence.streams * sequence.outputs)
    (void)layer.reject("a state has the wrong number of elements");
  return layer.failed() ? Value() : layer.reshape(state, {sequence.streams, sequence.outputs});
}

/// Hands on all steps, and with `expose_hidden` the state after the last one.
static LogicalResult finish(LayerBinder &layer, const Sequence &sequence, ArrayRef<Value> steps, ArrayRef<Value> states) {
  SmallVector<Value> rows;
  for (Value step : steps)
    rows.push_back(layer.reshape(step, {1, sequence.streams, sequence.outputs}));
  if (failed(layer.result(layer.create<nn::ConcatOp>(rows, 0))))
    return failure();
  if (!layer.get().recurrent_param().expose_hidden()) {
    layer.remark("unrolled; its state begins at zero at every call");
    return success();
  }
  for (Value state : states)
    if (failed(layer.result(layer.reshape(state, {1, sequence.streams, sequence.outputs}))))
      return failure();
  return success();
}

/// c = f * c + i * g, h = o * tanh(c), where `gates` holds i, f, o, g before their activations.
static std::pair<Value, Value> runUnit(LayerBinder &layer, Value gates, Value cell, int64_t outputs) {
  auto gate = [&](int64_t index) { return takeColumns(layer, gates, index * outputs, outputs); };
  Value i = layer.create<nn::SigmoidOp>(gate(0)), f = layer.create<nn::SigmoidOp>(gate(1));
  Value o = layer.create<nn::SigmoidOp>(gate(2)), g = layer.create<nn::TanhOp>(gate(3));
  cell = layer.create<nn::AddOp>(layer.create<nn::MulOp>(f, cell), layer.create<nn::MulOp>(i, g));
  return {layer.create<nn::MulOp>(o, layer.create<nn::TanhOp>(cell)), cell};
}

static LogicalResult importLSTM(LayerBinder &layer) {
  Sequence sequence = bindSequence(layer, 2);
  unsigned next = 0;
  Value gates = applyInputs(layer, sequence, 4 * sequence.outputs, next);
  if (layer.failed())
    return failure();
  Value recurrent = layer.weight(next, {4 * sequence.outputs, sequence.outputs},
                                 layer.get().recurrent_param().weight_filler());
  Value hidden = getState(layer, sequence, 0), cell = getState(layer, sequence, 1);
  SmallVector<Value> steps;
  for (int64_t step = 0; step < sequence.steps && !layer.failed(); ++step) {
    Value cont = takeStep(layer, sequence, sequence.cont, step, 1);
    Value before = layer.create<nn::MulOp>(hidden, cont);
    Value sum = layer.create<nn::AddOp>(takeStep(layer, sequence, gates, step, 4 * sequence.outputs),
                                        multiply(layer, before, recurrent));
    std::tie(hidden, cell) = runUnit(layer, sum, layer.create<nn::MulOp>(cell, cont), sequence.outputs);
    steps.push_back(hidden);
  }
  return finish(layer, sequence, steps, {hidden, cell});
}

static LogicalResult importRNN(LayerBinder &layer) {
  Sequence sequence = bindSequence(layer, 1);
  unsigned next = 0;
  Value inputs = applyInputs(layer, sequence, sequence.outputs, next);
  if (layer.failed())
    return failure();
  const format::RecurrentParam &param = layer.get().recurrent_param();
  SmallVector<int64_t> square{sequence.outputs, sequence.outputs};
  Value recurrent = layer.weight(next, square, param.weight_filler());
  Value outWeights = layer.weight(next + 1, square, param.weight_filler());
  Value outBias = layer.weight(next + 2, {sequence.outputs}, param.bias_filler());
  Value hidden = getState(layer, sequence, 0);
  SmallVector<Value> steps;
  for (int64_t step = 0; step < sequence.steps && !layer.failed(); ++step) {
    Value before = layer.create<nn::MulOp>(hidden, takeStep(layer, sequence, sequence.cont, step, 1));
    Value sum = layer.create<nn::AddOp>(takeStep(layer, sequence, inputs, step, sequence.outputs),
                                        multiply(layer, before, recurrent));
    hidden = layer.create<nn::TanhOp>(sum);
    Value out = layer.create<nn::AddOp>(multiply(layer, hidden, outWeights), outBias);
    steps.push_back(layer.create<nn::TanhOp>(out));
  }
  return finish(layer, sequence, steps, {hidden});
}

/// One step of an LSTM: cell (1, streams, outputs), gates (1, streams, 4 * outputs), continuation (1, streams).
static LogicalResult importLSTMUnit(LayerBinder &layer) {
  Value cell = layer.bottom(0), gates = layer.bottom(1), cont = layer.bottom(2);
  if (layer.failed())
    return failure();
  SmallVector<int64_t> shape(layer.getShape(cell));
  if (shape.size() != 3 || shape[0] != 1 || layer.getShape(gates) != ArrayRef<int64_t>({1, shape[1], 4 * shape[2]}) ||
      layer.getType(cont).getNumElements() != shape[1])
    return layer.reject("its bottoms do not fit each other");
  Value old = layer.create<nn::MulOp>(layer.reshape(cell, {shape[1], shape[2]}), layer.reshape(cont, {shape[1], 1}));
  auto [hidden, next] = runUnit(layer, layer.reshape(gates, {shape[1], 4 * shape[2]}), old, shape[2]);
  if (failed(layer.result(layer.reshape(next, shape))))
    return failure();
  return layer.result(layer.reshape(hidden, shape));
}

static const LayerEntry table[] = {{"LSTM", importLSTM}, {"LSTMUnit", importLSTMUnit}, {"RNN", importRNN}};

ArrayRef<LayerEntry> getRecurrentLayers() { return table; }

} // namespace nnc::caffe
