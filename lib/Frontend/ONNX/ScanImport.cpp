// Imports Scan: a loop as long as what it scans.
#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Frontend/ONNX/ControlFlow.h"
#include "lib/Frontend/ONNX/GraphImporter.h"
#include "lib/Frontend/ONNX/NodeOrder.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/Strings.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// In opset 8 all operands have a first axis for the elements of a batch: a Scan along that axis, whose body is the Scan
/// of one element.
bool GraphImporter::importBatchedScan(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                                      ArrayRef<GraphValue> operands) {
  if (operands.empty()) {
    block(node, opsets.lookup(""), "it has no operands");
    return false;
  }
  // The lengths of the sequences are scanned along the batch as well, behind the rest.
  SmallVector<GraphValue> scanned(operands.drop_front());
  bool hasLengths = static_cast<bool>(operands.front());
  if (hasLengths)
    scanned.push_back(operands.front());
  ::onnx::NodeProto outer;
  outer.set_name(getNodeName(node));
  outer.set_op_type(node.op_type());
  *outer.mutable_output() = node.output();
  ::onnx::AttributeProto *count = outer.add_attribute(), *body = outer.add_attribute();
  count->set_name("num_scan_inputs");
  count->set_i(scanned.size());
  body->set_name("body");
  ::onnx::NodeProto *inner = body->mutable_g()->add_node();
  *inner = node;
  inner->clear_input();
  for (auto &attribute : *inner->mutable_attribute())
    if (attribute.name() == "directions")
      attribute.set_name("scan_input_directions");
  std::string name = "element"; // hides no name around it
  for (size_t i = 0; i < scanned.size(); ++i) {
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
  unbatchedScans[inner] = hasLengths;
  bool ok = importScan(outer, opsets, scope, depth, scanned);
  unbatchedScans.erase(inner);
  return ok;
}

/// The length of one of several sequences (i64, rank 0) that are scanned up to `extent`; a run with another ends with an
/// error.
static Expression checkLength(frontend::NodeBuilder &build, const GraphValue &value, Expression extent) {
  if (!value.isTensor() || !getElementTypeOrSelf(value.getTensor().getType()).isInteger(64) ||
      getRanked(value.getTensor()).getRank() != 0) {
    (void)build.reject("sequence_lens must be a list of int64");
    return {};
  }
  Expression length(build, value.getTensor());
  requireOfData(build, (length > 0.0) & (length <= extent.squeeze({0})), "sequence_lens: a length is out of range");
  return length;
}

/// Behind the end of its sequence an iteration carries on what it began with, and collects zeros.
static void stopBehind(frontend::NodeBuilder &build, Expression length, Value number, ArrayRef<GraphValue> carried,
                       MutableArrayRef<GraphValue> yielded) {
  OpBuilder::InsertionGuard guard(build.getBuilder());
  build.getBuilder().setInsertionPointToEnd(number.getParentBlock());
  Expression isInside = Expression(build, number) < length;
  for (auto [i, value] : llvm::enumerate(yielded)) {
    if (!value.isTensor())
      continue; // is refused where the loop is made
    Expression next(build, value.getTensor());
    if (i >= carried.size()) {
      value = Value(isInside.choose(next, {build, createFiller(build, next.getElementType())}));
      continue;
    }
    Value before = carried[i].getTensor();
    if (getRanked(before).getRank() != next.getRank() || getElementTypeOrSelf(before.getType()) != next.getElementType())
      continue; // as well
    for (int64_t axis = 0; axis < next.getRank(); ++axis)
      if (!nn::haveSameExtent(before, axis, next, axis))
        (void)build.reject("the shape of a value that it carries changes from iteration to iteration");
    if (build.failed())
      return;
    value = Value(isInside.choose(next, {build, before}));
  }
}

/// What all iterations gave, stacked along `axis` and not the first.
static Value arrange(frontend::NodeBuilder &build, Value value, int64_t axis, bool isReversed) {
  int64_t rank = getRanked(value).getRank();
  axis = axis < 0 ? axis + rank : axis;
  if (axis < 0 || axis >= rank) {
    (void)build.reject("a scan axis is out of range");
    return value;
  }
  if (isReversed)
    value = build.create<nn::ReverseOp>(value, ArrayRef<int64_t>{0});
  if (!axis)
    return value;
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(1, rank));
  permutation.insert(permutation.begin() + axis, 0);
  return build.create<nn::TransposeOp>(value, permutation);
}

/// Lets axes from the end be counted from the start, and gives the length of what is scanned along them where it is static;
/// says what is wrong with them, if anything.
static StringRef findCount(ArrayRef<Value> scanned, MutableArrayRef<int64_t> axes, int64_t &count) {
  for (auto [value, axis] : llvm::zip(scanned, axes)) {
    int64_t rank = getRanked(value).getRank();
    axis = axis < 0 ? axis + rank : axis;
    if (axis < 0 || axis >= rank)
      return "a scan axis is out of range";
    int64_t extent = getRanked(value).getDimSize(axis);
    if (!ShapedType::isDynamic(extent) && !ShapedType::isDynamic(count) && extent != count)
      return "what it scans differs in length";
    count = ShapedType::isDynamic(count) ? extent : count;
  }
  return "";
}

/// What is scanned, whose lengths a run requires to be the same.
static SmallVector<Value> requireOneLength(frontend::NodeBuilder &build, ArrayRef<Value> scanned, ArrayRef<int64_t> axes) {
  Expression first(build, scanned.front());
  SmallVector<Value> checked{first};
  for (auto [value, axis] : llvm::drop_begin(llvm::zip(scanned, axes)))
    checked.push_back(
        nn::haveSameExtent(value, axis, first, axes.front())
            ? value
            : require(build, value, Expression(build, value).extent(axis).equals(first.extent(axes.front()))));
  return checked;
}

bool GraphImporter::importScan(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                               ArrayRef<GraphValue> operands) {
  auto fail = [&](const Twine &reason) {
    block(node, opsets.lookup(""), reason);
    return false;
  };
  const ::onnx::GraphProto *graph = findGraph(node, "body");
  GraphValue sequenceLength;
  if (unbatchedScans.lookup(&node)) {
    sequenceLength = operands.back();
    operands = operands.drop_back();
  }
  int64_t numScans = 0;
  for (const auto &attribute : node.attribute())
    if (attribute.name() == "num_scan_inputs")
      numScans = attribute.i();
  if (!graph || numScans < 1 || numScans > static_cast<int64_t>(operands.size()) ||
      llvm::any_of(operands, [](const GraphValue &value) { return !value.isTensor(); }))
    return fail("it has no body, or its operands do not fit it");
  auto getTensor = [](const GraphValue &value) { return value.getTensor(); };
  LoopParts parts{node, *graph, {}, {}};
  size_t numStates = operands.size() - numScans;
  parts.initial.assign(operands.begin(), operands.begin() + numStates);
  SmallVector<Value> scanned = llvm::map_to_vector(operands.drop_front(numStates), getTensor);
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
  if (llvm::any_of(llvm::concat<int64_t>(directions, outputDirections), [](int64_t d) { return d != 0 && d != 1; }))
    return fail("a direction is neither 0 nor 1");
  StringRef reason = findCount(scanned, axes, parts.count);
  if (!reason.empty())
    return fail(reason);
  Location loc = NameLoc::get(builder.getStringAttr(getNodeName(node)));
  frontend::NodeBuilder build(builder, loc);
  scanned = requireOneLength(build, scanned, axes);
  parts.trips = build.create<nn::ShapeOp>(scanned.front(), axes.front(), axes.front() + 1);
  Expression length = sequenceLength ? checkLength(build, sequenceLength, {build, parts.trips}) : Expression();
  Expression last = (length ? length : Expression(build, parts.trips).squeeze({0})) - 1.0;
  Value iteration;
  SmallVector<GraphValue> begun;
  parts.prologue = [&](Value number, ArrayRef<GraphValue> carried) {
    iteration = number;
    begun.assign(carried.begin(), carried.end());
    SmallVector<GraphValue> values(carried);
    Expression forward(build, number);
    forward = length ? forward.min(last) : forward;
    for (auto [value, axis, direction] : llvm::zip(scanned, axes, directions))
      values.push_back(build.create<nn::GatherOp>(value, direction ? last - forward : forward, axis));
    return values;
  };
  frontend::NodeBuilder stop(builder, loc); // of its own: where it fails, the body may be imported again
  if (length)
    parts.onYielded = [&](MutableArrayRef<GraphValue> yielded) {
      stopBehind(stop, length, iteration, begun, yielded.drop_front());
    };
  if (build.failed())
    return fail(build.getReason());
  SmallVector<GraphValue> results;
  if (!importLoopOp(parts, opsets, scope, depth, results))
    return false;
  if (stop.failed())
    return fail(stop.getReason());
  for (auto [value, axis, direction] : llvm::zip(MutableArrayRef(results).drop_front(numStates), outputAxes, outputDirections))
    value = arrange(build, value.getTensor(), axis, direction);
  if (build.failed())
    return fail(build.getReason());
  for (auto [name, value] : llvm::zip(node.output(), results))
    if (!name.empty())
      scope.define(name, value);
  return true;
}

} // namespace nnc::onnx
