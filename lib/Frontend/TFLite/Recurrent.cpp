// TFLite operators of the recurrent family. Their states are variables, which TFLite keeps from call to call until it is
// told to forget them; here each call starts with zeros.
#include "lib/Frontend/TFLite/OpTable.h"

using namespace mlir;

namespace nnc::tflite {

/// [batch, time, feature] with its first two axes in the other order, if they are not in it already.
static Value swapTimeAndBatch(OpBinder &op, Value sequence, bool isTimeMajor) {
  if (!op.failed() && op.getRank(sequence) != 3)
    (void)op.reject("its sequence must have three axes");
  return isTimeMajor ? sequence : op.create<nn::TransposeOp>(sequence, ArrayRef<int64_t>{1, 0, 2});
}

/// Activations of gates, one after another; all but the first are the one that the options name.
static ArrayAttr getActivations(OpBinder &op, unsigned number, format::Activation activation) {
  using nn::Activation;
  auto kind = Activation::Tanh;
  if (activation == format::Activation::RELU)
    kind = Activation::Relu;
  else if (activation == format::Activation::NONE)
    kind = Activation::Affine; // of 1 x + 0
  else if (activation != format::Activation::TANH)
    (void)op.reject("its activation is not supported");
  SmallVector<Attribute> kinds(number, nn::ActivationAttr::get(op.getBuilder().getContext(), kind));
  if (number > 1)
    kinds.front() = nn::ActivationAttr::get(op.getBuilder().getContext(), Activation::Sigmoid);
  return op.getBuilder().getArrayAttr(kinds);
}

/// The parts of input, output, forget and cell gate at these operands, one behind another. Without an input gate of its
/// own it is what the forget gate leaves: 1 - sigmoid(x) = sigmoid(-x).
static Value stackGates(OpBinder &op, ArrayRef<unsigned> places, bool isCoupled) {
  SmallVector<Value> parts;
  for (unsigned place : places)
    parts.push_back(op.operand(isCoupled && place == places.front() ? places[2] : place));
  if (op.failed())
    return {};
  if (isCoupled)
    parts.front() = op.create<nn::NegOp>(parts.front());
  return op.create<nn::ConcatOp>(ValueRange(parts), 0);
}

static LogicalResult importSequenceLstm(OpBinder &op) {
  const auto &options = op.options<format::UnidirectionalSequenceLSTMOptions>();
  auto has = [&](unsigned index) { return index < op.getNumOperands() && op.optionalOperand(index); };
  if (has(18) || has(19))
    return op.reject("states that are no variables are not supported");
  if (has(1) != has(5) || has(1) != has(12) || has(10) != has(11) || has(9) != (has(10) && has(1)))
    return op.reject("its weights are not those of three or four gates");
  if (has(16) || has(17))
    return op.reject("a projection of its output is not supported");
  if (has(20) || has(21) || has(22) || has(23))
    return op.reject("layer normalization of its gates is not supported");
  FloatAttr cellClip = options.cell_clip() > 0 ? op.getBuilder().getF32FloatAttr(options.cell_clip()) : FloatAttr();
  bool isCoupled = !has(1);
  Value input = swapTimeAndBatch(op, op.operand(0), options.time_major());
  Value weights = stackGates(op, {1, 4, 2, 3}, isCoupled), recurrent = stackGates(op, {5, 8, 6, 7}, isCoupled);
  Value bias = stackGates(op, {12, 15, 13, 14}, isCoupled);
  Value peephole = has(10) ? stackGates(op, {9, 11, 10}, isCoupled) : Value();
  ArrayAttr activations = getActivations(op, 3, options.fused_activation_function());
  if (op.failed())
    return failure();
  SmallVector<float> alphas(3, 1), betas(3, 0);
  SmallVector<Value> results = op.createAll<nn::LstmOp>(
      3, input, weights, recurrent, bias, Value(), Value(), Value(), Value(), peephole, /*reverse=*/false, activations,
      alphas, betas, FloatAttr(), /*input_forget=*/isCoupled, cellClip);
  return results.empty() ? failure() : op.result(swapTimeAndBatch(op, results.front(), options.time_major()));
}

static LogicalResult importSequenceRnn(OpBinder &op) {
  const auto &options = op.options<format::SequenceRNNOptions>();
  Value input = swapTimeAndBatch(op, op.operand(0), options.time_major());
  if (op.getNumOperands() > 4 && op.optionalOperand(4))
    return op.reject("states that are no variables are not supported");
  Value weights = op.operand(1), recurrent = op.operand(2), bias = op.operand(3);
  ArrayAttr activations = getActivations(op, 1, options.fused_activation_function());
  if (op.failed())
    return failure();
  SmallVector<Value> results = op.createAll<nn::RnnOp>(2, input, weights, recurrent, bias, Value(), Value(), Value(),
                                                       /*reverse=*/false, activations, SmallVector<float>{1},
                                                       SmallVector<float>{0}, FloatAttr());
  return results.empty() ? failure() : op.result(swapTimeAndBatch(op, results.front(), options.time_major()));
}

static const OpEntry table[] = {
    {format::BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_LSTM, importSequenceLstm, nullptr, /*hasState=*/true},
    {format::BuiltinOperator::UNIDIRECTIONAL_SEQUENCE_RNN, importSequenceRnn, nullptr, /*hasState=*/true},
};

ArrayRef<OpEntry> getRecurrentOps() { return table; }

} // namespace nnc::tflite
