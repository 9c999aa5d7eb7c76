// The end of a reduction: accumulators of several widths become one value.
#ifndef LIB_CODEGEN_ACCUMULATORS_H
#define LIB_CODEGEN_ACCUMULATORS_H

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace nnc {

/// Combines two values of the same type, scalars or vectors.
using CombineFunction = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Value, mlir::Value)>;

/// One scalar of all `accumulators`: vectors whose widths are powers of two and do not grow, and scalars. Wide ones are
/// halved until they are as narrow as the next, so that remainders cost one combination each. `kind` is what `combine`
/// does, as far as LLVM reduces it well.
mlir::Value combineAccumulators(mlir::OpBuilder &builder, mlir::Location loc,
                                llvm::SmallVector<mlir::Value> accumulators, CombineFunction combine,
                                mlir::vector::CombiningKind kind);

} // namespace nnc

#endif // LIB_CODEGEN_ACCUMULATORS_H
