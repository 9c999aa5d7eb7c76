// How much arithmetic a model is: the usual measure of a network's size.
#ifndef LIB_ANALYSIS_MULTIPLYADDS_H
#define LIB_ANALYSIS_MULTIPLYADDS_H

#include "mlir/IR/BuiltinOps.h"

namespace nnc {

/// Multiply-adds of one run of the matrix products and convolutions in `module`; taps that fall on padding count.
/// 0 where an extent is known only at run time.
int64_t countMultiplyAdds(mlir::ModuleOp module);

} // namespace nnc

#endif // LIB_ANALYSIS_MULTIPLYADDS_H
