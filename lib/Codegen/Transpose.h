// Transposes squares of elements in registers.
#ifndef LIB_CODEGEN_TRANSPOSE_H
#define LIB_CODEGEN_TRANSPOSE_H

#include "mlir/IR/Builders.h"

namespace nnc {

/// `rows`, as many vectors as each has lanes (a power of two), transposed.
llvm::SmallVector<mlir::Value> transposeSquare(mlir::OpBuilder &builder, mlir::Location loc,
                                               llvm::ArrayRef<mlir::Value> rows);

} // namespace nnc

#endif // LIB_CODEGEN_TRANSPOSE_H
