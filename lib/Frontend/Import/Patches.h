// What sliding windows see of an image, for layers that no kernel covers.
#ifndef LIB_FRONTEND_IMPORT_PATCHES_H
#define LIB_FRONTEND_IMPORT_PATCHES_H

#include "lib/Frontend/Import/NodeBuilder.h"

#include <array>

namespace nnc::frontend {

/// A window over rows and columns.
struct ImageWindow {
  std::array<int64_t, 2> size, strides, dilations, padsBegin;
};

struct Patches {
  mlir::Value values; ///< (n, c, elements of the window, positions)
  llvm::SmallVector<int64_t> counts;
  std::vector<float> origins; ///< index of each position's first element in its plane
};

/// Collects the elements of `counts` rows and columns of windows over an image
/// (n, c, h, w); outside the image stands `padding`.
Patches gatherPatches(NodeBuilder &node, mlir::Value image, const ImageWindow &window, llvm::ArrayRef<int64_t> counts,
                      float padding);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_PATCHES_H
