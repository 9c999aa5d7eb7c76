// Guesses extents that are known at run time only, for choices between algorithms.
#ifndef LIB_TRANSFORMS_LIKELYEXTENTS_H
#define LIB_TRANSFORMS_LIKELYEXTENTS_H

#include "lib/Transforms/SizeExpressions.h"

namespace nnc {

/// Records on `main` which square images its LikelyExtents are of: of those for which `fits`, a function that
/// createExtentFunction made of it, returns true the nearest to 224x224. Records nothing where there is none.
void recordLikelyExtent(mlir::func::FuncOp main, mlir::func::FuncOp fits);

/// The extents in a function, on tensors or buffers, for one usual input: an image of 224x224, as ImageNet's classifiers
/// and many detectors take it, or the size that recordLikelyExtent found. The function has a body.
class LikelyExtents {
public:
  explicit LikelyExtents(mlir::func::FuncOp function);

  /// The extent `dim` of `shaped`; nullopt where it depends on data. Leaves constants that nothing uses.
  std::optional<int64_t> get(mlir::Value shaped, int64_t dim);

private:
  mlir::OpBuilder builder;
  SizeExpressions sizes;
};

} // namespace nnc

#endif // LIB_TRANSFORMS_LIKELYEXTENTS_H
