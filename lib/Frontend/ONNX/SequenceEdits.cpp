// Known positions edit a list of values. Others need elements of one shape: these are
// stacked along a first axis and gathered.
#include "lib/Frontend/ONNX/SequenceEdits.h"

#include "lib/Frontend/Import/Regions.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

/// Whether what is built now runs whenever the model does: only then can it require something before a run.
static bool isInMain(NodeBuilder &node) {
  return isa_and_present<func::FuncOp>(node.getBuilder().getInsertionBlock()->getParentOp());
}

/// Whether two tensors may be elements of one stack.
static LogicalResult checkSameShape(NodeBuilder &node, RankedTensorType a, RankedTensorType b) {
  if (a.getElementType() != b.getElementType())
    return node.reject("the elements of a sequence must have one element type");
  if (a.getRank() != b.getRank() || failed(verifyCompatibleShape(a.getShape(), b.getShape())))
    return node.reject("positions or numbers of elements that only a run knows need elements of one shape");
  return success();
}

static RankedTensorType getTypeOfElements(Value stack) {
  auto type = cast<RankedTensorType>(stack.getType());
  return type.clone(type.getShape().drop_front());
}

Value stackElements(NodeBuilder &node, const Sequence &sequence) {
  if (!sequence.isListed() || node.failed())
    return sequence.stack;
  if (sequence.elements.empty()) {
    (void)node.reject("the sequence is empty");
    return {};
  }
  SmallVector<Expression> parts;
  for (Value element : sequence.elements) {
    if (failed(checkSameShape(node, NodeBuilder::getType(sequence.elements.front()), NodeBuilder::getType(element))))
      return {};
    parts.push_back(Expression(node, element).unsqueeze({0}));
  }
  return Expression::concat(node, parts, 0);
}

Expression countElements(NodeBuilder &node, const Sequence &sequence) {
  if (sequence.length)
    return {node, sequence.length};
  if (std::optional<int64_t> size = sequence.getSize())
    return Expression::ints(node, {*size});
  return Expression(node, sequence.stack).extent(0);
}

/// Where an element of `size` is, or with `isEnd` the place behind the last as well, and `x`, which a run with a position
/// out of range ends before.
static Expression settlePosition(NodeBuilder &node, const Position &position, Expression size, bool isEnd, Value &x) {
  if (node.failed())
    return {};
  Expression at = position.known ? Expression::ints(node, {*position.known}) : position.value;
  Expression zero = Expression::ints(node, {0});
  Expression place = (at < zero).choose(at + size, at);
  Expression isInside = (place >= zero) & (isEnd ? place <= size : place < size);
  if (isInMain(node))
    x = require(node, x, isInside); // before anything is written, where inputs and extents tell
  requireOfData(node, isInside, "a position in a sequence is in range");
  return place;
}

/// A known position of a known number of elements; rejects the node where it is out of range.
static size_t findPlace(NodeBuilder &node, int64_t position, int64_t size, bool isEnd) {
  int64_t place = position < 0 ? position + size : position;
  if (place >= 0 && (isEnd ? place <= size : place < size))
    return place;
  (void)node.reject("position " + Twine(position) + " is out of range for a sequence of " + Twine(size) + " elements");
  return 0;
}

Value selectElement(NodeBuilder &node, const Sequence &sequence, const Position &position) {
  if (node.failed())
    return {};
  std::optional<int64_t> size = sequence.getSize();
  if (position.known && size) {
    size_t place = findPlace(node, *position.known, *size, /*isEnd=*/false);
    if (node.failed())
      return {};
    if (sequence.isListed())
      return sequence.elements[place];
  }
  Value stack = stackElements(node, sequence);
  Expression place = settlePosition(node, position, countElements(node, sequence), /*isEnd=*/false, stack);
  if (node.failed())
    return {};
  return Expression(node, stack).gather(place, 0).squeeze({0});
}

Sequence insertElement(NodeBuilder &node, Sequence sequence, Value element, const std::optional<Position> &position) {
  if (!element || node.failed())
    return {};
  auto type = NodeBuilder::getType(element);
  if (sequence.elementType && sequence.elementType != type.getElementType()) {
    (void)node.reject("the sequence has elements of another element type");
    return {};
  }
  sequence.elementType = type.getElementType();
  if (sequence.isListed() && (!position || position->known)) {
    int64_t size = sequence.elements.size();
    if (size == maxListedElements) {
      (void)node.reject("the sequence has more than " + Twine(maxListedElements) + " elements");
      return {};
    }
    size_t place = position ? findPlace(node, *position->known, size, /*isEnd=*/true) : size;
    if (!node.failed())
      sequence.elements.insert(sequence.elements.begin() + place, element);
    return sequence;
  }
  Expression size = countElements(node, sequence), added = Expression(node, element).unsqueeze({0});
  if (sequence.isListed() && sequence.elements.empty()) {
    Value checked = added;
    settlePosition(node, *position, size, /*isEnd=*/true, checked);
    sequence.stack = checked;
    return sequence;
  }
  sequence.stack = stackElements(node, sequence);
  sequence.elements.clear();
  if (node.failed() || failed(checkSameShape(node, getTypeOfElements(sequence.stack), type)))
    return {};
  Expression stack(node, sequence.stack);
  if (!position && !sequence.length) {
    sequence.stack = Expression::concat(node, {stack, added}, 0);
    return sequence;
  }
  Expression place = size;
  if (position)
    place = settlePosition(node, *position, size, /*isEnd=*/true, sequence.stack);
  stack = {node, sequence.stack};
  if (node.failed())
    return {};
  // The new element is behind the stack: its places are those from before, with that one in between.
  Expression end = stack.extent(0), extended = Expression::concat(node, {stack, added}, 0);
  Expression to = Expression::range(sequence.inserted ? end : end + 1);
  Expression from = (to < place).choose(to, to.equals(place).choose(end, to - 1));
  sequence.stack = extended.gather(from, 0);
  if (sequence.length)
    sequence.length = size + 1;
  if (sequence.inserted)
    ++*sequence.inserted;
  return sequence;
}

Sequence eraseElement(NodeBuilder &node, Sequence sequence, const std::optional<Position> &position) {
  if (node.failed())
    return {};
  std::optional<int64_t> known = sequence.getSize();
  Position at = position.value_or(Position{-1, {}});
  if (known && (*known == 0 || at.known)) {
    size_t place = findPlace(node, at.known.value_or(0), *known, /*isEnd=*/false);
    if (!node.failed() && sequence.isListed()) {
      sequence.elements.erase(sequence.elements.begin() + place);
      return sequence;
    }
  }
  sequence.stack = stackElements(node, sequence);
  sequence.elements.clear();
  Expression size = countElements(node, sequence);
  Expression place = settlePosition(node, at, size, /*isEnd=*/false, sequence.stack);
  if (node.failed())
    return {};
  Expression stack(node, sequence.stack), end = stack.extent(0);
  Expression to = Expression::range(sequence.inserted ? end : end - 1);
  Expression from = (to < place).choose(to, (to + 1).min(end - 1));
  sequence.stack = stack.gather(from, 0);
  if (sequence.length)
    sequence.length = size - 1;
  return sequence;
}

Value concatElements(NodeBuilder &node, const Sequence &sequence, int64_t axis, bool isNewAxis) {
  if (node.failed())
    return {};
  if (sequence.isListed()) {
    if (sequence.elements.empty()) {
      (void)node.reject("the sequence is empty");
      return {};
    }
    int64_t rank = NodeBuilder::getRank(sequence.elements.front());
    axis = node.normalizeAxis(axis, rank + (isNewAxis ? 1 : 0));
    SmallVector<Expression> parts;
    for (Value element : sequence.elements)
      parts.push_back(isNewAxis ? Expression(node, element).unsqueeze({axis}) : Expression(node, element));
    return node.failed() ? Value() : Value(Expression::concat(node, parts, axis));
  }
  Expression stack(node, sequence.stack);
  if (sequence.length)
    stack = stack.slice(0, Expression::ints(node, {0}), {node, sequence.length});
  int64_t rank = stack.getRank() - 1;
  axis = node.normalizeAxis(axis, rank + (isNewAxis ? 1 : 0));
  if (node.failed())
    return {};
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(1, rank + 1));
  permutation.insert(permutation.begin() + axis, 0);
  Expression ordered = axis == 0 ? stack : stack.transpose(permutation);
  if (isNewAxis)
    return ordered;
  Expression joined = ordered.extent(axis) * ordered.extent(axis + 1);
  Expression shape = Expression::concat(node, {ordered.shape(0, axis), joined, ordered.shape(axis + 2)}, 0);
  return node.create<nn::ReshapeOp>(ordered, shape, /*allow_zero=*/true);
}

} // namespace nnc::onnx
