// Rewrites of @main that make a better ONNX file of the same network.
#include "lib/Export/ONNX/Preparation.h"

#include "dialects/NN/ConstantFolding.h"
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <limits>

using namespace mlir;

namespace nnc::onnx_export {

static void removeUnused(func::FuncOp main) {
  main.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}

/// A scale or zero point of a tensor whose axes are permuted; null where it is no constant, or has several axes.
static Value permuteParameter(OpBuilder &builder, Value parameter, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(parameter.getType());
  DenseElementsAttr dense = nn::getDenseConstant(parameter, std::numeric_limits<int64_t>::max());
  if (!dense || llvm::count_if(type.getShape(), [](int64_t extent) { return extent != 1; }) > 1)
    return {};
  if (type.getNumElements() == 1)
    return parameter;
  SmallVector<int64_t> shape(permutation.size() - type.getRank(), 1), permuted;
  llvm::append_range(shape, type.getShape());
  for (int64_t axis : permutation)
    permuted.push_back(shape[axis]);
  auto reshaped = cast<TypedAttr>(dense.reshape(RankedTensorType::get(permuted, type.getElementType())));
  return arith::ConstantOp::create(builder, parameter.getLoc(), reshaped);
}

static void transposeFirst(nn::TransposeOp transpose) {
  auto dequantize = transpose.getInput().getDefiningOp<nn::DequantizeOp>();
  ElementsAttr weights;
  if (!dequantize || !matchPattern(dequantize.getInput(), m_Constant(&weights)))
    return;
  OpBuilder builder(transpose);
  ArrayRef<int64_t> permutation = transpose.getPermutation();
  Value scale = permuteParameter(builder, dequantize.getScale(), permutation), zeroPoint;
  if (dequantize.getZeroPoint())
    zeroPoint = permuteParameter(builder, dequantize.getZeroPoint(), permutation);
  if (!scale || (dequantize.getZeroPoint() && !zeroPoint))
    return;
  auto type = cast<RankedTensorType>(transpose.getType());
  Value moved = nn::TransposeOp::create(builder, dequantize.getInput().getLoc(),
                                        type.clone(weights.getElementType()), dequantize.getInput(), permutation);
  Value floats =
      nn::DequantizeOp::create(builder, transpose.getLoc(), type, moved, scale, zeroPoint, dequantize.getToAttr());
  transpose.getResult().replaceAllUsesWith(floats);
}

void prepare(func::FuncOp main) {
  main.walk([](nn::TransposeOp transpose) { transposeFirst(transpose); });
  removeUnused(main);
}

} // namespace nnc::onnx_export
