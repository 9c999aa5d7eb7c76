// From a module to a model file: one node, or a few, for each operation.
#include "lib/Export/ONNX/Export.h"

#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc::onnx_export {

WriteFunction findWriter(Operation *op) {
  static const llvm::StringMap<WriteFunction> writers = [] {
    llvm::StringMap<WriteFunction> all;
    for (ArrayRef<WriterEntry> family :
         {getContractionWriters(), getConvolutionWriters(), getElementwiseWriters(), getIndexingWriters(),
          getMovementWriters(), getNormalizationWriters(), getPoolingWriters(), getQuantizationWriters(),
          getRecurrentWriters(), getReductionWriters(), getResamplingWriters(), getSelectionWriters()})
      for (const WriterEntry &entry : family)
        all[entry.operation] = entry.write;
    return all;
  }();
  return writers.lookup(op->getName().getStringRef());
}

/// Whether the counterpart of an operation was never defined for half precision (of bf16: not before opset 22).
static bool lacksType(Operation &op, Type element) {
  static const llvm::StringSet<> withoutBFloat16{
      "nn.acos",       "nn.acosh",       "nn.asin",     "nn.asinh",      "nn.atan",         "nn.atanh",    "nn.avg_pool",
      "nn.celu",       "nn.conv",        "nn.cos",      "nn.cosh",       "nn.conv_transpose", "nn.cumsum", "nn.elu",
      "nn.hard_sigmoid", "nn.hard_swish", "nn.instance_norm", "nn.is_inf", "nn.lrn",        "nn.max_pool", "nn.mish",
      "nn.one_hot",    "nn.range",       "nn.round",    "nn.selu",       "nn.shrink",       "nn.sin",      "nn.sinh",
      "nn.softplus",   "nn.softsign",    "nn.sum_pool", "nn.tan",        "nn.thresholded_relu", "nn.top_k"};
  StringRef name = op.getName().getStringRef();
  bool hasNoHalf = name == "nn.celu" || name == "nn.range";
  return element.isBF16() ? withoutBFloat16.contains(name) : element.isF16() && hasNoHalf;
}

/// Writes one operation; false where ONNX cannot express it.
static bool write(GraphWriter &graph, Operation &op) {
  OpWriter writer(graph, &op);
  for (Value operand : op.getOperands())
    if (operand && !getDataType(cast<RankedTensorType>(operand.getType()).getElementType()))
      writer.refuse("elements of " + op.getName().getStringRef() + " of fewer than 8 bits, or f8");
  for (Type type : op.getResultTypes()) {
    Type element = cast<RankedTensorType>(type).getElementType();
    if (!getDataType(element))
      writer.refuse("it has no element type like that of " + op.getName().getStringRef());
    else if (lacksType(op, element))
      writer.refuse(op.getName().getStringRef() + " of half precision");
  }
  if (writer.hasFailed())
    return false;
  if (WriteFunction function = findWriter(&op))
    function(writer, &op);
  else
    writer.refuse("nnc does not write " + op.getName().getStringRef() + " yet");
  return !writer.hasFailed();
}

FailureOr<std::string> exportModel(ModuleOp module, const ExportOptions &options, ExportSummary &summary) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("has no @main");
  ::onnx::ModelProto model;
  model.set_ir_version(options.opset >= 19 ? 9 : 8);
  model.set_producer_name("nnc");
  model.set_producer_version(options.producerVersion);
  auto &opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(options.opset);
  auto modelName = module->getAttrOfType<StringAttr>("nn.model");
  model.mutable_graph()->set_name(modelName && !modelName.empty() ? modelName.str() : "model");
  GraphWriter graph(*model.mutable_graph(), options.opset);
  if (failed(graph.declare(main)))
    return failure();
  bool isComplete = true;
  for (Operation &op : main.getBody().front().without_terminator()) {
    if (isa<arith::ConstantOp>(op))
      continue;
    isComplete &= write(graph, op);
    for (Value result : op.getResults())
      if (std::string name = graph.findName(result); !name.empty())
        summary.tensors.push_back({result, name});
  }
  if (!isComplete)
    return failure();
  graph.passThrough(main);
  std::string bytes;
  if (model.ByteSizeLong() >= (size_t{1} << 31) || !model.SerializeToString(&bytes))
    return module.emitError("an ONNX file holds at most 2 GiB");
  summary.nodes = model.graph().node_size();
  summary.transposes = llvm::count_if(model.graph().node(), [](const auto &node) { return node.op_type() == "Transpose"; });
  return bytes;
}

llvm::Expected<std::string> replaceOutputs(StringRef bytes, ArrayRef<ExportedTensor> tensors) {
  ::onnx::ModelProto model;
  if (bytes.size() > INT32_MAX || !model.ParseFromArray(bytes.data(), bytes.size()))
    return llvm::createStringError("not an ONNX model");
  model.mutable_graph()->clear_output();
  for (const ExportedTensor &tensor : tensors) {
    auto &output = *model.mutable_graph()->add_output();
    output.set_name(tensor.name);
    Type element = cast<RankedTensorType>(tensor.value.getType()).getElementType();
    output.mutable_type()->mutable_tensor_type()->set_elem_type(getDataType(element));
  }
  return model.SerializeAsString();
}

} // namespace nnc::onnx_export
