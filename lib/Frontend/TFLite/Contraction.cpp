// TFLite operators of the contraction family.
#include "lib/Frontend/TFLite/QuantizedOps.h"

using namespace mlir;

namespace nnc::tflite {

Value bindRows(OpBinder &op, Value input, Value weights, const format::FullyConnectedOptions &options) {
  if (op.failed())
    return {};
  if (options.weights_format() != format::WeightsFormat::DEFAULT)
    (void)op.reject("shuffled weights are not supported");
  if (op.getRank(weights) != 2 || !op.getType(weights).hasStaticShape() || op.getShape(weights)[1] == 0)
    (void)op.reject("its weights must be a matrix whose extents are known at compile time");
  if (op.failed())
    return {};
  int64_t columns = op.getShape(weights)[1];
  if (op.getRank(input) == 2 && op.getShape(input)[1] == columns)
    return input;
  return op.create<nn::ReshapeOp>(input, op.ints({-1, columns}), /*allow_zero=*/false);
}

Value restoreAxes(OpBinder &op, Value rows, Value input) {
  int64_t rank = op.getRank(input);
  if (op.failed() || rank == 2)
    return rows;
  Value outer = op.create<nn::ShapeOp>(input, 0, rank - 1), last = op.create<nn::ShapeOp>(rows, 1, 2);
  if (op.failed())
    return {};
  Value shape = op.create<nn::ConcatOp>(ValueRange{outer, last}, 0);
  return op.create<nn::ReshapeOp>(rows, shape, /*allow_zero=*/true);
}

static LogicalResult importFullyConnected(OpBinder &op) {
  Value input = op.operand(0), weights = op.operand(1), bias = op.optionalOperand(2);
  const auto &options = op.options<format::FullyConnectedOptions>();
  Value rows = bindRows(op, input, weights, options);
  Value result = op.create<nn::MatmulOp>(rows, weights, /*transpose_lhs=*/false, /*transpose_rhs=*/true);
  if (bias)
    result = op.create<nn::AddOp>(result, bias);
  if (options.keep_num_dims())
    result = restoreAxes(op, result, input);
  return op.result(op.activate(result, options.fused_activation_function()));
}

static LogicalResult importBatchMatMul(OpBinder &op) {
  Value lhs = op.operand(0), rhs = op.operand(1);
  const auto &options = op.options<format::BatchMatMulOptions>();
  return op.result(op.create<nn::MatmulOp>(lhs, rhs, options.adj_x(), options.adj_y()));
}

static const OpEntry table[] = {
    {format::BuiltinOperator::BATCH_MATMUL, importBatchMatMul, importQuantizedBatchMatMul},
    {format::BuiltinOperator::FULLY_CONNECTED, importFullyConnected, importQuantizedFullyConnected},
};

ArrayRef<OpEntry> getContractionOps() { return table; }

} // namespace nnc::tflite
