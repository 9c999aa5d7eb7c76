// nn.lstm, nn.gru and nn.rnn as LSTM, GRU and RNN. Gates have the same order; ONNX has an axis for the directions, of
// which each operation here is one.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

/// ONNX's name of an activation, and how many of alpha and beta it takes.
static std::pair<StringRef, unsigned> describe(nn::Activation activation) {
  switch (activation) {
  case nn::Activation::Sigmoid:
    return {"Sigmoid", 0};
  case nn::Activation::Tanh:
    return {"Tanh", 0};
  case nn::Activation::Relu:
    return {"Relu", 0};
  case nn::Activation::Affine:
    return {"Affine", 2};
  case nn::Activation::LeakyRelu:
    return {"LeakyRelu", 1};
  case nn::Activation::ThresholdedRelu:
    return {"ThresholdedRelu", 1};
  case nn::Activation::ScaledTanh:
    return {"ScaledTanh", 2};
  case nn::Activation::HardSigmoid:
    return {"HardSigmoid", 2};
  case nn::Activation::Elu:
    return {"Elu", 1};
  case nn::Activation::Softsign:
    return {"Softsign", 0};
  case nn::Activation::Softplus:
    return {"Softplus", 0};
  }
  llvm_unreachable("all activations are listed");
}

template <typename OpTy> static SmallVector<Attribute> getAttributes(OpTy op, int64_t hidden) {
  std::vector<std::string> activations;
  std::vector<float> alphas, betas;
  for (auto [i, activation] : llvm::enumerate(op.getActivations().template getAsRange<nn::ActivationAttr>())) {
    auto [name, parameters] = describe(activation.getValue());
    activations.push_back(name.str());
    if (parameters > 0)
      alphas.push_back(op.getAlphas()[i]);
    if (parameters > 1)
      betas.push_back(op.getBetas()[i]);
  }
  SmallVector<Attribute> attributes{{"hidden_size", hidden},
                                    {"direction", std::string(op.getReverse() ? "reverse" : "forward")},
                                    {"activations", activations}};
  if (!alphas.empty())
    attributes.push_back({"activation_alpha", alphas});
  if (!betas.empty())
    attributes.push_back({"activation_beta", betas});
  if (std::optional<APFloat> clip = op.getClip())
    attributes.push_back({"clip", clip->convertToFloat()});
  return attributes;
}

/// `value` with an axis for the one direction, the first; "" for null.
static std::string addDirection(OpWriter &writer, const std::string &value) {
  return value.empty() ? "" : writer.add("Unsqueeze", {value, writer.ints({0})});
}

/// Both biases, one behind the other; "" where there are none.
template <typename OpTy> static std::string joinBiases(OpWriter &writer, OpTy op, int64_t length) {
  if (!op.getBias() && !op.getRecurrentBias())
    return "";
  auto type = RankedTensorType::get({length}, getElementTypeOrSelf(op.getInput()));
  auto name = [&](Value bias) {
    return bias ? writer.name(bias) : writer.constant(cast<ElementsAttr>(Builder(op.getContext()).getZeroAttr(type)));
  };
  return writer.add("Concat", {name(op.getBias()), name(op.getRecurrentBias())}, {{"axis", int64_t(0)}});
}

/// `more` are inputs behind the initial hidden state, `own` attributes of the operator's own.
template <typename OpTy>
static void write(OpWriter &writer, OpTy op, StringRef type, Names more = {}, Attributes own = {}) {
  auto recurrent = cast<RankedTensorType>(op.getRecurrentWeights().getType());
  if (!recurrent.hasStaticShape())
    return writer.refuse("a recurrent layer whose number of units is known at run time only");
  SmallVector<Attribute> attributes = getAttributes(op, recurrent.getDimSize(1));
  attributes.append(own.begin(), own.end());
  std::string lengths = writer.name(op.getLengths());
  if (op.getLengths() && !getElementTypeOrSelf(op.getLengths()).isInteger(32))
    lengths = writer.add("Cast", {lengths}, {{"to", int64_t(getDataType(IntegerType::get(op.getContext(), 32)))}});
  SmallVector<std::string> inputs{writer.name(op.getInput()), addDirection(writer, writer.name(op.getWeights())),
                                  addDirection(writer, writer.name(op.getRecurrentWeights())),
                                  addDirection(writer, joinBiases(writer, op, recurrent.getDimSize(0))), lengths,
                                  addDirection(writer, writer.name(op.getInitialHidden()))};
  inputs.append(more.begin(), more.end());
  SmallVector<std::string> results = writer.addAll(type, inputs, attributes, op->getNumResults());
  for (auto [i, result] : llvm::enumerate(results)) // of the sequence, the axis is behind time
    writer.finishResult(i, "Squeeze", {result, writer.ints({i == 0 ? 1 : 0})});
}

static void writeLstm(OpWriter &writer, nn::LstmOp op) {
  if (op.getCellClip())
    return writer.refuse("an LSTM whose cell is clipped");
  write(writer, op, "LSTM",
        {addDirection(writer, writer.name(op.getInitialCell())), addDirection(writer, writer.name(op.getPeephole()))},
        {{"input_forget", int64_t(op.getInputForget())}});
}

static void writeGru(OpWriter &writer, nn::GruOp op) {
  write(writer, op, "GRU", {}, {{"linear_before_reset", int64_t(op.getLinearBeforeReset())}});
}

static void writeRnn(OpWriter &writer, nn::RnnOp op) { write(writer, op, "RNN"); }

static const WriterEntry table[] = {row<nn::GruOp, writeGru>(), row<nn::LstmOp, writeLstm>(), row<nn::RnnOp, writeRnn>()};

ArrayRef<WriterEntry> getRecurrentWriters() { return table; }

} // namespace nnc::onnx_export
