// Greedy placement in several orders (size, lifetime, area, conflict, time), each by
// first fit and best fit, then a bounded local search that moves the buffers which
// make the peak to the front of the order.
#include "lib/Analysis/MemoryPlanner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <functional>
#include <limits>
#include <numeric>
#include <random>

using namespace llvm;

namespace nnc {

static bool overlapInTime(const PlannedBuffer &a, const PlannedBuffer &b) {
  return a.first <= b.last && b.first <= a.last;
}

unsigned MemoryPlanner::add(int64_t bytes, int64_t first, int64_t last) {
  PlannedBuffer buffer;
  buffer.bytes = static_cast<int64_t>(alignTo(static_cast<uint64_t>(bytes), alignment));
  buffer.first = first;
  buffer.last = std::max(first, last);
  buffers.push_back(buffer);
  return buffers.size() - 1;
}

int64_t MemoryPlanner::getLowerBound() const {
  // The sum of live bytes only rises where a buffer starts.
  SmallVector<std::pair<int64_t, int64_t>> changes;
  for (const PlannedBuffer &buffer : buffers) {
    changes.push_back({buffer.first, buffer.bytes});
    changes.push_back({buffer.last + 1, -buffer.bytes});
  }
  llvm::sort(changes);
  int64_t live = 0, largest = 0;
  for (auto [point, change] : changes)
    largest = std::max(largest, live += change);
  return largest;
}

int64_t MemoryPlanner::place(ArrayRef<unsigned> order, bool bestFit, MutableArrayRef<int64_t> offsets) const {
  std::fill(offsets.begin(), offsets.end(), -1);
  int64_t top = 0;
  SmallVector<std::pair<int64_t, int64_t>> taken;
  for (unsigned index : order) {
    taken.clear();
    for (unsigned other : conflicts[index])
      if (offsets[other] >= 0)
        taken.push_back({offsets[other], offsets[other] + buffers[other].bytes});
    llvm::sort(taken);
    int64_t bytes = buffers[index].bytes, end = 0, chosen = -1;
    int64_t tightest = std::numeric_limits<int64_t>::max();
    for (auto [from, to] : taken) {
      int64_t gap = from - end;
      if (gap >= bytes && gap < tightest) {
        chosen = end;
        tightest = gap;
        if (!bestFit)
          break;
      }
      end = std::max(end, to);
    }
    offsets[index] = chosen >= 0 ? chosen : end;
    top = std::max(top, offsets[index] + bytes);
    if (top > peak)
      return top;
  }
  return top;
}

bool MemoryPlanner::offer(ArrayRef<unsigned> order) {
  SmallVector<int64_t> offsets(buffers.size());
  for (bool bestFit : {false, true}) {
    int64_t top = place(order, bestFit, offsets);
    // An order that is as good as the best replaces it: the search then wanders along plateaus.
    if (top > peak)
      continue;
    peak = top;
    bestOrder.assign(order.begin(), order.end());
    for (auto [buffer, offset] : llvm::zip(buffers, offsets))
      buffer.offset = offset;
  }
  return peak <= bound;
}

void MemoryPlanner::search() {
  // Fixed seed: the same model must give the same bytes.
  std::mt19937 random(1);
  unsigned count = buffers.size();
  unsigned rounds = std::min<int64_t>(20000, 400'000'000 / (static_cast<int64_t>(count) * count + 1) + 50);
  for (unsigned round = 0; round < rounds; ++round) {
    SmallVector<unsigned> order(bestOrder);
    SmallVector<unsigned> highest;
    for (unsigned i = 0; i < count; ++i)
      if (buffers[order[i]].offset + buffers[order[i]].bytes == peak)
        highest.push_back(i);
    unsigned from = round % 2 == 0 ? highest[random() % highest.size()] : random() % count;
    unsigned to = from ? random() % from : 0;
    std::rotate(order.begin() + to, order.begin() + from, order.begin() + from + 1);
    if (offer(order))
      return;
  }
}

void MemoryPlanner::plan() {
  bound = getLowerBound();
  unsigned count = buffers.size();
  conflicts.assign(count, {});
  for (unsigned i = 0; i < count; ++i)
    for (unsigned j = i + 1; j < count; ++j)
      if (overlapInTime(buffers[i], buffers[j])) {
        conflicts[i].push_back(j);
        conflicts[j].push_back(i);
      }
  peak = std::numeric_limits<int64_t>::max();

  auto lifetime = [&](unsigned i) { return buffers[i].last - buffers[i].first + 1; };
  auto conflictBytes = [&](unsigned i) {
    int64_t bytes = buffers[i].bytes;
    for (unsigned other : conflicts[i])
      bytes += buffers[other].bytes;
    return bytes;
  };
  using Keys = SmallVector<int64_t, 3>;
  const std::function<Keys(unsigned)> keys[] = {
      [&](unsigned i) { return Keys{-buffers[i].bytes, -lifetime(i)}; },
      [&](unsigned i) { return Keys{-lifetime(i), -buffers[i].bytes}; },
      [&](unsigned i) { return Keys{-lifetime(i) * buffers[i].bytes}; },
      [&](unsigned i) { return Keys{-conflictBytes(i), -buffers[i].bytes}; },
      [&](unsigned i) { return Keys{buffers[i].first, -buffers[i].bytes}; },
      [&](unsigned i) { return Keys{buffers[i].last, -buffers[i].bytes}; },
      [&](unsigned i) { return Keys{-buffers[i].last, -buffers[i].bytes}; },
  };
  for (const auto &key : keys) {
    SmallVector<unsigned> order(count);
    std::iota(order.begin(), order.end(), 0);
    llvm::stable_sort(order, [&](unsigned a, unsigned b) { return key(a) < key(b); });
    if (offer(order))
      return;
  }
  if (count > 1)
    search();
}

} // namespace nnc
