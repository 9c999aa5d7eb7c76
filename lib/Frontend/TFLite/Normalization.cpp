// TFLite operators of the normalisation family; all of them work along the last axis.
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::tflite {

static LogicalResult importSoftmax(OpBinder &op) {
  Value x = op.operand(0);
  float beta = op.options<format::SoftmaxOptions>().beta();
  if (op.failed())
    return failure();
  if (op.getRank(x) < 1)
    return op.reject("its input has no axis");
  if (beta != 1)
    x = op.create<nn::MulOp>(x, op.scalar(getElementTypeOrSelf(x), beta));
  return op.result(op.create<nn::SoftmaxOp>(x, op.getRank(x) - 1));
}

static LogicalResult importLogSoftmax(OpBinder &op) {
  Value x = op.operand(0);
  if (op.failed())
    return failure();
  if (op.getRank(x) < 1)
    return op.reject("its input has no axis");
  return op.result(op.create<nn::LogSoftmaxOp>(x, op.getRank(x) - 1));
}

/// x / sqrt(sum of squares), the root at least 1e-6.
static LogicalResult importL2Normalization(OpBinder &op) {
  Value x = op.operand(0);
  const auto &options = op.options<format::L2NormOptions>();
  if (op.failed())
    return failure();
  if (op.getRank(x) < 1)
    return op.reject("its input has no axis");
  Value sum = op.create<nn::ReduceOp>(x, nn::ReductionKind::SumSquare, ArrayRef<int64_t>{op.getRank(x) - 1},
                                      /*keepdims=*/true);
  Value norm = op.create<nn::SqrtOp>(sum);
  norm = op.create<nn::MaxOp>(norm, op.scalar(getElementTypeOrSelf(x), 1e-6));
  return op.result(op.activate(op.create<nn::DivOp>(x, norm), options.fused_activation_function()));
}

/// TFLite sums over the channels from c - radius up to but without c + radius, nn.lrn over one more behind than before:
/// the channels are turned round for it. TFLite's alpha is a factor of the sum, nn's of the mean.
static LogicalResult importLocalResponseNormalization(OpBinder &op) {
  Value x = op.operand(0);
  const auto &options = op.options<format::LocalResponseNormalizationOptions>();
  if (op.failed())
    return failure();
  if (options.radius() < 1 || options.radius() > (1 << 20) || op.getRank(x) < 1)
    return op.reject("its radius must be positive and reasonable");
  int64_t size = 2 * static_cast<int64_t>(options.radius());
  auto number = [](double value) { return llvm::APFloat(value); };
  SmallVector<int64_t> channels{op.getRank(x) - 1};
  x = op.create<nn::ReverseOp>(x, channels);
  x = op.create<nn::LrnOp>(x, nn::Layout::ChannelsLast, size, number(static_cast<double>(options.alpha()) * size),
                           number(options.beta()), number(options.bias()));
  return op.result(op.create<nn::ReverseOp>(x, channels));
}

static const OpEntry table[] = {
    {format::BuiltinOperator::L2_NORMALIZATION, importL2Normalization, importQuantizedL2Normalization},
    {format::BuiltinOperator::LOCAL_RESPONSE_NORMALIZATION, importLocalResponseNormalization},
    {format::BuiltinOperator::LOG_SOFTMAX, importLogSoftmax, importQuantizedLogSoftmax},
    {format::BuiltinOperator::SOFTMAX, importSoftmax, importQuantizedSoftmax},
};

ArrayRef<OpEntry> getNormalizationOps() { return table; }

} // namespace nnc::tflite
