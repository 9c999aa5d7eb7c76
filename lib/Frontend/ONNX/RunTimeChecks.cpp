// A reshape is what checks: it gives the tensor a first axis of one element, or of
// an extent that no tensor has.
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr int64_t impossible = -2;

Value require(frontend::NodeBuilder &node, Value x, Expression condition) {
  if (!x || node.failed())
    return x;
  Expression checked(node, x);
  Expression first = condition.reshape({1}).choose(Expression::ints(node, {1}), Expression::ints(node, {impossible}));
  Expression shape = Expression::concat(node, {first, checked.shape()}, 0);
  Expression longer(node, node.create<nn::ReshapeOp>(checked, shape, /*allow_zero=*/true));
  return longer.squeeze({0});
}

} // namespace nnc::onnx
