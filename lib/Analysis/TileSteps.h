// In which steps a unit for products of tiles sums.
#ifndef LIB_ANALYSIS_TILESTEPS_H
#define LIB_ANALYSIS_TILESTEPS_H

#include <cstdint>

namespace nnc {

/// Groups of 32 bits in a row of a tile register.
inline constexpr int64_t mostTileGroups = 16;

/// The groups of each of the fewest equal steps, of at most mostTileGroups, in which `groups` (above 0) groups are summed.
int64_t getTileGroups(int64_t groups);

/// The least number of groups from `groups` on that are summed in as few equal steps as tiles allow; at most 1/16 more.
int64_t padTileGroups(int64_t groups);

} // namespace nnc

#endif // LIB_ANALYSIS_TILESTEPS_H
