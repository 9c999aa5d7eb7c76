// What an operator requires of values that only a run knows.
#ifndef LIB_FRONTEND_ONNX_RUNTIMECHECKS_H
#define LIB_FRONTEND_ONNX_RUNTIMECHECKS_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::onnx {

/// `x`; a run ends with an error where `condition` (one boolean, made of extents and of values of inputs) does not
/// hold. Rejects the node where it is known not to.
mlir::Value require(frontend::NodeBuilder &node, mlir::Value x, frontend::Expression condition);

/// A run ends with an error, after all that it writes, where `condition` (one boolean) does not hold. Data may decide
/// it, in a branch or a loop too.
void requireOfData(frontend::NodeBuilder &node, frontend::Expression condition, llvm::StringRef requirement);

/// The list `values` (1-D) with `length` elements, which a run ends with an error without. An input of the model whose
/// extent has no name is given that extent.
mlir::Value fixLength(frontend::NodeBuilder &node, mlir::Value values, int64_t length);

/// `x` with the extent `extent`, not 0, along `axis`, which a run ends with an error without.
mlir::Value fixExtent(frontend::NodeBuilder &node, mlir::Value x, int64_t axis, int64_t extent);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_RUNTIMECHECKS_H
