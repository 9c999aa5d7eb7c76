// Operators that are put together from several operations compute in f32 where
// their elements are f16 or bf16: what lies between would be rounded, or overflow.
#ifndef LIB_FRONTEND_ONNX_PRECISION_H
#define LIB_FRONTEND_ONNX_PRECISION_H

#include "lib/Frontend/ONNX/NodeBinder.h"

#include "mlir/IR/TypeUtilities.h"

namespace nnc::onnx {

/// `x` with elements of the type `element`.
inline mlir::Value castTo(NodeBinder &node, mlir::Value x, mlir::Type element) {
  return !x || mlir::getElementTypeOrSelf(x) == element ? x : node.create<nn::CastOp>(x, element);
}

/// `x` in f32 where it is of half precision.
inline mlir::Value widenHalf(NodeBinder &node, mlir::Value x) {
  if (!x || !llvm::isa<mlir::Float16Type, mlir::BFloat16Type>(mlir::getElementTypeOrSelf(x)))
    return x;
  return castTo(node, x, node.getBuilder().getF32Type());
}

/// An import function that computes in f32 where the operands are of f16. bf16 has the range of f32, and CPUs multiply
/// pairs of it.
template <llvm::LogicalResult (*import)(NodeBinder &)> llvm::LogicalResult importWide(NodeBinder &node) {
  node.widenHalf();
  return import(node);
}

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_PRECISION_H
