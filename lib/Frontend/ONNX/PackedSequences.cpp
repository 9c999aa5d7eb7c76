// Sequences of different lengths, one behind the other along one axis.
#include "lib/Frontend/ONNX/PackedSequences.h"

#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

PackedSequences::PackedSequences(NodeBuilder &node, Expression bounds, Expression values) : node(node) {
  if (node.failed())
    return;
  if (bounds.getRank() != 1 || values.getRank() < 1) {
    (void)node.reject("the bounds of the sequences must be one row");
    return;
  }
  bounds = bounds.cast(node.getBuilder().getI64Type());
  Expression count = bounds.extent(0) - 1, last = bounds.slice(0, count, bounds.extent(0));
  Expression size = values.extent(0);
  Expression fits = bounds.slice(0, 0, 1).equals(0.0) & last.equals(size);
  bounds = {node, require(node, bounds, fits)};
  starts = bounds.slice(0, Expression::ints(node, {0}), count);
  Expression ends = bounds.slice(0, Expression::ints(node, {1}), bounds.extent(0));
  lengths = ends - starts;
  requireOfData(node, (lengths < 0).cast(bounds.getElementType()).reduce(nn::ReductionKind::Sum, {0}, /*keepdims=*/false).equals(0.0),
                "the bounds of the sequences must not descend");
  Expression index = Expression::range(size);
  sequence = (ends <= index.unsqueeze({1})).cast(bounds.getElementType()).reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/false);
  start = starts.gather(sequence, 0);
  position = index - start;
}

Expression PackedSequences::at(Expression values, Expression history, Expression of, Expression from, Expression where) const {
  if (node.failed())
    return {};
  Expression length = history.extent(1), rows = history.extent(0) * length;
  Expression shape = history.getRank() == 2 ? rows : Expression::concat(node, {rows, history.shape(2)}, 0);
  Expression all = Expression::concat(node, {{node, node.create<nn::ReshapeOp>(history, shape, /*allow_zero=*/true)}, values}, 0);
  return all.gather((where >= 0).choose(from + where + rows, of * length + length + where), 0);
}

Expression PackedSequences::lookBack(Expression values, Expression history, int64_t distance) const {
  return at(values, history, sequence, start, position - static_cast<double>(distance));
}

Expression PackedSequences::last(Expression values, Expression history) const {
  if (node.failed())
    return {};
  Expression length = history.extent(1);
  return at(values, history, Expression::range(lengths.extent(0)).unsqueeze({1}), starts.unsqueeze({1}),
            lengths.unsqueeze({1}) - length + Expression::range(length));
}

Expression PackedSequences::prefixes(Expression values, Expression history, int64_t capacity) const {
  if (node.failed())
    return {};
  Expression length = history.extent(1), number = Expression::range(Expression::ints(node, {capacity})).unsqueeze({1});
  Expression within = number.min(lengths.unsqueeze({1, 2}) - 1);
  return at(values, history, Expression::range(lengths.extent(0)).unsqueeze({1, 2}), starts.unsqueeze({1, 2}),
            within + 1 - length + Expression::range(length));
}

Expression PackedSequences::first(Expression values, Expression history, int64_t capacity) const {
  if (node.failed())
    return {};
  Expression number = Expression::range(Expression::ints(node, {capacity}));
  return at(values, history, Expression::range(lengths.extent(0)).unsqueeze({1}), starts.unsqueeze({1}),
            number.min(lengths.unsqueeze({1}) - 1));
}

Expression PackedSequences::isCaptured(Expression counts, int64_t capacity) const {
  if (node.failed())
    return {};
  Expression number = Expression::range(Expression::ints(node, {capacity}));
  return number < counts.cast(number.getElementType()).min(lengths).unsqueeze({1});
}

//===--- VarlenCausalConvWithState ---===//

/// A depthwise convolution along each sequence, behind the elements of its state.
static LogicalResult importPackedCausalConv(NodeBinder &node) {
  Expression x(node, node.operand(0)), filter(node, node.operand(1)), starts(node, node.operand(2)),
      bias(node, node.optionalOperand(3)), state(node, node.operand(4)), counts(node, node.optionalOperand(5));
  std::string activation = node.stringAttr("activation", "none");
  int64_t dilation = node.intAttr("dilation", 1), capacity = node.intAttr("state_update_capacity", 0);
  node.ignoreAttrs({"delta_offset", "group_size"}); // of filters that are computed
  if (node.failed())
    return failure();
  if (node.optionalOperand(6) || node.optionalOperand(7))
    return node.reject("filters that are computed (kernel_delta) are not supported");
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.reject("activation '" + activation + "' is not known");
  if (x.getRank() != 2 || filter.getRank() != 3 || state.getRank() != 3 || dilation < 1)
    return node.reject("needs rows of channels, a filter (C, 1, K) and a state (N, C, length)");
  int64_t taps = filter.getExtent(2);
  if (ShapedType::isDynamic(taps) || capacity < 0 || (capacity > 0) != static_cast<bool>(counts))
    return node.reject("the extent of the filter must be known, and 'capture_count' given where 'state_update_capacity' is");
  if (taps > 64)
    return node.reject("filters of more than 64 taps are not supported");
  if (state.getExtent(2) != (taps - 1) * dilation)
    return node.reject("the state does not have as many elements as the filter needs");
  PackedSequences sequences(node, starts, x);
  Expression history = state.transpose({0, 2, 1}), weights = filter.squeeze({1}), sum = bias;
  for (int64_t tap = 0; tap < taps; ++tap) {
    Expression weight = weights.slice(1, tap, tap + 1).squeeze({1});
    Expression product = sequences.lookBack(x, history, (taps - 1 - tap) * dilation) * weight;
    sum = sum ? sum + product : product;
  }
  if (activation != "none")
    sum = sum.unary<nn::SiluOp>(APFloat(1.0f));
  if (node.failed() || failed(node.result(sum)) ||
      failed(node.result(sequences.last(x, history).transpose({0, 2, 1}))))
    return failure();
  if (!node.wantsResult(2))
    return success();
  if (!capacity)
    return node.reject("its third result needs 'state_update_capacity'");
  Expression isUsed = sequences.isCaptured(counts, capacity).unsqueeze({2});
  return node.result(isUsed.choose(sequences.first(x, history, capacity), x.like(0)));
}

static const OpEntry table[] = {
    {"VarlenCausalConvWithState", 1, importPackedCausalConv, "com.microsoft"},
};

ArrayRef<OpEntry> getPackedSequenceOps() { return table; }

} // namespace nnc::onnx
