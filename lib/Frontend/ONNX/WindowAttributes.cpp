// The attributes that ONNX convolutions and pools share.
#include "lib/Frontend/ONNX/WindowAttributes.h"

#include "lib/Frontend/Import/Expression.h"

using namespace mlir;

namespace nnc::onnx {

/// Numbers beyond this are mistakes; arithmetic with them must not overflow.
static constexpr int64_t maxNumber = int64_t(1) << 31;

WindowAttributes readWindowWithoutPads(NodeBinder &node, Value input, ArrayRef<int64_t> size) {
  WindowAttributes window;
  int64_t rank = node.getRank(input), spatial = rank - 2;
  if (spatial < 1) {
    (void)node.reject("the input has no spatial dimensions");
    return window;
  }
  SmallVector<int64_t> ones(spatial, 1);
  window.size = node.intsAttr("kernel_shape", size);
  window.strides = node.intsAttr("strides", ones);
  window.dilations = node.intsAttr("dilations", ones);
  window.padsBegin.assign(spatial, 0);
  window.padsEnd.assign(spatial, 0);
  if (!size.empty() && ArrayRef<int64_t>(window.size) != size)
    (void)node.reject("kernel_shape is not the shape of the filter");
  for (ArrayRef<int64_t> numbers : {window.size, window.strides, window.dilations}) {
    if (static_cast<int64_t>(numbers.size()) != spatial)
      (void)node.reject("kernel_shape, strides and dilations need one entry per spatial dimension");
    else if (llvm::any_of(numbers, [](int64_t number) { return number < 1 || number > maxNumber; }))
      (void)node.reject("kernel_shape, strides and dilations must be positive and reasonable");
  }
  return window;
}

void splitPads(WindowAttributes &window, unsigned axis, int64_t total, bool oddAtEnd) {
  int64_t half = total / 2;
  window.padsBegin[axis] = oddAtEnd ? half : total - half;
  window.padsEnd[axis] = total - window.padsBegin[axis];
}

/// Pads so that the result has ceil(extent / stride) elements.
static void padToSame(NodeBinder &node, Value input, WindowAttributes &window, bool oddAtEnd) {
  for (unsigned axis = 0; axis < window.size.size(); ++axis) {
    int64_t extent = node.getType(input).getDimSize(axis + 2), stride = window.strides[axis];
    int64_t total = window.getReach(axis) - 1;
    if (ShapedType::isDynamic(extent) && stride != 1) {
      (void)node.reject("auto_pad needs a spatial extent that is known at compile time; give one with --shape");
      return;
    }
    if (!ShapedType::isDynamic(extent))
      total = (llvm::divideCeil(extent, stride) - 1) * stride + window.getReach(axis) - extent;
    splitPads(window, axis, std::max<int64_t>(total, 0), oddAtEnd);
  }
}

WindowAttributes readWindow(NodeBinder &node, Value input, ArrayRef<int64_t> size) {
  WindowAttributes window = readWindowWithoutPads(node, input, size);
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  size_t spatial = window.padsBegin.size();
  SmallVector<int64_t> pads = node.intsAttr("pads", SmallVector<int64_t>(2 * spatial, 0));
  if (node.failed())
    return window;
  if (mode == "NOTSET") {
    if (pads.size() != 2 * spatial || llvm::any_of(pads, [](int64_t pad) { return std::abs(pad) > maxNumber; })) {
      (void)node.reject("pads must be two reasonable numbers per spatial dimension");
      return window;
    }
    window.padsBegin.assign(pads.begin(), pads.begin() + spatial);
    window.padsEnd.assign(pads.begin() + spatial, pads.end());
  } else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
    padToSame(node, input, window, /*oddAtEnd=*/mode == "SAME_UPPER");
  } else if (mode != "VALID") {
    (void)node.reject("auto_pad '" + mode + "' is not known");
  }
  return window;
}

void requireFit(NodeBinder &node, Value input, const WindowAttributes &window, bool ceil) {
  if (node.failed())
    return;
  for (auto [axis, extent] : llvm::enumerate(node.getShape(input).drop_front(2))) {
    int64_t padded = extent + window.padsBegin[axis] + window.padsEnd[axis];
    int64_t behind = ceil ? window.strides[axis] - 1 : 0;
    if (!ShapedType::isDynamic(extent) && padded + behind < window.getReach(axis))
      (void)node.reject("its window is larger than the padded image: " + Twine(window.getReach(axis)) + " of " +
                        Twine(padded) + " in dimension " + Twine(axis + 2));
  }
}

/// Whether the pads of auto_pad are not known at compile time.
static bool hasOpenPads(NodeBinder &node, Value input, const WindowAttributes &window, StringRef mode) {
  bool isOpen = false;
  for (unsigned axis = 0; axis < window.size.size(); ++axis)
    isOpen |= node.getType(input).isDynamicDim(axis + 2) && window.strides[axis] != 1;
  return isOpen && (mode == "SAME_UPPER" || mode == "SAME_LOWER");
}

WindowAttributes readWindowAndPad(NodeBinder &node, Value &input, ArrayRef<int64_t> size, double padding) {
  using frontend::Expression;
  WindowAttributes window = readWindowWithoutPads(node, input, size);
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  if (node.failed() || !hasOpenPads(node, input, window, mode))
    return readWindow(node, input, size);
  node.ignoreAttrs({"pads"});
  Expression x(node, input), zero = Expression::ints(node, {0});
  SmallVector<Expression> begins, pads;
  SmallVector<int64_t> axes;
  for (unsigned axis = 0; axis < window.size.size(); ++axis) {
    Expression extent = x.extent(axis + 2);
    auto stride = static_cast<double>(window.strides[axis]), reach = static_cast<double>(window.getReach(axis));
    Expression total = (((extent + (stride - 1)) / stride - 1) * stride + reach - extent).max(zero), half = total / 2;
    begins.push_back(mode == "SAME_UPPER" ? half : total - half);
    pads.push_back(total - begins.back());
    axes.push_back(axis + 2);
  }
  pads.insert(pads.begin(), begins.begin(), begins.end());
  input = node.create<nn::PadOp>(x, Expression::concat(node, pads, 0), x.like(padding), axes, nn::PadMode::Constant);
  return window;
}

} // namespace nnc::onnx
