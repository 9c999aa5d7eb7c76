// Imports Scan: a loop as long as what it scans.
#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Frontend/ONNX/ControlFlow.h"
#include "lib/Frontend/ONNX/GraphImporter.h"
#include "lib/Frontend/ONNX/NodeOrder.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

/// In opset 8 all operands have a first axis for the elements of a batch: a Scan along that axis, whose body is the Scan
/// of one element.
bool GraphImporter::importBatchedScan(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                                      ArrayRef<GraphValue> operands) {
  if (operands.empty() || operands.front()) {
    block(node, opsets.lookup(""), "sequences of different lengths (sequence_lens) are not supported");
    return false;
  }
  ::onnx::NodeProto outer;
  outer.set_name(getNodeName(node));
  outer.set_op_type(node.op_type());
  *outer.mutable_output() = node.output();
  ::onnx::AttributeProto *count = outer.add_attribute(), *body = outer.add_attribute();
  count->set_name("num_scan_inputs");
  count->set_i(operands.size() - 1);
  body->set_name("body");
  ::onnx::NodeProto *inner = body->mutable_g()->add_node();
  *inner = node;
  inner->clear_input();
  for (auto &attribute : *inner->mutable_attribute())
    if (attribute.name() == "directions")
      attribute.set_name("scan_input_directions");
  std::string name = "element"; // hides no name around it
  for (size_t i = 1; i < operands.size(); ++i) {
    while (scope.isDefined(name))
      name += "'";
    body->mutable_g()->add_input()->set_name(name);
    inner->add_input(name);
    name += "'";
  }
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty())
      inner->set_output(i, "unused" + std::to_string(i));
    body->mutable_g()->add_output()->set_name(inner->output(i));
  }
  unbatchedScans.insert(inner);
  bool ok = importScan(outer, opsets, scope, depth, operands.drop_front());
  unbatchedScans.erase(inner);
  return ok;
}

bool GraphImporter::importScan(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                               ArrayRef<GraphValue> operands) {
  auto fail = [&](const Twine &reason) {
    block(node, opsets.lookup(""), reason);
    return false;
  };
  const ::onnx::GraphProto *graph = findGraph(node, "body");
  int64_t numScans = 0;
  for (const auto &attribute : node.attribute())
    if (attribute.name() == "num_scan_inputs")
      numScans = attribute.i();
  if (!graph || numScans < 1 || numScans > static_cast<int64_t>(operands.size()) ||
      llvm::any_of(operands, [](const GraphValue &value) { return !value.isTensor(); }))
    return fail("it has no body, or its operands do not fit it");
  LoopParts parts{node, *graph, {}, {}};
  size_t numStates = operands.size() - numScans;
  parts.initial.assign(operands.begin(), operands.begin() + numStates);
  SmallVector<Value> scanned;
  for (const GraphValue &value : operands.drop_front(numStates))
    scanned.push_back(value.getTensor());
  if (graph->output_size() < static_cast<int>(numStates))
    return fail("its body has too few outputs");
  size_t numOutputs = graph->output_size() - numStates;
  SmallVector<int64_t> axes = readInts(node, "scan_input_axes", numScans);
  SmallVector<int64_t> directions = readInts(node, "scan_input_directions", numScans);
  SmallVector<int64_t> outputAxes = readInts(node, "scan_output_axes", numOutputs);
  SmallVector<int64_t> outputDirections = readInts(node, "scan_output_directions", numOutputs);
  if (axes.size() != scanned.size() || directions.size() != scanned.size() || outputAxes.size() != numOutputs ||
      outputDirections.size() != numOutputs)
    return fail("its axes or directions do not fit its operands or results");
  for (auto [value, axis] : llvm::zip(scanned, axes)) {
    int64_t rank = getRanked(value).getRank();
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis >= rank)
      return fail("a scan axis is out of range");
    int64_t extent = getRanked(value).getDimSize(axis);
    if (!ShapedType::isDynamic(extent) && !ShapedType::isDynamic(parts.count) && extent != parts.count)
      return fail("what it scans differs in length");
    if (ShapedType::isDynamic(parts.count))
      parts.count = extent;
  }
  Location loc = NameLoc::get(builder.getStringAttr(getNodeName(node)));
  frontend::NodeBuilder build(builder, loc);
  frontend::Expression first(build, scanned.front());
  SmallVector<Value> checked{first};
  for (auto [value, axis] : llvm::drop_begin(llvm::zip(scanned, axes)))
    checked.push_back(nn::haveSameExtent(value, axis, first, axes.front())
                          ? value
                          : require(build, value, frontend::Expression(build, value).extent(axis).equals(
                                                      first.extent(axes.front()))));
  scanned = checked;
  parts.trips = build.create<nn::ShapeOp>(scanned.front(), axes.front(), axes.front() + 1);
  Value last = build.create<nn::SubOp>(parts.trips, build.ints({1}));
  last = build.create<nn::SqueezeOp>(last, ArrayRef<int64_t>{0});
  parts.prologue = [&](Value number, ArrayRef<GraphValue> carried) {
    SmallVector<GraphValue> values(carried);
    for (auto [value, axis, direction] : llvm::zip(scanned, axes, directions)) {
      Value at = direction ? build.create<nn::SubOp>(last, number) : number;
      values.push_back(build.create<nn::GatherOp>(value, at, axis));
    }
    return values;
  };
  if (build.failed())
    return fail(build.getReason());
  SmallVector<GraphValue> results;
  if (!importLoopOp(parts, opsets, scope, depth, results))
    return false;
  for (size_t i = 0; i < numOutputs; ++i) {
    Value value = results[numStates + i].getTensor();
    int64_t rank = getRanked(value).getRank(), axis = outputAxes[i] < 0 ? outputAxes[i] + rank : outputAxes[i];
    if (axis < 0 || axis >= rank)
      return fail("a scan axis is out of range");
    if (outputDirections[i])
      value = build.create<nn::ReverseOp>(value, ArrayRef<int64_t>{0});
    if (axis) {
      SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(1, rank));
      permutation.insert(permutation.begin() + axis, 0);
      value = build.create<nn::TransposeOp>(value, permutation);
    }
    results[numStates + i] = value;
  }
  if (build.failed())
    return fail(build.getReason());
  for (auto [name, value] : llvm::zip(node.output(), results))
    if (!name.empty())
      scope.define(name, value);
  return true;
}

} // namespace nnc::onnx
