// The table of supported layers: one named import function each, one list per family; the families are those of
// the NN dialect.
#ifndef LIB_FRONTEND_CAFFE_LAYERTABLE_H
#define LIB_FRONTEND_CAFFE_LAYERTABLE_H

#include "lib/Frontend/Caffe/LayerBinder.h"

namespace nnc::caffe {

using ImportFunction = llvm::LogicalResult (*)(LayerBinder &);

struct LayerEntry {
  llvm::StringRef type;
  ImportFunction import;
};

/// One list per family.
llvm::ArrayRef<LayerEntry> getContractionLayers();
llvm::ArrayRef<LayerEntry> getConvolutionLayers();
llvm::ArrayRef<LayerEntry> getElementwiseLayers();
llvm::ArrayRef<LayerEntry> getIndexingLayers();
llvm::ArrayRef<LayerEntry> getLossLayers();
llvm::ArrayRef<LayerEntry> getMovementLayers();
llvm::ArrayRef<LayerEntry> getNormalizationLayers();
llvm::ArrayRef<LayerEntry> getPoolingLayers();
llvm::ArrayRef<LayerEntry> getPriorBoxLayers();
llvm::ArrayRef<LayerEntry> getRecurrentLayers();
llvm::ArrayRef<LayerEntry> getReductionLayers();

/// The entry for a type; null where there is none.
const LayerEntry *findLayer(llvm::StringRef type);

/// Layers that bring data in: they become inputs.
bool isDataLayer(llvm::StringRef type);
/// Layers that compare with labels: of no use where the labels come from a data layer.
bool isLossLayer(llvm::StringRef type);
/// Layers whose tops are the memory of their first bottom.
bool isAliasLayer(const format::Layer &layer);
/// Why a type is not supported.
llvm::StringRef getRefusal(llvm::StringRef type);

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_LAYERTABLE_H
