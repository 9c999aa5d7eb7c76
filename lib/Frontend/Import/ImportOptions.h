// What the user may ask of a frontend.
#ifndef LIB_FRONTEND_IMPORT_IMPORTOPTIONS_H
#define LIB_FRONTEND_IMPORT_IMPORTOPTIONS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <string>

namespace nnc::frontend {

/// Extents that the user fixes (`--shape`).
struct ShapeOverrides {
  llvm::StringMap<llvm::SmallVector<int64_t>> inputs; ///< whole shapes, by input name
  llvm::StringMap<int64_t> symbols;                   ///< single extents, by symbol
};

/// `--elements` of an optional that has none.
inline constexpr int64_t noElement = -1;
/// `--elements` of a sequence of which only a run knows the number.
inline constexpr int64_t anyNumber = -2;

struct ImportOptions {
  std::string name; ///< of the model; empty: made from the file's name
  ShapeOverrides shapes;
  llvm::StringMap<int64_t> elements; ///< `--elements`: how many an input has that is a sequence or an optional
  std::string darknetDialect; ///< `--darknet-dialect`; empty: told from the file
  bool verbose = false;       ///< remarks on what the format does otherwise than others
  /// Layers on quantised numbers are those on floats, between nn.dequantize and nn.quantize, where the format's own
  /// arithmetic is on integers. Their results are other roundings of the same.
  bool dequantizes = false;
};

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_IMPORTOPTIONS_H
