// The table of supported layers: one named import function each, one list per family; the families are those of
// the NN dialect.
#ifndef LIB_FRONTEND_CAFFE_LAYERTABLE_H
#define LIB_FRONTEND_CAFFE_LAYERTABLE_H

#include "lib/Frontend/Caffe/LayerBinder.h"

namespace nnc::caffe {

using ImportFunction = llvm::LogicalResult (*)(LayerBinder &);

/// Which extents of a layer's bottoms data may decide: those of detections and regions are open.
enum class OpenExtents { None, First, Any };

struct LayerEntry {
  llvm::StringRef type;
  ImportFunction import;
  OpenExtents open = OpenExtents::None;
};

/// One list per family.
llvm::ArrayRef<LayerEntry> getContractionLayers();
llvm::ArrayRef<LayerEntry> getConvolutionLayers();
llvm::ArrayRef<LayerEntry> getDetectionLayers();
llvm::ArrayRef<LayerEntry> getElementwiseLayers();
llvm::ArrayRef<LayerEntry> getIndexingLayers();
llvm::ArrayRef<LayerEntry> getLossLayers();
llvm::ArrayRef<LayerEntry> getMovementLayers();
llvm::ArrayRef<LayerEntry> getNormalizationLayers();
llvm::ArrayRef<LayerEntry> getPoolingLayers();
llvm::ArrayRef<LayerEntry> getPriorBoxLayers();
llvm::ArrayRef<LayerEntry> getRecurrentLayers();
llvm::ArrayRef<LayerEntry> getProposalLayers();
llvm::ArrayRef<LayerEntry> getReductionLayers();
llvm::ArrayRef<LayerEntry> getRegionPoolingLayers();
llvm::ArrayRef<LayerEntry> getResamplingLayers();

/// The entry for a layer's type; null where there is none.
const LayerEntry *findLayer(const format::Layer &layer);

/// Layers that bring data in: they become inputs.
bool isDataLayer(const format::Layer &layer);
/// Layers that compare with labels: of no use where the labels come from a data layer.
bool isLossLayer(llvm::StringRef type);
/// Layers whose tops are the memory of their first bottom.
bool isAliasLayer(const format::Layer &layer);
/// Why a type is not supported.
llvm::StringRef getRefusal(llvm::StringRef type);

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_LAYERTABLE_H
