// Rebuilds the computation of a buffer's or output's extent from the extents of
// a function's arguments, at another place.
#ifndef LIB_TRANSFORMS_SIZEEXPRESSIONS_H
#define LIB_TRANSFORMS_SIZEEXPRESSIONS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

#include <functional>

namespace nnc {

/// Copies index arithmetic. Its leaves are constants and the extents of
/// arguments; anything else depends on data and is an error at the operation.
class SizeExpressions {
public:
  /// Gives the extent `dim` of `argument` at the new place, or null where it is not known there.
  using ArgumentExtent = std::function<mlir::Value(mlir::OpBuilder &, mlir::BlockArgument argument, int64_t dim)>;

  SizeExpressions(mlir::func::FuncOp function, ArgumentExtent argumentExtent)
      : function(function), argumentExtent(std::move(argumentExtent)) {}

  /// The value of `size` at the builder's insertion point.
  llvm::FailureOr<mlir::Value> rebuild(mlir::Value size, mlir::OpBuilder &builder);

  /// The extent `dim` of the shaped value `shaped` at the builder's insertion point.
  llvm::FailureOr<mlir::Value> rebuildExtent(mlir::Value shaped, int64_t dim, mlir::OpBuilder &builder);

private:
  /// As rebuild, converted to `index`.
  llvm::FailureOr<mlir::Value> rebuildIndex(mlir::Value size, mlir::OpBuilder &builder);
  /// rebuildExtent of a dynamic extent that `result`'s operation computes.
  llvm::FailureOr<mlir::Value> rebuildResultExtent(mlir::OpResult result, int64_t dim, mlir::OpBuilder &builder);
  llvm::FailureOr<mlir::Value> rebuildOperation(mlir::Operation *op, mlir::Value size, mlir::OpBuilder &builder);

  mlir::func::FuncOp function;
  ArgumentExtent argumentExtent;
  llvm::DenseMap<mlir::Value, mlir::Value> known;
};

} // namespace nnc

#endif // LIB_TRANSFORMS_SIZEEXPRESSIONS_H
