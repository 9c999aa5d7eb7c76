// The matrices of Winograd's minimal filtering F(m, r) of m outputs by r taps, in one dimension: m + r - 1 is 4 or 6, or
// both are 1. The points are 0, 1, -1, (2, -2) and infinity. And code that multiplies by them.
#ifndef LIB_CONVERSION_KERNELTOVECTOR_WINOGRADTRANSFORM_H
#define LIB_CONVERSION_KERNELTOVECTOR_WINOGRADTRANSFORM_H

#include "mlir/IR/Builders.h"

namespace nnc {

/// Rows of small numbers.
using TransformMatrix = llvm::SmallVector<llvm::SmallVector<double, 6>, 6>;

/// B^T, (m + r - 1) x (m + r - 1): of the input.
TransformMatrix getInputTransform(int64_t tile, int64_t window);
/// G, (m + r - 1) x r: of the filter.
TransformMatrix getFilterTransform(int64_t tile, int64_t window);
/// A^T, m x (m + r - 1): of the products.
TransformMatrix getOutputTransform(int64_t tile, int64_t window);

/// Emits matrices times matrices of scalars or vectors of floats.
class TransformEmitter {
public:
  TransformEmitter(mlir::OpBuilder &builder, mlir::Location loc, bool fma) : builder(builder), loc(loc), fma(fma) {}

  /// matrix * values.
  llvm::SmallVector<mlir::Value> multiply(const TransformMatrix &matrix, llvm::ArrayRef<mlir::Value> values);
  /// left * values * right^T; `values` and the result are row-major.
  llvm::SmallVector<mlir::Value> multiplyBothSides(const TransformMatrix &left, const TransformMatrix &right,
                                                   llvm::ArrayRef<mlir::Value> values);

private:
  mlir::Value sum(llvm::ArrayRef<double> factors, llvm::ArrayRef<mlir::Value> values);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  bool fma;
};

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_WINOGRADTRANSFORM_H
