// Which axes are interpolated along memory, and which one first: samples along memory are gathered, other rows are read as they are.
#ifndef LIB_CONVERSION_NNTOLINALG_RESAMPLINGORDER_H
#define LIB_CONVERSION_NNTOLINALG_RESAMPLINGORDER_H

#include "mlir/IR/BuiltinTypes.h"

namespace nnc {

/// Which axes of `input` come last while `axes` are interpolated between `taps` samples: channels and images that are as many as
/// a vector has lanes, so that neighbours in memory have the same weights. Empty where that is not worth two transpositions.
llvm::SmallVector<int64_t> chooseLastAxes(llvm::ArrayRef<int64_t> axes, mlir::RankedTensorType input, mlir::RankedTensorType result,
                                          int64_t taps, int64_t cacheBytes);

/// Whether there is less to gather where the last axis is interpolated first.
bool isShorterFirst(mlir::RankedTensorType input, mlir::RankedTensorType result);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_RESAMPLINGORDER_H
