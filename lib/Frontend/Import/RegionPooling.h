// Pooling of regions of images whose extents data decide (ROI pooling of Fast R-CNN, Girshick 2015, and R-FCN).
#ifndef LIB_FRONTEND_IMPORT_REGIONPOOLING_H
#define LIB_FRONTEND_IMPORT_REGIONPOOLING_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::frontend {

/// The bins of a region along one axis of the image, as floats (1, bins): the first element and the one behind the
/// last, both within the image's extent (1).
struct Bins {
  Expression begin, end;
  int64_t count;
  Expression extent;

  static Bins clamp(Expression begin, Expression end, int64_t count, Expression extent);
};

/// What is pooled: the image with its channels last, and the indices of the bins' elements before row and column.
struct RegionPool {
  Expression image;                      ///< (images, channels' bins..., H, W, channels)
  llvm::SmallVector<Expression> leading; ///< each broadcasts to (1, rows, columns)
  Bins rows, columns;
  bool isMax; ///< else means
};

/// Halves away from zero, as C rounds.
Expression roundAway(Expression x);

/// Of Fast R-CNN: the bins of a region from element `first` to `last`, floats (1, 1) that are whole, rounded to whole
/// elements around them.
Bins divideRegion(NodeBuilder &node, Expression first, Expression last, int64_t count, Expression extent);

/// Pools one of `regions` (R, columns) after the other, each (1, columns), as `describe` says of it, 0 where a bin has
/// no elements: (R, channels, rows, columns). Null where the node is rejected.
Expression poolRegions(NodeBuilder &node, Expression regions, llvm::function_ref<RegionPool(Expression)> describe);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_REGIONPOOLING_H
