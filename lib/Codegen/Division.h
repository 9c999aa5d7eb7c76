// Division of vectors of integers, for which CPUs have no instruction.
#ifndef LIB_CODEGEN_DIVISION_H
#define LIB_CODEGEN_DIVISION_H

#include "mlir/IR/Builders.h"

namespace nnc {

/// The quotients of vectors of integers, toward zero, or with `remainder` what is left: exact, by way of floats. Null where
/// one division after the other is better. Of a divisor of 0 the result is some value, and so is the quotient of the least
/// integer by -1; its remainder is 0.
mlir::Value divideThroughFloats(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value dividend, mlir::Value divisor,
                                bool isUnsigned, bool remainder);

} // namespace nnc

#endif // LIB_CODEGEN_DIVISION_H
