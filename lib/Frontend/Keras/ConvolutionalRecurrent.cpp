// LSTMs over images: the products of the gates are convolutions.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Steps.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Windows.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// (window..., a, b) -> (b, a, window...).
static Value turnFilter(LayerBinder &layer, Value kernel) {
  if (layer.failed())
    return {};
  int64_t numSpatial = layer.getRank(kernel) - 2;
  SmallVector<int64_t> permutation{numSpatial + 1, numSpatial};
  llvm::append_range(permutation, llvm::seq<int64_t>(0, numSpatial));
  return layer.transpose(kernel, permutation);
}

static Value convolve(LayerBinder &layer, Value x, Value filter, const Windows &windows) {
  return layer.create<nn::ConvOp>(x, filter, Value(), windows.layout, windows.strides, windows.dilations,
                                  windows.padsBegin, windows.padsEnd, /*groups=*/1);
}

/// The convolutions of all images (batch, time, image), the first two axes in the other order.
static Value convolveInput(LayerBinder &layer, Expression x, int64_t numSpatial, int64_t filters, Windows &windows) {
  SmallVector<int64_t> order{1, 0};
  llvm::append_range(order, llvm::seq<int64_t>(2, x.getRank()));
  Expression steps = x.transpose(order), lead = steps.shape(0, 2);
  Expression images = steps.reshape(Expression::concat(layer, {Expression::ints(layer, {-1}), steps.shape(2)}, 0));
  windows.layout = layer.getLayout();
  windows.sizes = layer.positives("kernel_size", numSpatial, 0);
  windows.strides = layer.positives("strides", numSpatial, 1);
  windows.dilations = layer.positives("dilation_rate", numSpatial, 1);
  setPads(layer, images, layer.parameters().getString("padding", "valid"), windows);
  int64_t channels = layer.failed() ? 1 : layer.extent(images, getChannelAxis(windows.layout, numSpatial + 2));
  SmallVector<int64_t> shape(windows.sizes);
  shape.append({channels, 4 * filters});
  Expression gates(layer, convolve(layer, images, turnFilter(layer, layer.weight(shape)), windows));
  return gates.reshape(Expression::concat(layer, {lead, gates.shape(1)}, 0));
}

template <int numSpatial> static LogicalResult importConvLstm(LayerBinder &layer) {
  Expression x(layer, layer.inputOfRank(numSpatial + 3));
  layer.expectInputs(1);
  layer.refuse({"stateful"});
  int64_t filters = layer.positive("filters", 0);
  if (layer.failed())
    return failure();
  Windows windows;
  Expression sums(layer, convolveInput(layer, x, numSpatial, filters, windows));
  SmallVector<int64_t> shape(windows.sizes);
  shape.append({filters, 4 * filters});
  Value recurrent = turnFilter(layer, layer.weight(shape));
  int64_t rank = numSpatial + 2, channelAxis = getChannelAxis(windows.layout, rank);
  if (layer.parameters().getBool("use_bias", true))
    sums = sums + Expression(layer, layer.alignWithAxis(layer.weight({4 * filters}), channelAxis + 1, rank + 1));
  if (layer.failed())
    return failure();
  Windows inner{windows.layout, windows.sizes, {}, {}, {}, {}};
  inner.strides.assign(numSpatial, 1);
  inner.dilations.assign(numSpatial, 1);
  auto part = [&](Expression value, int64_t gate) {
    return value.slice(channelAxis, gate * filters, (gate + 1) * filters);
  };
  auto activate = [&](Expression value, StringRef key) { return Expression(layer, layer.activate(value, key)); };
  // The first state is an image of zeros.
  Expression first = part(sums.gather(Expression::scalar(layer, layer.getBuilder().getI64Type(), 0), 0), 0);
  Value zeros = layer.create<nn::FillOp>(first.shape(), first.like(0));
  SmallVector<Value> states{zeros, zeros};
  setPads(layer, zeros, "same", inner);
  bool isReverse = layer.parameters().getBool("go_backwards", false);
  Value result = frontend::runSteps(layer, {sums}, states, isReverse, [&](ArrayRef<Value> parts, MutableArrayRef<Value> next) {
    Expression all = Expression(layer, parts[0]) + Expression(layer, convolve(layer, next[0], recurrent, inner));
    Expression input = activate(part(all, 0), "recurrent_activation");
    Expression forget = activate(part(all, 1), "recurrent_activation");
    Expression cell = forget * Expression(layer, next[1]) + input * activate(part(all, 2), "activation");
    next[1] = cell;
    return next[0] = activate(part(all, 3), "recurrent_activation") * activate(cell, "activation");
  });
  if (layer.failed())
    return failure();
  if (!layer.parameters().getBool("return_sequences", false)) {
    result = states[0];
  } else {
    // Steps come in the order in which they were computed.
    if (isReverse)
      result = layer.create<nn::ReverseOp>(result, ArrayRef<int64_t>{0});
    SmallVector<int64_t> order{1, 0};
    llvm::append_range(order, llvm::seq<int64_t>(2, rank + 1));
    result = layer.transpose(result, order);
  }
  if (failed(layer.result(result)) || !layer.parameters().getBool("return_state", false))
    return failure(layer.failed());
  return failure(failed(layer.result(states[0])) || failed(layer.result(states[1])));
}

static void listConvLstm(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  slots.append({{"cell/vars/0"}, {"cell/vars/1"}});
  if (parameters.getBool("use_bias", true))
    slots.push_back({"cell/vars/2"});
}

static const LayerEntry table[] = {
    {"ConvLSTM1D", importConvLstm<1>, listConvLstm},
    {"ConvLSTM2D", importConvLstm<2>, listConvLstm},
    {"ConvLSTM3D", importConvLstm<3>, listConvLstm},
};

ArrayRef<LayerEntry> getConvolutionalRecurrentLayers() { return table; }

} // namespace nnc::keras
