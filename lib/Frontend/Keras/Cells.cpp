// One step of LSTM, GRU and SimpleRNN, in Keras's order of gates.
#include "lib/Frontend/Keras/Cells.h"

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/FirstGeneration.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

StringRef getCellKind(StringRef className) {
  className.consume_front("CuDNN");
  className.consume_back("Cell");
  return llvm::StringSwitch<StringRef>(className)
      .Cases({"LSTM", "GRU", "SimpleRNN"}, className)
      .Default("");
}

Cell bindCell(LayerBinder &layer, int64_t features) {
  Cell cell{&layer, getCellKind(layer.get().className)};
  if (cell.kind.empty())
    (void)layer.reject("a cell of the class " + Twine(layer.get().className) + " is not supported");
  cell.units = layer.positive("units", 0);
  cell.gates = cell.kind == "LSTM" ? 4 : cell.kind == "GRU" ? 3 : 1;
  bool isCudnn = layer.get().className.find("CuDNN") == 0;
  cell.isResetAfter = cell.kind == "GRU" && (isCudnn || layer.parameters().getBool("reset_after", false));
  if (isCudnn)
    (void)layer.reject("a mask of its input is not supported");
  if (layer.parameters().has(separateGates))
    (void)layer.reject("a mask of its input is not supported with the weights of Keras 1");
  int64_t width = cell.gates * cell.units;
  cell.kernel = layer.weight({features, width});
  cell.recurrent = layer.weight({cell.units, width});
  if (!layer.parameters().getBool("use_bias", true))
    return cell;
  if (!cell.isResetAfter) {
    cell.bias = layer.weight({width});
    return cell;
  }
  Expression both(layer, layer.weight({2, width}));
  if (!layer.failed()) {
    cell.bias = both.slice(0, 0, 1).squeeze({0});
    cell.recurrentBias = both.slice(0, 1, 2).squeeze({0});
  }
  return cell;
}

Value projectInput(const Cell &cell, Value x) {
  Value product = cell.layer->create<nn::MatmulOp>(x, cell.kernel, false, false);
  return cell.bias ? cell.layer->add(product, cell.bias) : product;
}

Value runCell(const Cell &cell, Value projected, MutableArrayRef<Value> states) {
  LayerBinder &layer = *cell.layer;
  if (layer.failed())
    return {};
  auto part = [&](Value value, int64_t gate, int64_t count = 1) {
    return Expression(layer, value).slice(layer.getRank(value) - 1, gate * cell.units, (gate + count) * cell.units);
  };
  auto multiply = [&](Value state, Value weights, Value bias) {
    Expression product = Expression(layer, state).matmul(Expression(layer, weights));
    return bias ? product + Expression(layer, bias) : product;
  };
  auto activate = [&](Expression x, StringRef key) { return Expression(layer, layer.activate(x, key)); };
  Expression hidden(layer, states[0]);
  if (cell.kind == "LSTM") {
    Expression all = Expression(layer, projected) + multiply(hidden, cell.recurrent, Value());
    Expression input = activate(part(all, 0), "recurrent_activation");
    Expression forget = activate(part(all, 1), "recurrent_activation");
    Expression next = forget * Expression(layer, states[1]) + input * activate(part(all, 2), "activation");
    states[1] = next;
    return states[0] = activate(part(all, 3), "recurrent_activation") * activate(next, "activation");
  }
  if (cell.kind == "SimpleRNN")
    return states[0] = activate(Expression(layer, projected) + multiply(hidden, cell.recurrent, Value()), "activation");
  // Of a GRU the candidate's product is with the state that the reset gate leaves, or the gate is with the product.
  int64_t known = cell.isResetAfter ? 3 : 2;
  Expression products = multiply(hidden, part(cell.recurrent, 0, known), cell.recurrentBias);
  Expression update = activate(part(projected, 0) + part(products, 0), "recurrent_activation");
  Expression reset = activate(part(projected, 1) + part(products, 1), "recurrent_activation");
  Expression ofState = cell.isResetAfter ? reset * part(products, 2)
                                         : multiply(reset * hidden, part(cell.recurrent, 2), Value());
  Expression candidate = activate(part(projected, 2) + ofState, "activation");
  return states[0] = update * hidden + (update.like(1) - update) * candidate;
}

} // namespace nnc::keras
