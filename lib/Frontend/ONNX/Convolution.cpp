// ONNX operators of the convolution family.
#include "lib/Frontend/ONNX/Convolution.h"

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Precision.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/RunTimeFilter.h"
#include "lib/Frontend/ONNX/WindowAttributes.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static bool isFilterKnown(Value filter) { return !filter || NodeBinder::getType(filter).hasStaticShape(); }

/// The spatial extents of a filter (.., .., spatial...).
static SmallVector<int64_t> getFilterSize(NodeBinder &node, Value filter) {
  if (node.getRank(filter) < 3) {
    (void)node.reject("the filter must have spatial dimensions");
    return {};
  }
  return SmallVector<int64_t>(node.getType(filter).getShape().drop_front(2));
}

Value buildConv(NodeBinder &node) {
  if (!isFilterKnown(node.optionalOperand(1)))
    return buildRunTimeConv(node);
  Value input = node.operand(0), filter = node.operand(1), bias = node.optionalOperand(2);
  int64_t groups = node.intAttr("group", 1);
  if (node.failed())
    return {};
  SmallVector<int64_t> size = getFilterSize(node, filter);
  if (node.failed())
    return {};
  WindowAttributes window = readWindowAndPad(node, input, size);
  requireFit(node, input, window);
  if (node.failed())
    return {};
  return node.create<nn::ConvOp>(input, filter, bias, nn::Layout::ChannelsFirst, window.strides, window.dilations,
                                 window.padsBegin, window.padsEnd, groups);
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
  if (!isFilterKnown(node.optionalOperand(1)))
    return node.result(buildRunTimeConvTranspose(node));
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
  Value result = node.create<nn::ConvTransposeOp>(input, filter, bias, nn::Layout::ChannelsFirst, window.strides,
                                                  window.dilations, window.padsBegin, window.padsEnd, groups,
                                                  outputPadding);
  if (!node.failed() && llvm::is_contained(node.getShape(result).drop_front(2), 0))
    return node.reject("the pads leave nothing of the image");
  return node.result(result);
}

/// Of com.microsoft: the pads are an operand, and what they cut off the result without pads goes.
static LogicalResult importDynamicPads(NodeBinder &node) {
  Value input = node.operand(0), filter = node.operand(1), pads = node.optionalOperand(2), bias = node.optionalOperand(3);
  int64_t groups = node.intAttr("group", 1);
  std::string mode = node.stringAttr("auto_pad", "NOTSET");
  if (node.failed())
    return failure();
  if (mode != "NOTSET" || !isFilterKnown(filter))
    return node.reject("auto_pad, or a filter of which only a run says the shape, are not supported");
  SmallVector<int64_t> size = getFilterSize(node, filter);
  WindowAttributes window = readWindowWithoutPads(node, input, size);
  SmallVector<int64_t> outputPadding = node.intsAttr("output_padding", SmallVector<int64_t>(size.size(), 0));
  if (node.failed())
    return failure();
  Expression full(node, node.create<nn::ConvTransposeOp>(input, filter, bias, nn::Layout::ChannelsFirst, window.strides,
                                                         window.dilations, window.padsBegin, window.padsEnd, groups,
                                                         outputPadding));
  if (!pads || node.failed())
    return node.result(full);
  auto spatial = static_cast<int64_t>(size.size());
  if (node.getRank(pads) != 1)
    return node.reject("the pads must be one row");
  Expression cut(node, fixLength(node, pads, 2 * spatial));
  if (node.failed())
    return failure();
  auto least = [](Expression list) { return list.reduce(nn::ReductionKind::Min, {0}, /*keepdims=*/true); };
  Expression begins = cut.slice(0, 0, spatial), rest = full.shape(2) - begins, behind = cut.slice(0, spatial, 2 * spatial);
  // Something is left; of three terms the last one is not added to what has overflowed.
  Expression fits = (least(cut) >= 0) & (least(rest) > 0) & (least(rest - behind) > 0);
  cut = {node, require(node, cut, fits)};
  begins = cut.slice(0, 0, spatial);
  Expression ends = full.shape(2) - cut.slice(0, spatial, 2 * spatial);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(2, spatial + 2));
  return node.result(node.create<nn::SliceOp>(full, begins, ends, Value(), axes));
}

//===--- CausalConvWithState ---===//

/// A depthwise convolution along time of the positions so far: those of `past_state` (zeros without one), then the
/// input's. The last of them are the next state.
static LogicalResult importCausalConv(NodeBinder &node) {
  Expression x(node, node.operand(0)), filter(node, node.operand(1)), past(node, node.optionalOperand(3));
  Value bias = node.optionalOperand(2);
  std::string activation = node.stringAttr("activation", "none");
  if (node.failed())
    return failure();
  if (activation != "none" && activation != "silu" && activation != "swish")
    return node.reject("activation '" + activation + "' is not known");
  if (x.getRank() != 3 || filter.getRank() != 3 || filter.getExtent(2) == 0)
    return node.reject("the input and the filter must have one axis of time");
  Expression zero = Expression::ints(node, {0}), earlier = filter.extent(2) - 1;
  if (past) {
    x = Expression::concat(node, {past, x}, 2);
  } else {
    Expression pads = Expression::concat(node, {earlier, zero}, 0);
    x = {node, node.create<nn::PadOp>(x, pads, x.like(0), ArrayRef<int64_t>{2}, nn::PadMode::Constant)};
  }
  Expression result;
  if (isFilterKnown(filter))
    result = {node, node.create<nn::ConvOp>(x, filter, bias, nn::Layout::ChannelsFirst, ArrayRef<int64_t>{1},
                                            ArrayRef<int64_t>{1}, ArrayRef<int64_t>{0}, ArrayRef<int64_t>{0},
                                            filter.getExtent(0))};
  else
    result = convolve(node, x, filter, bias ? Expression(node, bias) : Expression(),
                      {{zero}, {zero}, {1}, {1}, filter.extent(0)});
  if (node.failed())
    return failure();
  if (activation != "none")
    result = result.unary<nn::SiluOp>(APFloat(1.0f));
  Expression end = x.extent(2), state = x.slice(2, end - earlier, end);
  if (node.failed() || failed(node.result(result)))
    return failure();
  return node.result(state);
}

/// As that of ONNX, with attributes for what only that of com.microsoft can.
static LogicalResult importMicrosoftCausalConv(NodeBinder &node) {
  if (node.intAttr("ndim", 1) != 1 || node.intAttr("dilation", 1) != 1)
    return node.reject("dilations, or more than one axis of time, are not supported");
  for (StringRef name : {"channels_last", "state_window", "state_update_capacity", "state_length", "input_channel_offset",
                         "input_channels"})
    if (node.intAttr(name, 0))
      return node.reject("'" + name + "' is not supported");
  node.ignoreAttrs({"state_channels_last"}); // of the other ones
  return importCausalConv(node);
}

static const OpEntry table[] = {
    {"CausalConvWithState", 27, importCausalConv},
    {"CausalConvWithState", 1, importMicrosoftCausalConv, "com.microsoft"},
    {"Conv", 1, importWide<importConv>},
    {"ConvTranspose", 1, importWide<importConvTranspose>},
    {"ConvTransposeWithDynamicPads", 1, importDynamicPads, "com.microsoft"},
};

ArrayRef<OpEntry> getConvolutionOps() { return table; }

} // namespace nnc::onnx
