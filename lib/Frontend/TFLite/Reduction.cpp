// TFLite operators of the reduction family.
#include "lib/Frontend/TFLite/QuantizedOps.h"

using namespace mlir;

namespace nnc::tflite {

SmallVector<int64_t> constantAxes(OpBinder &op, unsigned index, Value of) {
  SmallVector<int64_t> axes = op.constantInts(index);
  for (int64_t &axis : axes)
    axis = op.normalizeAxis(axis, op.getRank(of));
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return axes;
}

template <nn::ReductionKind kind> static LogicalResult importReduce(OpBinder &op) {
  Value x = op.operand(0);
  SmallVector<int64_t> axes = constantAxes(op, 1, x);
  return op.result(op.create<nn::ReduceOp>(x, kind, axes, op.options<format::ReducerOptions>().keep_dims()));
}

/// The largest or smallest integer stands for the largest or smallest number.
template <nn::ReductionKind kind> static LogicalResult importQuantizedReduce(OpBinder &op) {
  requireOneScale(op);
  return importReduce<kind>(op);
}

/// Booleans, as numbers.
template <nn::ReductionKind kind> static LogicalResult importReduceBool(OpBinder &op) {
  Value x = op.cast(op.operand(0), op.getBuilder().getI32Type());
  SmallVector<int64_t> axes = constantAxes(op, 1, x);
  bool keepDims = op.options<format::ReducerOptions>().keep_dims();
  return op.result(op.cast(op.create<nn::ReduceOp>(x, kind, axes, keepDims), op.getBuilder().getI1Type()));
}

template <bool isMin> static LogicalResult importArg(OpBinder &op) {
  Value x = op.operand(0);
  int64_t axis = op.constantAxis(1, x);
  Value index = op.create<nn::ArgReduceOp>(x, axis, /*keepdims=*/false, /*min=*/isMin, /*last=*/false);
  return op.result(op.cast(index, op.getResultType(0)));
}

static LogicalResult importCumSum(OpBinder &op) {
  Value x = op.operand(0);
  int64_t axis = op.constantAxis(1, x);
  const auto &options = op.options<format::CumsumOptions>();
  return op.result(op.create<nn::CumSumOp>(x, axis, options.exclusive(), options.reverse()));
}

/// Of the last axis.
static LogicalResult importTopK(OpBinder &op) {
  Value x = op.operand(0), k = op.indexList(1);
  if (op.failed())
    return failure();
  SmallVector<Value> results = op.createAll<nn::TopKOp>(2, x, k, op.getRank(x) - 1, /*smallest=*/false);
  if (op.failed() || failed(op.result(results[0])))
    return failure();
  return op.result(op.cast(results[1], op.getResultType(1)));
}

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::ARG_MAX, importArg<false>, importArg<false>},
    {Op::ARG_MIN, importArg<true>, importArg<true>},
    {Op::CUMSUM, importCumSum},
    {Op::MEAN, importReduce<nn::ReductionKind::Mean>, importQuantizedMean},
    {Op::REDUCE_ALL, importReduceBool<nn::ReductionKind::Min>},
    {Op::REDUCE_ANY, importReduceBool<nn::ReductionKind::Max>},
    {Op::REDUCE_MAX, importReduce<nn::ReductionKind::Max>, importQuantizedReduce<nn::ReductionKind::Max>},
    {Op::REDUCE_MIN, importReduce<nn::ReductionKind::Min>, importQuantizedReduce<nn::ReductionKind::Min>},
    {Op::REDUCE_PROD, importReduce<nn::ReductionKind::Prod>},
    {Op::SUM, importReduce<nn::ReductionKind::Sum>, importQuantizedSum},
    {Op::TOPK_V2, importTopK, importTopK},
};

ArrayRef<OpEntry> getReductionOps() { return table; }

} // namespace nnc::tflite
