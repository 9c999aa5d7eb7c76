// ONNX operators that rearrange whole parts of a tensor: sequences reversed and
// caches written, images cropped, padded and put together from columns.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"

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
  // Where each row goes, by all axes up to that one: the cache itself is not transposed.
  Expression shape = Expression::concat(node, {cache.shape(0, axis), steps}, 0);
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
  return node.result(node.create<nn::ScatterNDOp>(cache, at, update, nn::ScatterReduction::None));
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

/// The sum of columns (N, C * block, positions) at the places of an image that im2col takes them from: each element of
/// a column has its number in the image as index of a scatter, those in the padding one behind the last.
static LogicalResult importCol2Im(NodeBinder &node) {
  Expression x(node, node.operand(0));
  SmallVector<int64_t> image = node.constantInts(1), block = node.constantInts(2);
  size_t rank = image.size();
  SmallVector<int64_t> ones(rank, 1), zeros(2 * rank, 0);
  SmallVector<int64_t> dilations = node.intsAttr("dilations", ones), strides = node.intsAttr("strides", ones),
                       pads = node.intsAttr("pads", zeros);
  if (node.failed())
    return failure();
  if (x.getRank() != 3 || rank < 1 || block.size() != rank || dilations.size() != rank || strides.size() != rank ||
      pads.size() != 2 * rank)
    return node.reject("sizes and attributes differ in their number of axes");
  int64_t elements = 1, blockElements = 1, positions = 1;
  SmallVector<int64_t> counts;
  for (size_t i = 0; i < rank; ++i) {
    constexpr int64_t limit = 1 << 20;
    if (image[i] < 1 || block[i] < 1 || strides[i] < 1 || dilations[i] < 1 || image[i] > limit || block[i] > limit ||
        dilations[i] > limit || pads[i] < 0 || pads[i] > limit || pads[rank + i] < 0 || pads[rank + i] > limit)
      return node.reject("a size or attribute is out of range");
    int64_t reach = image[i] + pads[i] + pads[rank + i] - dilations[i] * (block[i] - 1) - 1;
    if (reach < 0)
      return node.reject("the block is larger than the image");
    counts.push_back(reach / strides[i] + 1);
    elements *= image[i], blockElements *= block[i], positions *= counts.back();
    if (elements > limit * limit || blockElements * positions > (int64_t(1) << 26))
      return node.reject("the image or the blocks are too large");
  }
  SmallVector<int64_t> targets;
  for (int64_t b = 0; b < blockElements; ++b)
    for (int64_t p = 0; p < positions; ++p) {
      int64_t target = 0, scale = 1, inBlock = b, atPosition = p;
      for (size_t i = rank; i-- > 0;) {
        int64_t at = atPosition % counts[i] * strides[i] + inBlock % block[i] * dilations[i] - pads[i];
        target = at < 0 || at >= image[i] || target == elements ? elements : target + at * scale;
        scale *= image[i], inBlock /= block[i], atPosition /= counts[i];
      }
      targets.push_back(target);
    }
  // (block and position, N, C): a slice for each target.
  Expression columns = x.reshape({0, -1, blockElements * positions}).transpose({2, 0, 1});
  Expression shape = Expression::concat(node, {Expression::ints(node, {elements + 1}), columns.shape(1, 3)}, 0);
  if (node.failed())
    return failure();
  Expression sums(node, node.create<nn::FillOp>(shape, node.scalar(x.getElementType(), 0)));
  Expression at = Expression::ints(node, targets).unsqueeze({1});
  sums = {node, node.create<nn::ScatterNDOp>(sums, at, columns, nn::ScatterReduction::Add)};
  SmallVector<int64_t> result{0, 0};
  llvm::append_range(result, image);
  return node.result(sums.slice(0, 0, elements).transpose({1, 2, 0}).reshape(result));
}

static const OpEntry table[] = {
    {"CenterCropPad", 18, importCenterCropPad},
    {"Col2Im", 18, importCol2Im},
    {"ReverseSequence", 10, importReverseSequence},
    {"TensorScatter", 24, importTensorScatter},
};

ArrayRef<OpEntry> getArrangementOps() { return table; }

} // namespace nnc::onnx
