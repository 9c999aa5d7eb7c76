// Places buffers of known size and lifetime in one arena. Knows no IR: the
// plan-memory pass feeds it, the unit tests drive it directly.
#ifndef LIB_ANALYSIS_MEMORYPLANNER_H
#define LIB_ANALYSIS_MEMORYPLANNER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace nnc {

/// The size of what no memory holds, where sizes have `indexBits`: products and sums of run-time extents stop here, and
/// two of them add up without wrapping around.
constexpr int64_t getSizeLimit(unsigned indexBits) { return (int64_t{1} << (indexBits - 2)) - 1; }

/// A buffer: live from the point `first` to the point `last`, both included.
struct PlannedBuffer {
  int64_t bytes = 0;
  int64_t first = 0;
  int64_t last = 0;
  int64_t offset = -1; ///< the answer; a multiple of the alignment
};

/// Assigns offsets so that buffers that are live together do not overlap, and the
/// arena is small. Tries several greedy orders, improves the best one, stops when
/// the lower bound is reached. Deterministic.
class MemoryPlanner {
public:
  explicit MemoryPlanner(int64_t alignment = 64) : alignment(alignment) {}

  /// Adds a buffer; returns its number. Sizes are rounded up to the alignment.
  unsigned add(int64_t bytes, int64_t first, int64_t last);

  /// Finds an offset for every buffer.
  void plan();

  llvm::ArrayRef<PlannedBuffer> getBuffers() const { return buffers; }

  /// Bytes of the arena.
  int64_t getPeak() const { return peak; }

  /// No plan can be smaller: the largest sum of bytes that are live at one point.
  int64_t getLowerBound() const;

private:
  /// Places buffers in `order`, each at the lowest (or tightest) free offset; returns the peak.
  int64_t place(llvm::ArrayRef<unsigned> order, bool bestFit, llvm::MutableArrayRef<int64_t> offsets) const;
  /// Offers one order to the search; true when it reached the lower bound.
  bool offer(llvm::ArrayRef<unsigned> order);
  void search();

  int64_t alignment;
  int64_t peak = 0;
  int64_t bound = 0;
  llvm::SmallVector<PlannedBuffer> buffers;
  llvm::SmallVector<llvm::SmallVector<unsigned>> conflicts;
  llvm::SmallVector<unsigned> bestOrder;
};

} // namespace nnc

#endif // LIB_ANALYSIS_MEMORYPLANNER_H
