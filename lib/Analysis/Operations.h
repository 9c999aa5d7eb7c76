// How much arithmetic a kernel or loop nest does besides multiply-adds.
#ifndef LIB_ANALYSIS_OPERATIONS_H
#define LIB_ANALYSIS_OPERATIONS_H

#include "mlir/IR/Operation.h"

#include <optional>

namespace nnc {

/// Operations on elements in one run of `op` (of the Kernel dialect or linalg, on tensors), multiply-adds of matrix
/// products and convolutions not counted. Division and square root count as 8, exp and other functions as 20: about the
/// instructions that they take. nullopt where an extent is known only at run time.
std::optional<int64_t> countOperations(mlir::Operation *op);

} // namespace nnc

#endif // LIB_ANALYSIS_OPERATIONS_H
