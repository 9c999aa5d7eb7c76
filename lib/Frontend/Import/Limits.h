// What frontends refuse, whatever the format: files are hostile.
#ifndef LIB_FRONTEND_IMPORT_LIMITS_H
#define LIB_FRONTEND_IMPORT_LIMITS_H

#include <cstdint>

namespace nnc::frontend {

/// Tensors of more dimensions are refused: no framework makes them, and loops are nested as deeply.
inline constexpr int64_t maxRank = 64;

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_LIMITS_H
