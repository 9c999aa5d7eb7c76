// Whether two extents that are not known before run time are the same.
#ifndef DIALECTS_NN_EXTENTTRACING_H
#define DIALECTS_NN_EXTENTTRACING_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"

namespace nnc::nn {

/// Traces many extents of operations that do not change in between: each is traced once.
class ExtentOrigins {
public:
  /// As haveSameExtent.
  bool haveSame(mlir::Value value, int64_t axis, mlir::Value other, int64_t otherAxis);
  /// As traceExtent.
  std::pair<mlir::Value, int64_t> trace(mlir::Value value, int64_t axis);

private:
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, std::pair<mlir::Value, int64_t>> origins;
};

/// True where extent `axis` of `value` provably equals extent `otherAxis` of
/// `other`: both static and equal, or both traced to one extent of one value, or
/// to function arguments that name it with one symbol (`nn.symbols`).
bool haveSameExtent(mlir::Value value, int64_t axis, mlir::Value other, int64_t otherAxis);

/// Whether `value` is made in the region, or in one inside; either may be part of no operation yet.
bool isInside(mlir::Value value, mlir::Region &region);

/// Where extent `axis` of `value` comes from, as far as can be seen: an extent of
/// another value, with that axis.
std::pair<mlir::Value, int64_t> traceExtent(mlir::Value value, int64_t axis);

} // namespace nnc::nn

#endif // DIALECTS_NN_EXTENTTRACING_H
