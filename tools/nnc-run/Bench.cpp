// A loop around the clock.
#include "tools/nnc-run/Bench.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
#include <vector>

using namespace llvm;

namespace nnc {

using Clock = std::chrono::steady_clock;

static constexpr size_t leastRuns = 10, mostRuns = 1000000;
static constexpr double warmUpSeconds = 0.1, seconds = 1;

static double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

Error timeRuns(function_ref<Error()> body, function_ref<void()> onStart, std::vector<double> &times) {
  auto start = Clock::now();
  do {
    if (Error error = body())
      return error;
  } while (since(start) < warmUpSeconds);
  onStart();
  start = Clock::now();
  while (times.size() < leastRuns || (since(start) < seconds && times.size() < mostRuns)) {
    auto begin = Clock::now();
    if (Error error = body())
      return error;
    times.push_back(1e3 * since(begin));
  }
  return Error::success();
}

/// "2.0830 us", "31.4159 ms".
static std::string formatTime(double milliseconds) {
  bool isShort = milliseconds < 0.1;
  return formatv("{0:f4} {1}", isShort ? 1e3 * milliseconds : milliseconds, isShort ? "us" : "ms").str();
}

Error bench(function_ref<Error()> body, uint64_t macs, raw_ostream &os) {
  std::vector<double> times;
  if (Error error = timeRuns(body, [] {}, times))
    return error;
  sort(times);
  double median = times[times.size() / 2];
  os << formatv("{0} runs: min {1}, median {2}, p99 {3}", times.size(), formatTime(times.front()), formatTime(median),
                formatTime(times[times.size() * 99 / 100]));
  if (macs)
    os << formatv(", {0:f2} GFLOP/s", 2e-6 * static_cast<double>(macs) / median);
  os << '\n';
  return Error::success();
}

} // namespace nnc
