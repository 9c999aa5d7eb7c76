// How long a run takes.
#ifndef TOOLS_NNC_RUN_BENCH_H
#define TOOLS_NNC_RUN_BENCH_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <vector>

namespace nnc {

/// Runs `body` for about a second, at least ten times, after a warm-up and `onStart`; `times` are the milliseconds of each
/// run.
llvm::Error timeRuns(llvm::function_ref<llvm::Error()> body, llvm::function_ref<void()> onStart,
                     std::vector<double> &times);

/// Runs `body` for about a second, at least ten times, after a warm-up, and prints the least, the median and the 99th
/// percentile of the times; with `macs` known also multiply-adds per second.
llvm::Error bench(llvm::function_ref<llvm::Error()> body, uint64_t macs, llvm::raw_ostream &os);

} // namespace nnc

#endif // TOOLS_NNC_RUN_BENCH_H
