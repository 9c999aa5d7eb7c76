// The table of supported layers: one named import function each, one list per family; the families are those of the NN
// dialect.
#ifndef LIB_FRONTEND_KERAS_LAYERTABLE_H
#define LIB_FRONTEND_KERAS_LAYERTABLE_H

#include "lib/Frontend/Keras/LayerBinder.h"

namespace nnc::keras {

using ImportFunction = llvm::LogicalResult (*)(LayerBinder &);

/// A weight of a class: where archives keep it below the layer, and whether training changes it.
struct WeightSlot {
  std::string path;
  bool isTrainable = true;
};

/// Names the weights of a layer in the order in which its import function asks for them.
using ListWeights = void (*)(const Parameters &, llvm::SmallVectorImpl<WeightSlot> &);

struct LayerEntry {
  llvm::StringRef className;
  ImportFunction import;
  ListWeights listWeights = nullptr;
};

/// One list per family.
llvm::ArrayRef<LayerEntry> getActivationLayers();
llvm::ArrayRef<LayerEntry> getAdaptivePoolingLayers();
llvm::ArrayRef<LayerEntry> getAttentionLayers();
llvm::ArrayRef<LayerEntry> getContractionLayers();
llvm::ArrayRef<LayerEntry> getConvolutionLayers();
llvm::ArrayRef<LayerEntry> getConvolutionalRecurrentLayers();
llvm::ArrayRef<LayerEntry> getHashingLayers();
llvm::ArrayRef<LayerEntry> getIndexingLayers();
llvm::ArrayRef<LayerEntry> getMergingLayers();
llvm::ArrayRef<LayerEntry> getMovementLayers();
llvm::ArrayRef<LayerEntry> getNormalizationLayers();
llvm::ArrayRef<LayerEntry> getPoolingLayers();
llvm::ArrayRef<LayerEntry> getRecurrentLayers();
llvm::ArrayRef<LayerEntry> getResamplingLayers();
llvm::ArrayRef<LayerEntry> getSignalLayers();
llvm::ArrayRef<LayerEntry> getTextVectorizationLayers();
llvm::ArrayRef<LayerEntry> getVocabularyLayers();

/// Operations of keras.ops, which are no layers.
llvm::ArrayRef<LayerEntry> getOperations();
/// Whether a layer is an operation, or a layer that tf.keras makes around a function of TensorFlow.
bool isOperation(const Layer &layer);
/// The name in keras.ops of an operation; "" where it has none. OperationNames.cpp
llvm::StringRef getOperationName(const Layer &layer);

/// The entry for a layer; null where there is none.
const LayerEntry *findLayer(const Layer &layer);
/// Whether a layer may have strings as inputs.
bool takesStrings(const Layer &layer);
/// Why a class is not supported.
llvm::StringRef getRefusal(llvm::StringRef className);

/// What a layer does with the mask of its input: drops it, hands it on, uses it (and says itself what mask its result has),
/// makes another one of those of several inputs, or something that nnc does not know; Needs: its result would be another.
enum class MaskUse { Drops, Passes, Uses, Merges, Unknown, Needs };
MaskUse getMaskUse(const Layer &layer);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_LAYERTABLE_H
