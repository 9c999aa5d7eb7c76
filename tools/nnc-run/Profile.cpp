// Ticks become seconds by a clock around all runs: the sum over the layers is what of a run is spent in layers.
#include "tools/nnc-run/Profile.h"

#include "tools/nnc-run/Bench.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <chrono>
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

Expected<ProfileTimes> measureProfile(function_ref<Error()> body, const nnc_profile &profile) {
  MutableArrayRef<uint64_t> ticks(profile.ticks, profile.num_layers);
  uint64_t allTicks = 0;
  auto counted = [&]() -> Error {
    uint64_t before = readTicks();
    Error error = body();
    allTicks += readTicks() - before;
    return error;
  };
  std::vector<double> runs;
  auto start = [&] {
    fill(ticks, 0);
    allTicks = 0;
  };
  if (Error error = timeRuns(counted, start, runs))
    return std::move(error);
  ProfileTimes times;
  times.runs = runs.size();
  times.milliseconds = std::accumulate(runs.begin(), runs.end(), 0.0) / static_cast<double>(runs.size());
  double perTick = allTicks ? times.milliseconds / static_cast<double>(allTicks) : 0;
  for (uint32_t i = 0; i < profile.num_layers; ++i)
    times.layers.push_back({profile.layers[i], perTick * static_cast<double>(ticks[i]), profile.macs[i]});
  return times;
}

void printProfile(const ProfileTimes &times, raw_ostream &os) {
  bool isShort = times.milliseconds < 1;
  double scale = isShort ? 1e3 : 1;
  os << (isShort ? "      us" : "      ms") << "      %  GFLOP/s  layer\n";
  double inLayers = 0;
  for (const ProfileTimes::Layer &layer : times.layers) {
    double time = layer.milliseconds;
    inLayers += time;
    std::string speed =
        layer.macs && time > 0 ? formatv("{0:f2}", 2e-6 * static_cast<double>(layer.macs) / time).str() : "";
    std::string name = layer.name;
    for (char &c : name) // names are the model's
      c = isPrint(c) ? c : '?';
    os << formatv("{0,8:f4}  {1,5:f1}  {2,7}  {3}\n", scale * time, 100 * time / times.milliseconds, speed,
                  name.empty() ? "-" : name);
  }
  os << formatv("{0,8:f4}  {1,5:f1}           beside the layers\n", scale * (times.milliseconds - inLayers),
                100 - 100 * inLayers / times.milliseconds);
  os << formatv("{0,8:f4}  100.0           one run, the mean of {1}\n", scale * times.milliseconds, times.runs);
}

double measureClock() {
  constexpr int steps = 64, rounds = 4000, bursts = 20;
  double best = 0;
  uint64_t value = readTicks(), other = value | 1;
  for (int burst = 0; burst < bursts; ++burst) {
    auto begin = std::chrono::steady_clock::now();
    for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 64
      for (int step = 0; step < steps; ++step) {
        value ^= other;
        __asm__ volatile("" : "+r"(value), "+r"(other)); // each result is needed by the next
      }
    }
    std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
    best = std::max(best, steps * static_cast<double>(rounds) / taken.count());
  }
  return best;
}

json::Value describeProfile(const ProfileTimes &times) {
  json::Array layers;
  for (const ProfileTimes::Layer &layer : times.layers)
    layers.push_back(json::Object{{"name", json::fixUTF8(layer.name)}, {"milliseconds", layer.milliseconds}});
  return json::Object{{"runs", static_cast<int64_t>(times.runs)},
                      {"milliseconds", times.milliseconds},
                      {"clock_ghz", measureClock()},
                      {"layers", std::move(layers)}};
}

} // namespace nnc
