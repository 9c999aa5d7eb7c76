// The NN dialect's broadcasts go both ways; a reshape to the target's shape makes
// one of them one-way: what broadcasts further has more elements.
#include "lib/Frontend/ONNX/OneWayBroadcast.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"

using namespace mlir;

namespace nnc::onnx {

Value keepShape(NodeBinder &node, Value result, Value target) {
  if (!result || !target || node.failed())
    return result;
  RankedTensorType type = getRanked(result), wanted = getRanked(target);
  bool isSame = type.getRank() == wanted.getRank(), fits = isSame;
  for (int64_t axis = 0; fits && axis < type.getRank(); ++axis) {
    bool isStatic = !type.isDynamicDim(axis) && !wanted.isDynamicDim(axis);
    fits = !isStatic || type.getDimSize(axis) == wanted.getDimSize(axis);
    isSame = isSame && nn::haveSameExtent(result, axis, target, axis);
  }
  if (!fits) {
    (void)node.reject("an operand does not fit the shape of another");
    return {};
  }
  if (isSame)
    return result;
  Value shape = node.create<nn::ShapeOp>(target, 0, wanted.getRank());
  return node.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/true);
}

} // namespace nnc::onnx
