// Columns are gathered axis by axis; a transposed convolution is one of an image
// with zeros between its elements.
#include "lib/Frontend/ONNX/RunTimeFilter.h"

#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/WindowAttributes.h"
#include "lib/Support/Decision.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static Expression number(NodeBinder &node, int64_t value) { return Expression::ints(node, {value}); }

static Expression reshapeTo(NodeBinder &node, Expression x, ArrayRef<Expression> shape) {
  return {node, node.create<nn::ReshapeOp>(x, Expression::concat(node, shape, 0), /*allow_zero=*/true)};
}

/// dilation * (size - 1) + 1
static Expression getReach(Expression size, int64_t dilation) { return (size - 1) * dilation + 1; }

/// Zeros added around (or elements removed from) the spatial axes.
static Expression padImage(NodeBinder &node, Expression x, ArrayRef<Expression> begin, ArrayRef<Expression> end) {
  SmallVector<Expression> pads(begin);
  llvm::append_range(pads, end);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, x.getRank()));
  return {node, node.create<nn::PadOp>(x, Expression::concat(node, pads, 0), x.like(0), axes, nn::PadMode::Constant)};
}

Expression convolve(NodeBinder &node, Expression x, Expression filter, Expression bias, const RunTimeWindow &window) {
  if (node.failed())
    return {};
  remark::missed(node.getLoc(), about::algorithm)
      << remark::add("unrolled into a matrix: the filter's shape is known at run time only");
  int64_t spatial = x.getRank() - 2;
  x = padImage(node, x, window.padsBegin, window.padsEnd);
  Expression inner = filter.extent(1);
  SmallVector<Expression> counts; // positions along each axis
  SmallVector<int64_t> order{0, 1};
  for (int64_t i = 0; i < spatial && !node.failed(); ++i) {
    int64_t axis = 2 + 2 * i; // an axis of positions, one of elements, for each of those before
    Expression size = filter.extent(2 + i), reach = getReach(size, window.dilations[i]), extent = x.extent(axis);
    x = {node, require(node, x, (reach <= extent) & (size >= 1))};
    counts.push_back((extent - reach) / number(node, window.strides[i]) + 1);
    Expression first = Expression::range(counts.back()) * static_cast<double>(window.strides[i]);
    Expression inside = Expression::range(size) * static_cast<double>(window.dilations[i]);
    x = x.gather(first.unsqueeze({1}) + inside.unsqueeze({0}), axis);
    inner = inner * size;
    order.push_back(axis + 1);
  }
  for (int64_t i = 0; i < spatial; ++i)
    order.push_back(2 + 2 * i);
  Expression positions = number(node, 1), filters = filter.extent(0), batch = x.extent(0);
  for (Expression count : counts)
    positions = positions * count;
  // (N, groups, a filter's elements, positions); that the channels are as many as the filters want is required.
  Expression columns = reshapeTo(node, x.transpose(order), {batch, window.groups, inner, positions});
  Expression rows = reshapeTo(node, filter, {window.groups, filters / window.groups, inner});
  SmallVector<Expression> shape{batch, filters};
  llvm::append_range(shape, counts);
  Expression result = reshapeTo(node, rows.unsqueeze({0}).matmul(columns), shape);
  if (!bias)
    return result;
  SmallVector<Expression> ofBias{filters};
  ofBias.append(spatial, number(node, 1));
  return result + reshapeTo(node, bias, ofBias);
}

/// The attributes of a node; the filter gets the extents that its kernel_shape has. Pads are left out where `fits`.
static RunTimeWindow readRunTimeWindow(NodeBinder &node, Value input, Expression &filter, bool fits) {
  RunTimeWindow result;
  int64_t spatial = node.getRank(input) - 2;
  if (node.failed() || spatial < 1 || filter.getRank() != spatial + 2) {
    (void)node.reject("the input and the filter must have as many spatial dimensions");
    return result;
  }
  bool isGiven = node.hasAttr("kernel_shape");
  SmallVector<int64_t> ones(spatial, 1);
  ArrayRef<int64_t> size = isGiven ? ArrayRef<int64_t>() : ArrayRef<int64_t>(ones);
  WindowAttributes window = fits ? readWindowWithoutPads(node, input, size) : readWindow(node, input, size);
  int64_t groups = node.intAttr("group", 1);
  if (groups < 1)
    (void)node.reject("the number of groups is not positive");
  if (node.failed())
    return result;
  for (int64_t i = 0; i < spatial; ++i) {
    if (isGiven && ShapedType::isDynamic(filter.getExtent(i + 2)))
      filter = {node, fixExtent(node, filter, i + 2, window.size[i])};
    else if (isGiven && filter.getExtent(i + 2) != window.size[i])
      (void)node.reject("kernel_shape is not the shape of the filter");
    result.padsBegin.push_back(number(node, window.padsBegin[i]));
    result.padsEnd.push_back(number(node, window.padsEnd[i]));
  }
  result.strides = window.strides;
  result.dilations = window.dilations;
  result.groups = number(node, groups);
  return result;
}

/// `total` pads of an axis, the odd one at the end or at the beginning.
static void setPads(RunTimeWindow &window, int64_t axis, Expression total, bool oddAtEnd) {
  Expression half = total / 2;
  window.padsBegin[axis] = oddAtEnd ? half : total - half;
  window.padsEnd[axis] = total - window.padsBegin[axis];
}

static bool isSame(StringRef mode) { return mode == "SAME_UPPER" || mode == "SAME_LOWER"; }

static Value convolveAsAsked(NodeBinder &node, Expression x, Expression filter, Expression bias) {
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  RunTimeWindow window = readRunTimeWindow(node, x, filter, isSame(mode));
  if (node.failed())
    return {};
  if (isSame(mode))
    node.ignoreAttrs({"pads"});
  for (int64_t i = 0; isSame(mode) && i + 2 < x.getRank(); ++i) {
    // For ceil(extent / stride) positions.
    Expression extent = x.extent(i + 2), reach = getReach(filter.extent(i + 2), window.dilations[i]);
    double stride = window.strides[i];
    Expression total = ((extent + (stride - 1)) / stride - 1) * stride + reach - extent;
    setPads(window, i, total.max(number(node, 0)), mode == "SAME_UPPER");
  }
  return convolve(node, x, filter, bias, window);
}

Value buildRunTimeConv(NodeBinder &node) {
  Expression x(node, node.operand(0)), filter(node, node.operand(1)), bias;
  if (Value given = node.optionalOperand(2))
    bias = {node, given};
  return convolveAsAsked(node, x, filter, bias);
}

Value buildRunTimeIntegerConv(NodeBinder &node, Expression x, Value xZero, Expression filter, Value filterZero) {
  if (node.failed())
    return {};
  Type i32 = node.getBuilder().getI32Type();
  auto center = [&](Expression values, Value zero) -> Expression {
    Expression wide = values.cast(i32);
    return zero ? Expression(node, keepShape(node, wide - Expression(node, zero).cast(i32), wide)) : wide;
  };
  return convolveAsAsked(node, center(x, xZero), center(filter, filterZero), {});
}

/// `x` with stride - 1 zeros between neighbours along `axis`.
static Expression spread(NodeBinder &node, Expression x, int64_t axis, int64_t stride) {
  if (stride == 1 || node.failed())
    return x;
  Expression wide = x.unsqueeze({axis + 1});
  wide = {node, node.create<nn::PadOp>(wide, node.ints({0, stride - 1}), x.like(0), ArrayRef<int64_t>{axis + 1},
                                       nn::PadMode::Constant)};
  Expression extent = x.extent(axis), step = number(node, stride);
  wide = reshapeTo(node, wide, {x.shape(0, axis), extent * step, x.shape(axis + 1)});
  return wide.slice(axis, number(node, 0), (extent - 1) * step + 1);
}

Value buildRunTimeConvTranspose(NodeBinder &node) {
  Expression x(node, node.operand(0)), filter(node, node.operand(1)), bias;
  if (Value given = node.optionalOperand(2))
    bias = {node, given};
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  int64_t spatial = x.getRank() - 2;
  SmallVector<int64_t> zeros(std::max<int64_t>(spatial, 0), 0);
  SmallVector<int64_t> outputPadding = node.intsAttr("output_padding", zeros);
  SmallVector<int64_t> wanted = node.intsAttr("output_shape");
  bool fits = isSame(mode) || !wanted.empty();
  RunTimeWindow window = readRunTimeWindow(node, x, filter, fits);
  if (node.failed())
    return {};
  if (fits)
    node.ignoreAttrs({"pads"});
  // Some exporters name batch and channels, too.
  if (static_cast<int64_t>(wanted.size()) == spatial + 2)
    wanted.erase(wanted.begin(), wanted.begin() + 2);
  auto hasOtherSize = [&](ArrayRef<int64_t> list) { return static_cast<int64_t>(list.size()) != spatial; };
  if (hasOtherSize(outputPadding) || (!wanted.empty() && hasOtherSize(wanted))) {
    (void)node.reject("output_padding and output_shape need one entry per spatial dimension");
    return {};
  }
  Expression zero = number(node, 0);
  SmallVector<int64_t> axes;
  for (int64_t i = 0; i < spatial; ++i) {
    Expression reach = getReach(filter.extent(i + 2), window.dilations[i]), added = number(node, outputPadding[i]);
    if (fits) {
      Expression total = added + reach - number(node, window.strides[i]); // for extent * stride elements
      if (!wanted.empty())
        total = total + x.extent(i + 2) * static_cast<double>(window.strides[i]) - number(node, wanted[i]);
      added = added + (zero - total).max(zero);
      setPads(window, i, total.max(zero), mode == "SAME_UPPER");
    }
    // A pad of the result is one less of the image.
    window.padsBegin[i] = reach - 1 - window.padsBegin[i];
    window.padsEnd[i] = reach - 1 - window.padsEnd[i] + added;
    x = spread(node, x, i + 2, window.strides[i]);
    axes.push_back(i + 2);
  }
  window.strides.assign(spatial, 1);
  // (C, M / groups, spatial...) to (M, C / groups, spatial...), from the last element to the first.
  Expression channels = filter.extent(0), filters = filter.extent(1), sizes = filter.shape(2);
  SmallVector<int64_t> order{0, 2, 1};
  llvm::append_range(order, llvm::seq<int64_t>(3, spatial + 3));
  Expression grouped = reshapeTo(node, filter, {window.groups, channels / window.groups, filters, sizes});
  grouped = grouped.transpose(order);
  Expression flipped = reshapeTo(node, grouped, {window.groups * filters, channels / window.groups, sizes});
  return convolve(node, x, flipped.unary<nn::ReverseOp>(axes), bias, window);
}

} // namespace nnc::onnx
