// Ticks become seconds by a clock around all runs: the sum over the layers is what of a run is spent in layers.
#include "tools/nnc-run/Profile.h"

#include "tools/nnc-run/Bench.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <numeric>

using namespace llvm;

namespace nnc {

/// The counter that the layers read (lib/Target's getTickCounter).
static uint64_t readTicks() {
#if defined(__aarch64__)
  return __builtin_readsteadycounter();
#else
  return __builtin_readcyclecounter();
#endif
}

Error printProfile(function_ref<Error()> body, const nnc_profile &profile, raw_ostream &os) {
  MutableArrayRef<uint64_t> ticks(profile.ticks, profile.num_layers);
  uint64_t allTicks = 0;
  auto counted = [&]() -> Error {
    uint64_t before = readTicks();
    Error error = body();
    allTicks += readTicks() - before;
    return error;
  };
  std::vector<double> times;
  auto start = [&] {
    fill(ticks, 0);
    allTicks = 0;
  };
  if (Error error = timeRuns(counted, start, times))
    return error;
  double all = std::accumulate(times.begin(), times.end(), 0.0), runs = static_cast<double>(times.size());
  double perTick = allTicks ? all / static_cast<double>(allTicks) / runs : 0; // ms of one run
  os << "      ms      %  GFLOP/s  layer\n";
  double inLayers = 0;
  for (uint32_t i = 0; i < profile.num_layers; ++i) {
    double time = perTick * static_cast<double>(ticks[i]);
    inLayers += time;
    std::string speed = profile.macs[i] && time > 0
                            ? formatv("{0:f2}", 2e-6 * static_cast<double>(profile.macs[i]) / time).str()
                            : "";
    std::string name = profile.layers[i];
    for (char &c : name) // names are the model's
      c = isPrint(c) ? c : '?';
    os << formatv("{0,8:f4}  {1,5:f1}  {2,7}  {3}\n", time, 100 * time * runs / all, speed, name.empty() ? "-" : name);
  }
  os << formatv("{0,8:f4}  {1,5:f1}           beside the layers\n", all / runs - inLayers,
                100 - 100 * inLayers * runs / all);
  os << formatv("{0,8:f4}  100.0           one run, the mean of {1}\n", all / runs, times.size());
  return Error::success();
}

} // namespace nnc
