// What a loop only appends to is what it collects. What it reads too has room for all
// that there may be, and a length.
#include "lib/Frontend/ONNX/LoopGrowth.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Regions.h"
#include "lib/Frontend/ONNX/LoopBounds.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/Strings.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

//===--- What is only appended to ---===//

/// Whether an extent of `value` is known before the loop of this body, as those of what it carries are.
static bool isKnownBefore(Value value, int64_t axis, Block &body) {
  auto [origin, originAxis] = nn::traceExtent(value, axis);
  return !getRanked(origin).isDynamicDim(originAxis) || llvm::is_contained(body.getArguments(), origin) ||
         !isMadeIn(origin, body);
}

/// `element`, which is concatenated along `axis` with what `start` begins: its other extents are those of `start`, which are
/// known before the loop.
static Value fixExtents(NodeBuilder &node, Value element, Value start, int64_t axis, Block &body) {
  Expression part(node, element), first(node, start);
  SmallVector<Expression> shape;
  bool isKnown = true;
  for (int64_t i = 0; i < part.getRank() && !node.failed(); ++i) {
    bool isOther = i != axis && !isKnownBefore(element, i, body);
    shape.push_back(isOther ? first.extent(i) : part.extent(i));
    if (isOther)
      requireOfData(node, part.extent(i).equals(shape.back()), "what is concatenated has the same extents");
    isKnown &= !isOther;
  }
  if (isKnown || node.failed())
    return element;
  return node.create<nn::ReshapeOp>(element, Expression::concat(node, shape, 0), /*allow_zero=*/true);
}

/// The concatenations that lead from `argument` to `next`, the last one first; none where anything else does, or reads what
/// is in between.
static SmallVector<nn::ConcatOp> findConcats(Value next, BlockArgument argument) {
  SmallVector<nn::ConcatOp> concats;
  for (Value value = next; value != argument;) {
    auto concat = value.getDefiningOp<nn::ConcatOp>();
    bool isLast = concats.empty();
    if (!concat || (isLast ? !value.use_empty() : !value.hasOneUse()) || concat.getInputs().size() < 2 ||
        (!isLast && concat.getAxis() != concats.front().getAxis()) || concat->getBlock() != argument.getOwner())
      return {};
    concats.push_back(concat);
    value = concat.getInputs().front();
  }
  return argument.hasOneUse() ? concats : SmallVector<nn::ConcatOp>();
}

SmallVector<AppendedValue> takeAppended(NodeBuilder &node, Block &body, SmallVectorImpl<Value> &yielded,
                                        SmallVectorImpl<Value> &initial) {
  OpBuilder::InsertionGuard guard(node.getBuilder());
  SmallVector<AppendedValue> appended;
  for (unsigned place = initial.size(); place-- > 0;) {
    BlockArgument argument = body.getArgument(place + 1);
    Value next = yielded[place + 1];
    if (llvm::count(yielded, next) != 1 || llvm::is_contained(yielded, Value(argument)))
      continue;
    SmallVector<nn::ConcatOp> concats = findConcats(next, argument);
    SmallVector<Value> parts;
    for (nn::ConcatOp concat : llvm::reverse(concats))
      llvm::append_range(parts, concat.getInputs().drop_front());
    if (parts.empty())
      continue;
    int64_t axis = concats.front().getAxis();
    if (!llvm::all_of(parts, [&](Value part) { return isKnownBefore(part, axis, body); }))
      continue;
    node.getBuilder().setInsertionPointToEnd(&body);
    Value element = parts.size() == 1 ? parts.front() : node.create<nn::ConcatOp>(ValueRange(parts), axis);
    if (!node.failed())
      element = fixExtents(node, element, initial[place], axis, body);
    if (node.failed())
      return {};
    for (nn::ConcatOp concat : concats)
      concat.erase();
    body.eraseArgument(place + 1);
    yielded.erase(yielded.begin() + place + 1);
    initial.erase(initial.begin() + place);
    appended.insert(appended.begin(), {place, axis, element});
  }
  for (const AppendedValue &value : appended)
    yielded.push_back(value.element);
  return appended;
}

Value append(NodeBuilder &node, Value initial, Value collected, int64_t axis) {
  Expression all(node, collected);
  int64_t rank = node.getRank(collected);
  SmallVector<int64_t> permutation;
  for (int64_t i = 1; i < rank; ++i) {
    if (i == axis + 1)
      permutation.push_back(0);
    permutation.push_back(i);
  }
  if (axis > 0)
    all = all.transpose(permutation);
  SmallVector<Expression> shape;
  if (axis > 0)
    shape.push_back(all.shape(0, axis));
  shape.push_back(all.extent(axis) * all.extent(axis + 1));
  if (axis + 2 < rank)
    shape.push_back(all.shape(axis + 2, rank));
  Expression merged = shape.size() == 1 ? shape.front() : Expression::concat(node, shape, 0);
  all = Expression(node, node.create<nn::ReshapeOp>(all, merged, /*allow_zero=*/true));
  auto first = node.getType(initial);
  if (node.failed())
    return {};
  bool isEmpty = first.getDimSize(axis) == 0;
  for (int64_t i = 0; i < rank - 1; ++i)
    isEmpty &= i == axis || nn::haveSameExtent(initial, i, all, i);
  return isEmpty ? Value(all) : Value(Expression::concat(node, {Expression(node, initial), all}, axis));
}

//===--- What is read, too ---===//

/// What concatenations append to `argument` on the way to `next`, in order, and along which axis; nothing where anything
/// else leads there.
static SmallVector<Value> findAppended(Value next, BlockArgument argument, int64_t &axis) {
  SmallVector<SmallVector<Value>> pieces; // the last ones first
  for (Value value = next; value != argument;) {
    auto concat = value.getDefiningOp<nn::ConcatOp>();
    if (!concat || concat->getBlock() != argument.getOwner() ||
        (!pieces.empty() && static_cast<int64_t>(concat.getAxis()) != axis))
      return {};
    axis = concat.getAxis();
    pieces.emplace_back(concat.getInputs().drop_front());
    value = concat.getInputs().front();
  }
  SmallVector<Value> parts;
  for (ArrayRef<Value> piece : llvm::reverse(pieces))
    llvm::append_range(parts, piece);
  return parts;
}

/// What a branch that ends with `value` appends to `argument`, along `axis`, which is -1 where nothing says it yet; nothing
/// where it does anything else.
static std::optional<SmallVector<Value>> findAppendedInBranch(Value value, BlockArgument argument, int64_t &axis) {
  if (value == argument)
    return SmallVector<Value>();
  auto concat = value.getDefiningOp<nn::ConcatOp>();
  if (!concat || concat.getInputs().front() != argument || (axis >= 0 && static_cast<int64_t>(concat.getAxis()) != axis))
    return std::nullopt;
  axis = concat.getAxis();
  return SmallVector<Value>(concat.getInputs().drop_front());
}

/// Lets a choice between appending to `argument` and leaving it give what is appended; null where it does anything else.
static Value appendBehindBranch(NodeBuilder &node, OpResult chosen, BlockArgument argument) {
  auto choice = cast<nn::IfOp>(chosen.getOwner());
  int64_t axis = -1;
  SmallVector<nn::YieldOp> ends;
  SmallVector<SmallVector<Value>> parts;
  for (Region &region : choice->getRegions()) {
    ends.push_back(cast<nn::YieldOp>(region.front().getTerminator()));
    auto found = findAppendedInBranch(ends.back().getValues()[chosen.getResultNumber()], argument, axis);
    if (!found)
      return {};
    parts.push_back(*found);
  }
  SmallVector<int64_t> none(cast<RankedTensorType>(argument.getType()).getShape());
  if (axis < 0)
    return {};
  none[axis] = 0;
  if (llvm::any_of(none, ShapedType::isDynamic))
    return {};
  OpBuilder::InsertionGuard guard(node.getBuilder());
  SmallVector<Value> pieces;
  for (auto [end, part] : llvm::zip(ends, parts)) {
    node.getBuilder().setInsertionPoint(end);
    if (part.empty())
      pieces.push_back(node.create<nn::FillOp>(node.ints(none), createFiller(node, getElementTypeOrSelf(argument))));
    else
      pieces.push_back(part.size() == 1 ? part.front() : node.create<nn::ConcatOp>(ValueRange(part), axis));
  }
  auto joined = node.failed() ? std::nullopt : frontend::joinTypes(node.getType(pieces[0]), node.getType(pieces[1]));
  if (!joined)
    return {};
  Type before = chosen.getType();
  for (auto [end, piece] : llvm::zip(ends, pieces))
    end->setOperand(chosen.getResultNumber(), piece);
  chosen.setType(*joined);
  node.getBuilder().setInsertionPointAfter(choice);
  Value appended = node.create<nn::ConcatOp>(ValueRange{argument, chosen}, axis);
  if (node.failed())
    return {};
  appended.setType(before);
  chosen.replaceAllUsesExcept(appended, appended.getDefiningOp());
  return appended;
}

void appendBehindBranches(NodeBuilder &node, Block &body, MutableArrayRef<Value> yielded) {
  for (BlockArgument argument : body.getArguments().drop_front()) {
    Value value = yielded[argument.getArgNumber()];
    auto choice = value.getDefiningOp<nn::IfOp>();
    if (!choice || choice->getBlock() != &body)
      continue;
    if (Value appended = appendBehindBranch(node, cast<OpResult>(value), argument))
      llvm::replace(yielded, value, appended);
  }
}

bool grows(Block &body, ArrayRef<Value> yielded, unsigned carried) {
  int64_t axis = 0;
  return !findAppended(yielded[carried + 1], body.getArgument(carried + 1), axis).empty();
}

/// How many elements constant bounds of one sign, or from a negative one to the end, let through; nothing where only the
/// input tells.
static std::optional<int64_t> getMostOfSlice(nn::SliceOp slice, int64_t axis) {
  auto starts = nn::getConstantInts(slice.getStarts()), ends = nn::getConstantInts(slice.getEnds());
  auto steps = slice.getSteps() ? nn::getConstantInts(slice.getSteps()) : std::nullopt;
  auto *place = llvm::find(slice.getAxes(), axis);
  if (!starts || !ends || place == slice.getAxes().end() || (slice.getSteps() && !steps))
    return std::nullopt;
  size_t i = place - slice.getAxes().begin();
  int64_t start = (*starts)[i], end = (*ends)[i], step = steps ? (*steps)[i] : 1;
  if (step < 1 || start < INT32_MIN)
    return std::nullopt;
  if (start < 0 && end >= INT32_MAX)
    return -start;
  return (start < 0) == (end < 0) && end < INT32_MAX ? std::optional(std::max<int64_t>(0, end - start)) : std::nullopt;
}

namespace {

/// Finds what extents inside of a loop's body are at most, before the loop.
class ExtentBounds {
public:
  ExtentBounds(NodeBuilder &node, Block &body) : node(node), body(body) {}

  /// One i64, 1-D; null where nothing bounds the extent.
  Expression find(Value value, int64_t axis, unsigned depth = 0);

private:
  Expression number(int64_t value) { return Expression::ints(node, {value}); }
  Expression findProduct(Value value, unsigned depth);

  NodeBuilder &node;
  Block &body;
};

} // namespace

/// Of all extents.
Expression ExtentBounds::findProduct(Value value, unsigned depth) {
  Expression product = number(1);
  for (int64_t axis = 0; axis < getRanked(value).getRank(); ++axis) {
    Expression extent = find(value, axis, depth);
    if (!extent)
      return {};
    product = product * extent;
  }
  return product;
}

Expression ExtentBounds::find(Value value, int64_t axis, unsigned depth) {
  constexpr unsigned mostDepth = 16;
  auto [origin, originAxis] = nn::traceExtent(value, axis);
  int64_t known = getRanked(origin).getDimSize(originAxis);
  if (!ShapedType::isDynamic(known))
    return number(known);
  if (!isMadeIn(origin, body))
    return Expression(node, origin).extent(originAxis);
  Operation *op = origin.getDefiningOp();
  if (!op || depth == mostDepth)
    return {};
  if (auto slice = dyn_cast<nn::SliceOp>(op)) {
    std::optional<int64_t> most = getMostOfSlice(slice, originAxis);
    return most ? number(*most) : find(slice.getInput(), originAxis, depth + 1);
  }
  if (auto choice = dyn_cast<nn::NonZeroOp>(op); choice && originAxis == 1)
    return findProduct(choice.getInput(), depth + 1);
  if (auto distinct = dyn_cast<nn::UniqueOp>(op))
    return find(distinct.getInput(), distinct.getAxis(), depth + 1);
  if (auto concat = dyn_cast<nn::ConcatOp>(op)) {
    Expression sum = number(0);
    for (Value input : concat.getInputs()) {
      Expression bound = sum ? find(input, originAxis, depth + 1) : Expression();
      sum = bound ? sum + bound : Expression();
    }
    return sum;
  }
  if (auto choice = dyn_cast<nn::IfOp>(op)) {
    unsigned number = cast<OpResult>(origin).getResultNumber();
    Expression bounds[2];
    for (auto [bound, region] : llvm::zip(bounds, choice->getRegions()))
      bound = find(cast<nn::YieldOp>(region.front().getTerminator()).getValues()[number], originAxis, depth + 1);
    return bounds[0] && bounds[1] ? bounds[0].max(bounds[1]) : Expression();
  }
  // All elements, less what the other extents are known to be.
  if (auto reshape = dyn_cast<nn::ReshapeOp>(op); reshape && getRanked(origin).getNumDynamicDims() == 1) {
    Expression product = findProduct(reshape.getInput(), depth + 1);
    int64_t others = 1;
    for (int64_t extent : getRanked(origin).getShape())
      others *= ShapedType::isDynamic(extent) ? 1 : extent;
    return product && others > 0 ? product / number(others) : Expression();
  }
  return {};
}

void readBeginning(NodeBuilder &node, BlockArgument argument, BlockArgument length, int64_t axis,
                   MutableArrayRef<Value> yielded) {
  OpBuilder::InsertionGuard guard(node.getBuilder());
  node.getBuilder().setInsertionPointToStart(argument.getOwner());
  Expression before = Expression(node, argument).slice(axis, Expression::ints(node, {0}), Expression(node, length));
  if (node.failed())
    return;
  Value(before).setType(argument.getType());
  argument.replaceAllUsesExcept(before, Value(before).getDefiningOp());
  llvm::replace(yielded, Value(argument), Value(before));
}

Value writeAt(NodeBuilder &node, Value all, frontend::Expression places, frontend::Expression part, int64_t axis) {
  SmallVector<int64_t> others;
  for (int64_t i = 0; i < part.getRank(); ++i)
    if (i != axis)
      others.push_back(i);
  if (!others.empty())
    places = places.unsqueeze(others).broadcast(part.shape());
  return node.create<nn::ScatterElementsOp>(all, places, part, axis, nn::ScatterReduction::None);
}

/// Lets the body write what it appends to `argument` behind the `length` elements that it has; what it reads and yields of
/// it are these. Gives what it carries on: the whole, and the length.
static void appendInPlace(NodeBuilder &node, BlockArgument argument, BlockArgument length, int64_t axis,
                          ArrayRef<Value> parts, MutableArrayRef<Value> yielded, Value &next, Value &nextLength) {
  readBeginning(node, argument, length, axis, yielded);
  OpBuilder::InsertionGuard guard(node.getBuilder());
  node.getBuilder().setInsertionPointToEnd(argument.getOwner());
  if (node.failed())
    return;
  Expression part(node, parts.size() == 1 ? parts.front() : node.create<nn::ConcatOp>(ValueRange(parts), axis));
  if (node.failed())
    return;
  Expression count = part.extent(axis);
  next = writeAt(node, argument, Expression::range(count) + Expression(node, length), part, axis);
  nextLength = Expression(node, length) + count;
}

SmallVector<RoomyValue> makeRoom(NodeBuilder &node, Block &body, Value trips, SmallVectorImpl<Value> &yielded,
                                 SmallVectorImpl<Value> &initial) {
  SmallVector<RoomyValue> roomy;
  unsigned numCarried = initial.size();
  for (unsigned place = 0; place < numCarried; ++place) {
    BlockArgument argument = body.getArgument(place + 1);
    int64_t axis = 0;
    SmallVector<Value> parts = findAppended(yielded[place + 1], argument, axis);
    if (parts.empty())
      continue;
    Expression most = Expression::ints(node, {0}), start(node, initial[place]);
    for (Value part : parts) {
      Expression extent = ExtentBounds(node, body).find(part, axis);
      if (!extent) {
        (void)node.reject("nothing bounds what an iteration appends to a value that it carries");
        return {};
      }
      most = most + extent;
    }
    int64_t rank = start.getRank();
    // What would not fit memory anyway stays a number that does not wrap around.
    auto atMost = [&](Expression number) { return number.min(Expression::ints(node, {INT32_MAX})); };
    Expression room = atMost(Expression(node, trips).reshape({1}).max(Expression::ints(node, {0}))) * atMost(most);
    SmallVector<Expression> shape;
    if (axis > 0)
      shape.push_back(start.shape(0, axis));
    shape.push_back(room);
    if (axis + 1 < rank)
      shape.push_back(start.shape(axis + 1, rank));
    Expression extents = shape.size() == 1 ? shape.front() : Expression::concat(node, shape, 0);
    if (node.failed())
      return {};
    Value filler = createFiller(node, getElementTypeOrSelf(argument.getType()));
    Expression rest(node, node.create<nn::FillOp>(extents, filler)), length = start.extent(axis);
    initial[place] = Expression::concat(node, {start, rest}, axis);
    if (node.failed())
      return {};
    initial.push_back(length);
    BlockArgument lengthArgument = body.addArgument(Value(length).getType(), node.getLoc());
    Value next, nextLength;
    appendInPlace(node, argument, lengthArgument, axis, parts, yielded, next, nextLength);
    if (node.failed())
      return {};
    yielded[place + 1] = next;
    roomy.push_back({place, axis, static_cast<unsigned>(initial.size() - 1)});
    yielded.insert(yielded.begin() + initial.size(), nextLength);
  }
  return roomy;
}

} // namespace nnc::onnx
