// Layers that combine several tensors.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// All inputs; those of fewer axes get axes of extent 1 behind the batch.
static SmallVector<Value> getInputs(LayerBinder &layer, unsigned least) {
  SmallVector<Value> inputs;
  int64_t rank = 0;
  for (unsigned i = 0; i < std::max<size_t>(layer.getInputs().size(), least); ++i) {
    inputs.push_back(layer.input(i));
    rank = std::max(rank, layer.getRank(inputs.back()));
  }
  for (Value &input : inputs) {
    SmallVector<int64_t> axes;
    for (int64_t axis = 1; axis <= rank - layer.getRank(input); ++axis)
      axes.push_back(axis);
    if (!axes.empty() && !layer.failed())
      input = layer.create<nn::UnsqueezeOp>(input, axes);
  }
  return inputs;
}

template <typename OpTy> static LogicalResult importChain(LayerBinder &layer) {
  SmallVector<Value> inputs = getInputs(layer, 1);
  Value result = inputs.front();
  for (Value input : llvm::drop_begin(inputs))
    result = layer.create<OpTy>(result, input);
  return layer.result(result);
}

static LogicalResult importSubtract(LayerBinder &layer) {
  layer.expectInputs(2);
  return importChain<nn::SubOp>(layer);
}

static LogicalResult importAverage(LayerBinder &layer) {
  SmallVector<Value> inputs = getInputs(layer, 1);
  Value sum = inputs.front();
  for (Value input : llvm::drop_begin(inputs))
    sum = layer.add(sum, input);
  return layer.result(layer.mul(sum, layer.like(sum, 1.0 / inputs.size())));
}

static LogicalResult importConcatenate(LayerBinder &layer) {
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < std::max<size_t>(layer.getInputs().size(), 1); ++i)
    inputs.push_back(layer.input(i));
  int64_t axis = layer.axis("axis", -1, layer.getRank(inputs.front()));
  return layer.result(layer.create<nn::ConcatOp>(ValueRange(inputs), axis));
}

/// x / max(|x|, 1e-12), the length taken along an axis.
static Expression normalize(Expression x, int64_t axis) {
  Expression length = (x * x).reduce(nn::ReductionKind::Sum, {axis}, /*keepdims=*/true).unary<nn::SqrtOp>();
  return x / length.max(x.like(1e-12));
}

/// Moves an axis to another place.
static Expression moveAxis(Expression x, int64_t from, int64_t to) {
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < x.getRank(); ++i)
    if (i != from)
      order.push_back(i);
  order.insert(order.begin() + to, from);
  return x.transpose(order);
}

/// A product for each sample, summed over one axis of both: the other axes of the first one, then those of the second.
static LogicalResult importDot(LayerBinder &layer) {
  layer.expectInputs(2);
  Value first = layer.input(0), second = layer.input(1);
  std::optional<SmallVector<int64_t>> axes = layer.parameters().getInts("axes", 2);
  if (layer.failed())
    return failure();
  if (!axes || axes->size() != 2)
    return layer.reject("'axes' must be one axis or two");
  Expression x(layer, first), y(layer, second);
  int64_t xAxis = layer.normalizeAxis((*axes)[0], x.getRank()), yAxis = layer.normalizeAxis((*axes)[1], y.getRank());
  if (layer.failed())
    return failure();
  if (xAxis == 0 || yAxis == 0 || x.getRank() > 3 || y.getRank() > 3)
    return layer.reject("only products over one axis of tensors of at most 3 axes are supported");
  if (layer.parameters().getBool("normalize", false)) {
    x = normalize(x, xAxis);
    y = normalize(y, yAxis);
  }
  bool xIsVector = x.getRank() == 2, yIsVector = y.getRank() == 2;
  // (batch, rows, summed) times (batch, summed, columns).
  x = xIsVector ? x.unsqueeze({1}) : moveAxis(x, xAxis, 2);
  y = yIsVector ? y.unsqueeze({2}) : moveAxis(y, yAxis, 1);
  Expression product = x.matmul(y);
  if (xIsVector && yIsVector)
    return layer.result(product.squeeze({2}));
  return layer.result(xIsVector ? product.squeeze({1}) : yIsVector ? product.squeeze({2}) : product);
}

static const LayerEntry table[] = {
    {"Add", importChain<nn::AddOp>},      {"Average", importAverage},
    {"Concatenate", importConcatenate},   {"Dot", importDot},
    {"Maximum", importChain<nn::MaxOp>},  {"Minimum", importChain<nn::MinOp>},
    {"Multiply", importChain<nn::MulOp>}, {"Subtract", importSubtract},
};

ArrayRef<LayerEntry> getMergingLayers() { return table; }

} // namespace nnc::keras
