// Loops that carry sequences, of a number of iterations that only a run knows: a sequence that only grows is what the
// loop collects, and any other one has room for all that the loop can insert.
#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Frontend/ONNX/ControlFlow.h"
#include "lib/Frontend/ONNX/GraphImporter.h"
#include "lib/Frontend/ONNX/NodeOrder.h"
#include "lib/Frontend/ONNX/SequenceEdits.h"
#include "lib/Frontend/ONNX/Strings.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

//===--- Loops of a number of iterations that only a run knows ---===//

/// `sequence` with what a loop appended to it.
static Sequence append(NodeBuilder &node, const Sequence &sequence, const Sequence &appended) {
  if (sequence.getSize() == 0)
    return appended;
  if (appended.getSize() == 0)
    return sequence;
  Expression head(node, stackElements(node, sequence)), tail(node, stackElements(node, appended));
  return Sequence(appended.elementType, Expression::concat(node, {head, tail}, 0));
}

/// A stack with room for `perIteration` more elements in each iteration.
static Sequence addRoom(NodeBuilder &node, const Sequence &sequence, RankedTensorType element, Value trips,
                        int64_t perIteration, size_t place) {
  Expression zero = Expression::ints(node, {0});
  Expression room = Expression(node, trips).reshape({1}).max(zero) * static_cast<double>(perIteration);
  Expression shape = Expression::concat(node, {room, Expression::ints(node, element.getShape())}, 0);
  if (node.failed())
    return Sequence();
  Expression stack(node, node.create<nn::FillOp>(shape, createFiller(node, element.getElementType())));
  if (sequence.getSize() != 0)
    stack = Expression::concat(node, {Expression(node, stackElements(node, sequence)), stack}, 0);
  Sequence result(element.getElementType(), stack, countElements(node, sequence));
  result.inserted = 0;
  result.roomOf = place;
  return result;
}

/// The type of a sequence's elements, as its values or what the file says of a loop's input tells; null where it is not
/// known.
static RankedTensorType findElementType(const Sequence &sequence, const ::onnx::ValueInfoProto &input) {
  RankedTensorType type;
  if (sequence.stack) {
    type = getRanked(sequence.stack);
    type = type.clone(type.getShape().drop_front());
  } else if (!sequence.elements.empty()) {
    type = getRanked(sequence.elements.front());
  } else if (sequence.elementType) {
    const auto &shape = input.type().sequence_type().elem_type().tensor_type().shape();
    SmallVector<int64_t> extents;
    for (const auto &dim : shape.dim())
      extents.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : ShapedType::kDynamic);
    if (input.type().sequence_type().elem_type().tensor_type().has_shape())
      type = RankedTensorType::get(extents, sequence.elementType);
  }
  return type && type.hasStaticShape() ? type : RankedTensorType();
}

bool GraphImporter::importLoopOfSequences(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                                          SmallVectorImpl<GraphValue> &results) {
  auto fail = [&](const Twine &reason) {
    block(parts.node, opsets.lookup(""), reason);
    return false;
  };
  NodeBuilder node(builder, NameLoc::get(builder.getStringAttr(getNodeName(parts.node))));
  // First as if all sequences only grew.
  LoopParts collecting = parts;
  for (auto [i, value] : llvm::enumerate(collecting.initial)) {
    if (!value.isSequence() || value.hasElement)
      continue;
    Sequence empty(value.getSequence().elementType);
    empty.collectedFor = i;
    value = empty;
  }
  // Of what it appends, the type of the elements, which a sequence that begins empty does not tell.
  SmallVector<RankedTensorType> appended(parts.initial.size());
  collecting.onYielded = [&](ArrayRef<GraphValue> yielded) {
    for (auto [value, type] : llvm::zip(yielded.drop_front(), appended))
      if (value.isSequence() && !value.getSequence().elements.empty())
        type = getRanked(value.getSequence().elements.front());
  };
  frontend::Blockers before = blockers;
  bool mayCollect = parts.trips && !parts.condition && llvm::none_of(parts.initial, [](const GraphValue &value) {
    return value.isSequence() && value.getSequence().length;
  });
  if (mayCollect && importLoopOp(collecting, opsets, scope, depth, results)) {
    for (auto [initial, collected, result] : llvm::zip(parts.initial, collecting.initial, results))
      if (collected.isSequence() && collected.getSequence().collectedFor)
        result = append(node, initial.getSequence(), result.getSequence());
    return node.failed() ? fail(node.getReason()) : true;
  }
  blockers = before;
  constexpr int64_t mostTrips = 1 << 24; // what counts to more has no bound in mind
  auto trips = parts.trips ? nn::getConstantInts(parts.trips) : std::nullopt;
  if (!parts.trips || (trips && trips->size() == 1 && trips->front() > mostTrips))
    return fail("it carries a sequence, and nothing bounds the number of its iterations");
  // With room for as many elements as an iteration inserts; how many that are shows when it is imported.
  for (SmallVector<int64_t> room(parts.initial.size(), 1);;) {
    LoopParts roomy = parts;
    for (auto [i, value] : llvm::enumerate(roomy.initial)) {
      if (!value.isSequence() || value.hasElement)
        continue;
      RankedTensorType element = findElementType(value.getSequence(), parts.graph.input(i + 2));
      bool isEmpty = value.getSequence().getSize() == 0;
      if ((!element || isEmpty) && appended[i] && appended[i].hasStaticShape())
        element = appended[i]; // what is declared may be another shape: nothing checks it
      if (!element)
        return fail("the shape of the elements of the sequence that it carries is not known");
      value = addRoom(node, value.getSequence(), element, parts.trips, room[i], i);
      if (node.failed())
        return fail(node.getReason());
    }
    if (!importLoopOp(roomy, opsets, scope, depth, results))
      return false;
    bool isEnough = true;
    for (size_t i = 0; i < room.size(); ++i) {
      GraphValue &result = results[i];
      if (!result.isSequence() || result.hasElement)
        continue;
      Sequence sequence = result.getSequence();
      if (!sequence.inserted || sequence.roomOf != i)
        return fail("it carries a sequence that its body does not make of the one that an iteration begins with");
      isEnough &= *sequence.inserted <= room[i];
      room[i] = std::max(room[i], *sequence.inserted);
      sequence.inserted.reset();
      result = sequence;
    }
    if (isEnough)
      return true;
  }
}

//===--- SequenceMap ---===//

/// The number of iterations of a SequenceMap, and that all its sequences are as long; else a reason.
static std::string checkLengths(ArrayRef<GraphValue> operands, std::optional<int64_t> &count) {
  const Sequence &first = operands.front().getSequence();
  count = first.getSize();
  for (const GraphValue &value : operands) {
    if (!value.isSequence())
      continue;
    const Sequence &sequence = value.getSequence();
    if (sequence.length || sequence.collectedFor)
      return "the number of elements of a sequence depends on data";
    if (sequence.getSize() != count)
      return "its sequences differ in length, or whether they do is known only at run time";
    if (!count && !nn::haveSameExtent(sequence.stack, 0, first.stack, 0))
      return "whether its sequences are of one length is known only at run time";
  }
  return "";
}

bool GraphImporter::importSequenceMap(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                                      ArrayRef<GraphValue> operands) {
  auto fail = [&](const Twine &reason) {
    block(node, opsets.lookup(""), reason);
    return false;
  };
  const ::onnx::GraphProto *graph = findGraph(node, "body");
  if (!graph || operands.empty() || !operands[0].isSequence())
    return fail("it has no body, or its first operand is not a sequence");
  if (graph->input_size() != static_cast<int>(operands.size()) || graph->output_size() < node.output_size())
    return fail("its body has a different number of inputs or outputs");
  if (llvm::any_of(operands, [](const GraphValue &value) {
        return !value.isTensor() && (!value.isSequence() || value.hasElement);
      }))
    return fail("its operands must be sequences and tensors");
  std::optional<int64_t> count;
  if (std::string reason = checkLengths(operands, count); !reason.empty())
    return fail(reason);
  findUnsupported(graph->node(), opsets, depth);
  if (!blockers.empty())
    return false;
  Location loc = NameLoc::get(builder.getStringAttr(getNodeName(node)));
  NodeBuilder build(builder, loc);
  SmallVector<GraphValue> results(graph->output_size(), GraphValue(Sequence()));
  auto select = [&](const Position &position) {
    SmallVector<GraphValue> inputs(operands);
    for (GraphValue &value : inputs)
      if (value.isSequence())
        value = selectElement(build, value.getSequence(), position);
    return inputs;
  };
  if (count) {
    for (int64_t i = 0; i < *count; ++i) {
      Scope inner(&scope);
      for (auto [input, value] : llvm::zip(graph->input(), select({i, {}})))
        inner.define(input.name(), value);
      SmallVector<GraphValue> yielded;
      if (build.failed() || !importBody(*graph, opsets, inner, depth, yielded))
        return build.failed() ? fail(build.getReason()) : false;
      for (auto [value, result] : llvm::zip(yielded, results))
        result = insertElement(build, result.getSequence(), value.getTensor(), std::nullopt);
      if (llvm::any_of(yielded, [](const GraphValue &value) { return !value.isTensor(); }))
        return fail("its body must give tensors");
    }
  } else {
    LoopParts parts{node, *graph, Expression(build, operands[0].getSequence().stack).extent(0), {}};
    parts.prologue = [&](Value number, ArrayRef<GraphValue>) {
      return select({std::nullopt, Expression(build, number).reshape({1})});
    };
    SmallVector<GraphValue> stacks;
    if (!importLoopOp(parts, opsets, scope, depth, stacks))
      return false;
    for (auto [stack, result] : llvm::zip(stacks, results))
      result = Sequence(getElementTypeOrSelf(stack.getTensor().getType()), stack.getTensor());
  }
  if (build.failed())
    return fail(build.getReason());
  for (auto [name, value] : llvm::zip(node.output(), results))
    if (!name.empty())
      scope.define(name, value);
  return true;
}

} // namespace nnc::onnx
