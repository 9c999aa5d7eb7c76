// Imports If and Loop. A graph is imported into a region that is not yet
// part of the module; its constants go to @main's block, where all may see them.
#include "dialects/NN/Extent.h"
#include "dialects/Text/Text.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/ControlFlow.h"
#include "lib/Frontend/ONNX/GraphImporter.h"
#include "lib/Frontend/ONNX/LoopBounds.h"
#include "lib/Frontend/ONNX/LoopShapes.h"
#include "lib/Frontend/ONNX/NodeOrder.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::joinTypes;
using frontend::yield;

bool GraphImporter::importBody(const ::onnx::GraphProto &graph, const Opsets &opsets, Scope &scope, unsigned depth,
                               SmallVectorImpl<GraphValue> &results) {
  if (!defineInitializers(graph, scope) || !importNodes(graph.node(), opsets, scope, depth + 1))
    return false;
  for (const auto &output : graph.output()) {
    GraphValue value = lookup(scope, output.name());
    if (!value) {
      blockModel("an inner graph does not produce '" + output.name() + "'");
      return false;
    }
    results.push_back(value);
  }
  return true;
}

bool GraphImporter::importRegion(const ::onnx::GraphProto &graph, const Opsets &opsets, Scope &outer, unsigned depth,
                                 ArrayRef<Type> argumentTypes, Region &region, SmallVectorImpl<GraphValue> &results,
                                 RegionPrologue prologue) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Location> locs(argumentTypes.size(), builder.getUnknownLoc());
  region.push_back(new Block);
  Block *block = &region.front();
  block->addArguments(argumentTypes, locs);
  builder.setInsertionPointToEnd(block);
  Scope scope(&outer);
  SmallVector<GraphValue> values = prologue ? prologue(*block) : SmallVector<GraphValue>();
  if (static_cast<int>(values.size()) != graph.input_size()) {
    blockModel("an inner graph has a different number of inputs than its node gives it");
    return false;
  }
  for (auto [input, value] : llvm::zip(graph.input(), values))
    scope.define(input.name(), value);
  return importBody(graph, opsets, scope, depth, results);
}

bool GraphImporter::importControlFlow(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope,
                                      unsigned depth, ArrayRef<GraphValue> operands) {
  if (node.op_type() == "FlexAttention")
    return importFlexAttention(node, opsets, scope, depth, operands);
  if (node.op_type() == "If")
    return importIf(node, opsets, scope, depth, operands);
  if (node.op_type() == "SequenceMap")
    return importSequenceMap(node, opsets, scope, depth, operands);
  if (node.op_type() == "Loop")
    return importLoop(node, opsets, scope, depth, operands);
  if (opsets.lookup("") < 9 && !unbatchedScans.contains(&node))
    return importBatchedScan(node, opsets, scope, depth, operands);
  return importScan(node, opsets, scope, depth, operands);
}

//===--- If ---===//

/// Whether `value` is computed of extents and constants alone.
static bool isOfExtents(Value value) {
  SmallVector<Value> open{value};
  llvm::SmallPtrSet<Operation *, 8> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op)
      return false;
    if (!isa<nn::ShapeOp, nn::SizeOp>(op) && seen.insert(op).second)
      llvm::append_range(open, op->getOperands());
  }
  return true;
}

/// Which of the branches of a node of the main graph gives results of as many dimensions as the model declares, where the
/// other does not.
static std::optional<int> findDeclaredBranch(const ::onnx::NodeProto &node, const llvm::StringMap<int64_t> &declaredRanks,
                                             const SmallVector<GraphValue> (&results)[2]) {
  std::optional<int> declared;
  for (auto [name, yes, no] : llvm::zip(node.output(), results[0], results[1])) {
    auto rank = declaredRanks.find(name);
    if (rank == declaredRanks.end() || !yes.isTensor() || !no.isTensor())
      continue;
    bool fits[] = {getRanked(yes.getTensor()).getRank() == rank->second,
                   getRanked(no.getTensor()).getRank() == rank->second};
    if (fits[0] == fits[1])
      continue;
    if (declared && *declared != (fits[0] ? 0 : 1))
      return std::nullopt;
    declared = fits[0] ? 0 : 1;
  }
  return declared;
}

/// The types of what is one value or the other; nothing where two have none.
static std::optional<SmallVector<Type>> joinAllTypes(ArrayRef<Value> values, ArrayRef<Value> others) {
  SmallVector<Type> types;
  for (auto [a, b] : llvm::zip(values, others)) {
    std::optional<RankedTensorType> type = joinTypes(getRanked(a), getRanked(b));
    if (!type)
      return std::nullopt;
    types.push_back(*type);
  }
  return types;
}

bool GraphImporter::importIf(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                             ArrayRef<GraphValue> operands) {
  int64_t opset = opsets.lookup("");
  auto fail = [&](const Twine &reason) {
    block(node, opset, reason);
    return false;
  };
  const ::onnx::GraphProto *graphs[] = {findGraph(node, "then_branch"), findGraph(node, "else_branch")};
  StringRef names[] = {"then_branch", "else_branch"}; // outlives the loop, as a list in its head would not
  for (auto [graph, name] : llvm::zip(graphs, names)) {
    if (!graph)
      return fail("it has no '" + name + "'");
    if (graph->output_size() != node.output_size())
      return fail("its branch has a different number of outputs");
  }
  Value chosen = operands.size() == 1 && operands[0].isTensor() ? operands[0].getTensor() : Value();
  if (!chosen || !getElementTypeOrSelf(chosen.getType()).isInteger(1))
    return fail("its condition is not a boolean");
  auto importBranch = [&](int branch) {
    findUnsupported(graphs[branch]->node(), opsets, depth);
    Scope inner(&scope);
    SmallVector<GraphValue> results;
    if (!blockers.empty() || !importBody(*graphs[branch], opsets, inner, depth, results))
      return false;
    for (auto [name, value] : llvm::zip(node.output(), results))
      scope.define(name, value);
    return true;
  };
  auto condition = nn::getConstantInts(chosen);
  if (condition && condition->size() == 1)
    return importBranch(condition->front() ? 0 : 1);
  for (const ::onnx::GraphProto *graph : graphs)
    findUnsupported(graph->node(), opsets, depth);
  if (!blockers.empty())
    return false;
  Region regions[2];
  SmallVector<GraphValue> results[2];
  for (int i = 0; i < 2; ++i)
    if (!importRegion(*graphs[i], opsets, scope, depth, {}, regions[i], results[i]))
      return false;
  Location loc = NameLoc::get(builder.getStringAttr(getNodeName(node)));
  auto declared = depth || !isOfExtents(chosen) ? std::nullopt : findDeclaredBranch(node, declaredRanks, results);
  if (declared) {
    frontend::NodeBuilder build(builder, loc);
    Expression isThen(build, chosen);
    requireOfData(build, *declared ? ~isThen : isThen, "If: the result has as many dimensions as the model declares");
    return build.failed() ? fail(build.getReason()) : importBranch(*declared);
  }
  SmallVector<Value> parts[2];
  for (auto [a, b] : llvm::zip(results[0], results[1])) {
    frontend::NodeBuilder align(builder, loc);
    alignBranches(align, a, b, regions);
    if (align.failed())
      return fail("its condition is not known at compile time, and " + align.getReason());
    llvm::append_range(parts[0], a.getParts());
    llvm::append_range(parts[1], b.getParts());
  }
  std::optional<SmallVector<Type>> types = joinAllTypes(parts[0], parts[1]);
  if (!types)
    return fail("its condition is not known at compile time, and its branches give results of different types or "
                "numbers of dimensions");
  auto op = nn::IfOp::create(builder, loc, *types, chosen);
  for (auto [region, source, values] : llvm::zip(op->getRegions(), regions, parts)) {
    region.takeBody(source);
    yield(builder, region, loc, values);
  }
  if (failed(op.verifyInvariants()))
    return fail("it is not valid");
  SmallVector<Value> joined(op.getResults());
  ArrayRef<Value> rest(joined);
  for (auto [name, value, other] : llvm::zip(node.output(), results[0], results[1])) {
    size_t count = value.getParts().size();
    scope.define(name, joinRoom(value.rebuild(rest.take_front(count)), other));
    rest = rest.drop_front(count);
  }
  return true;
}

//===--- Loops ---===//

/// How often a loop runs at most, whose condition ends it; rejects it where nothing tells.
static Value boundTrips(frontend::NodeBuilder &node, Value trips, Block &body, ValueRange yielded, ValueRange initial) {
  constexpr int64_t mostTrips = 1 << 24; // room for more than a constant above that nobody has
  auto known = trips ? nn::getConstantInts(trips) : std::nullopt;
  bool isHuge = known && known->size() == 1 && known->front() > mostTrips;
  Value allowed = findMostTrips(node, body, yielded, initial);
  if (trips && allowed)
    return Expression(node, trips).reshape({1}).min(Expression(node, allowed));
  if ((!trips || isHuge) && !allowed)
    (void)node.reject("how much it collects depends on data, and nothing bounds the number of its iterations");
  return trips ? trips : allowed;
}

/// Makes the loop of a body that ends with `yielded`: whether to go on, what it carries, what it collects. Its results are
/// those of the node; none where it is refused.
static SmallVector<Value> createLoop(frontend::NodeBuilder &node, const LoopParts &parts, Region &region,
                                     SmallVector<Value> yielded, SmallVector<Value> initial) {
  Block &body = region.front();
  SmallVector<Value> starts(initial);
  bool hasTensors = llvm::all_of(parts.initial, [](const GraphValue &value) { return value.isTensor(); });
  SmallVector<AppendedValue> appended;
  if (hasTensors)
    appended = takeAppended(node, body, yielded, initial);
  bool hasGrowth = hasTensors && llvm::any_of(llvm::seq<unsigned>(0, initial.size()),
                                              [&](unsigned place) { return grows(body, yielded, place); });
  auto goesOn = nn::getConstantInts(yielded.front());
  bool isCounted = goesOn && goesOn->size() == 1 && goesOn->front();
  Value trips = parts.trips;
  if ((!isCounted || !trips) && (hasGrowth || yielded.size() > 1 + initial.size()))
    trips = boundTrips(node, trips, body, yielded, initial);
  SmallVector<RoomyValue> roomy;
  if (hasGrowth && !node.failed())
    roomy = makeRoom(node, body, trips, yielded, initial);
  if (hasTensors && parts.mayChangeShapes() && !node.failed())
    llvm::append_range(roomy, carryLengths(node, body, yielded, initial));
  for (auto [value, start] : llvm::zip(ArrayRef(yielded).drop_front(), initial))
    if (failed(verifyCompatibleShape(value.getType(), start.getType())))
      (void)node.reject("the shape of a value that it carries changes from iteration to iteration");
  if (node.failed())
    return {};
  SmallVector<Type> types(ValueRange(body.getArguments().drop_front()).getTypes());
  for (Value element : ArrayRef(yielded).drop_front(1 + initial.size()))
    types.push_back(getStackedType(getRanked(element), isCounted && parts.trips ? parts.count : ShapedType::kDynamic));
  OpBuilder &builder = node.getBuilder();
  auto op = nn::LoopOp::create(builder, node.getLoc(), types, trips, parts.condition, initial);
  op.getBody().takeBody(region);
  yield(builder, op.getBody(), node.getLoc(), yielded);
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  if (failed(op.verifyInvariants()))
    (void)node.reject("it is not valid: " + Twine(message));
  SmallVector<Value> results(op.getResults().take_front(initial.size() - roomy.size()));
  for (const RoomyValue &value : roomy)
    results[value.carried] = Expression(node, results[value.carried])
                                 .slice(value.axis, Expression::ints(node, {0}), {node, op.getResult(value.length)});
  llvm::append_range(results, op.getResults().drop_front(initial.size()).drop_back(appended.size()));
  for (auto [value, stack] : llvm::zip(appended, op.getResults().take_back(appended.size())))
    results.insert(results.begin() + value.carried, append(node, starts[value.carried], stack, value.axis));
  return results;
}

/// Whether an extent of what an iteration yields is known in it only.
static bool isKnownInside(Value value, int64_t axis, Block &body) {
  auto [origin, originAxis] = nn::traceExtent(value, axis);
  if (!getRanked(origin).isDynamicDim(originAxis) || llvm::is_contained(body.getArguments(), origin))
    return false;
  return nn::isInside(origin, *body.getParent());
}

/// Gives what an iteration carries on the static extents that it began with, which `types` are, and what is collected those
/// that the graph declares; a run ends with an error without. What may shrink is left as it is.
static void fixExtents(frontend::NodeBuilder &node, const LoopParts &parts, Block &body, ArrayRef<Type> types,
                       SmallVectorImpl<Value> &values) {
  SmallVector<Value> initial = llvm::map_to_vector(parts.initial, [](const GraphValue &value) { return value.getTensor(); });
  CarriedExtents extents = parts.mayChangeShapes() ? findCarriedExtents(body, values, initial) : CarriedExtents();
  OpBuilder::InsertionGuard guard(node.getBuilder());
  node.getBuilder().setInsertionPointToEnd(&body);
  unsigned numCarried = types.size() - 1;
  for (unsigned i = 1; i < values.size(); ++i) {
    bool isCarried = i <= numCarried;
    int64_t rank = getRanked(values[i]).getRank();
    const auto &declared = parts.graph.output(i - (parts.yieldsCondition ? 0 : 1)).type().tensor_type().shape();
    if (isCarried ? cast<RankedTensorType>(types[i]).getRank() != rank || grows(body, values, i - 1) ||
                        values[i].getDefiningOp<nn::IfOp>() ||
                        (parts.mayChangeShapes() && findShrinkingAxis(extents[i - 1]))
                  : declared.dim_size() != rank)
      continue;
    for (int64_t axis = 0; axis < rank; ++axis) {
      int64_t extent = isCarried ? cast<RankedTensorType>(types[i]).getDimSize(axis) : declared.dim(axis).dim_value();
      if (ShapedType::isDynamic(extent) || extent <= 0 || !isKnownInside(values[i], axis, body))
        continue;
      Value free = values[i];
      llvm::replace(values, free, fixExtent(node, free, axis, extent));
    }
  }
}

bool GraphImporter::importIteration(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                                    ArrayRef<Type> types, Region &region, SmallVectorImpl<GraphValue> &yielded,
                                    SmallVectorImpl<Value> &values) {
  auto fail = [&](const Twine &reason) {
    block(parts.node, opsets.lookup(""), reason);
    return false;
  };
  RegionPrologue prologue = [&](Block &body) {
    SmallVector<Value> arguments(body.getArguments().drop_front());
    return parts.prologue(body.getArgument(0), rebuildCarried(parts, arguments));
  };
  yielded.clear();
  if (!importRegion(parts.graph, opsets, scope, depth, types, region, yielded, prologue))
    return false;
  if (!parts.yieldsCondition) {
    auto type = RankedTensorType::get({}, builder.getI1Type());
    Value isTrue = arith::ConstantOp::create(builder, builder.getUnknownLoc(), DenseElementsAttr::get(type, true));
    yielded.insert(yielded.begin(), isTrue);
  }
  if (parts.onYielded)
    parts.onYielded(yielded);
  std::string reason;
  if (!flattenYielded(parts, yielded, values, reason))
    return fail(reason);
  frontend::NodeBuilder fixing(builder, NameLoc::get(builder.getStringAttr(getNodeName(parts.node))));
  if (llvm::all_of(parts.initial, [](const GraphValue &value) { return value.isTensor(); })) {
    appendBehindBranches(fixing, region.front(), values);
    fixExtents(fixing, parts, region.front(), types, values);
  }
  return fixing.failed() ? fail(fixing.getReason()) : true;
}

bool GraphImporter::importLoopOp(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                                 SmallVectorImpl<GraphValue> &results) {
  const ::onnx::NodeProto &node = parts.node;
  auto fail = [&](const Twine &reason) {
    block(node, opsets.lookup(""), reason);
    return false;
  };
  findUnsupported(parts.graph.node(), opsets, depth);
  if (!blockers.empty())
    return false;
  size_t numCarried = parts.initial.size(), first = parts.yieldsCondition ? 1 : 0;
  if (parts.graph.output_size() < static_cast<int>(first + numCarried) ||
      node.output_size() > parts.graph.output_size() - static_cast<int>(first))
    return fail("its body has a different number of outputs");
  SmallVector<Value> initial;
  for (const GraphValue &value : parts.initial)
    llvm::append_range(initial, value.getParts());
  SmallVector<Type> types{RankedTensorType::get({}, builder.getI64Type())};
  llvm::append_range(types, ValueRange(initial).getTypes());
  Region region;
  SmallVector<GraphValue> yielded;
  SmallVector<Value> values; // that the body yields: the condition, what it carries, what it collects
  // A second time where the first shows that an extent of a carried value is not as static as it begins.
  int64_t unrolledBefore = numUnrolledNodes;
  for (bool isFinal = false; !isFinal;) {
    Region attempt;
    numUnrolledNodes = unrolledBefore;
    if (!importIteration(parts, opsets, scope, depth, types, attempt, yielded, values))
      return false;
    isFinal = true;
    for (unsigned place = 0; place < initial.size(); ++place) {
      Value value = values[place + 1];
      Type &type = types[place + 1];
      std::optional<RankedTensorType> joined = joinTypes(getRanked(value), cast<RankedTensorType>(type));
      if (!joined)
        return fail("a value that it carries changes its type or its number of dimensions");
      isFinal &= *joined == type;
      type = *joined;
    }
    if (isFinal)
      region.takeBody(attempt);
  }
  SmallVector<unsigned> changing;  // places of what neither keeps its shape for certain nor grows
  SmallVector<unsigned> unbounded; // of what does not shrink either
  for (auto [place, extents] : llvm::enumerate(findCarriedExtents(region.front(), values, initial))) {
    if (llvm::all_of(extents, [](CarriedExtent extent) { return extent == CarriedExtent::Kept; }) ||
        grows(region.front(), values, place))
      continue;
    changing.push_back(place);
    if (!parts.mayChangeShapes() || !findShrinkingAxis(extents))
      unbounded.push_back(place);
  }
  if ((parts.keepsShapes && !changing.empty()) ||
      (parts.count != 0 && !unbounded.empty() && alwaysChangesShape(parts, opsets, scope, depth, types, unbounded)))
    return fail("the shape of a value that it carries changes from iteration to iteration");
  frontend::NodeBuilder build(builder, NameLoc::get(builder.getStringAttr(getNodeName(node))));
  SmallVector<Value> created = createLoop(build, parts, region, values, initial);
  if (!build.failed())
    results = rebuildResults(build, parts, yielded, created);
  return build.failed() ? fail(build.getReason()) : true;
}

bool GraphImporter::importLoop(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                               ArrayRef<GraphValue> operands) {
  auto fail = [&](const Twine &reason) {
    block(node, opsets.lookup(""), reason);
    return false;
  };
  const ::onnx::GraphProto *graph = findGraph(node, "body");
  if (!graph || operands.size() < 2)
    return fail("it has no body, or too few operands");
  LoopParts parts{node, *graph, operands[0].getTensor(), operands[1].getTensor()};
  for (int i = 0; i < 2; ++i) {
    if (operands[i] && !operands[i].isTensor())
      return fail("its number of iterations or its condition is " + operands[i].describe() + ", not a tensor");
    if (operands[i] && !getElementTypeOrSelf(operands[i].getTensor().getType()).isInteger(i == 0 ? 64 : 1))
      return fail(i == 0 ? "its number of iterations is no int64" : "its condition is not a boolean");
  }
  for (const GraphValue &value : operands.drop_front(2)) {
    if (!value)
      return fail("an initial value is missing");
    parts.initial.push_back(value);
  }
  auto constant = parts.condition ? nn::getConstantInts(parts.condition) : std::nullopt;
  if (constant && constant->size() == 1 && constant->front() && parts.trips)
    parts.condition = {};
  if (!parts.trips && !parts.condition)
    return fail("it has neither a number of iterations nor a condition");
  if (auto trips = parts.trips ? nn::getConstantInts(parts.trips) : std::nullopt; trips && trips->size() == 1)
    if (!parts.condition)
      parts.count = std::max<int64_t>(0, trips->front());
  parts.yieldsCondition = true;
  if (graph->input_size() < 2)
    return fail("its body has too few inputs");
  parts.prologue = [&](Value number, ArrayRef<GraphValue> carried) {
    SmallVector<GraphValue> values = getLoopInputs(*graph, number);
    llvm::append_range(values, carried);
    return values;
  };
  SmallVector<GraphValue> results;
  bool hasSequences = llvm::any_of(parts.initial, [](const GraphValue &value) { return !value.isTensor(); });
  bool isDone = isUnrolled(parts, scope) ? unrollLoop(parts, opsets, scope, depth, results)
                : hasSequences           ? importLoopOfSequences(parts, opsets, scope, depth, results)
                                         : importLoopOfTensors(parts, opsets, scope, depth, results);
  if (!isDone)
    return false;
  for (auto [name, value] : llvm::zip(node.output(), results))
    if (!name.empty())
      scope.define(name, value);
  return true;
}

SmallVector<GraphValue> GraphImporter::getLoopInputs(const ::onnx::GraphProto &graph, Value number) {
  // The condition is true wherever the body runs; number and condition may be declared as [1].
  auto conform = [&](Value value, const ::onnx::ValueInfoProto &input) -> Value {
    if (input.type().tensor_type().shape().dim_size() != 1)
      return value;
    return builder.createOrFold<nn::UnsqueezeOp>(value.getLoc(), value, ArrayRef<int64_t>{0});
  };
  auto type = RankedTensorType::get({}, builder.getI1Type());
  Value isTrue = arith::ConstantOp::create(builder, builder.getUnknownLoc(), DenseElementsAttr::get(type, true));
  return {conform(number, graph.input(0)), conform(isTrue, graph.input(1))};
}

} // namespace nnc::onnx
