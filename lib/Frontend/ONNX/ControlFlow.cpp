// If, Loop, Scan and FlexAttention: their graphs become regions that see the values around them.
// A branch that is known is imported in the place of its node.
#include "lib/Frontend/ONNX/ControlFlow.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

bool isControlFlow(const ::onnx::NodeProto &node) {
  if (node.domain() == "ai.onnx.preview")
    return node.op_type() == "FlexAttention";
  return (node.domain().empty() || node.domain() == "ai.onnx") &&
         (node.op_type() == "If" || node.op_type() == "Loop" || node.op_type() == "Scan" ||
          node.op_type() == "SequenceMap");
}

bool isControlFlowSince(const ::onnx::NodeProto &node, int64_t opset) {
  int64_t since = node.op_type() == "Scan" ? 8 : node.op_type() == "SequenceMap" ? 17 : 1;
  return isControlFlow(node) && opset >= since;
}

const ::onnx::GraphProto *findGraph(const ::onnx::NodeProto &node, StringRef name) {
  for (const auto &attribute : node.attribute())
    if (attribute.name() == name && attribute.has_g())
      return &attribute.g();
  return nullptr;
}

RankedTensorType getStackedType(RankedTensorType element, int64_t count) {
  SmallVector<int64_t> shape(element.getShape());
  shape.insert(shape.begin(), count);
  return element.clone(shape);
}

SmallVector<int64_t> readInts(const ::onnx::NodeProto &node, StringRef name, size_t count) {
  for (const auto &attribute : node.attribute())
    if (attribute.name() == name)
      return SmallVector<int64_t>(attribute.ints().begin(), attribute.ints().end());
  return SmallVector<int64_t>(count, 0);
}

} // namespace nnc::onnx
