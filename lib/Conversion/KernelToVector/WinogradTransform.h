// The matrices of Winograd's minimal filtering F(m x m, 3x3), m = 2 or 4, at the
// points 0, 1, -1, (2, -2) and infinity, and code that multiplies by them.
#ifndef LIB_CONVERSION_KERNELTOVECTOR_WINOGRADTRANSFORM_H
#define LIB_CONVERSION_KERNELTOVECTOR_WINOGRADTRANSFORM_H

#include "mlir/IR/Builders.h"

namespace nnc {

/// Rows of small numbers.
using TransformMatrix = llvm::SmallVector<llvm::SmallVector<double, 6>, 6>;

/// B^T, (m + 2) x (m + 2): of the input.
TransformMatrix getInputTransform(int64_t tile);
/// G, (m + 2) x 3: of the filter.
TransformMatrix getFilterTransform(int64_t tile);
/// A^T, m x (m + 2): of the products.
TransformMatrix getOutputTransform(int64_t tile);

/// Emits matrices times matrices of scalars or vectors of floats.
class TransformEmitter {
public:
  TransformEmitter(mlir::OpBuilder &builder, mlir::Location loc, bool fma) : builder(builder), loc(loc), fma(fma) {}

  /// matrix * values.
  llvm::SmallVector<mlir::Value> multiply(const TransformMatrix &matrix, llvm::ArrayRef<mlir::Value> values);
  /// matrix * values * matrix^T; `values` and the result are square, row-major.
  llvm::SmallVector<mlir::Value> multiplyBothSides(const TransformMatrix &matrix, llvm::ArrayRef<mlir::Value> values);

private:
  mlir::Value sum(llvm::ArrayRef<double> factors, llvm::ArrayRef<mlir::Value> values);

  mlir::OpBuilder &builder;
  mlir::Location loc;
  bool fma;
};

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_WINOGRADTRANSFORM_H
