// What rounding a model's weights does to its outputs.
#ifndef LIB_DRIVER_MEASUREPRECISION_H
#define LIB_DRIVER_MEASUREPRECISION_H

#include "lib/Driver/RandomRuns.h"

#include "llvm/ADT/ArrayRef.h"

namespace nnc {

/// Compiles the model of `options` twice into temporary libraries, with f32 weights and with `options.precision`, runs
/// both on the same random inputs (run-time extents are 32), and compares the outputs, of these names. Where this
/// machine cannot run the code (not `runsHere`), or the model fails, the result says why nothing was measured.
PrecisionFacts measurePrecision(const CompileOptions &options, bool runsHere, llvm::ArrayRef<std::string> outputs,
                                CompileFunction compile);

} // namespace nnc

#endif // LIB_DRIVER_MEASUREPRECISION_H
