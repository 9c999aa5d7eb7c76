// Layers that combine several tensors.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Masks.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// Rejects a layer that merges something else than tensors with them.
static void refuseConstants(LayerBinder &layer, ArrayRef<Operand> operands) {
  for (const Operand &operand : operands) {
    if (operand.kind == Argument::Constant && operand.constant && operand.constant->kind() != llvm::json::Value::Null)
      (void)layer.reject("an argument is a constant; this layer takes tensors");
    refuseConstants(layer, operand.items);
  }
}

/// All inputs; those of fewer axes get axes of extent 1 behind the batch.
static SmallVector<Value> getInputs(LayerBinder &layer, unsigned least) {
  refuseConstants(layer, layer.getOperands().positional);
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

/// Which steps of an input count, in a form that broadcasts to its elements; null where all do.
static Expression alignSteps(LayerBinder &layer, unsigned index, Value input) {
  Expression mask = getSteps(layer, &layer.getInputs()[index]);
  if (!mask || layer.failed())
    return {};
  if (mask.getRank() + 1 != layer.getRank(input))
    (void)layer.reject("an input whose mask has no place for each of its steps is not supported");
  return layer.failed() ? Expression() : mask.unsqueeze({mask.getRank()});
}

/// Steps that count in one of the inputs, if all of them have a mask: (batch, ..., 1); else null.
static Expression joinSteps(ArrayRef<Expression> steps) {
  Expression joined = steps.front();
  for (Expression step : steps.drop_front())
    joined = joined && step ? joined | step : Expression();
  return joined;
}

/// The inputs, and which of their steps count.
static SmallVector<Value> getMaskedInputs(LayerBinder &layer, SmallVectorImpl<Expression> &steps) {
  SmallVector<Value> inputs = getInputs(layer, 1);
  for (unsigned i = 0; i < inputs.size() && !layer.failed(); ++i)
    steps.push_back(alignSteps(layer, i, inputs[i]));
  return inputs;
}

static void setJoinedMask(LayerBinder &layer, Expression joined) {
  if (joined && !layer.failed())
    layer.setMask(joined.squeeze({joined.getRank() - 1}));
}

/// A step that does not count is no factor; where none does, the product is 0.
static LogicalResult importMultiply(LayerBinder &layer) {
  SmallVector<Expression> steps;
  SmallVector<Value> inputs = getMaskedInputs(layer, steps);
  Expression product;
  for (auto [value, step] : llvm::zip(inputs, steps)) {
    Expression x(layer, value);
    x = step ? step.choose(x, x.like(1)) : x;
    product = product ? product * x : x;
  }
  if (layer.failed())
    return failure();
  Expression joined = joinSteps(steps);
  setJoinedMask(layer, joined);
  return layer.result(joined ? joined.choose(product, product.like(0)) : product);
}

/// Steps that do not count are those of the other operand.
template <typename OpTy> static LogicalResult importExtreme(LayerBinder &layer) {
  SmallVector<Expression> steps;
  SmallVector<Value> inputs = getMaskedInputs(layer, steps);
  Expression result, counted;
  for (auto [value, step] : llvm::zip(inputs, steps)) {
    Expression x(layer, value);
    if (!result) {
      result = x;
      counted = step;
      continue;
    }
    x = step ? step.choose(x, result) : x;
    result = counted ? counted.choose(result, x) : result;
    counted = counted && step ? counted | step : Expression();
    result = result.binary<OpTy>(x);
  }
  if (layer.failed())
    return failure();
  setJoinedMask(layer, counted);
  return layer.result(result);
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

/// The first input and `scale` times the second: a layer of keras.applications' InceptionResNetV2.
static LogicalResult importCustomScale(LayerBinder &layer) {
  layer.expectInputs(2);
  if (!layer.parameters().has("scale"))
    return layer.reject("it lacks the parameter 'scale'");
  Value x = layer.input(0), y = layer.input(1);
  return layer.result(layer.add(x, layer.mul(y, layer.like(y, layer.parameters().getNumber("scale", 1)))));
}

static LogicalResult importConcatenate(LayerBinder &layer) {
  refuseConstants(layer, layer.getOperands().positional);
  SmallVector<Value> inputs;
  for (unsigned i = 0; i < std::max<size_t>(layer.getInputs().size(), 1); ++i)
    inputs.push_back(layer.input(i));
  int64_t rank = layer.getRank(inputs.front()), axis = layer.axis("axis", -1, rank);
  SmallVector<Expression> steps, parts;
  for (unsigned i = 0; i < inputs.size() && !layer.failed(); ++i)
    steps.push_back(alignSteps(layer, i, inputs[i]));
  if (layer.failed())
    return failure();
  bool isMasked = llvm::any_of(steps, [](Expression step) { return static_cast<bool>(step); });
  if (isMasked && axis == rank - 1) {
    setJoinedMask(layer, joinSteps(steps));
  } else if (isMasked) {
    // All steps of an input without a mask count.
    Type i1 = layer.getBuilder().getI1Type();
    for (auto [value, step] : llvm::zip(inputs, steps)) {
      Expression x(layer, value), all = Expression::scalar(layer, i1, 1);
      parts.push_back((step ? step.squeeze({rank - 1}) : all).broadcast(x.shape(0, rank - 1)));
    }
    layer.setMask(Expression::concat(layer, parts, axis));
  }
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
    {"CustomScaleLayer", importCustomScale},
    {"Concatenate", importConcatenate},   {"Dot", importDot},
    {"Maximum", importExtreme<nn::MaxOp>},  {"Minimum", importExtreme<nn::MinOp>},
    {"Multiply", importMultiply}, {"Subtract", importSubtract},
};

ArrayRef<LayerEntry> getMergingLayers() { return table; }

} // namespace nnc::keras
