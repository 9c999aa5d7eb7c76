// Conversions of half precision by integer arithmetic.
#ifndef LIB_TRANSFORMS_EXPANDHALF_H
#define LIB_TRANSFORMS_EXPANDHALF_H

#include "mlir/IR/PatternMatch.h"

namespace nnc {

/// Adds the expansions of arith.extf from f16, and of arith.truncf from f32 to f16 (to nearest, ties to even; subnormal
/// numbers, infinities and NaN included), on scalars and vectors: for CPUs without such instructions, where LLVM would
/// call functions of the C compiler's runtime for each element.
void populateExpandHalfPatterns(mlir::RewritePatternSet &patterns);

/// bf16 to f64 as integer arithmetic, as MLIR has it for bf16 to f32.
void populateExtendBF16Patterns(mlir::RewritePatternSet &patterns);

} // namespace nnc

#endif // LIB_TRANSFORMS_EXPANDHALF_H
