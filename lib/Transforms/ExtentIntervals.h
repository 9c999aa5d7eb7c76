// What index arithmetic makes of extents that are known between two values only.
#ifndef LIB_TRANSFORMS_EXTENTINTERVALS_H
#define LIB_TRANSFORMS_EXTENTINTERVALS_H

#include "mlir/IR/Builders.h"

namespace nnc {

/// A number that is not below `lower` nor above `upper`, values of one type; the same value twice where it is known.
struct ExtentInterval {
  mlir::Value lower, upper;

  ExtentInterval() = default;
  ExtentInterval(mlir::Value known) : lower(known), upper(known) {} // NOLINT: a known value is an interval
  ExtentInterval(mlir::Value lower, mlir::Value upper) : lower(lower), upper(upper) {}
  bool isExact() const { return lower == upper; }
};

/// The interval of `op`'s result at the builder's insertion point, where its operands are in `operands`, not all of
/// them known; an error at `op` where nothing bounds it. Sums, differences, products, quotients by a known divisor,
/// minima, maxima and casts have rules.
llvm::FailureOr<ExtentInterval> buildInterval(mlir::Operation *op, llvm::ArrayRef<ExtentInterval> operands,
                                              mlir::OpBuilder &builder);

/// The product of two ends that are not negative; of numbers too large for their type, some large number.
mlir::Value multiplySaturated(mlir::Location loc, mlir::Value a, mlir::Value b, mlir::OpBuilder &builder);

/// The smallest interval around both.
ExtentInterval buildHull(mlir::Location loc, ExtentInterval a, ExtentInterval b, mlir::OpBuilder &builder);

} // namespace nnc

#endif // LIB_TRANSFORMS_EXTENTINTERVALS_H
