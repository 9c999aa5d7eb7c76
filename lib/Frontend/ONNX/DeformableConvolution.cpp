// Convolutions that read each element of a window at an offset of its own. What is
// read becomes columns, with the channels last, and the rest is a matrix product.
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Precision.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/Sampling.h"
#include "lib/Frontend/ONNX/WindowAttributes.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

namespace {

/// The operands and attributes of one node: x (N, C, H, W), filter (M, C / groups, h, w), offsets
/// (N, offsetGroups * h * w * 2, Y, X), mask (N, offsetGroups * h * w, Y, X).
struct DeformConvNode {
  Expression x, filter, offsets, bias, mask;
  WindowAttributes window;
  int64_t groups = 1, offsetGroups = 1;

  int64_t getPlaces() const { return window.size[0] * window.size[1]; }
};

} // namespace

/// Offsets and mask have one entry for each place of each window, of which there are as many as a convolution says. Where
/// only a run knows, it ends with an error.
static LogicalResult requireShapes(NodeBinder &node, DeformConvNode &read) {
  int64_t places = read.getPlaces() * read.offsetGroups;
  auto count = [&](int64_t value) { return Expression::ints(node, {value}); };
  Expression fits = read.offsets.extent(0).equals(read.x.extent(0)) & read.offsets.extent(1).equals(count(2 * places));
  if (read.mask)
    fits = fits & read.mask.extent(0).equals(read.x.extent(0)) & read.mask.extent(1).equals(count(places));
  for (unsigned axis = 0; axis < 2; ++axis) {
    int64_t pads = read.window.padsBegin[axis] + read.window.padsEnd[axis];
    Expression room = read.x.extent(axis + 2) + count(pads - read.window.getReach(axis));
    Expression windows = room / static_cast<double>(read.window.strides[axis]) + 1;
    fits = fits & (room >= 0) & read.offsets.extent(axis + 2).equals(windows);
    if (read.mask)
      fits = fits & read.mask.extent(axis + 2).equals(windows);
  }
  if (auto known = nn::getConstantInts(fits); known && !known->front())
    return node.reject("offsets or mask do not have the shape of the result");
  read.offsets = {node, require(node, read.offsets, fits)};
  return success(!node.failed());
}

static LogicalResult readDeformConv(NodeBinder &node, DeformConvNode &read) {
  read.x = {node, node.operand(0)};
  read.filter = {node, node.operand(1)};
  read.offsets = {node, node.operand(2)};
  read.bias = {node, node.optionalOperand(3)};
  read.mask = {node, node.optionalOperand(4)};
  read.groups = node.intAttr("group", 1);
  read.offsetGroups = node.intAttr("offset_group", 1);
  if (node.failed())
    return failure();
  if (read.x.getRank() != 4 || read.filter.getRank() != 4 || read.offsets.getRank() != 4 ||
      (read.mask && read.mask.getRank() != 4))
    return node.reject("supports two spatial dimensions only");
  SmallVector<int64_t> size;
  if (NodeBinder::getType(read.filter).hasStaticShape())
    size = {read.filter.getExtent(2), read.filter.getExtent(3)};
  read.window = readWindow(node, read.x, size);
  if (node.failed())
    return failure();
  if (read.window.size.size() != 2)
    return node.reject("the extents of the filter must be known at compile time");
  if (read.groups < 1 || read.offsetGroups < 1)
    return node.reject("group and offset_group must be positive");
  auto isMultiple = [](int64_t extent, int64_t of) { return ShapedType::isDynamic(extent) || extent % of == 0; };
  if (!isMultiple(read.x.getExtent(1), read.groups) || !isMultiple(read.x.getExtent(1), read.offsetGroups) ||
      !isMultiple(read.filter.getExtent(0), read.groups))
    return node.reject("the groups do not divide the channels");
  return requireShapes(node, read);
}

/// Where along a spatial axis each place of each window is read: (N * offsetGroups, Y, X, places).
static Expression buildPositions(NodeBinder &node, const DeformConvNode &read, unsigned axis) {
  Type type = node.getBuilder().getF32Type();
  Expression shape = Expression::concat(
      node, {Expression::ints(node, {-1, read.getPlaces(), 2}), read.offsets.shape(2, 4)}, 0);
  Expression offset = read.offsets.cast(type).reshape(shape).slice(2, axis, axis + 1).squeeze({2});
  SmallVector<int64_t> places;
  for (int64_t row = 0; row < read.window.size[0]; ++row)
    for (int64_t column = 0; column < read.window.size[1]; ++column)
      places.push_back((axis == 0 ? row : column) * read.window.dilations[axis] - read.window.padsBegin[axis]);
  Expression start = Expression::range(read.offsets.extent(axis + 2)) * static_cast<double>(read.window.strides[axis]);
  start = axis == 0 ? start.unsqueeze({1, 2}) : start.unsqueeze({1});
  return offset.transpose({0, 2, 3, 1}) + (start + Expression::ints(node, places)).cast(type);
}

/// What is read, (N, Y * X, places * C) where there is one group, else (N, groups, Y * X, places * C / groups).
static Expression buildColumns(NodeBinder &node, const DeformConvNode &read) {
  Expression extents = read.x.shape(2, 4), size = read.offsets.shape(2, 4);
  Expression channels = read.x.extent(1) / static_cast<double>(read.offsetGroups);
  Expression image =
      read.x.reshape(Expression::concat(node, {Expression::ints(node, {-1}), channels, extents}, 0));
  Expression positions[] = {buildPositions(node, read, 0), buildPositions(node, read, 1)};
  if (node.failed())
    return {};
  Expression elements = sampleLinearly(node, image.transpose({0, 2, 3, 1}), positions);
  if (node.failed())
    return {};
  if (read.mask) {
    Expression shape = Expression::concat(node, {Expression::ints(node, {-1, read.getPlaces()}), size}, 0);
    Expression mask = read.mask.reshape(shape).transpose({0, 2, 3, 1}).unsqueeze({4});
    elements = {node, keepShape(node, elements * mask, elements)};
  }
  if (read.offsetGroups > 1) { // (N * offsetGroups, Y, X, places, C / offsetGroups)
    Expression groups = Expression::ints(node, {-1, read.offsetGroups});
    Expression places = Expression::ints(node, {read.getPlaces()});
    elements = elements.reshape(Expression::concat(node, {groups, size, places, channels}, 0));
    elements = elements.transpose({0, 2, 3, 4, 1, 5});
  }
  Expression batch = read.x.extent(0), minusOne = Expression::ints(node, {-1});
  Expression count = read.offsets.extent(2) * read.offsets.extent(3);
  if (read.groups == 1)
    return elements.reshape(Expression::concat(node, {batch, count, minusOne}, 0));
  Expression parts = Expression::ints(node, {read.getPlaces(), read.groups, -1});
  elements = elements.reshape(Expression::concat(node, {batch, count, parts}, 0)).transpose({0, 3, 1, 2, 4});
  Expression groups = Expression::ints(node, {read.groups});
  return elements.reshape(Expression::concat(node, {batch, groups, count, minusOne}, 0));
}

static LogicalResult importDeformConv(NodeBinder &node) {
  DeformConvNode read;
  if (failed(readDeformConv(node, read)))
    return failure();
  Expression columns = buildColumns(node, read);
  if (node.failed())
    return failure();
  // (groups, places * C / groups, M / groups)
  Expression filter = read.filter.transpose({2, 3, 1, 0}); // (h, w, C / groups, M)
  Expression places = filter.extent(0) * filter.extent(1);
  Expression rows = places * filter.extent(2);
  filter = filter.reshape(Expression::concat(node, {rows, filter.extent(3)}, 0));
  if (read.groups > 1) {
    filter = filter.reshape(Expression::concat(node, {rows, Expression::ints(node, {read.groups, -1})}, 0));
    filter = filter.transpose({1, 0, 2});
  }
  Expression product = columns.matmul(filter); // (N, [groups,] Y * X, M / groups)
  if (read.groups > 1)
    product = product.transpose({0, 2, 1, 3}).reshape({0, 0, -1});
  if (read.bias && !node.failed())
    product = {node, keepShape(node, product + read.bias, product)};
  if (node.failed())
    return failure();
  Expression shape = Expression::concat(
      node, {read.x.extent(0), read.offsets.shape(2, 4), read.filter.extent(0)}, 0);
  return node.result(product.reshape(shape).transpose({0, 3, 1, 2}));
}

static const OpEntry table[] = {
    {"DeformConv", 19, importWide<importDeformConv>},
};

ArrayRef<OpEntry> getDeformableConvolutionOps() { return table; }

} // namespace nnc::onnx
