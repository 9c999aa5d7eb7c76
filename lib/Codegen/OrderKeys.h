// Integers that are ordered as the elements of rows are.
#ifndef LIB_CODEGEN_ORDERKEYS_H
#define LIB_CODEGEN_ORDERKEYS_H

#include "mlir/IR/Builders.h"

namespace nnc {

/// Integers, as wide as `floats`, that are ordered as these are: NaN is above all numbers, -0 is 0.
mlir::Value createRanks(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value floats);

/// Floats of `type` whose ranks are `ranks`; of zeros, +0.
mlir::Value createFloatsOfRanks(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value ranks, mlir::Type type);

/// Keys (i64, signed) of elements of up to 32 bits, scalars or vectors, at `position` (index): the element's rank, in
/// descending order or `ascending`, above 32 bits of the position. NaN is above all numbers, -0 is 0.
mlir::Value createOrderKeys(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value elements, mlir::Value position,
                            bool ascending, bool isUnsigned);

} // namespace nnc

#endif // LIB_CODEGEN_ORDERKEYS_H
