// TFLite operators of the pooling family.
#include "lib/Frontend/TFLite/QuantizedOps.h"

using namespace mlir;

namespace nnc::tflite {

Windows readPool(OpBinder &op, Value input, const format::Pool2DOptions &options) {
  Windows windows;
  windows.size = {options.filter_height(), options.filter_width()};
  windows.strides = {options.stride_h(), options.stride_w()};
  windows.dilations = {1, 1};
  setPads(op, input, options.padding(), windows);
  return windows;
}

static Value buildAveragePool(OpBinder &op, Value input, const format::Pool2DOptions &options) {
  Windows windows = readPool(op, input, options);
  return op.create<nn::AvgPoolOp>(input, nn::Layout::ChannelsLast, windows.size, windows.strides, windows.dilations,
                                  windows.padsBegin, windows.padsEnd, /*ceil=*/false, /*count_include_pad=*/false);
}

static LogicalResult importAveragePool(OpBinder &op) {
  Value input = op.operand(0);
  const auto &options = op.options<format::Pool2DOptions>();
  return op.result(op.activate(buildAveragePool(op, input, options), options.fused_activation_function()));
}

static LogicalResult importMaxPool(OpBinder &op) {
  Value input = op.operand(0);
  const auto &options = op.options<format::Pool2DOptions>();
  Windows windows = readPool(op, input, options);
  Value result = op.create<nn::MaxPoolOp>(input, nn::Layout::ChannelsLast, windows.size, windows.strides,
                                          windows.dilations, windows.padsBegin, windows.padsEnd, /*ceil=*/false);
  return op.result(op.activate(result, options.fused_activation_function()));
}

/// The root of the mean of squares.
static LogicalResult importL2Pool(OpBinder &op) {
  Value input = op.operand(0);
  const auto &options = op.options<format::Pool2DOptions>();
  Value squares = op.create<nn::MulOp>(input, input);
  Value result = op.create<nn::SqrtOp>(buildAveragePool(op, squares, options));
  return op.result(op.activate(result, options.fused_activation_function()));
}

static const OpEntry table[] = {
    {format::BuiltinOperator::AVERAGE_POOL_2D, importAveragePool, importQuantizedAveragePool},
    {format::BuiltinOperator::L2_POOL_2D, importL2Pool},
    {format::BuiltinOperator::MAX_POOL_2D, importMaxPool, importQuantizedMaxPool},
};

ArrayRef<OpEntry> getPoolingOps() { return table; }

} // namespace nnc::tflite
