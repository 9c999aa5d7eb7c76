// From a module to a model file: one node, or a few, for each operation.
#include "lib/Export/ONNX/Export.h"

#include "lib/Export/ONNX/Metadata.h"
#include "lib/Export/ONNX/OpWriter.h"
#include "lib/Export/ONNX/Preparation.h"
#include "lib/Export/ONNX/Text.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc::onnx_export {

/// The function that writes an operation; null where there is none.
static WriteFunction findWriter(Operation *op) {
  static const llvm::StringMap<WriteFunction> writers = [] {
    llvm::StringMap<WriteFunction> all;
    for (ArrayRef<WriterEntry> family :
         {getContractionWriters(), getControlFlowWriters(), getConvolutionWriters(), getDecisionTreeWriters(),
          getElementwiseWriters(), getIndexingWriters(), getMovementWriters(), getNormalizationWriters(),
          getPoolingWriters(), getQuantizationWriters(), getRecurrentWriters(), getReductionWriters(),
          getResamplingWriters(), getSelectionWriters(), getTextWriters()})
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
      "nn.range",       "nn.round",    "nn.selu",       "nn.shrink",       "nn.sin",      "nn.sinh",
      "nn.softplus",   "nn.softsign",    "nn.sum_pool", "nn.tan",        "nn.thresholded_relu", "nn.top_k"};
  StringRef name = op.getName().getStringRef();
  bool hasNoHalf = name == "nn.celu" || name == "nn.range";
  return element.isBF16() ? withoutBFloat16.contains(name) : element.isF16() && hasNoHalf;
}

bool writeOperation(GraphWriter &graph, Operation &op) {
  if (isa<arith::ConstantOp>(op)) // written where it is used
    return true;
  if (auto assertion = dyn_cast<cf::AssertOp>(op)) {
    op.emitWarning() << "ONNX has no assertions; the file does not check that " << assertion.getMsg();
    return true;
  }
  if (isa<tensor::ExtractOp>(op)) // what an assertion reads
    return true;
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

/// A file of protobuf has at most 2 GiB.
static constexpr size_t maxFileBytes = (size_t{1} << 31) - 1;
/// Smaller tensors stay in the model's file, where shapes and scales can be read without the other.
static constexpr size_t leastExternalBytes = 1024;
/// Of a tensor in the second file, so that it can be mapped.
static constexpr size_t externalAlignment = 64;

/// Moves the bytes of large constants into a file of their own.
static std::string takeExternalData(::onnx::GraphProto &graph, StringRef fileName) {
  std::string data;
  for (::onnx::TensorProto &tensor : *graph.mutable_initializer()) {
    if (tensor.raw_data().size() < leastExternalBytes)
      continue;
    data.resize(llvm::alignTo(data.size(), externalAlignment));
    auto add = [&](const char *key, const Twine &value) {
      auto &entry = *tensor.add_external_data();
      entry.set_key(key);
      entry.set_value(value.str());
    };
    add("location", fileName);
    add("offset", Twine(data.size()));
    add("length", Twine(tensor.raw_data().size()));
    tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
    data += tensor.raw_data();
    tensor.clear_raw_data();
  }
  return data;
}

/// The nodes of all operations; fails after a diagnostic for each that cannot be written.
static LogicalResult writeNodes(GraphWriter &graph, func::FuncOp main, ExportSummary &summary) {
  bool isComplete = true;
  for (Operation &op : main.getBody().front().without_terminator()) {
    isComplete &= writeOperation(graph, op);
    if (isa<arith::ConstantOp>(op))
      continue;
    for (Value result : op.getResults())
      if (std::string name = graph.findName(result); !name.empty())
        summary.tensors.push_back({result, name});
  }
  return success(isComplete);
}

FailureOr<ExportedModel> exportModel(ModuleOp module, const ExportOptions &options, ExportSummary &summary) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("has no @main");
  prepare(main);
  ::onnx::ModelProto model;
  model.set_ir_version(options.opset >= 19 ? 9 : 8);
  model.set_producer_name("nnc");
  model.set_producer_version(options.producerVersion);
  auto &opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(options.opset);
  auto modelName = module->getAttrOfType<StringAttr>("nn.model");
  model.mutable_graph()->set_name(modelName && !modelName.empty() ? modelName.str() : "model");
  GraphWriter graph(model, options.opset);
  if (failed(graph.declare(main)) || failed(writeNodes(graph, main, summary)))
    return failure();
  graph.passThrough(main);
  writeMetadata(model, main);
  ExportedModel exported;
  if (options.hasExternalData || model.ByteSizeLong() > maxFileBytes)
    exported.data = takeExternalData(*model.mutable_graph(), options.dataFile);
  if (model.ByteSizeLong() > maxFileBytes || !model.SerializeToString(&exported.bytes))
    return module.emitError("an ONNX file holds at most 2 GiB beside its weights");
  summary.nodes = model.graph().node_size();
  summary.transposes = llvm::count_if(model.graph().node(), [](const auto &node) { return node.op_type() == "Transpose"; });
  return exported;
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
