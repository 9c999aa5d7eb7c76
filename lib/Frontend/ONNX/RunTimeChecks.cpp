// A reshape is what checks: it gives the tensor a first axis of one element, or of
// an extent that no tensor has. What data decide is an assertion.
#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include "dialects/NN/ConstantFolding.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr int64_t impossible = -2;

Value require(frontend::NodeBuilder &node, Value x, Expression condition) {
  if (!x || node.failed())
    return x;
  if (auto known = nn::getConstantInts(condition); known && known->size() == 1) {
    if (!known->front())
      (void)node.reject("its operands do not fit each other");
    return x;
  }
  Expression checked(node, x);
  Expression first = condition.reshape({1}).choose(Expression::ints(node, {1}), Expression::ints(node, {impossible}));
  Expression shape = Expression::concat(node, {first, checked.shape()}, 0);
  Expression longer(node, node.create<nn::ReshapeOp>(checked, shape, /*allow_zero=*/true));
  return longer.squeeze({0});
}

void requireOfData(frontend::NodeBuilder &node, Expression condition, StringRef requirement) {
  if (node.failed())
    return;
  auto known = nn::getConstantInts(condition);
  if (known && known->size() == 1 && known->front())
    return; // where it never holds, a branch may not be taken
  condition = condition.getRank() ? condition.reshape(ArrayRef<int64_t>{}) : condition;
  if (node.failed())
    return;
  OpBuilder &builder = node.getBuilder();
  Value holds = tensor::ExtractOp::create(builder, node.getLoc(), condition, ValueRange());
  cf::AssertOp::create(builder, node.getLoc(), holds, requirement);
}

/// Gives an argument of the model of one unnamed extent that nothing reads yet the extent `length`.
static bool refineInput(Value values, int64_t length) {
  auto argument = dyn_cast<BlockArgument>(values);
  auto main = argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  if (!main || !argument.use_empty())
    return false;
  auto symbols = main.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "nn.symbols");
  if (!symbols || symbols.size() != 1 || !cast<StringAttr>(symbols[0]).empty())
    return false;
  argument.setType(cast<RankedTensorType>(argument.getType()).clone({length}));
  main.setFunctionType(FunctionType::get(main.getContext(), main.getBody().front().getArgumentTypes(),
                                         main.getFunctionType().getResults()));
  return true;
}

Value fixLength(frontend::NodeBuilder &node, Value values, int64_t length) {
  if (!values || node.failed() || node.getRank(values) != 1 || !node.getType(values).isDynamicDim(0) ||
      refineInput(values, length))
    return values;
  return node.create<nn::ReshapeOp>(values, node.ints({length}), /*allow_zero=*/true);
}

Value fixExtent(frontend::NodeBuilder &node, Value x, int64_t axis, int64_t extent) {
  SmallVector<int64_t> shape(node.getRank(x), 0); // 0 keeps an extent
  shape[axis] = extent;
  return node.create<nn::ReshapeOp>(x, node.ints(shape), /*allow_zero=*/false);
}

} // namespace nnc::onnx
