// FlexAttention, the graphs of which change scores and probabilities: they are
// imported in its place.
#include "lib/Frontend/ONNX/AttentionParts.h"
#include "lib/Frontend/ONNX/ControlFlow.h"
#include "lib/Frontend/ONNX/GraphImporter.h"
#include "lib/Frontend/ONNX/NodeOrder.h"

using namespace mlir;

namespace nnc::onnx {

bool GraphImporter::applyGraph(const ::onnx::NodeProto &node, StringRef attribute, const Opsets &opsets, Scope &scope,
                               unsigned depth, Value &value) {
  const ::onnx::GraphProto *graph = findGraph(node, attribute);
  if (!graph || !value)
    return static_cast<bool>(value);
  auto fail = [&](const Twine &reason) {
    block(node, opsets.lookup(node.domain()), "its " + attribute + " " + reason);
    return false;
  };
  if (graph->input_size() != 1 || graph->output_size() != 1)
    return fail("must have one input and one output");
  findUnsupported(graph->node(), opsets, depth);
  Scope inner(&scope);
  inner.define(graph->input(0).name(), value);
  SmallVector<GraphValue> results;
  if (!blockers.empty() || !importBody(*graph, opsets, inner, depth, results))
    return false;
  Value result = results.front().isTensor() ? results.front().getTensor() : Value();
  if (!result || !frontend::joinTypes(cast<RankedTensorType>(value.getType()), cast<RankedTensorType>(result.getType())))
    return fail("must keep element type and number of dimensions");
  value = result;
  return true;
}

/// The type that scores are computed in: that of softmax_precision, else f32 for what is shorter.
static Type getScoreType(NodeBinder &node, Type type) {
  if (int64_t precision = node.intAttr("softmax_precision", 0))
    return node.elementType(precision);
  return type.getIntOrFloatBitWidth() < 32 ? node.getBuilder().getF32Type() : type;
}

bool GraphImporter::importFlexAttention(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope,
                                        unsigned depth, ArrayRef<GraphValue> operands) {
  int64_t opset = opsets.lookup(node.domain());
  NodeBinder binder(builder, node, opset, NameLoc::get(builder.getStringAttr(getNodeName(node))), operands, tensors,
                    declaredRanks);
  auto fail = [&] {
    block(node, opset, binder.getReason());
    return false;
  };
  Expression query(binder, binder.operand(0)), keys(binder, binder.operand(1)), values(binder, binder.operand(2));
  double scale = binder.floatAttr("scale", 0);
  if (binder.failed())
    return fail();
  Type type = query.getElementType();
  bool isFloat = isa<FloatType>(type);
  if (!isFloat || query.getRank() != 4 || keys.getRank() != 4 || values.getRank() != 4) {
    (void)binder.reject("query, keys and values must be floats of 4 dimensions");
    return fail();
  }
  Type scoreType = getScoreType(binder, type);
  binder.ignoreAttrs({"score_mod", "prob_mod"});
  for (const std::string &unknown : binder.getUnknownAttrs())
    (void)binder.reject("attribute '" + unknown + "' is not supported");
  if (binder.failed())
    return fail();
  Value scores = multiplyByKeys(binder, scaleQuery(query, scale), keys).cast(scoreType);
  if (binder.failed())
    return fail();
  if (!applyGraph(node, "score_mod", opsets, scope, depth, scores))
    return false;
  Value weights = Expression(binder, scores).softmax(3);
  if (binder.failed())
    return fail();
  if (!applyGraph(node, "prob_mod", opsets, scope, depth, weights))
    return false;
  Value result = multiplyByValues(binder, Expression(binder, weights), values.cast(scoreType)).cast(type);
  if (binder.failed())
    return fail();
  if (node.output_size() > 0 && !node.output(0).empty())
    scope.define(node.output(0), result);
  return true;
}

} // namespace nnc::onnx
