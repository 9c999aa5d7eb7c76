// The types of layers, and how each becomes NN operations.
#ifndef LIB_FRONTEND_CCV_LAYERTABLE_H
#define LIB_FRONTEND_CCV_LAYERTABLE_H

#include "lib/Frontend/Ccv/LayerBinder.h"

namespace nnc::ccv {

struct LayerEntry {
  int64_t type; ///< its number in the file
  llvm::StringRef name;
  llvm::LogicalResult (*import)(LayerBinder &layer);
};

llvm::ArrayRef<LayerEntry> getLayers();
/// Null for a type that there is not.
const LayerEntry *findLayer(int64_t type);

} // namespace nnc::ccv

#endif // LIB_FRONTEND_CCV_LAYERTABLE_H
