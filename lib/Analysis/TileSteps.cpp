// Equal steps along what is summed.
#include "lib/Analysis/TileSteps.h"

#include "llvm/Support/MathExtras.h"

namespace nnc {

int64_t getTileGroups(int64_t groups) {
  int64_t steps = llvm::divideCeil(groups, mostTileGroups);
  while (groups % steps != 0)
    ++steps;
  return groups / steps;
}

int64_t padTileGroups(int64_t groups) {
  int64_t steps = llvm::divideCeil(groups, mostTileGroups);
  return steps * llvm::divideCeil(groups, steps);
}

} // namespace nnc
