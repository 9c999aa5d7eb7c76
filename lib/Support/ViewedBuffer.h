// What views are of.
#ifndef LIB_SUPPORT_VIEWEDBUFFER_H
#define LIB_SUPPORT_VIEWEDBUFFER_H

#include "mlir/Interfaces/ViewLikeInterface.h"

namespace nnc {

/// The buffer that `memref` is a view of, through all views between; itself where it is none.
inline mlir::Value getViewedBuffer(mlir::Value memref) {
  while (auto view = memref.getDefiningOp<mlir::ViewLikeOpInterface>())
    memref = view.getViewSource();
  return memref;
}

} // namespace nnc

#endif // LIB_SUPPORT_VIEWEDBUFFER_H
