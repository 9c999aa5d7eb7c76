// ONNX operators of the convolution family.
#include "lib/Frontend/ONNX/Convolution.h"

#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/WindowAttributes.h"

using namespace mlir;

namespace nnc::onnx {

/// The spatial extents of a filter (.., .., spatial...).
static SmallVector<int64_t> getFilterSize(NodeBinder &node, Value filter) {
  if (node.getRank(filter) < 3 || !node.getType(filter).hasStaticShape()) {
    (void)node.reject("the filter's shape must be known at compile time and have spatial dimensions");
    return {};
  }
  return SmallVector<int64_t>(node.getType(filter).getShape().drop_front(2));
}

Value buildConv(NodeBinder &node) {
  Value input = node.operand(0), filter = node.operand(1), bias = node.optionalOperand(2);
  int64_t groups = node.intAttr("group", 1);
  if (node.failed())
    return {};
  SmallVector<int64_t> size = getFilterSize(node, filter);
  if (node.failed())
    return {};
  WindowAttributes window = readWindow(node, input, size);
  if (node.failed())
    return {};
  return node.create<nn::ConvOp>(input, filter, bias, nn::Layout::ChannelsFirst, window.strides,
                                             window.dilations, window.padsBegin, window.padsEnd, groups);
}

static LogicalResult importConv(NodeBinder &node) { return node.result(buildConv(node)); }

/// Pads, and padding of the output, so that each spatial extent of the result is
/// the one wanted; a total below 0 grows the output at its end.
static void fitOutput(NodeBinder &node, Value input, ArrayRef<int64_t> wanted, bool oddAtEnd, WindowAttributes &window,
                      SmallVectorImpl<int64_t> &outputPadding) {
  for (unsigned axis = 0; axis < window.size.size(); ++axis) {
    int64_t extent = node.getType(input).getDimSize(axis + 2), stride = window.strides[axis];
    int64_t total = outputPadding[axis] + window.getReach(axis) - stride; // for extent * stride elements
    if (!wanted.empty()) {
      if (ShapedType::isDynamic(extent)) {
        (void)node.reject("output_shape needs a spatial extent that is known at compile time");
        return;
      }
      total += stride * extent - wanted[axis];
    }
    if (total < 0)
      outputPadding[axis] -= total;
    splitPads(window, axis, std::max<int64_t>(total, 0), oddAtEnd);
  }
}

static LogicalResult importConvTranspose(NodeBinder &node) {
  Value input = node.operand(0), filter = node.operand(1), bias = node.optionalOperand(2);
  int64_t groups = node.intAttr("group", 1);
  if (node.failed())
    return failure();
  SmallVector<int64_t> size = getFilterSize(node, filter);
  if (node.failed())
    return failure();
  int64_t spatial = size.size();
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  SmallVector<int64_t> outputPadding = node.intsAttr("output_padding", SmallVector<int64_t>(spatial, 0));
  SmallVector<int64_t> wanted = node.intsAttr("output_shape");
  bool isSame = mode == "SAME_UPPER" || mode == "SAME_LOWER", fits = isSame || !wanted.empty();
  WindowAttributes window = fits ? readWindowWithoutPads(node, input, size) : readWindow(node, input, size);
  if (node.failed())
    return failure();
  if (static_cast<int64_t>(outputPadding.size()) != spatial)
    return node.reject("output_padding needs one entry per spatial dimension");
  if (fits) {
    node.ignoreAttrs({"pads"});
    // Some exporters name batch and channels, too.
    if (static_cast<int64_t>(wanted.size()) == spatial + 2)
      wanted.erase(wanted.begin(), wanted.begin() + 2);
    if (!wanted.empty() && static_cast<int64_t>(wanted.size()) != spatial)
      return node.reject("output_shape needs one entry per spatial dimension");
    fitOutput(node, input, wanted, /*oddAtEnd=*/mode == "SAME_UPPER", window, outputPadding);
  }
  return node.result(node.create<nn::ConvTransposeOp>(input, filter, bias, nn::Layout::ChannelsFirst, window.strides,
                                                      window.dilations, window.padsBegin, window.padsEnd, groups,
                                                      outputPadding));
}

static const OpEntry table[] = {
    {"Conv", 1, importConv},
    {"ConvTranspose", 1, importConvTranspose},
};

ArrayRef<OpEntry> getConvolutionOps() { return table; }

} // namespace nnc::onnx
