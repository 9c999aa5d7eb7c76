// Arithmetic of single numbers of which sizes are made: integers as index values, floats as they are.
#ifndef LIB_CONVERSION_NNTOLINALG_ENTRYARITHMETIC_H
#define LIB_CONVERSION_NNTOLINALG_ENTRYARITHMETIC_H

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace nnc {

/// The predicate for signed integers.
mlir::arith::CmpIPredicate getPredicate(nn::ComparePredicate predicate);

/// The quotient, toward zero; any number where there is none.
mlir::Value divide(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs, mlir::Value rhs);

/// The remainder, with the sign of the divisor or, with `ofDividend`, of the dividend.
mlir::Value getRemainder(mlir::ImplicitLocOpBuilder &builder, mlir::Value lhs, mlir::Value rhs, bool ofDividend);

/// The smaller or larger of two numbers; of floats NaN where one is.
mlir::Value chooseExtreme(mlir::ImplicitLocOpBuilder &builder, bool isLess, mlir::Value lhs, mlir::Value rhs);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_ENTRYARITHMETIC_H
