// The conditions that operations set on run-time extents: relations, and what
// families of operations have in common.
#ifndef LIB_CONVERSION_NNTOLINALG_REQUIREMENTBUILDER_H
#define LIB_CONVERSION_NNTOLINALG_REQUIREMENTBUILDER_H

#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "dialects/NN/NN.h"
#include "dialects/NN/Window.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace nnc {

/// Builds the requirements of one operation.
class RequirementBuilder {
public:
  RequirementBuilder(mlir::Operation *op, nn::ExtentOrigins &origins)
      : op(op), origins(origins), builder(op->getLoc(), op) {}

  //===--- Relations; `what` says what the operation needs ---===//

  void requireRelation(mlir::arith::CmpIPredicate predicate, nn::Extent a, nn::Extent b, llvm::StringRef what);
  void requireEqual(nn::Extent a, nn::Extent b, llvm::StringRef what) {
    requireRelation(mlir::arith::CmpIPredicate::eq, a, b, what);
  }
  void requireAtMost(nn::Extent a, nn::Extent b, llvm::StringRef what) {
    requireRelation(mlir::arith::CmpIPredicate::sle, a, b, what);
  }
  void requireConstant(nn::Extent extent, int64_t constant, llvm::StringRef what);
  void requireAtLeast(mlir::Value a, int64_t least, llvm::StringRef what) {
    add(compare(mlir::arith::CmpIPredicate::sge, a, getIndex(builder, least)), what);
  }
  void requireElements(nn::Extent extent, mlir::Value picked = {});
  /// The same of rows along `axis`: it has elements, or there are no rows.
  void requireElementsAlong(mlir::Value input, int64_t axis);
  void requireBroadcast(mlir::ValueRange operands, int64_t skipLast = 0);
  void requireBroadcastTo(mlir::Value target, mlir::ValueRange parameters);
  void requireChannels(mlir::Value input, nn::Layout layout, mlir::ValueRange parameters);
  void requireWindow(nn::Extent extent, const nn::Window &window);
  void requireEntry(mlir::Value shape, int64_t i, llvm::StringRef what);
  /// What is made of values of inputs is, other than extents, not below 2^31 by itself.
  void requireSmall(mlir::Value entry);
  void requireScale(mlir::Value scale, nn::Extent extent);

  //===--- Families ---===//

  void ofMatmul(mlir::Value lhs, int64_t lhsAxis, mlir::Value rhs, int64_t rhsAxis);
  int64_t ofChannels(mlir::Value input, nn::Layout layout, int64_t channels, mlir::Value bias, int64_t filters);
  template <typename OpTy> void ofConv(OpTy op);
  void ofConvTranspose(nn::ConvTransposeOp op);
  template <typename OpTy> void ofPool(OpTy op);
  void ofReshape(nn::ReshapeOp op);
  void ofConcat(nn::ConcatOp op);
  void ofPad(nn::PadOp op);
  void ofBroadcastTo(nn::BroadcastToOp op);
  void ofBlocks(mlir::Value input, int64_t block, nn::Layout layout, bool grow);
  void ofIndicesBeside(mlir::Value indices, mlir::Value data, int64_t axis);
  void ofGatherND(nn::GatherNDOp op);
  void ofScatterElements(nn::ScatterElementsOp op);
  void ofScatterND(nn::ScatterNDOp op);
  void ofTopK(nn::TopKOp op);
  void ofResize(nn::ResizeOp op);
  void ofCarried(nn::LoopOp loop, nn::YieldOp yield);
  template <typename OpTy> void ofRecurrent(OpTy op, int64_t gates);

private:
  void add(mlir::Value condition, llvm::StringRef what) {
    require(builder, condition, op->getName().getStringRef() + ": " + what);
  }
  /// Where it comes from: nothing between there and here has to be looked through again.
  mlir::Value get(nn::Extent extent) {
    auto [origin, axis] = origins.trace(extent.value, extent.axis);
    return getExtent(builder, builder.getLoc(), origin, axis);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a, mlir::Value b) {
    return builder.createOrFold<mlir::arith::CmpIOp>(predicate, a, b);
  }
  mlir::Value isEqual(mlir::Value a, mlir::Value b) { return compare(mlir::arith::CmpIPredicate::eq, a, b); }
  mlir::Value isOne(mlir::Value a) { return isEqual(a, getIndex(builder, 1)); }
  mlir::Value either(mlir::Value a, mlir::Value b) { return builder.createOrFold<mlir::arith::OrIOp>(a, b); }

  mlir::Operation *op;
  nn::ExtentOrigins &origins;
  mlir::ImplicitLocOpBuilder builder;
};

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_REQUIREMENTBUILDER_H
