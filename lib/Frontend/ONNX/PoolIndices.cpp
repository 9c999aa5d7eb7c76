// The indices of max pools, and the pools' inverse. Each place in the window gives a
// slice of the input with strides; where it has the largest element it gives the index.
#include "lib/Frontend/ONNX/PoolIndices.h"

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

double getLeastNumber(Type type) {
  if (isa<FloatType>(type))
    return -std::numeric_limits<double>::infinity();
  return type.isUnsignedInteger() ? 0 : -std::ldexp(1.0, static_cast<int>(type.getIntOrFloatBitWidth()) - 1);
}

/// Windows with more places would become as many operations.
static constexpr int64_t maxPlaces = 1024;

namespace {

/// The axes of a pool of (N, C, spatial...).
class IndexedPool {
public:
  IndexedPool(NodeBinder &node, Expression input, Expression largest, const WindowAttributes &window,
              bool isColumnMajor)
      : node(node), input(input), largest(largest), window(window), spatial(window.size.size()),
        isColumnMajor(isColumnMajor) {}

  Expression build();

private:
  /// 1-D values along one axis, of the rank of the pool.
  Expression along(unsigned axis, Expression values) const {
    SmallVector<int64_t> others;
    for (unsigned other = 0; other < spatial + 2; ++other)
      if (other != axis)
        others.push_back(other);
    return values.unsqueeze(others);
  }
  Expression getStep(unsigned axis) const;
  Expression getStarts(unsigned axis) const;
  Expression padInput() const;
  Expression readPlace(Expression padded, ArrayRef<int64_t> place) const;
  Expression isInside(ArrayRef<int64_t> place) const;

  NodeBinder &node;
  Expression input, largest;
  const WindowAttributes &window;
  unsigned spatial;
  bool isColumnMajor;
};

} // namespace

/// How far apart neighbours along a spatial axis are in the flattened input, 1-D.
Expression IndexedPool::getStep(unsigned axis) const {
  Expression step = Expression::ints(node, {1});
  for (unsigned other = 0; other < spatial; ++other)
    if (isColumnMajor ? other < axis : other > axis)
      step = step * input.extent(other + 2);
  return step;
}

/// Where along an axis the windows begin, 1-D.
Expression IndexedPool::getStarts(unsigned axis) const {
  return Expression::range(largest.extent(axis + 2)) * static_cast<double>(window.strides[axis]) -
         static_cast<double>(window.padsBegin[axis]);
}

/// The input with elements around it that are never larger, far enough for the last window.
Expression IndexedPool::padInput() const {
  SmallVector<int64_t> axes, pads(window.padsBegin);
  for (unsigned axis = 0; axis < spatial; ++axis) {
    axes.push_back(axis + 2);
    pads.push_back(window.padsEnd[axis] + window.strides[axis]); // the last one may begin before the end
  }
  double least = getLeastNumber(input.getElementType());
  Expression counts = Expression::ints(node, pads);
  return {node, node.create<nn::PadOp>(input, counts, Value(input.like(least)), axes, nn::PadMode::Constant)};
}

/// The element at one place of each window.
Expression IndexedPool::readPlace(Expression padded, ArrayRef<int64_t> place) const {
  SmallVector<int64_t> axes, starts;
  for (unsigned axis = 0; axis < spatial; ++axis) {
    axes.push_back(axis + 2);
    starts.push_back(place[axis] * window.dilations[axis]);
  }
  Expression strides = Expression::ints(node, window.strides), first = Expression::ints(node, starts);
  Expression last = (largest.shape(2, spatial + 2) - Expression::ints(node, {1})) * strides;
  Expression ends = first + last + Expression::ints(node, {1});
  Value slice = node.create<nn::SliceOp>(padded, first, ends, Value(strides), axes);
  return {node, keepShape(node, slice, largest)};
}

/// Whether a place of each window is in the input; null where all are.
Expression IndexedPool::isInside(ArrayRef<int64_t> place) const {
  Expression inside;
  for (unsigned axis = 0; axis < spatial; ++axis) {
    Expression at = along(axis + 2, getStarts(axis)) + static_cast<double>(place[axis] * window.dilations[axis]);
    Expression here = (at >= 0) & (at < input.extent(axis + 2));
    inside = inside ? inside & here : here;
  }
  return inside;
}

Expression IndexedPool::build() {
  int64_t places = 1;
  for (int64_t size : window.size)
    places = std::min(places * std::min(size, maxPlaces + 1), maxPlaces + 1);
  if (places > maxPlaces || llvm::any_of(window.padsBegin, [](int64_t pad) { return pad < 0; }) ||
      llvm::any_of(window.padsEnd, [](int64_t pad) { return pad < 0; })) {
    (void)node.reject("indices of windows of more than " + Twine(maxPlaces) + " elements, or with negative pads, are not supported");
    return {};
  }
  Expression padded = padInput(), plane = Expression::ints(node, {1}), base;
  SmallVector<Expression> steps;
  for (unsigned axis = 0; axis < spatial; ++axis) {
    plane = plane * input.extent(axis + 2);
    steps.push_back(getStep(axis));
    Expression part = along(axis + 2, getStarts(axis) * steps.back());
    base = base ? base + part : part;
  }
  base = base + along(1, Expression::range(largest.extent(1)) * plane);
  base = base + along(0, Expression::range(largest.extent(0)) * (plane * input.extent(1)));
  bool isFloat = isa<FloatType>(input.getElementType());
  Expression index;
  // From the last place to the first, which stays where several are the largest.
  for (int64_t number = places - 1; number >= 0 && !node.failed(); --number) {
    SmallVector<int64_t> place(spatial);
    int64_t rest = number;
    for (int axis = static_cast<int>(spatial) - 1; axis >= 0; --axis) {
      place[axis] = rest % window.size[axis];
      rest /= window.size[axis];
    }
    Expression element = readPlace(padded, place), at = base;
    if (node.failed())
      break;
    for (unsigned axis = 0; axis < spatial; ++axis)
      at = at + steps[axis] * static_cast<double>(place[axis] * window.dilations[axis]);
    Expression isLargest = element.equals(largest);
    if (isFloat)
      isLargest = isLargest | element.unary<nn::IsNaNOp>();
    isLargest = isLargest & isInside(place);
    index = isLargest.choose(at, index ? index : at);
  }
  return node.failed() ? Expression() : Expression(node, keepShape(node, index, largest));
}

Value buildPoolIndices(NodeBinder &node, Value input, Value largest, const WindowAttributes &window,
                       bool isColumnMajor) {
  if (node.failed())
    return {};
  return IndexedPool(node, Expression(node, input), Expression(node, largest), window, isColumnMajor).build();
}

//===--- MaxUnpool ---===//

/// Zeros of the shape that was pooled, with x at the indices; `output_shape` adds zeros behind it.
static LogicalResult importMaxUnpool(NodeBinder &node) {
  Expression x(node, node.operand(0)), indices(node, node.operand(1)), wanted(node, node.optionalOperand(2));
  if (node.failed())
    return failure();
  WindowAttributes window = readWindow(node, x);
  if (node.failed())
    return failure();
  int64_t rank = x.getRank(), spatial = rank - 2;
  SmallVector<int64_t> rest;
  for (int64_t axis = 0; axis < spatial; ++axis)
    rest.push_back(window.size[axis] - window.padsBegin[axis] - window.padsEnd[axis]);
  Expression extents = (x.shape(2, rank) - Expression::ints(node, {1})) * Expression::ints(node, window.strides) +
                       Expression::ints(node, rest);
  Expression shape = Expression::concat(node, {x.shape(0, 2), extents}, 0);
  Expression count(node, node.create<nn::ReduceOp>(shape, nn::ReductionKind::Prod, ArrayRef<int64_t>{0},
                                                   /*keepdims=*/true));
  Expression zeros = x.like(0).broadcast(count);
  Expression at = indices.reshape({-1});
  Expression values = x.reshape({-1});
  Expression flat(node, node.create<nn::ScatterElementsOp>(zeros, at, values, 0));
  if (node.failed())
    return failure();
  Expression result = flat.reshape(shape);
  if (!wanted)
    return node.result(result);
  if (wanted.getExtent(0) != rank)
    return node.reject("output_shape needs one entry per dimension");
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  Expression none = Expression::ints(node, SmallVector<int64_t>(rank, 0));
  Expression more = wanted.cast(node.getBuilder().getI64Type()) - shape, fits;
  for (int64_t axis = 0; axis < rank; ++axis) {
    Expression own = more.slice(0, axis, axis + 1) >= 0;
    fits = fits ? fits & own : own;
  }
  result = {node, require(node, result, fits)};
  Expression pads = Expression::concat(node, {none, more}, 0);
  return node.result(node.create<nn::PadOp>(result, pads, Value(x.like(0)), axes, nn::PadMode::Constant));
}

static const OpEntry table[] = {
    {"MaxUnpool", 9, importMaxUnpool},
};

ArrayRef<OpEntry> getPoolIndicesOps() { return table; }

} // namespace nnc::onnx
