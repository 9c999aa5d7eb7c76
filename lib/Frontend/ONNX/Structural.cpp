// ONNX operators that leave no operation of their own: constants and identities.
#include "lib/Frontend/ONNX/OpTable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc::onnx {

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
  return node.reject("only numeric constants are supported");
}

static LogicalResult importIdentity(NodeBinder &node) { return node.result(node.operand(0)); }

/// At inference the data pass unchanged; the mask is all ones.
static LogicalResult importDropout(NodeBinder &node) {
  node.ignoreAttrs({"ratio", "seed"});
  if (Value training = node.optionalOperand(2)) {
    auto value = nn::getConstantInts(training);
    if (!value || value->size() != 1 || value->front())
      return node.reject("training mode is not supported");
  }
  Value input = node.operand(0);
  if (failed(node.result(input)) || !node.wantsResult(1))
    return node.failed() ? failure() : success();
  RankedTensorType type = NodeBinder::getType(input);
  if (!type.hasStaticShape())
    return node.reject("the mask of a shape that is not known at compile time is not supported");
  Builder &builder = node.getBuilder();
  // Before opset 10 the mask has the data's type.
  Type element = node.getOpset() < 10 ? type.getElementType() : builder.getI1Type();
  Attribute one = isa<FloatType>(element) ? Attribute(builder.getFloatAttr(element, 1.0))
                                          : Attribute(builder.getIntegerAttr(element, 1));
  return node.result(arith::ConstantOp::create(node.getBuilder(), node.getLoc(),
                                               DenseElementsAttr::get(type.clone(element), one)));
}

static const OpEntry table[] = {
    {"Constant", 1, importConstant},
    {"Dropout", 7, importDropout},
    {"Identity", 1, importIdentity},
};

ArrayRef<OpEntry> getStructuralOps() { return table; }

} // namespace nnc::onnx
