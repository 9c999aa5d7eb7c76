// ONNX operators that leave no operation of their own: constants and dropout.
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RandomNumbers.h"
#include "lib/Frontend/ONNX/Strings.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static LogicalResult importConstant(NodeBinder &node) {
  Builder &builder = node.getBuilder();
  auto create = [&](ElementsAttr elements) {
    return node.result(arith::ConstantOp::create(node.getBuilder(), node.getLoc(), cast<TypedAttr>(elements)));
  };
  if (node.hasAttr("value"))
    return node.result(node.tensorAttr("value"));
  if (node.hasAttr("value_int"))
    return create(DenseElementsAttr::get(RankedTensorType::get({}, builder.getI64Type()), node.intAttr("value_int", 0)));
  if (node.hasAttr("value_float")) {
    auto value = static_cast<float>(node.floatAttr("value_float", 0));
    return create(DenseElementsAttr::get(RankedTensorType::get({}, builder.getF32Type()), value));
  }
  if (node.hasAttr("value_ints"))
    return node.result(node.ints(node.intsAttr("value_ints")));
  if (node.hasAttr("value_floats")) {
    SmallVector<float> values;
    for (double value : node.floatsAttr("value_floats"))
      values.push_back(static_cast<float>(value));
    auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getF32Type());
    return create(DenseElementsAttr::get(type, ArrayRef<float>(values)));
  }
  if (node.hasAttr("value_string"))
    return node.result(createStrings(node, {node.stringAttr("value_string", "")}, {}));
  if (node.hasAttr("value_strings")) {
    SmallVector<std::string> strings = node.stringsAttr("value_strings");
    return node.result(createStrings(node, strings, {static_cast<int64_t>(strings.size())}));
  }
  return node.result(node.sparseAttr("sparse_value"));
}

/// In training, elements that are kept with probability 1 - ratio, and then divided by it; else the data pass
/// unchanged. The mask says what is kept.
static LogicalResult importDropout(NodeBinder &node) {
  Expression x(node, node.operand(0)), ratio(node, node.optionalOperand(1)), training(node, node.optionalOperand(2));
  int64_t seed = node.intAttr("seed", 0);
  node.ignoreAttrs({"ratio"}); // of versions that are always at inference
  if (node.failed())
    return failure();
  // Before opset 10 the mask has the data's type.
  Type isKeptType = node.getBuilder().getI1Type();
  Type maskType = node.getOpset() < 10 ? x.getElementType() : isKeptType;
  auto known = training ? nn::getConstantInts(training) : std::optional(SmallVector<int64_t>{0});
  if (known && known->size() == 1 && !known->front()) {
    if (failed(node.result(x)) || !node.wantsResult(1))
      return success(!node.failed());
    return node.result(Expression::scalar(node, maskType, 1).broadcast(x.shape()));
  }
  Type type = x.getElementType().isF64() ? x.getElementType() : node.getBuilder().getF32Type();
  ratio = ratio ? ratio.cast(type).reshape(ArrayRef<int64_t>{}) : Expression::scalar(node, type, 0.5);
  training = training.reshape(ArrayRef<int64_t>{});
  Expression drawn = RandomNumbers(node, static_cast<uint64_t>(seed)).uniform(x.shape(), type);
  if (node.failed())
    return failure();
  Expression isKept = (drawn >= ratio) | ~training;
  Expression scale = training.choose(ratio.like(1) / (ratio.like(1) - ratio), ratio.like(1));
  Expression scaled = isKept.choose(x.cast(type) * scale, ratio.like(0)).cast(x.getElementType());
  if (failed(node.result(scaled)))
    return failure();
  return node.result(isKept.cast(maskType));
}

static const OpEntry table[] = {
    {"Constant", 1, importConstant},
    {"Dropout", 7, importDropout},
};

ArrayRef<OpEntry> getStructuralOps() { return table; }

} // namespace nnc::onnx
