// Permutations of tensor types.
#ifndef LIB_TRANSFORMS_PERMUTATION_H
#define LIB_TRANSFORMS_PERMUTATION_H

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nnc {

/// `type` with axis i taken from axis `permutation[i]`, as nn.transpose does.
inline mlir::RankedTensorType permuteType(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> permutation) {
  return type.clone(mlir::applyPermutation(type.getShape(), permutation));
}

} // namespace nnc

#endif // LIB_TRANSFORMS_PERMUTATION_H
