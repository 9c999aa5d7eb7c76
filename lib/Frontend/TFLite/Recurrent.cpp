// TFLite operators of the recurrent family, on floats. Their states are variables: operands, whose values after the
// operator are told to OpBinder.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Steps.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;
using frontend::runSteps;

Value swapTimeAndBatch(OpBinder &op, Value sequence, bool isTimeMajor) {
  if (!op.failed() && op.getRank(sequence) != 3)
    (void)op.reject("its sequence must have three axes");
  return isTimeMajor ? sequence : op.create<nn::TransposeOp>(sequence, ArrayRef<int64_t>{1, 0, 2});
}

/// Whether the recurrent operations of the NN dialect have an activation; others go step by step.
static bool isBuiltIn(format::Activation activation) {
  return activation == format::Activation::RELU || activation == format::Activation::NONE ||
         activation == format::Activation::TANH;
}

/// Activations of gates, one after another; all but the first are the one that the options name.
static ArrayAttr getActivations(OpBinder &op, unsigned number, format::Activation activation) {
  using nn::Activation;
  auto kind = Activation::Tanh;
  if (activation == format::Activation::RELU)
    kind = Activation::Relu;
  else if (activation == format::Activation::NONE)
    kind = Activation::Affine; // of 1 x + 0
  SmallVector<Attribute> kinds(number, nn::ActivationAttr::get(op.getBuilder().getContext(), kind));
  if (number > 1)
    kinds.front() = nn::ActivationAttr::get(op.getBuilder().getContext(), Activation::Sigmoid);
  return op.getBuilder().getArrayAttr(kinds);
}

/// Two sequences side by side.
static Value joinFeatures(OpBinder &op, Value a, Value b) {
  return op.failed() || !a || !b ? Value() : op.create<nn::ConcatOp>(ValueRange{a, b}, op.getRank(a) - 1);
}

//===--- LSTM ---===//

namespace {

/// Where the operands of one direction are: the first of each kind. Gates are in the order input, forget, cell, output,
/// peepholes in that of input, forget, output.
struct LstmPlaces {
  unsigned weights, recurrent, peephole, bias, projection, hidden, cell;
  std::optional<unsigned> norm, auxiliary; ///< of each gate
};

struct LstmOptions {
  format::Activation activation;
  float cellClip, projectionClip;
};

/// One direction, its gates in the order input, output, forget, cell.
struct Lstm {
  Value weights, recurrent, bias, peephole, projection, projectionBias;
  SmallVector<Value> norms; ///< scales of the gates; none without normalisation
  bool isCoupled = false;   ///< the input gate is what the forget gate leaves
};

} // namespace

/// The operands at these places, one behind another. Without an input gate of its own it is what the forget gate leaves:
/// 1 - sigmoid(x) = sigmoid(-x).
static Value stackGates(OpBinder &op, ArrayRef<unsigned> places, bool isCoupled) {
  SmallVector<Value> parts;
  for (unsigned place : places)
    parts.push_back(op.operand(isCoupled && place == places.front() ? places[2] : place));
  if (op.failed())
    return {};
  if (isCoupled)
    parts.front() = op.create<nn::NegOp>(parts.front());
  return op.failed() ? Value() : op.create<nn::ConcatOp>(ValueRange(parts), 0);
}

static Lstm bindLstm(OpBinder &op, const LstmPlaces &places) {
  auto has = [&](unsigned place) { return static_cast<bool>(op.optionalOperand(place)); };
  auto stack = [&](unsigned first, bool isCoupled) {
    return stackGates(op, {first, first + 3, first + 1, first + 2}, isCoupled);
  };
  Lstm lstm;
  unsigned w = places.weights, r = places.recurrent, p = places.peephole, b = places.bias;
  lstm.isCoupled = !has(w);
  bool hasNorm = places.norm && has(*places.norm + 1), isCoupled = lstm.isCoupled;
  if (has(w) != has(r) || has(w) != has(b) || has(p + 1) != has(p + 2) || has(p) != (has(p + 1) && has(w)) ||
      (hasNorm && has(*places.norm) != has(w)))
    (void)op.reject("its weights are not those of three or four gates");
  lstm.weights = stack(w, isCoupled);
  lstm.recurrent = stack(r, isCoupled);
  lstm.bias = stack(b, isCoupled);
  if (places.auxiliary && has(*places.auxiliary + 1))
    lstm.weights = joinFeatures(op, lstm.weights, stack(*places.auxiliary, isCoupled));
  if (has(p + 1))
    lstm.peephole = stackGates(op, {p, p + 2, p + 1}, isCoupled);
  lstm.projection = op.optionalOperand(places.projection);
  lstm.projectionBias = op.optionalOperand(places.projection + 1);
  if (hasNorm)
    // The scale of a coupled input gate, negative as its sum is, leaves the sign to the weights and the bias.
    for (unsigned gate : {isCoupled ? 1u : 0u, 3u, 1u, 2u})
      lstm.norms.push_back(op.operand(*places.norm + gate));
  return lstm;
}

/// One step of an LSTM, of which `sums` [batch, gates] are the products with the input; states are hidden and cell.
static Value stepLstm(OpBinder &op, const Lstm &lstm, const LstmOptions &options, Value sums,
                      MutableArrayRef<Value> states) {
  if (op.failed())
    return {};
  Value products = op.create<nn::MatmulOp>(states[0], lstm.recurrent, false, /*transpose_rhs=*/true);
  Expression all = Expression(op, sums) + Expression(op, products), cell(op, states[1]);
  int64_t units = op.failed() ? 0 : op.getShape(lstm.recurrent)[0] / 4;
  auto part = [&](Value value, int64_t gate) {
    return Expression(op, op.sliceAxis(value, op.getRank(value) - 1, gate * units, (gate + 1) * units));
  };
  /// The sum of a gate, before its activation.
  auto finish = [&](int64_t gate) {
    Expression sum = part(all, gate);
    if (lstm.peephole && gate < 3)
      sum = sum + part(lstm.peephole, gate) * cell;
    if (!lstm.norms.empty() && !op.failed())
      sum = Expression(op, op.create<nn::LayerNormOp>(sum, lstm.norms[gate], Value(), 1, llvm::APFloat(1e-8f)));
    return sum + part(lstm.bias, gate);
  };
  auto activate = [&](Expression x) { return Expression(op, op.activate(x, options.activation)); };
  Expression input = finish(0).unary<nn::SigmoidOp>(), forget = finish(2).unary<nn::SigmoidOp>();
  cell = forget * cell + input * activate(finish(3));
  if (options.cellClip > 0)
    cell = Expression(op, op.clip(cell, -options.cellClip, options.cellClip));
  Expression output = finish(1).unary<nn::SigmoidOp>() * activate(cell);
  if (lstm.projection) {
    output = Expression(op, op.create<nn::MatmulOp>(output, lstm.projection, false, /*transpose_rhs=*/true));
    if (lstm.projectionBias)
      output = output + Expression(op, lstm.projectionBias);
    if (options.projectionClip > 0)
      output = Expression(op, op.clip(output, -options.projectionClip, options.projectionClip));
  }
  states[0] = output;
  states[1] = cell;
  return output;
}

/// The results of all steps of `input` [time, batch, feature]; the states at `places` become those after the last.
static Value runLstm(OpBinder &op, const Lstm &lstm, const LstmPlaces &places, const LstmOptions &options, Value input,
                     bool reverse) {
  SmallVector<Value> states{op.operand(places.hidden), op.operand(places.cell)};
  ArrayAttr activations = getActivations(op, 3, options.activation);
  Value result;
  if (op.failed())
    return {};
  if (!lstm.projection && lstm.norms.empty() && isBuiltIn(options.activation)) {
    FloatAttr clip = options.cellClip > 0 ? op.getBuilder().getF32FloatAttr(options.cellClip) : FloatAttr();
    SmallVector<Value> results = op.createAll<nn::LstmOp>(
        3, input, lstm.weights, lstm.recurrent, lstm.bias, Value(), Value(), states[0], states[1], lstm.peephole,
        reverse, activations, SmallVector<float>(3, 1), SmallVector<float>(3, 0), FloatAttr(),
        /*input_forget=*/lstm.isCoupled, clip);
    if (results.empty())
      return {};
    result = results[0];
    states.assign({results[1], results[2]});
  } else {
    if (!op.getType(lstm.recurrent).hasStaticShape() || op.getRank(lstm.recurrent) != 2)
      return (void)op.reject("the extents of its weights must be known at compile time"), Value();
    Value sums = op.create<nn::MatmulOp>(input, lstm.weights, false, /*transpose_rhs=*/true);
    result = runSteps(op, sums, states, reverse, [&](ArrayRef<Value> parts, MutableArrayRef<Value> inner) {
      return stepLstm(op, lstm, options, parts[0], inner);
    });
  }
  op.setState(places.hidden, states[0]);
  op.setState(places.cell, states[1]);
  return result;
}

static LogicalResult importSequenceLstm(OpBinder &op) {
  const auto &options = op.options<format::UnidirectionalSequenceLSTMOptions>();
  LstmPlaces places{1, 5, 9, 12, 16, 18, 19, 20, std::nullopt};
  if (options.diagonal_recurrent_tensors())
    return op.reject("recurrent weights that are diagonals are not supported");
  Value input = swapTimeAndBatch(op, op.operand(0), options.time_major());
  Value result = runLstm(op, bindLstm(op, places), places,
                         {options.fused_activation_function(), options.cell_clip(), options.proj_clip()}, input,
                         /*reverse=*/false);
  return op.result(swapTimeAndBatch(op, result, options.time_major()));
}

/// One step, in a form that keeps its state in variables and one that takes and gives it.
static LogicalResult importLstm(OpBinder &op) {
  const auto &options = op.options<format::LSTMOptions>();
  LstmOptions general{options.fused_activation_function(), options.cell_clip(), options.proj_clip()};
  if (options.kernel_type() != format::LSTMKernel::BASIC) {
    LstmPlaces places{1, 5, 9, 12, 16, 18, 19, 20, std::nullopt};
    Value input = op.create<nn::UnsqueezeOp>(op.operand(0), ArrayRef<int64_t>{0});
    Value result = runLstm(op, bindLstm(op, places), places, general, input, /*reverse=*/false);
    return op.result(op.create<nn::SqueezeOp>(result, ArrayRef<int64_t>{0}));
  }
  Value input = op.operand(0), hidden = op.operand(1), weights = op.operand(2), bias = op.operand(3), cell = op.operand(4);
  Value joined = joinFeatures(op, input, hidden);
  Value sums = op.create<nn::AddOp>(op.create<nn::MatmulOp>(joined, weights, false, /*transpose_rhs=*/true), bias);
  if (op.failed())
    return failure();
  int64_t units = op.getShape(sums).back() / 4; // input, cell, forget, output
  auto part = [&](int64_t gate) {
    return Expression(op, op.sliceAxis(sums, op.getRank(sums) - 1, gate * units, (gate + 1) * units));
  };
  Expression next = part(2).unary<nn::SigmoidOp>() * Expression(op, cell) +
                    part(0).unary<nn::SigmoidOp>() * part(1).unary<nn::TanhOp>();
  Expression output = part(3).unary<nn::SigmoidOp>() * next.unary<nn::TanhOp>();
  for (Value result : {Value(output), Value(next), joined, sums})
    if (failed(op.result(result)))
      return failure();
  return success();
}

/// The input of one direction, joined with the auxiliary one where that has weights, or the latter in its place: [time,
/// batch, feature].
static Value bindDirection(OpBinder &op, bool timeMajor, unsigned auxiliary, bool hasWeights, bool isBackward) {
  Value input = op.operand(0), other = op.optionalOperand(auxiliary);
  if (other && hasWeights)
    input = joinFeatures(op, input, other);
  else if (other && isBackward)
    input = other;
  return swapTimeAndBatch(op, input, timeMajor);
}

static LogicalResult finishDirections(OpBinder &op, Value forward, Value backward, bool timeMajor, bool merge) {
  forward = swapTimeAndBatch(op, forward, timeMajor);
  backward = swapTimeAndBatch(op, backward, timeMajor);
  if (merge)
    return op.result(joinFeatures(op, forward, backward));
  return failed(op.result(forward)) ? failure() : op.result(backward);
}

static LogicalResult importBidirectionalLstm(OpBinder &op) {
  const auto &options = op.options<format::BidirectionalSequenceLSTMOptions>();
  const LstmPlaces places[] = {{1, 5, 9, 12, 16, 35, 36, std::nullopt, 40}, {18, 22, 26, 29, 33, 37, 38, std::nullopt, 44}};
  Value results[2];
  for (int i = 0; i < 2; ++i) {
    bool hasWeights = static_cast<bool>(op.optionalOperand(*places[i].auxiliary + 1));
    Value input = bindDirection(op, options.time_major(), 39, hasWeights, i == 1);
    results[i] = runLstm(op, bindLstm(op, places[i]), places[i],
                         {options.fused_activation_function(), options.cell_clip(), options.proj_clip()}, input,
                         /*reverse=*/i == 1);
  }
  return finishDirections(op, results[0], results[1], options.time_major(), options.merge_outputs());
}

//===--- One gate ---===//

/// The operands of one direction, from `first` on, are weights, recurrent weights, bias and state.
static Value runRnn(OpBinder &op, Value input, unsigned first, Value auxiliaryWeights, format::Activation activation,
                    bool reverse) {
  Value weights = op.operand(first), recurrent = op.operand(first + 1), bias = op.operand(first + 2);
  Value state = op.operand(first + 3);
  if (auxiliaryWeights)
    weights = joinFeatures(op, weights, auxiliaryWeights);
  if (!isBuiltIn(activation)) {
    Value sums = op.create<nn::MatmulOp>(input, weights, false, /*transpose_rhs=*/true);
    sums = op.create<nn::AddOp>(sums, bias);
    SmallVector<Value> states{state};
    Value result = runSteps(op, sums, states, reverse, [&](ArrayRef<Value> parts, MutableArrayRef<Value> inner) {
      Value product = op.create<nn::MatmulOp>(inner[0], recurrent, false, /*transpose_rhs=*/true);
      return inner[0] = op.activate(op.create<nn::AddOp>(parts[0], product), activation);
    });
    op.setState(first + 3, states[0]);
    return result;
  }
  ArrayAttr activations = getActivations(op, 1, activation);
  SmallVector<Value> results =
      op.createAll<nn::RnnOp>(2, input, weights, recurrent, bias, Value(), Value(), state, reverse, activations,
                              SmallVector<float>{1}, SmallVector<float>{0}, FloatAttr());
  if (results.empty())
    return {};
  op.setState(first + 3, results[1]);
  return results[0];
}

static LogicalResult importSequenceRnn(OpBinder &op) {
  const auto &options = op.options<format::SequenceRNNOptions>();
  Value input = swapTimeAndBatch(op, op.operand(0), options.time_major());
  Value result = runRnn(op, input, 1, Value(), options.fused_activation_function(), /*reverse=*/false);
  return op.result(swapTimeAndBatch(op, result, options.time_major()));
}

static LogicalResult importRnn(OpBinder &op) {
  const auto &options = op.options<format::RNNOptions>();
  Value input = op.create<nn::UnsqueezeOp>(op.operand(0), ArrayRef<int64_t>{0});
  Value result = runRnn(op, input, 1, Value(), options.fused_activation_function(), /*reverse=*/false);
  return op.result(op.create<nn::SqueezeOp>(result, ArrayRef<int64_t>{0}));
}

static LogicalResult importBidirectionalRnn(OpBinder &op) {
  const auto &options = op.options<format::BidirectionalSequenceRNNOptions>();
  Value results[2];
  for (int i = 0; i < 2; ++i) {
    Value auxiliary = op.optionalOperand(10 + i);
    if (op.optionalOperand(9) && !auxiliary)
      return op.reject("a second input without weights is not supported");
    Value input = bindDirection(op, options.time_major(), 9, static_cast<bool>(auxiliary), i == 1);
    results[i] = runRnn(op, input, 1 + 4 * i, auxiliary, options.fused_activation_function(), /*reverse=*/i == 1);
  }
  return finishDirections(op, results[0], results[1], options.time_major(), options.merge_outputs());
}

//===--- SVDF ---===//

std::optional<Svdf> bindSvdf(OpBinder &op, const format::SVDFOptions &options) {
  Svdf svdf{op.operand(0), op.operand(1), op.operand(2), op.optionalOperand(3), op.operand(4), options.rank()};
  if (op.failed())
    return std::nullopt;
  ArrayRef<int64_t> features = op.getShape(svdf.features), time = op.getShape(svdf.time);
  if (op.getRank(svdf.input) != 2 || features.size() != 2 || time.size() != 2 || features[0] != time[0] ||
      !op.getType(svdf.time).hasStaticShape() || time[1] < 1 || svdf.rank < 1 || time[0] % svdf.rank != 0) {
    (void)op.reject("its operands do not fit its rank, or the extents of its weights are not known at compile time");
    return std::nullopt;
  }
  svdf.filters = time[0];
  svdf.memory = time[1];
  return svdf;
}

Value shiftMemory(OpBinder &op, const Svdf &svdf, Value newest) {
  SmallVector<int64_t> shape{-1, svdf.filters, svdf.memory};
  Value memory = op.create<nn::ReshapeOp>(svdf.state, op.ints(shape), /*allow_zero=*/false);
  newest = op.create<nn::UnsqueezeOp>(newest, ArrayRef<int64_t>{2});
  if (svdf.memory == 1 || op.failed())
    return newest;
  Value kept = op.sliceAxis(memory, 2, 1, svdf.memory);
  return op.failed() ? Value() : op.create<nn::ConcatOp>(ValueRange{kept, newest}, 2);
}

void keepMemory(OpBinder &op, const Svdf &svdf, Value memory) {
  op.setState(4, op.create<nn::ReshapeOp>(memory, op.ints({-1, svdf.filters * svdf.memory}), /*allow_zero=*/false));
}

Value sumRanks(OpBinder &op, const Svdf &svdf, Value filters) {
  filters = op.create<nn::ReshapeOp>(filters, op.ints({-1, svdf.filters / svdf.rank, svdf.rank}), /*allow_zero=*/false);
  return op.create<nn::ReduceOp>(filters, nn::ReductionKind::Sum, ArrayRef<int64_t>{2}, /*keepdims=*/false);
}

static LogicalResult importSvdf(OpBinder &op) {
  const auto &options = op.options<format::SVDFOptions>();
  std::optional<Svdf> svdf = bindSvdf(op, options);
  if (!svdf)
    return failure();
  Value newest = op.create<nn::MatmulOp>(svdf->input, svdf->features, false, /*transpose_rhs=*/true);
  Value memory = shiftMemory(op, *svdf, newest);
  keepMemory(op, *svdf, memory);
  Value sums = op.create<nn::ReduceOp>(op.create<nn::MulOp>(memory, svdf->time), nn::ReductionKind::Sum,
                                       ArrayRef<int64_t>{2}, /*keepdims=*/false);
  Value result = sumRanks(op, *svdf, sums);
  if (svdf->bias)
    result = op.create<nn::AddOp>(result, svdf->bias);
  return op.result(op.activate(result, options.fused_activation_function()));
}

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::BIDIRECTIONAL_SEQUENCE_LSTM, importBidirectionalLstm},
    {Op::BIDIRECTIONAL_SEQUENCE_RNN, importBidirectionalRnn},
    {Op::LSTM, importLstm, importQuantizedLstm},
    {Op::RNN, importRnn},
    {Op::SVDF, importSvdf, importQuantizedSvdf},
    {Op::UNIDIRECTIONAL_SEQUENCE_LSTM, importSequenceLstm, importQuantizedSequenceLstm},
    {Op::UNIDIRECTIONAL_SEQUENCE_RNN, importSequenceRnn},
};

ArrayRef<OpEntry> getRecurrentOps() { return table; }

} // namespace nnc::tflite
