// Recurrent sections, one step after the other. Rows of the input are
// (step, image); the state is an input and an output of the network, zeros before
// the first call.
#include "lib/Frontend/Darknet/SectionTable.h"

using namespace mlir;

namespace nnc::darknet {

/// Steps that are still unrolled.
static constexpr int64_t maxSteps = 256;

static bool hasTooManySteps(SectionBinder &layer) {
  if (layer.getNetwork().steps <= maxSteps)
    return false;
  (void)layer.reject("more than " + Twine(maxSteps) + " steps are not supported");
  return true;
}

static Value takeStep(SectionBinder &layer, Value x, int64_t step) {
  int64_t batch = layer.getNetwork().batch;
  return layer.getNetwork().steps == 1 ? x : sliceAxis(layer, x, 0, step * batch, (step + 1) * batch);
}

static Value joinSteps(SectionBinder &layer, ArrayRef<Value> steps) {
  if (layer.failed() || steps.size() == 1)
    return steps.empty() ? Value() : steps.front();
  return layer.create<nn::ConcatOp>(steps, 0);
}

static Value add(SectionBinder &layer, Value x, Value y) { return layer.create<nn::AddOp>(x, y); }
static Value multiply(SectionBinder &layer, Value x, Value y) { return layer.create<nn::MulOp>(x, y); }
static Value sigmoid(SectionBinder &layer, Value x) { return layer.create<nn::SigmoidOp>(x); }

//===--- Simple recurrence ---===//

/// state = act(input(x)) + act(self(state)) (+ state), output = act(output(state)), for connected and convolutional
/// layers alike; the three functions apply weights to a value.
template <typename Apply>
static Value runSimple(SectionBinder &layer, Value x, Value state, Apply apply, StringRef selfActivation, bool isImage) {
  const Section &section = layer.get();
  StringRef activation = section.text("activation", "logistic");
  SmallVector<Value> steps;
  for (int64_t step = 0; step < layer.getNetwork().steps && !layer.failed(); ++step) {
    Value fromInput = activate(layer, apply(0, takeStep(layer, x, step)), activation, isImage);
    Value fromState = activate(layer, apply(1, state), selfActivation, isImage);
    Value next = add(layer, fromInput, fromState);
    state = section.integer("shortcut", 0) ? add(layer, state, next) : next;
    steps.push_back(activate(layer, apply(2, state), activation, isImage));
  }
  layer.setState("state", state);
  return joinSteps(layer, steps);
}

static LogicalResult importRnn(SectionBinder &layer) {
  const Section &section = layer.get();
  Value x = layer.flat();
  int64_t outputs = layer.positive("output", 1), hidden = layer.isAlexeyAB() ? layer.positive("hidden", 1) : outputs;
  if (layer.failed() || hasTooManySteps(layer))
    return failure();
  ConnectedWeights weights[3] = {readConnected(layer, layer.getShape(x)[1], hidden),
                                 readConnected(layer, hidden, hidden), readConnected(layer, hidden, outputs)};
  Value state = layer.getState("state", {layer.getNetwork().batch, hidden});
  StringRef self = section.text("activation", "logistic");
  if (layer.isAlexeyAB() && section.integer("logistic", 0))
    self = section.integer("logistic", 0) == 2 ? "loggy" : "logistic";
  auto apply = [&](int which, Value value) { return connect(layer, value, weights[which]); };
  return layer.result(runSimple(layer, x, state, apply, self, /*isImage=*/false), /*isVector=*/true);
}

static LogicalResult importCrnn(SectionBinder &layer) {
  const Section &section = layer.get();
  Value x = layer.image();
  if (layer.failed() || hasTooManySteps(layer))
    return failure();
  ConvolutionShape shape;
  int64_t outputs, hidden;
  if (layer.isAlexeyAB()) {
    layer.refuseKeys({"antialiasing", "xnor", "binary"});
    outputs = layer.positive("output", 1);
    hidden = layer.positive("hidden", 1);
    shape.size = layer.positive("size", 3);
    shape.groups = layer.positive("groups", 1);
    shape.dilation = shape.size > 1 ? layer.positive("dilation", 1) : 1;
    shape.pad = section.integer("pad", 0) ? shape.size / 2 : section.integer("padding", 0);
    if (layer.positive("stride", 1) != 1 || shape.pad * 2 != shape.size - 1 || shape.dilation != 1)
      return layer.reject("only windows that keep the size of the image are supported (pad=1, stride=1)");
  } else {
    hidden = layer.positive("hidden_filters", 1);
    outputs = layer.positive("output_filters", 1);
    shape.size = 3;
    shape.pad = 1;
    // This fork takes the height for the width and the other way round.
    ArrayRef<int64_t> extents = layer.getShape(x);
    if (extents[2] != extents[3])
      layer.remark("crnn: the image is read with height and width exchanged, as darknet does");
    x = layer.reshape(x, {extents[0], extents[1], extents[3], extents[2]});
  }
  shape.normalizes = section.integer("batch_normalize", 0);
  SmallVector<int64_t> channels{layer.getShape(x)[1], hidden, hidden};
  SmallVector<ConvolutionShape> shapes(3, shape);
  shapes[0].filters = shapes[1].filters = hidden;
  shapes[2].filters = outputs;
  SmallVector<ConvolutionWeights> weights;
  for (int i = 0; i < 3; ++i)
    weights.push_back(readConvolution(layer, shapes[i], channels[i]));
  if (layer.failed())
    return failure();
  Value state = layer.getState("state", {layer.getNetwork().batch, hidden, layer.getShape(x)[2], layer.getShape(x)[3]});
  auto apply = [&](int which, Value value) { return convolve(layer, value, shapes[which], weights[which]); };
  return layer.result(
      runSimple(layer, x, state, apply, section.text("activation", "logistic"), /*isImage=*/true));
}

//===--- Gated recurrence ---===//

/// h = z * h + (1 - z) * act(input(x) + state(r * h)); the forks store the two sides in opposite order.
static LogicalResult importGru(SectionBinder &layer) {
  Value x = layer.flat();
  int64_t outputs = layer.positive("output", 1);
  if (layer.failed() || hasTooManySteps(layer))
    return failure();
  int64_t inputs = layer.getShape(x)[1];
  SmallVector<ConnectedWeights> ofState, ofInput; // z, r, h
  for (int side = 0; side < 2; ++side) {
    bool isState = (side == 0) != layer.isAlexeyAB();
    for (int gate = 0; gate < 3; ++gate)
      (isState ? ofState : ofInput).push_back(readConnected(layer, isState ? outputs : inputs, outputs));
  }
  Value state = layer.getState("state", {layer.getNetwork().batch, outputs});
  bool isTanh = !layer.isAlexeyAB() && layer.get().integer("tanh", 0);
  SmallVector<Value> steps;
  for (int64_t step = 0; step < layer.getNetwork().steps && !layer.failed(); ++step) {
    Value input = takeStep(layer, x, step);
    auto sum = [&](int gate, Value from) {
      return add(layer, connect(layer, from, ofState[gate]), connect(layer, input, ofInput[gate]));
    };
    Value z = sigmoid(layer, sum(0, state)), r = sigmoid(layer, sum(1, state));
    Value candidate = sum(2, multiply(layer, r, state));
    candidate = isTanh ? layer.create<nn::TanhOp>(candidate) : sigmoid(layer, candidate);
    Value rest = layer.create<nn::SubOp>(layer.number(1), z);
    state = add(layer, multiply(layer, z, state), multiply(layer, rest, candidate));
    steps.push_back(state);
  }
  layer.setState("state", state);
  return layer.result(joinSteps(layer, steps), /*isVector=*/true);
}

/// The forks' order of the gates in the file.
static ArrayRef<char> getGateOrder(SectionBinder &layer) {
  static const char pjreddie[] = {'i', 'f', 'o', 'g'}, alexey[] = {'f', 'i', 'g', 'o'};
  return layer.isAlexeyAB() ? ArrayRef<char>(alexey) : ArrayRef<char>(pjreddie);
}

static LogicalResult importLstm(SectionBinder &layer) {
  Value x = layer.flat();
  int64_t outputs = layer.positive("output", 1), batch = layer.getNetwork().batch;
  if (layer.failed() || hasTooManySteps(layer))
    return failure();
  llvm::DenseMap<char, ConnectedWeights> ofState, ofInput;
  for (char gate : getGateOrder(layer))
    ofState[gate] = readConnected(layer, outputs, outputs);
  for (char gate : getGateOrder(layer))
    ofInput[gate] = readConnected(layer, layer.getShape(x)[1], outputs);
  Value hidden = layer.getState("state", {batch, outputs}), cell = layer.getState("cell", {batch, outputs});
  SmallVector<Value> steps;
  for (int64_t step = 0; step < layer.getNetwork().steps && !layer.failed(); ++step) {
    Value input = takeStep(layer, x, step);
    auto sum = [&](char gate) {
      return add(layer, connect(layer, hidden, ofState[gate]), connect(layer, input, ofInput[gate]));
    };
    Value i = sigmoid(layer, sum('i')), f = sigmoid(layer, sum('f')), o = sigmoid(layer, sum('o'));
    Value g = layer.create<nn::TanhOp>(sum('g'));
    cell = add(layer, multiply(layer, f, cell), multiply(layer, i, g));
    hidden = multiply(layer, o, layer.create<nn::TanhOp>(cell));
    steps.push_back(hidden);
  }
  layer.setState("state", hidden);
  layer.setState("cell", cell);
  return layer.result(joinSteps(layer, steps), /*isVector=*/true);
}

namespace {

/// The convolutions of a conv_lstm: of the cell (peepholes), the state and the input.
struct ConvLstm {
  ConvolutionShape shape;
  llvm::DenseMap<char, ConvolutionWeights> ofCell, ofState, ofInput;
  bool peephole;
};

} // namespace

static ConvLstm readConvLstm(SectionBinder &layer, int64_t channels) {
  const Section &section = layer.get();
  ConvLstm lstm;
  layer.refuseKeys({"bottleneck", "xnor", "shortcut"});
  lstm.shape.filters = layer.positive("output", 1);
  lstm.shape.size = layer.positive("size", 3);
  lstm.shape.groups = layer.positive("groups", 1);
  lstm.shape.pad = section.integer("pad", 0) ? lstm.shape.size / 2 : section.integer("padding", 0);
  lstm.shape.normalizes = section.integer("batch_normalize", 0);
  lstm.peephole = section.integer("peephole", 0);
  // darknet's CPU path takes tanh whatever is said.
  if (StringRef activation = section.text("lstm_activation", "tanh"); activation != "tanh")
    (void)layer.reject("lstm_activation=" + activation + " is not supported");
  if (layer.positive("stride", 1) != 1 || lstm.shape.pad * 2 != lstm.shape.size - 1 ||
      (lstm.shape.size > 1 && layer.positive("dilation", 1) != 1))
    (void)layer.reject("only windows that keep the size of the image are supported (pad=1, stride=1)");
  if (lstm.peephole)
    for (char gate : {'f', 'i', 'o'})
      lstm.ofCell[gate] = readConvolution(layer, lstm.shape, lstm.shape.filters);
  for (char gate : {'f', 'i', 'g', 'o'})
    lstm.ofState[gate] = readConvolution(layer, lstm.shape, lstm.shape.filters);
  for (char gate : {'f', 'i', 'g', 'o'})
    lstm.ofInput[gate] = readConvolution(layer, lstm.shape, channels);
  return lstm;
}

static LogicalResult importConvLstm(SectionBinder &layer) {
  const Section &section = layer.get();
  Value x = layer.image();
  if (layer.failed() || hasTooManySteps(layer))
    return failure();
  ConvLstm lstm = readConvLstm(layer, layer.getShape(x)[1]);
  SmallVector<int64_t> stateShape{layer.getNetwork().batch, lstm.shape.filters, layer.getShape(x)[2], layer.getShape(x)[3]};
  Value hidden = layer.getState("state", stateShape), cell = layer.getState("cell", stateShape);
  StringRef activation = section.text("activation", "linear");
  double limit = section.real("state_constrain", layer.getNetwork().steps * 32);
  auto apply = [&](llvm::DenseMap<char, ConvolutionWeights> &weights, char gate, Value value) {
    return activate(layer, convolve(layer, value, lstm.shape, weights[gate]), activation, /*isImage=*/true);
  };
  SmallVector<Value> steps;
  for (int64_t step = 0; step < layer.getNetwork().steps && !layer.failed(); ++step) {
    Value input = takeStep(layer, x, step);
    auto sum = [&](char gate, Value ofCell) {
      Value total = add(layer, apply(lstm.ofState, gate, hidden), apply(lstm.ofInput, gate, input));
      return ofCell ? add(layer, total, apply(lstm.ofCell, gate, ofCell)) : total;
    };
    Value before = lstm.peephole ? cell : Value();
    Value f = sigmoid(layer, sum('f', before)), i = sigmoid(layer, sum('i', before));
    Value g = layer.create<nn::TanhOp>(sum('g', Value()));
    Value next = add(layer, multiply(layer, f, cell), multiply(layer, i, g));
    Value o = sigmoid(layer, sum('o', lstm.peephole ? next : Value()));
    hidden = multiply(layer, o, layer.create<nn::TanhOp>(next));
    cell = limit != 0 ? layer.create<nn::ClipOp>(next, layer.number(-limit), layer.number(limit)) : next;
    steps.push_back(hidden);
  }
  layer.setState("state", hidden);
  layer.setState("cell", cell);
  return layer.result(joinSteps(layer, steps));
}

/// The last images along the channels, the newest first.
static LogicalResult importHistory(SectionBinder &layer) {
  Value x = layer.image();
  int64_t size = layer.positive("history_size", 4);
  if (layer.failed() || hasTooManySteps(layer))
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  int64_t channels = shape[1], batch = layer.getNetwork().batch;
  if (layer.getNetwork().steps == 1) {
    layer.remark("with one step darknet keeps no history: zeros beside the image");
    return layer.result(layer.create<nn::PadOp>(x, layer.ints({0, (size - 1) * channels}), layer.number(0),
                                                ArrayRef<int64_t>{1}, nn::PadMode::Constant));
  }
  Value history = layer.getState("state", {batch, size * channels, shape[2], shape[3]});
  SmallVector<Value> steps;
  for (int64_t step = 0; step < layer.getNetwork().steps && !layer.failed(); ++step) {
    Value older = sliceAxis(layer, history, 1, 0, (size - 1) * channels);
    history = size == 1 ? takeStep(layer, x, step)
                        : layer.create<nn::ConcatOp>(ValueRange{takeStep(layer, x, step), older}, 1);
    steps.push_back(history);
  }
  layer.setState("state", history);
  return layer.result(joinSteps(layer, steps));
}

static const SectionEntry table[] = {
    {"conv_lstm", importConvLstm}, {"crnn", importCrnn}, {"gru", importGru}, {"history", importHistory},
    {"lstm", importLstm},          {"rnn", importRnn},
};

ArrayRef<SectionEntry> getRecurrentSections() { return table; }

} // namespace nnc::darknet
