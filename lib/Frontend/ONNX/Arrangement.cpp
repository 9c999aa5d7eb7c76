// ONNX operators that rearrange whole parts of a tensor: sequences reversed and
// caches written, images cropped, padded and put together from columns.
#include "lib/Frontend/ONNX/AttentionParts.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// The permutation that brings `axes` to the front, and its inverse.
static std::pair<SmallVector<int64_t>, SmallVector<int64_t>> bringToFront(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> there(axes), back(rank);
  for (int64_t axis = 0; axis < rank; ++axis)
    if (!llvm::is_contained(axes, axis))
      there.push_back(axis);
  for (auto [to, from] : llvm::enumerate(there))
    back[from] = to;
  return {there, back};
}

/// The first lengths[b] steps of each batch b backwards, the others as they are.
static LogicalResult importReverseSequence(NodeBinder &node) {
  Expression x(node, node.operand(0)), lengths(node, node.operand(1));
  int64_t batch = node.axisAttr("batch_axis", 1, x), time = node.axisAttr("time_axis", 0, x);
  if (node.failed())
    return failure();
  if (batch == time)
    return node.reject("batch and time must be different axes");
  auto [there, back] = bringToFront({batch, time}, x.getRank());
  Expression ordered = x.transpose(there);
  Expression length = lengths.cast(node.getBuilder().getI64Type()).unsqueeze({1});
  Expression step = Expression::range(ordered.extent(1)).unsqueeze({0});
  Expression from = (step < length).choose(length - 1 - step, step);
  Expression result(node, node.create<nn::GatherNDOp>(ordered, from.unsqueeze({2}), /*batch_dims=*/1));
  return node.result(result.transpose(back));
}

Expression writeRows(NodeBinder &node, Expression cache, Expression update, Expression position, int64_t axis) {
  if (node.failed())
    return {};
  // Where each row goes, by all axes up to that one: the cache itself is not transposed.
  Expression shape = Expression::concat(node, {cache.shape(0, axis), update.extent(axis)}, 0);
  SmallVector<Expression> places;
  for (int64_t each = 0; each <= axis; ++each) {
    SmallVector<int64_t> others;
    for (int64_t other = 0; other <= axis; ++other)
      if (other != each && !(each == axis && other == 0)) // positions have a batch, too
        others.push_back(other);
    Expression place = each == axis ? position : Expression::range(cache.extent(each));
    place = others.empty() ? place : place.unsqueeze(others);
    places.push_back(place.broadcast(shape).unsqueeze({axis + 1}));
  }
  Expression at = Expression::concat(node, places, axis + 1);
  return {node, node.create<nn::ScatterNDOp>(cache, at, update, nn::ScatterReduction::None)};
}

/// `update` written over the cache, from position indices[b] of the axis on.
static LogicalResult importTensorScatter(NodeBinder &node) {
  Expression cache(node, node.operand(0)), update(node, node.operand(1)), indices(node, node.optionalOperand(2));
  std::string mode = node.stringAttr("mode", "linear");
  int64_t axis = node.axisAttr("axis", -2, cache);
  if (node.failed())
    return failure();
  if (mode != "linear" && mode != "circular")
    return node.reject("mode '" + mode + "' is not known");
  if (axis == 0)
    return node.reject("the batch cannot be the axis that is written");
  Expression steps = update.extent(axis), position = Expression::range(steps).unsqueeze({0});
  if (indices)
    position = position + indices.cast(node.getBuilder().getI64Type()).unsqueeze({1});
  if (mode == "circular")
    position = position.unary<nn::ModOp>(Value(cache.extent(axis)), /*fmod=*/false);
  return node.result(writeRows(node, cache, update, position, axis));
}

/// Each axis cropped or padded with zeros to a size, half of the difference on either side, the odd one at the end.
static LogicalResult importCenterCropPad(NodeBinder &node) {
  Expression x(node, node.operand(0)), sizes(node, node.operand(1));
  SmallVector<int64_t> axes = node.intsAttr("axes", llvm::to_vector(llvm::seq<int64_t>(0, node.getRank(x))));
  for (int64_t &axis : axes)
    axis = node.normalizeAxis(axis, x.getRank());
  if (node.failed())
    return failure();
  if (sizes.getExtent(0) != static_cast<int64_t>(axes.size()))
    return node.reject("needs one size for each axis");
  sizes = sizes.cast(node.getBuilder().getI64Type());
  Expression zero = Expression::ints(node, {0});
  for (auto [i, axis] : llvm::enumerate(axes)) {
    Expression size = sizes.slice(0, i, i + 1), extent = x.extent(axis);
    Expression start = (extent - size).max(zero) / 2;
    x = x.slice(axis, start, start + size.min(extent));
    Expression missing = (size - extent).max(zero), before = missing / 2;
    Expression pads = Expression::concat(node, {before, missing - before}, 0);
    x = {node, node.create<nn::PadOp>(x, pads, Value(), ArrayRef<int64_t>{axis}, nn::PadMode::Constant)};
  }
  return node.result(x);
}

namespace {

/// Windows of an image with any number of axes; attributes have one entry per axis, pads two.
struct ColumnWindows {
  Expression image, block; ///< sizes, 1-D
  SmallVector<int64_t> dilations, strides, pads;

  int64_t getRank() const { return strides.size(); }
};

} // namespace

static LogicalResult readColumnWindows(NodeBinder &node, ColumnWindows &read) {
  Type i64 = node.getBuilder().getI64Type();
  read.image = Expression(node, node.operand(1)).cast(i64);
  read.block = Expression(node, node.operand(2)).cast(i64);
  if (node.failed())
    return failure();
  int64_t rank = read.image.getRank() == 1 ? read.image.getExtent(0) : 0;
  if (ShapedType::isDynamic(rank))
    return node.reject("the number of axes is not known at compile time");
  SmallVector<int64_t> ones(rank, 1), zeros(2 * rank, 0);
  read.dilations = node.intsAttr("dilations", ones);
  read.strides = node.intsAttr("strides", ones);
  read.pads = node.intsAttr("pads", zeros);
  read.block = {node, fixLength(node, read.block, rank)};
  if (node.failed())
    return failure();
  auto hasLength = [&](ArrayRef<int64_t> list, int64_t length) { return static_cast<int64_t>(list.size()) == length; };
  if (rank < 1 || read.block.getRank() != 1 || read.block.getExtent(0) != rank || !hasLength(read.dilations, rank) ||
      !hasLength(read.strides, rank) || !hasLength(read.pads, 2 * rank))
    return node.reject("sizes and attributes differ in their number of axes");
  constexpr int64_t limit = 1 << 20;
  auto isOutside = [&](ArrayRef<int64_t> list, int64_t least) {
    return llvm::any_of(list, [&](int64_t value) { return value < least || value > limit; });
  };
  if (isOutside(read.dilations, 1) || isOutside(read.strides, 1) || isOutside(read.pads, 0))
    return node.reject("an attribute is out of range");
  for (Expression sizes : {read.image, read.block})
    if (auto known = nn::getConstantInts(sizes); known && isOutside(*known, 1))
      return node.reject("a size is out of range");
  return success();
}

/// The sum of columns (N, C * block, positions) at the places of an image that im2col takes them from: each element of
/// a column has its number in the image as index of a scatter, those in the padding one behind the last.
static LogicalResult importCol2Im(NodeBinder &node) {
  Expression x(node, node.operand(0));
  ColumnWindows windows;
  if (failed(readColumnWindows(node, windows)))
    return failure();
  if (x.getRank() != 3)
    return node.reject("the columns must have three axes");
  int64_t rank = windows.getRank();
  Expression one = Expression::ints(node, {1}), elements = one, blockElements = one, positions = one, fits, inside, target;
  // Axes of the numbers: places in the block, then positions.
  auto along = [&](int64_t axis, Expression values) {
    SmallVector<int64_t> others;
    for (int64_t other = 0; other < 2 * rank; ++other)
      if (other != axis)
        others.push_back(other);
    return values.unsqueeze(others);
  };
  for (int64_t i = rank - 1; i >= 0 && !node.failed(); --i) {
    Expression extent = windows.image.slice(0, i, i + 1), size = windows.block.slice(0, i, i + 1);
    auto dilation = static_cast<double>(windows.dilations[i]), stride = static_cast<double>(windows.strides[i]);
    auto before = static_cast<double>(windows.pads[i]), after = static_cast<double>(windows.pads[rank + i]);
    Expression room = extent + (before + after) - (size - 1) * dilation - 1, count = room / stride + 1;
    Expression possible = (extent >= 1) & (size >= 1) & (room >= 0);
    fits = fits ? fits & possible : possible;
    Expression place = along(i, Expression::range(size) * dilation - before);
    Expression at = along(rank + i, Expression::range(count) * stride) + place;
    Expression here = (at >= 0) & (at < extent), part = at * elements;
    inside = inside ? inside & here : here;
    target = target ? target + part : part;
    elements = elements * extent, blockElements = blockElements * size, positions = positions * count;
  }
  if (node.failed())
    return failure();
  fits = fits & x.extent(2).equals(positions);
  if (auto known = nn::getConstantInts(fits); known && !known->front())
    return node.reject("the columns do not fit the sizes of image and block");
  x = {node, require(node, x, fits)};
  // (block and position, N, C): a slice for each target.
  Expression rows = blockElements * positions;
  Expression columns = x.reshape(Expression::concat(node, {Expression::ints(node, {0, -1}), rows}, 0)).transpose({2, 0, 1});
  Expression shape = Expression::concat(node, {elements + 1, columns.shape(1, 3)}, 0);
  if (node.failed())
    return failure();
  Expression sums(node, node.create<nn::FillOp>(shape, node.scalar(x.getElementType(), 0)));
  Expression at = inside.choose(target, elements).reshape({-1}).unsqueeze({1});
  sums = {node, node.create<nn::ScatterNDOp>(sums, at, columns, nn::ScatterReduction::Add)};
  Expression image = sums.slice(0, Expression::ints(node, {0}), elements).transpose({1, 2, 0});
  return node.result(image.reshape(Expression::concat(node, {Expression::ints(node, {0, 0}), windows.image}, 0)));
}

/// All stretches of `size` elements along an axis, `step` apart, their elements along a new last axis.
static Expression unfold(NodeBinder &node, Expression x, int64_t axis, int64_t size, int64_t step) {
  // Division truncates: of an extent below the size it must not make a stretch of less than 0.
  Expression room = x.extent(axis) - static_cast<double>(size) + static_cast<double>(step);
  Expression count = room.max(room.like(0)) / static_cast<double>(step);
  Expression starts = Expression::range(count) * static_cast<double>(step);
  Expression places = starts.unsqueeze({1}) + Expression::range(Expression::ints(node, {size})).unsqueeze({0});
  Expression parts = x.gather(places, axis);
  if (node.failed())
    return {};
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, x.getRank() + 1));
  permutation.erase(permutation.begin() + axis + 1);
  permutation.push_back(axis + 1);
  return parts.transpose(permutation);
}

/// Of com.microsoft, as PyTorch's unfold.
static LogicalResult importUnfoldTensor(NodeBinder &node) {
  Expression x(node, node.operand(0));
  int64_t axis = node.axisAttr("dim", -1, x), size = node.intAttr("size", 0), step = node.intAttr("step", 1);
  if (node.failed())
    return failure();
  constexpr int64_t most = 1 << 24;
  if (size < 1 || step < 1 || size > most || step > most)
    return node.reject("size and step must be positive");
  if (!ShapedType::isDynamic(x.getExtent(axis)) && x.getExtent(axis) < size)
    return node.reject("size is more than the extent");
  return node.result(unfold(node, x, axis, size, step));
}

/// Scores of words that would end a stretch of `ngram_size` words which was there before: minus infinity.
static LogicalResult importNGramRepeatBlock(NodeBinder &node) {
  Expression words(node, node.operand(0)), scores(node, node.operand(1));
  int64_t size = node.intAttr("ngram_size", 0);
  if (node.failed())
    return failure();
  if (size < 1 || size > 1024 || words.getRank() != 2 || scores.getRank() != 2)
    return node.reject("needs words and scores of 2 dimensions, and a positive ngram_size");
  Type i64 = node.getBuilder().getI64Type();
  scores = {node, require(node, scores, words.extent(0).equals(scores.extent(0)))};
  words = words.cast(i64);
  Expression stretches = unfold(node, words, 1, size, 1);
  if (node.failed())
    return failure();
  // One word more, that no stretch has, can be read where there is none.
  Expression column = Expression::concat(node, {words.extent(0), Expression::ints(node, {1})}, 0);
  Expression padded = Expression::concat(node, {words, Expression::scalar(node, i64, 0).broadcast(column)}, 1);
  Expression last = stretches.slice(2, size - 1, size).squeeze({2}), isRepeated = last.equals(last);
  for (int64_t i = 0; i + 1 < size && !node.failed(); ++i) {
    Expression end = words.extent(1) - static_cast<double>(size - 1 - i);
    Expression word = padded.gather(end.max(end.like(0)), 1); // of those that the next one follows
    isRepeated = isRepeated & stretches.slice(2, i, i + 1).squeeze({2}).equals(word);
  }
  // Marks, not a minimum of scores, which would leave NaN as it is.
  Expression none = scores.like(0).broadcast(scores.shape()), marks = isRepeated.cast(scores.getElementType());
  Expression blocked(node, node.create<nn::ScatterElementsOp>(none, last, marks, /*axis=*/1, nn::ScatterReduction::Max));
  Expression result = (blocked > 0.0).choose(scores.like(-std::numeric_limits<double>::infinity()), scores);
  return node.result(keepShape(node, result, scores));
}

static const OpEntry table[] = {
    {"CenterCropPad", 18, importCenterCropPad},
    {"Col2Im", 18, importCol2Im},
    {"NGramRepeatBlock", 1, importNGramRepeatBlock, "com.microsoft"},
    {"ReverseSequence", 10, importReverseSequence},
    {"TensorScatter", 24, importTensorScatter},
    {"UnfoldTensor", 1, importUnfoldTensor, "com.microsoft"},
};

ArrayRef<OpEntry> getArrangementOps() { return table; }

} // namespace nnc::onnx
