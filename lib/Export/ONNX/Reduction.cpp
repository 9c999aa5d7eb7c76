// Reductions; their axes are an input from opset 18 on (of ReduceSum from 13 on).
#include "lib/Export/ONNX/ControlFlow.h"

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

/// ONNX has it from opset 26 on; before, a Scan that carries the product on.
static void writeCumProd(OpWriter &writer, nn::CumProdOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  auto axis = static_cast<int64_t>(op.getAxis());
  SmallVector<int64_t> shape(type.getShape());
  shape.erase(shape.begin() + axis);
  auto slice = RankedTensorType::get(shape, type.getElementType());
  // A slice's ones; its extents may be known at run time only.
  Type i64 = IntegerType::get(op->getContext(), 64);
  std::string x = writer.name(op.getInput());
  std::string extents = writer.add("Shape", {writer.add("Gather", {x, writer.scalar(i64, 0)}, {{"axis", axis}})});
  if (ShapedType::isDynamic(type.getDimSize(axis)) || type.getDimSize(axis) == 0)
    return writer.refuse("a cumulative product along an axis whose extent is 0 or not known at compile time");
  std::string ones = writer.add("Expand", {writer.scalar(type.getElementType(), 1), extents});
  std::shared_ptr<::onnx::GraphProto> body;
  {
    InnerGraph inner(writer, "body");
    std::string before = writer.getGraph().addInput(writer.makeName("product"), slice);
    std::string element = writer.getGraph().addInput(writer.makeName("element"), slice);
    std::string product = writer.add("Mul", {before, element});
    inner.addOutput(product, slice);
    inner.addOutput(op.getExclusive() ? before : product, slice);
    body = inner.getGraph();
  }
  SmallVector<int64_t> axes{axis}, directions{op.getReverse() ? 1 : 0};
  writer.finish("Scan", {ones, x},
                {{"body", body},
                 {"num_scan_inputs", int64_t(1)},
                 {"scan_input_axes", axes},
                 {"scan_input_directions", directions},
                 {"scan_output_axes", axes},
                 {"scan_output_directions", directions}},
                /*numUnused=*/1);
}

static void writeTopK(OpWriter &writer, nn::TopKOp op) {
  writer.finish("TopK", writer.operands(), {{"axis", int64_t(op.getAxis())}, {"largest", int64_t(!op.getSmallest())}});
}

static const WriterEntry table[] = {row<nn::ReduceOp, writeReduce>(), row<nn::ArgReduceOp, writeArgReduce>(),
                                    row<nn::CumProdOp, writeCumProd>(), row<nn::CumSumOp, writeCumSum>(),
                                    row<nn::TopKOp, writeTopK>()};

ArrayRef<WriterEntry> getReductionWriters() { return table; }

} // namespace nnc::onnx_export
