// The leading dimensions of products, which count as one loop.
#ifndef LIB_CONVERSION_KERNELTOVECTOR_BATCHES_H
#define LIB_CONVERSION_KERNELTOVECTOR_BATCHES_H

#include "mlir/IR/Builders.h"

namespace nnc {

/// The product of all extents of `memref`, [B..., rows, columns], but the last two.
mlir::OpFoldResult getBatchCount(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref);

/// The leading indices of matrix `linear` of `memref`, [B..., rows, columns].
llvm::SmallVector<mlir::Value> getBatch(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref,
                                        mlir::OpFoldResult linear);

/// Those of an operand of the product `target`, which has `batch`: 0 where its extent is 1, at run time too.
llvm::SmallVector<mlir::Value> getOperandBatch(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value operand,
                                               mlir::Value target, llvm::ArrayRef<mlir::Value> batch);

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_BATCHES_H
