// Rebuilds the computation of a buffer's or output's extent from the extents of
// a function's arguments, at another place.
#ifndef LIB_TRANSFORMS_SIZEEXPRESSIONS_H
#define LIB_TRANSFORMS_SIZEEXPRESSIONS_H

#include "lib/Transforms/ExtentIntervals.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"

#include <functional>

namespace nnc {

/// What a branch gives that has no place yet, of extents that only the branch tells: it yields a copy of it. Null of
/// anything else.
mlir::Value getUnplaced(mlir::Value yielded);

/// Whether result `number` has no place yet.
bool isUnplaced(mlir::scf::IfOp branch, unsigned number);

/// Copies index arithmetic. Its leaves are constants, the extents of arguments,
/// elements of arguments, where the caller knows them, and kernel.bounded, of which only the bound is known before the
/// run; anything else depends on data and is an error at the operation.
class SizeExpressions {
public:
  /// Gives the extent `dim` of `argument` at the new place, or null where it is not known there.
  using ArgumentExtent = std::function<mlir::Value(mlir::OpBuilder &, mlir::BlockArgument argument, int64_t dim)>;

  /// Gives element `position` of `argument` at the new place, or null where it is not known there.
  using ArgumentElement = std::function<mlir::Value(mlir::OpBuilder &, mlir::BlockArgument argument, int64_t position)>;

  SizeExpressions(mlir::func::FuncOp function, ArgumentExtent argumentExtent, ArgumentElement argumentElement)
      : function(function), argumentExtent(std::move(argumentExtent)), argumentElement(std::move(argumentElement)) {}

  /// What is known of `size` at the builder's insertion point.
  llvm::FailureOr<ExtentInterval> rebuild(mlir::Value size, mlir::OpBuilder &builder);

  /// What is known of the extent `dim` of the shaped value `shaped` at the builder's insertion point.
  llvm::FailureOr<ExtentInterval> rebuildExtent(mlir::Value shaped, int64_t dim, mlir::OpBuilder &builder);

  /// `value` where it does not depend on data; null, without a diagnostic, where it does.
  mlir::Value rebuildQuietly(mlir::Value value, mlir::OpBuilder &builder);

  /// The extent `dim` of `shaped` where it does not depend on data; null, without a diagnostic, where it does.
  mlir::Value rebuildExtentQuietly(mlir::Value shaped, int64_t dim, mlir::OpBuilder &builder);

private:
  mlir::Value takeQuietly(llvm::function_ref<llvm::FailureOr<ExtentInterval>()> rebuild, mlir::MLIRContext *context);
  /// As rebuild, converted to `index`.
  llvm::FailureOr<ExtentInterval> rebuildIndex(mlir::Value size, mlir::OpBuilder &builder);
  /// rebuildExtent of a dynamic extent that `result`'s operation computes.
  llvm::FailureOr<ExtentInterval> rebuildResultExtent(mlir::OpResult result, int64_t dim, mlir::OpBuilder &builder);
  llvm::FailureOr<ExtentInterval> rebuildOperation(mlir::Operation *op, mlir::Value size, mlir::OpBuilder &builder);
  /// Of a choice whose condition depends on data.
  llvm::FailureOr<ExtentInterval> rebuildChoice(mlir::Operation *op, mlir::OpBuilder &builder);
  /// Of a quotient whose divisor depends on data, but divides what the dividend is a product of; null where it does
  /// not.
  llvm::FailureOr<ExtentInterval> rebuildCancelled(mlir::Operation *op, mlir::OpBuilder &builder);
  /// The product of the source's extents that `group` merges into one.
  llvm::FailureOr<ExtentInterval> rebuildMergedExtent(mlir::Value source, llvm::ArrayRef<int64_t> group,
                                                      mlir::OpBuilder &builder);

  mlir::func::FuncOp function;
  ArgumentExtent argumentExtent;
  ArgumentElement argumentElement;
  llvm::DenseMap<mlir::Value, ExtentInterval> known;
  /// What could not be rebuilt. Only questions without diagnostics are answered with it, else each nested choice whose
  /// condition depends on data would double the work.
  llvm::DenseSet<mlir::Value> failing;
  bool isQuiet = false;
};

} // namespace nnc

#endif // LIB_TRANSFORMS_SIZEEXPRESSIONS_H
