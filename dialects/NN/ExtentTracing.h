// Whether two extents that are not known before run time are the same.
#ifndef DIALECTS_NN_EXTENTTRACING_H
#define DIALECTS_NN_EXTENTTRACING_H

#include "mlir/IR/Value.h"

namespace nnc::nn {

/// True where extent `axis` of `value` provably equals extent `otherAxis` of
/// `other`: both static and equal, or both traced to one extent of one value, or
/// to function arguments that name it with one symbol (`nn.symbols`).
bool haveSameExtent(mlir::Value value, int64_t axis, mlir::Value other, int64_t otherAxis);

} // namespace nnc::nn

#endif // DIALECTS_NN_EXTENTTRACING_H
