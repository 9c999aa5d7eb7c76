// Operators that ONNX had on trial before its opset 10 and dropped; converters of that time wrote them, and ONNX
// Runtime still runs them.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static LogicalResult importAffine(NodeBinder &node) {
  Expression x(node, node.operand(0));
  double alpha = node.floatAttr("alpha", 1), beta = node.floatAttr("beta", 0);
  return node.failed() ? failure() : node.result(x * alpha + beta);
}

static LogicalResult importScale(NodeBinder &node) {
  Expression x(node, node.operand(0));
  double scale = node.floatAttr("scale", 1);
  return node.failed() ? failure() : node.result(x * scale);
}

static LogicalResult importScaledTanh(NodeBinder &node) {
  Expression x(node, node.operand(0));
  double alpha = node.floatAttr("alpha", 0), beta = node.floatAttr("beta", 0);
  return node.failed() ? failure() : node.result((x * beta).unary<nn::TanhOp>() * alpha);
}

static LogicalResult importParametricSoftplus(NodeBinder &node) {
  Expression x(node, node.operand(0));
  double alpha = node.floatAttr("alpha", 0), beta = node.floatAttr("beta", 0);
  return node.failed() ? failure() : node.result((x * beta).unary<nn::SoftplusOp>() * alpha);
}

/// An image (N, C, H, W) times a number, plus a number for each channel.
static LogicalResult importImageScaler(NodeBinder &node) {
  Expression x(node, node.operand(0));
  double scale = node.floatAttr("scale", 1);
  SmallVector<double> bias = node.floatsAttr("bias");
  if (node.failed())
    return failure();
  auto count = static_cast<int64_t>(bias.size());
  if (x.getRank() != 4 || count == 0 || x.getExtent(1) != count)
    return node.reject("needs an image (N, C, H, W) and a bias for each channel");
  Expression offsets(node, node.floats({count, 1, 1}, std::vector<float>(bias.begin(), bias.end())));
  return node.result(x * scale + offsets.cast(x.getElementType()));
}

/// Without a scale the borders (left, top, right, bottom) go; with one (height, width) that much is left of what is
/// behind the left and upper border.
static LogicalResult importCrop(NodeBinder &node) {
  Expression x(node, node.operand(0));
  SmallVector<int64_t> border = node.intsAttr("border"), scale = node.intsAttr("scale");
  if (node.failed())
    return failure();
  if (x.getRank() != 4 || border.size() != 4 || (!scale.empty() && scale.size() != 2))
    return node.reject("needs an image (N, C, H, W), a border of four numbers and a scale of two");
  for (int64_t i = 0; i < 2; ++i) {
    int64_t axis = 3 - i, extent = x.getExtent(axis), begin = border[i], end = extent - border[i + 2];
    if (!scale.empty())
      end = begin + scale[1 - i];
    if (ShapedType::isDynamic(extent) || begin < 0 || begin > extent || end < begin || end > extent)
      return node.reject("what is left of the image must be known, and inside of it");
    x = x.slice(axis, begin, end);
  }
  return node.result(x);
}

/// Slice before opset 10, with bounds that are operands.
static LogicalResult importDynamicSlice(NodeBinder &node) {
  Expression x(node, node.operand(0)), starts(node, node.operand(1)), ends(node, node.operand(2));
  SmallVector<int64_t> axes = node.constantInts(3);
  if (node.failed())
    return failure();
  int64_t count = starts.getRank() == 1 ? starts.getExtent(0) : ShapedType::kDynamic;
  if (ShapedType::isDynamic(count) || ends.getRank() != 1 || ends.getExtent(0) != count)
    return node.reject("how many axes it slices must be known");
  if (!node.optionalOperand(3))
    axes = llvm::to_vector(llvm::seq<int64_t>(0, count));
  for (int64_t &axis : axes)
    axis = node.normalizeAxis(axis, x.getRank());
  if (node.failed() || static_cast<int64_t>(axes.size()) != count)
    return node.reject("the axes do not fit the bounds");
  Type i64 = node.getBuilder().getI64Type();
  return node.result(node.create<nn::SliceOp>(x, starts.cast(i64), ends.cast(i64), Value(), axes));
}

static const OpEntry table[] = {
    {"Affine", 1, importAffine},
    {"Crop", 1, importCrop},
    {"DynamicSlice", 1, importDynamicSlice},
    {"ImageScaler", 1, importImageScaler},
    {"ParametricSoftplus", 1, importParametricSoftplus},
    {"Scale", 1, importScale},
    {"ScaledTanh", 1, importScaledTanh},
};

ArrayRef<OpEntry> getEarlyOps() { return table; }

} // namespace nnc::onnx
