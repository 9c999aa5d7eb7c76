// Loops that carry or read sequences, or tensors whose shape changes, are unrolled where the number of iterations is
// known.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/GraphImporter.h"
#include "lib/Frontend/ONNX/NodeOrder.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

/// Nodes that a loop of sequences may become; with more it is not unrolled.
static constexpr int64_t maxUnrolledNodes = 1 << 12;
/// Those of all loops of a model, one inside another too.
static constexpr int64_t maxAllUnrolledNodes = 1 << 14;
/// Nodes that loops of tensors of changing shape may become, together: bufferisation takes time in the cube of a chain
/// of slices.
static constexpr int64_t maxUnrolledTensorNodes = 1 << 9;
static constexpr unsigned maxDepth = 64;

/// Whether the graph, or one in it, reads a sequence from outside, and the number of its nodes.
static bool readsSequence(const ::onnx::GraphProto &graph, const Scope &scope, unsigned depth, int64_t &numNodes) {
  if (depth > maxDepth)
    return false;
  bool reads = false;
  numNodes += graph.node_size();
  for (const auto &node : graph.node()) {
    for (const std::string &input : node.input()) {
      GraphValue value = input.empty() ? GraphValue() : scope.lookup(input);
      reads |= value.isSequence() && value.getSequence().isListed();
    }
    for (const auto &attribute : node.attribute())
      if (attribute.has_g())
        reads |= readsSequence(attribute.g(), scope, depth + 1, numNodes);
  }
  return reads;
}

bool GraphImporter::isUnrolled(const LoopParts &parts, const Scope &scope) {
  if (ShapedType::isDynamic(parts.count))
    return false;
  int64_t numNodes = 1;
  bool reads = readsSequence(parts.graph, scope, 0, numNodes);
  reads |= llvm::any_of(parts.initial, [](const GraphValue &value) { return !value.isTensor(); });
  return reads && mayUnroll(parts, numNodes, std::min(maxUnrolledNodes, maxAllUnrolledNodes - numUnrolledNodes));
}

bool GraphImporter::mayUnroll(const LoopParts &parts, int64_t numNodes, int64_t most) {
  if (parts.count > most / numNodes)
    return false;
  numUnrolledNodes += parts.count * numNodes;
  return true;
}

bool GraphImporter::importLoopOfTensors(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                                        SmallVectorImpl<GraphValue> &results) {
  if (ShapedType::isDynamic(parts.count) || !blockers.empty())
    return importLoopOp(parts, opsets, scope, depth, results);
  frontend::Blockers before = blockers;
  int64_t unrolledBefore = numUnrolledNodes; // what is thrown away does not count
  LoopParts keeping = parts;
  keeping.keepsShapes = parts.count > 0;
  if (importLoopOp(keeping, opsets, scope, depth, results))
    return true;
  // What it carries may change its shape.
  int64_t numNodes = 1;
  (void)readsSequence(parts.graph, scope, 0, numNodes);
  blockers = before;
  numUnrolledNodes = unrolledBefore;
  if (mayUnroll(parts, numNodes, maxUnrolledTensorNodes - numUnrolledNodes) &&
      unrollLoop(parts, opsets, scope, depth, results))
    return true;
  blockers = before;
  numUnrolledNodes = unrolledBefore;
  results.clear();
  return importLoopOp(parts, opsets, scope, depth, results);
}

bool GraphImporter::unrollLoop(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                               SmallVectorImpl<GraphValue> &results) {
  auto fail = [&](const Twine &reason) {
    block(parts.node, opsets.lookup(""), reason);
    return false;
  };
  findUnsupported(parts.graph.node(), opsets, depth);
  if (!blockers.empty())
    return false;
  size_t numCarried = parts.initial.size(), numOutputs = parts.graph.output_size();
  if (numOutputs < 1 + numCarried || static_cast<size_t>(parts.node.output_size()) > numOutputs - 1 ||
      static_cast<size_t>(parts.graph.input_size()) != 2 + numCarried)
    return fail("its body has a different number of inputs or outputs");
  Location loc = NameLoc::get(builder.getStringAttr(getNodeName(parts.node)));
  NodeBuilder node(builder, loc);
  SmallVector<GraphValue> carried(parts.initial);
  SmallVector<SmallVector<Expression>> stacked(numOutputs - 1 - numCarried);
  for (int64_t i = 0; i < parts.count; ++i) {
    Scope inner(&scope);
    auto scalar = RankedTensorType::get({}, builder.getI64Type());
    SmallVector<GraphValue> inputs = parts.prologue(node.constant(DenseElementsAttr::get(scalar, i)), carried);
    for (auto [input, value] : llvm::zip(parts.graph.input(), inputs))
      inner.define(input.name(), value);
    SmallVector<GraphValue> yielded;
    if (!importBody(parts.graph, opsets, inner, depth, yielded))
      return false;
    bool isLast = i + 1 == parts.count; // whatever its condition is
    auto goesOn = yielded[0].isTensor() ? nn::getConstantInts(yielded[0].getTensor()) : std::nullopt;
    if (!isLast && (!goesOn || goesOn->size() != 1))
      return fail("it is unrolled, and whether it goes on depends on data");
    carried.assign(yielded.begin() + 1, yielded.begin() + 1 + numCarried);
    for (auto [value, all] : llvm::zip(ArrayRef(yielded).drop_front(1 + numCarried), stacked)) {
      if (!value.isTensor())
        return fail("it stacks " + value.describe() + ", not a tensor");
      all.push_back(Expression(node, value.getTensor()).unsqueeze({0}));
    }
    if (isLast || !goesOn->front())
      break;
  }
  results.assign(carried.begin(), carried.end());
  for (ArrayRef<Expression> all : stacked) {
    if (all.empty())
      return fail("it is unrolled, and stacks what no iteration gives");
    results.push_back(Value(Expression::concat(node, all, 0)));
  }
  return node.failed() ? fail(node.getReason()) : true;
}

/// Whether what is carried at one of the places has another shape behind an iteration whatever its extents are, as far as
/// a few numbers in their place tell.
bool GraphImporter::alwaysChangesShape(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                                       ArrayRef<Type> types, ArrayRef<unsigned> places) {
  if (triesExtents || parts.onYielded)
    return false;
  frontend::Blockers before = blockers;
  int64_t unrolledBefore = numUnrolledNodes;
  triesExtents = true;
  bool isTried = false, isChanged = true;
  for (int64_t extent : {1, 2, 3, 5, 8, 64}) {
    SmallVector<Type> tried;
    for (Type type : types) {
      SmallVector<int64_t> shape(cast<RankedTensorType>(type).getShape());
      llvm::replace(shape, ShapedType::kDynamic, extent);
      tried.push_back(cast<RankedTensorType>(type).clone(shape));
    }
    Region region;
    SmallVector<GraphValue> yielded;
    SmallVector<Value> values;
    if (isChanged && importIteration(parts, opsets, scope, depth, tried, region, yielded, values)) {
      isTried = true;
      isChanged = llvm::any_of(places, [&](unsigned place) {
        return failed(verifyCompatibleShape(values[place + 1].getType(), tried[place + 1]));
      });
    }
    blockers = before;
  }
  triesExtents = false;
  numUnrolledNodes = unrolledBefore;
  return isTried && isChanged;
}

} // namespace nnc::onnx
