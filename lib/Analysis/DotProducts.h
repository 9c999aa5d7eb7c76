// When products by a matrix whose rows, not columns, are contiguous take them as they are.
#ifndef LIB_ANALYSIS_DOTPRODUCTS_H
#define LIB_ANALYSIS_DOTPRODUCTS_H

#include "mlir/IR/BuiltinTypes.h"

#include <algorithm>

namespace nnc {

/// The most rows of each batch of `result`, [B..., M, N], that are multiplied by rows of `depth` elements without packing
/// these before: sums of few elements take longer to add up than to compute. Batches that share matrices, whose leading
/// extents are `matrices`, have rows in common, but the products of one row are never worth it.
inline int64_t getMostDotProducts(mlir::ShapedType result, llvm::ArrayRef<int64_t> matrices, int64_t depth) {
  constexpr int64_t deep = 64, mostDeep = 8, mostOthers = 4;
  int64_t sharing = 1;
  for (int64_t dim = result.getRank() - 3; dim >= 0 && matrices[dim] == 1; --dim)
    sharing *= result.isDynamicDim(dim) ? 1 : std::max<int64_t>(result.getDimSize(dim), 1);
  return std::max<int64_t>((depth >= deep ? mostDeep : mostOthers) / sharing, 1);
}

} // namespace nnc

#endif // LIB_ANALYSIS_DOTPRODUCTS_H
