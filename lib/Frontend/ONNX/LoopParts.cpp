// Sequences and optionals through branches and loops.
#include "lib/Frontend/ONNX/LoopParts.h"

#include "dialects/NN/ConstantFolding.h"
#include "lib/Frontend/ONNX/SequenceEdits.h"
#include "lib/Frontend/ONNX/Strings.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

static bool isCollected(const GraphValue &value) { return value.isSequence() && value.getSequence().collectedFor; }

SmallVector<GraphValue> rebuildCarried(const LoopParts &parts, ArrayRef<Value> values) {
  SmallVector<GraphValue> carried;
  for (const GraphValue &value : parts.initial) {
    size_t count = value.getParts().size();
    carried.push_back(value.rebuild(values.take_front(count)));
    values = values.drop_front(count);
  }
  return carried;
}

bool flattenYielded(const LoopParts &parts, ArrayRef<GraphValue> yielded, SmallVectorImpl<Value> &values,
                    std::string &reason) {
  values.clear();
  SmallVector<Value> collected;
  for (auto [i, value] : llvm::enumerate(yielded)) {
    if (i == 0 || i > parts.initial.size()) {
      if (!value.isTensor()) {
        reason = (i ? "it stacks " : "its condition is ") + value.describe().str() + ", not a tensor";
        return false;
      }
      values.push_back(value.getTensor());
      continue;
    }
    const GraphValue &initial = parts.initial[i - 1];
    if (isCollected(initial)) {
      auto goesOn = nn::getConstantInts(yielded[0].getTensor());
      if (!goesOn || goesOn->size() != 1 || !goesOn->front()) {
        reason = "how many elements it collects depends on data";
        return false;
      }
      if (!isCollected(value) || value.getSequence().collectedFor != initial.getSequence().collectedFor) {
        reason = "a sequence that it carries does not only grow";
        return false;
      }
      llvm::append_range(collected, value.getSequence().elements);
      continue;
    }
    if (!value.isLike(initial)) {
      reason = "a value that it carries is " + initial.describe().str() + " before an iteration and " +
               value.describe().str() + " of another form behind it";
      return false;
    }
    llvm::append_range(values, value.getParts());
  }
  llvm::append_range(values, collected);
  return true;
}

/// The sequence of what each iteration appends: `stacks` has a tensor for each append, of all iterations.
static Sequence interleave(NodeBuilder &node, Type elementType, ArrayRef<Value> stacks) {
  if (stacks.empty())
    return Sequence(elementType);
  if (stacks.size() == 1)
    return Sequence(elementType, stacks.front());
  SmallVector<Expression> parts;
  for (Value stack : stacks)
    parts.push_back(Expression(node, stack).unsqueeze({1}));
  Expression all = Expression::concat(node, parts, 1);
  if (node.failed())
    return Sequence();
  Expression shape = Expression::concat(node, {all.extent(0) * all.extent(1), all.shape(2)}, 0);
  return Sequence(elementType, node.create<nn::ReshapeOp>(all, shape, /*allow_zero=*/true));
}

SmallVector<GraphValue> rebuildResults(NodeBuilder &node, const LoopParts &parts, ArrayRef<GraphValue> yielded,
                                       ArrayRef<Value> results) {
  SmallVector<GraphValue> values;
  ArrayRef<GraphValue> carried = yielded.drop_front().take_front(parts.initial.size());
  for (const GraphValue &value : carried) {
    size_t count = isCollected(value) ? 0 : value.getParts().size();
    values.push_back(isCollected(value) ? value : value.rebuild(results.take_front(count)));
    results = results.drop_front(count);
  }
  size_t numStacked = yielded.size() - 1 - carried.size();
  for (Value stacked : results.take_front(numStacked))
    values.push_back(stacked);
  results = results.drop_front(numStacked);
  for (GraphValue &value : values) {
    if (!isCollected(value))
      continue;
    size_t count = value.getSequence().elements.size();
    value = interleave(node, value.getSequence().elementType, results.take_front(count));
    results = results.drop_front(count);
  }
  return values;
}

//===--- Branches ---===//

/// The elements of a known number, and room for `capacity` in all.
static Sequence addRoom(NodeBuilder &node, const Sequence &sequence, int64_t capacity, RankedTensorType element) {
  int64_t size = *sequence.getSize();
  SmallVector<Expression> parts;
  if (size)
    parts.push_back({node, stackElements(node, sequence)});
  if (capacity > size || !size) {
    SmallVector<int64_t> shape(element.getShape());
    shape.insert(shape.begin(), capacity - size);
    Value zero = createFiller(node, element.getElementType());
    parts.push_back({node, node.create<nn::FillOp>(node.ints(shape), zero)});
  }
  Value stack = parts.size() == 1 ? Value(parts.front()) : Value(Expression::concat(node, parts, 0));
  return Sequence(element.getElementType(), stack, node.ints({size}));
}

static void alignSequences(NodeBuilder &node, GraphValue &a, GraphValue &b, MutableArrayRef<Region> regions) {
  std::optional<int64_t> sizes[] = {a.getSequence().getSize(), b.getSequence().getSize()};
  if (!sizes[0] || !sizes[1]) {
    (void)node.reject("its branches give sequences of different numbers of elements, which only a run knows");
    return;
  }
  OpBuilder::InsertionGuard guard(node.getBuilder());
  auto enter = [&](int branch) { node.getBuilder().setInsertionPointToEnd(&regions[branch].front()); };
  RankedTensorType element;
  const GraphValue *values[] = {&a, &b};
  for (int branch = 0; branch < 2; ++branch) {
    enter(branch);
    if (!element && *sizes[branch]) {
      auto stack = NodeBuilder::getType(stackElements(node, values[branch]->getSequence()));
      if (stack)
        element = stack.clone(stack.getShape().drop_front());
    }
  }
  if (node.failed() || !element || !element.hasStaticShape()) {
    (void)node.reject("its branches give sequences of different numbers of elements, which are not of one known shape");
    return;
  }
  int64_t capacity = std::max(*sizes[0], *sizes[1]);
  enter(0);
  a = addRoom(node, a.getSequence(), capacity, element);
  enter(1);
  b = addRoom(node, b.getSequence(), capacity, element);
}

/// An optional without an element becomes one with zeros in its place.
static void alignOptionals(NodeBuilder &node, GraphValue &a, GraphValue &b, MutableArrayRef<Region> regions) {
  OpBuilder::InsertionGuard guard(node.getBuilder());
  auto boolean = RankedTensorType::get({}, node.getBuilder().getI1Type());
  GraphValue *values[] = {&a, &b};
  for (int branch = 0; branch < 2; ++branch) {
    GraphValue &value = *values[branch], &other = *values[1 - branch];
    if (value.hasElement)
      continue;
    node.getBuilder().setInsertionPointToEnd(&regions[branch].front());
    bool hasElement = !value.isAbsent();
    if (!hasElement) {
      SmallVector<Value> zeros;
      for (Value part : other.getParts()) {
        auto type = NodeBuilder::getType(part);
        if (!type.hasStaticShape()) {
          (void)node.reject("only one of its branches gives the optional its element, which is of no known shape");
          return;
        }
        zeros.push_back(node.create<nn::FillOp>(node.ints(type.getShape()), createFiller(node, type.getElementType())));
      }
      value = other.rebuild(zeros);
    }
    value.hasElement = node.constant(DenseElementsAttr::get(boolean, hasElement));
  }
}

void alignBranches(NodeBuilder &node, GraphValue &a, GraphValue &b, MutableArrayRef<Region> regions) {
  if (a.isAbsent() != b.isAbsent() || !a.hasElement != !b.hasElement)
    alignOptionals(node, a, b, regions);
  if (node.failed() || a.isLike(b))
    return;
  if (!a.isSequence() || !b.isSequence() || a.hasElement || a.getSequence().collectedFor ||
      b.getSequence().collectedFor)
    (void)node.reject("its branches give " + a.describe() + " and " + b.describe() + " of another form");
  else
    alignSequences(node, a, b, regions);
}

GraphValue joinRoom(const GraphValue &joined, const GraphValue &other) {
  if (!joined.isSequence() || !other.isSequence())
    return joined;
  Sequence sequence = joined.getSequence();
  const Sequence &otherSequence = other.getSequence();
  if (!sequence.inserted || !otherSequence.inserted || sequence.roomOf != otherSequence.roomOf)
    sequence.inserted.reset();
  else
    sequence.inserted = std::max(*sequence.inserted, *otherSequence.inserted);
  GraphValue result(std::move(sequence));
  result.hasElement = joined.hasElement;
  return result;
}

} // namespace nnc::onnx
