// ONNX operators of the pooling family. A global pool is a reduction.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/PoolIndices.h"
#include "lib/Frontend/ONNX/Precision.h"
#include "lib/Frontend/ONNX/WindowAttributes.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

/// The operand of a pool: spatial extents of 0 would leave windows of pads alone.
static Value takeImage(NodeBinder &node) {
  Value x = node.operand(0);
  if (node.failed())
    return x;
  if (llvm::is_contained(node.getType(x).getShape().drop_front(std::min<int64_t>(2, node.getRank(x))), 0))
    (void)node.reject("the image has no elements");
  return x;
}

static LogicalResult importMaxPool(NodeBinder &node) {
  Value x = takeImage(node);
  bool ceil = node.intAttr("ceil_mode", 0), isColumnMajor = node.intAttr("storage_order", 0);
  if (node.failed())
    return failure();
  // Indices are places in the image without pads.
  WindowAttributes window =
      node.wantsResult(1) ? readWindow(node, x) : readWindowAndPad(node, x, {}, getLeastNumber(getElementTypeOrSelf(x)));
  requireFit(node, x, window, ceil);
  if (node.failed())
    return failure();
  Value largest = node.create<nn::MaxPoolOp>(x, nn::Layout::ChannelsFirst, window.size, window.strides,
                                             window.dilations, window.padsBegin, window.padsEnd, ceil);
  if (failed(node.result(largest)) || !node.wantsResult(1))
    return success(!node.failed());
  return node.result(buildPoolIndices(node, x, largest, window, isColumnMajor));
}

/// Of com.microsoft: (N, spatial..., C).
static LogicalResult importNhwcMaxPool(NodeBinder &node) {
  Value x = node.operand(0);
  bool ceil = node.intAttr("ceil_mode", 0);
  if (node.failed())
    return failure();
  int64_t rank = node.getRank(x);
  if (rank < 3)
    return node.reject("the input has no spatial dimensions");
  SmallVector<int64_t> toFirst{0, rank - 1};
  llvm::append_range(toFirst, llvm::seq<int64_t>(1, rank - 1));
  Value image = node.create<nn::TransposeOp>(x, toFirst);
  WindowAttributes window = readWindow(node, image);
  requireFit(node, image, window, ceil);
  if (node.failed())
    return failure();
  return node.result(node.create<nn::MaxPoolOp>(x, nn::Layout::ChannelsLast, window.size, window.strides,
                                                window.dilations, window.padsBegin, window.padsEnd, ceil));
}

/// Of com.microsoft: a row of a window ends at the first place whose mask is 0, but for the first place of an image of two
/// or three dimensions. What is not reached counts as the least finite number.
static LogicalResult importMaskedMaxPool(NodeBinder &node) {
  using frontend::Expression;
  Expression x(node, takeImage(node)), mask(node, node.operand(1));
  node.ignoreAttrs({"storage_order"}); // of indices
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  if (node.failed())
    return failure();
  ArrayRef<int64_t> shape = node.getShape(x).drop_front(std::min<int64_t>(2, x.getRank()));
  if (!x.getElementType().isF32())
    return node.reject("needs an image of f32");
  if (mode != "NOTSET" || shape.empty() || ShapedType::isDynamicShape(shape))
    return node.reject("auto_pad, or an image of which only a run says the extents, are not supported");
  if (mask.getRank() != x.getRank() || node.getShape(mask).take_front(2) != ArrayRef<int64_t>{1, 1} ||
      node.getShape(mask).drop_front(2) != shape)
    return node.reject("the mask must be one channel as large as an image");
  WindowAttributes window = readWindow(node, x);
  if (node.failed())
    return failure();
  int64_t mostPlaces = 256, places = 1; // each is code
  for (auto [size, dilation] : llvm::zip(window.size, window.dilations))
    places = dilation == 1 && size <= mostPlaces / places ? places * size : mostPlaces + 1;
  if (places > mostPlaces)
    return node.reject("windows of more than 256 places, or with dilations, are not supported");
  int64_t spatial = shape.size(), elements = ShapedType::getNumElements(shape);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, spatial + 2)), pads = window.padsBegin, outer(shape);
  llvm::append_range(pads, window.padsEnd);
  Expression least = x.like(std::numeric_limits<float>::lowest());
  auto pad = [&](Expression image, Expression with) {
    return Expression(node, node.create<nn::PadOp>(image, node.ints(pads), with, axes, nn::PadMode::Constant));
  };
  outer.insert(outer.begin(), 2, 1);
  Expression isOpen = ~mask.equals(0.0), one = mask.like(1);
  if (spatial > 1)
    isOpen = isOpen | Expression::range(Expression::ints(node, {elements})).equals(0.0).reshape(outer);
  isOpen = ~pad(isOpen.cast(mask.getElementType()), one).equals(0.0);
  x = pad((x > least).choose(x, least), least);
  // Element `offset` of each window along an axis.
  auto take = [&](Expression image, int64_t i, int64_t offset) {
    int64_t count = (shape[i] + window.padsBegin[i] + window.padsEnd[i] - window.size[i]) / window.strides[i] + 1;
    return image.slice(axes[i], offset, offset + (count - 1) * window.strides[i] + 1, window.strides[i]);
  };
  int64_t last = spatial - 1;
  Expression largest, isReached;
  for (int64_t offset = 0; offset < window.size[last] && !node.failed(); ++offset) {
    Expression next = take(isOpen, last, offset);
    isReached = isReached ? isReached & next : next;
    Expression value = isReached.choose(take(x, last, offset), least);
    largest = largest ? largest.max(value) : value;
  }
  for (int64_t i = 0; i < last && !node.failed(); ++i) {
    Expression rows = largest;
    largest = take(rows, i, 0);
    for (int64_t offset = 1; offset < window.size[i]; ++offset)
      largest = largest.max(take(rows, i, offset));
  }
  return node.result(largest);
}

static LogicalResult importAveragePool(NodeBinder &node) {
  Value x = takeImage(node);
  bool ceil = node.intAttr("ceil_mode", 0), includePads = node.intAttr("count_include_pad", 0);
  if (node.failed())
    return failure();
  Value image = x;
  WindowAttributes window = readWindowAndPad(node, image);
  requireFit(node, image, window, ceil);
  if (node.failed())
    return failure();
  auto pool = [&](Value value) {
    return node.create<nn::AvgPoolOp>(value, nn::Layout::ChannelsFirst, window.size, window.strides, window.dilations,
                                      window.padsBegin, window.padsEnd, ceil, includePads);
  };
  if (image == x || includePads)
    return node.result(pool(image));
  // The pads are elements now: of a mean with them, and the share that is not pads.
  Value ones = node.create<nn::FillOp>(node.create<nn::ShapeOp>(x, 0, node.getRank(x)),
                                       node.scalar(getElementTypeOrSelf(x), 1));
  (void)readWindowAndPad(node, ones);
  return node.result(node.create<nn::DivOp>(pool(image), pool(ones)));
}

/// |x|^p.
static Value raise(NodeBinder &node, Value x, int64_t p) {
  if (p == 1)
    return node.create<nn::AbsOp>(x);
  if (p == 2)
    return node.create<nn::MulOp>(x, x);
  Value magnitude = node.create<nn::AbsOp>(x);
  return node.create<nn::PowOp>(magnitude, node.scalar(getElementTypeOrSelf(x), p));
}

/// x^(1/p).
static Value takeRoot(NodeBinder &node, Value x, int64_t p) {
  if (p == 1 || !x)
    return x;
  if (p == 2)
    return node.create<nn::SqrtOp>(x);
  return node.create<nn::PowOp>(x, node.scalar(getElementTypeOrSelf(x), 1.0 / p));
}

static LogicalResult importLpPool(NodeBinder &node) {
  Value x = takeImage(node);
  int64_t p = node.intAttr("p", 2);
  bool ceil = node.intAttr("ceil_mode", 0);
  if (node.failed())
    return failure();
  if (p < 1)
    return node.reject("p must be positive");
  WindowAttributes window = readWindow(node, x);
  requireFit(node, x, window, ceil);
  if (node.failed())
    return failure();
  Type original = getElementTypeOrSelf(x);
  Value sum = node.create<nn::SumPoolOp>(raise(node, widenHalf(node, x), p), nn::Layout::ChannelsFirst, window.size,
                                         window.strides, window.dilations, window.padsBegin, window.padsEnd, ceil);
  return node.result(castTo(node, takeRoot(node, sum, p), original));
}

/// Reduces all spatial dimensions to one element each.
static Value reduceSpatial(NodeBinder &node, Value x, nn::ReductionKind kind) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 2; axis < node.getRank(x); ++axis)
    axes.push_back(axis);
  return node.create<nn::ReduceOp>(x, kind, axes, /*keepdims=*/true);
}

template <nn::ReductionKind kind> static LogicalResult importGlobalPool(NodeBinder &node) {
  Value x = takeImage(node);
  if (node.failed())
    return failure();
  return node.result(reduceSpatial(node, x, kind));
}

static LogicalResult importGlobalLpPool(NodeBinder &node) {
  Value x = takeImage(node);
  int64_t p = node.intAttr("p", 2);
  if (node.failed())
    return failure();
  if (p < 1)
    return node.reject("p must be positive");
  Value sum = reduceSpatial(node, raise(node, widenHalf(node, x), p), nn::ReductionKind::Sum);
  return node.result(castTo(node, takeRoot(node, sum, p), getElementTypeOrSelf(x)));
}

static const OpEntry table[] = {
    {"AveragePool", 7, importAveragePool},
    {"GlobalAveragePool", 1, importGlobalPool<nn::ReductionKind::Mean>},
    {"GlobalLpPool", 2, importGlobalLpPool},
    {"GlobalMaxPool", 1, importGlobalPool<nn::ReductionKind::Max>},
    {"LpPool", 2, importLpPool},
    {"MaxPool", 1, importMaxPool},
    {"MaxpoolWithMask", 1, importMaskedMaxPool, "com.microsoft"},
    {"NhwcMaxPool", 1, importNhwcMaxPool, "com.microsoft"},
};

ArrayRef<OpEntry> getPoolingOps() { return table; }

} // namespace nnc::onnx
