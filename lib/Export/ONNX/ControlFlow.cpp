// nn.if and nn.loop as If and Loop. Their regions become graphs in the nodes; constants stay in the graph around all.
#include "lib/Export/ONNX/ControlFlow.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace nnc::onnx_export {

InnerGraph::InnerGraph(OpWriter &writer, StringRef name)
    : writer(writer), graph(std::make_shared<::onnx::GraphProto>()),
      outer(writer.getGraph().exchangeGraph(graph.get())) {
  graph->set_name(writer.makeName(name));
}

InnerGraph::~InnerGraph() { writer.getGraph().exchangeGraph(outer); }

void InnerGraph::addOutput(const std::string &name, RankedTensorType type) {
  // Each output is that of a node of this very graph, and of no other output.
  writer.getGraph().addOutput(writer.add("Identity", {name}), type);
}

/// The operations of a region; false, with the operation refused, where one cannot be written.
static bool writeBody(OpWriter &writer, Block &block) {
  bool isComplete = true;
  for (Operation &op : block.without_terminator())
    isComplete &= writeOperation(writer.getGraph(), op);
  if (!isComplete)
    writer.setFailed();
  return isComplete;
}

static std::shared_ptr<::onnx::GraphProto> writeBranch(OpWriter &writer, Region &region, StringRef name) {
  InnerGraph inner(writer, name);
  Block &block = region.front();
  if (writeBody(writer, block))
    for (Value value : block.getTerminator()->getOperands())
      inner.addOutput(writer.name(value), cast<RankedTensorType>(value.getType()));
  return inner.getGraph();
}

static void writeIf(OpWriter &writer, nn::IfOp op) {
  std::string condition = writer.asScalar(op.getCondition());
  Attribute branches[] = {{"then_branch", writeBranch(writer, op.getThenRegion(), "then")},
                          {"else_branch", writeBranch(writer, op.getElseRegion(), "else")}};
  if (!writer.hasFailed())
    writer.finish("If", {condition}, branches);
}

static void writeLoop(OpWriter &writer, nn::LoopOp op) {
  SmallVector<std::string> inputs{op.getTrips() ? writer.asScalar(op.getTrips()) : "",
                                  op.getCondition() ? writer.asScalar(op.getCondition()) : ""};
  auto boolean = RankedTensorType::get({}, IntegerType::get(op.getContext(), 1));
  // A loop has two inputs at least, and what is left out at the end is not there.
  if (op.getInitial().empty() && !op.getCondition())
    inputs.back() = writer.constant(DenseElementsAttr::get(boolean, true));
  for (Value value : op.getInitial())
    inputs.push_back(writer.name(value));
  std::shared_ptr<::onnx::GraphProto> body;
  {
    InnerGraph inner(writer, "body");
    Block &block = op.getBody().front();
    GraphWriter &graph = writer.getGraph();
    graph.addInput(writer.makeName("iteration"), cast<RankedTensorType>(block.getArgument(0).getType()),
                   block.getArgument(0));
    graph.addInput(writer.makeName("continues"), boolean);
    for (BlockArgument argument : block.getArguments().drop_front())
      graph.addInput(writer.makeName("carried"), cast<RankedTensorType>(argument.getType()), argument);
    if (writeBody(writer, block))
      for (auto [i, value] : llvm::enumerate(block.getTerminator()->getOperands()))
        inner.addOutput(i == 0 ? writer.asScalar(value) : writer.name(value),
                        i == 0 ? boolean : cast<RankedTensorType>(value.getType()));
    body = inner.getGraph();
  }
  if (!writer.hasFailed())
    writer.finish("Loop", inputs, {{"body", body}});
}

static const WriterEntry table[] = {row<nn::IfOp, writeIf>(), row<nn::LoopOp, writeLoop>()};

ArrayRef<WriterEntry> getControlFlowWriters() { return table; }

} // namespace nnc::onnx_export
