// Reductions; their axes are an input from opset 18 on (of ReduceSum from 13 on).
#include "lib/Export/ONNX/OpWriter.h"

using namespace mlir;

namespace nnc::onnx_export {

static StringRef getType(nn::ReductionKind kind) {
  switch (kind) {
  case nn::ReductionKind::Sum:
    return "ReduceSum";
  case nn::ReductionKind::Mean:
    return "ReduceMean";
  case nn::ReductionKind::Max:
    return "ReduceMax";
  case nn::ReductionKind::Min:
    return "ReduceMin";
  case nn::ReductionKind::Prod:
    return "ReduceProd";
  case nn::ReductionKind::SumAbs:
    return "ReduceL1";
  case nn::ReductionKind::SumSquare:
    return "ReduceSumSquare";
  case nn::ReductionKind::LogSumExp:
    return "ReduceLogSumExp";
  }
  llvm_unreachable("all kinds are listed");
}

/// A reduction over no axes.
static void writeOfNothing(OpWriter &writer, nn::ReduceOp op) {
  std::string x = writer.name(op.getInput());
  if (op.getKind() == nn::ReductionKind::SumAbs)
    return writer.finish("Abs", {x});
  if (op.getKind() == nn::ReductionKind::SumSquare)
    return writer.finish("Mul", {x, x});
  writer.finish("Identity", {x});
}

static void writeReduce(OpWriter &writer, nn::ReduceOp op) {
  if (op.getAxes().empty())
    return writeOfNothing(writer, op);
  std::string x = writer.name(op.getInput());
  SmallVector<Attribute> attributes{{"keepdims", int64_t(op.getKeepdims())}};
  if (writer.getOpset() >= 18 || op.getKind() == nn::ReductionKind::Sum)
    return writer.finish(getType(op.getKind()), {x, writer.ints(op.getAxes())}, attributes);
  attributes.push_back({"axes", op.getAxes()});
  writer.finish(getType(op.getKind()), {x}, attributes);
}

static void writeArgReduce(OpWriter &writer, nn::ArgReduceOp op) {
  writer.finish(op.getMin() ? "ArgMin" : "ArgMax", writer.operands(),
                {{"axis", int64_t(op.getAxis())},
                 {"keepdims", int64_t(op.getKeepdims())},
                 {"select_last_index", int64_t(op.getLast())}});
}

static void writeCumSum(OpWriter &writer, nn::CumSumOp op) {
  Type i64 = IntegerType::get(op->getContext(), 64);
  writer.finish("CumSum", {writer.name(op.getInput()), writer.scalar(i64, op.getAxis())},
                {{"exclusive", int64_t(op.getExclusive())}, {"reverse", int64_t(op.getReverse())}});
}

static void writeTopK(OpWriter &writer, nn::TopKOp op) {
  writer.finish("TopK", writer.operands(), {{"axis", int64_t(op.getAxis())}, {"largest", int64_t(!op.getSmallest())}});
}

static const WriterEntry table[] = {row<nn::ReduceOp, writeReduce>(), row<nn::ArgReduceOp, writeArgReduce>(),
                                    row<nn::CumSumOp, writeCumSum>(), row<nn::TopKOp, writeTopK>()};

ArrayRef<WriterEntry> getReductionWriters() { return table; }

} // namespace nnc::onnx_export
