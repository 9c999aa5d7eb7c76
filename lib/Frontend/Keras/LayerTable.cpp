// All supported layers, and what the importer must know of some without importing them.
#include "lib/Frontend/Keras/LayerTable.h"

#include "lib/Frontend/Keras/Keras.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::keras {

static SmallVector<ArrayRef<LayerEntry>> getAllLayers() {
  return {getActivationLayers(), getAttentionLayers(), getContractionLayers(), getConvolutionLayers(),
          getIndexingLayers(),   getMergingLayers(),   getMovementLayers(),    getNormalizationLayers(),
          getPoolingLayers(),    getRecurrentLayers(), getResamplingLayers(),  getConvolutionalRecurrentLayers(),
          getAdaptivePoolingLayers(), getSignalLayers(), getVocabularyLayers(), getHashingLayers(),
          getTextVectorizationLayers()};
}

bool isOperation(const Layer &layer) {
  return layer.isOperation || layer.className == "TFOpLambda" || layer.className == "SlicingOpLambda";
}

const LayerEntry *findLayer(const Layer &layer) {
  if (isOperation(layer)) {
    const LayerEntry *entry = llvm::find_if(
        getOperations(), [name = getOperationName(layer)](const LayerEntry &entry) { return entry.className == name; });
    return entry == getOperations().end() ? nullptr : entry;
  }
  for (ArrayRef<LayerEntry> family : getAllLayers())
    for (const LayerEntry &entry : family)
      if (entry.className == layer.className)
        return &entry;
  return nullptr;
}

bool takesStrings(const Layer &layer) {
  return layer.graph || llvm::is_contained({"Hashing", "HashedCrossing", "StringLookup", "TextVectorization"}, layer.className);
}

StringRef getRefusal(StringRef className) {
  return llvm::StringSwitch<StringRef>(className)
      .Case("Lambda", "it runs Python code, which nnc does not; replace it with layers of Keras")
      .Default("this class of layer is not supported");
}

MaskUse getMaskUse(const Layer &layer) {
  if (isOperation(layer))
    return MaskUse::Drops;
  return llvm::StringSwitch<MaskUse>(layer.className)
      .Cases({"LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "GlobalAveragePooling1D", "TimeDistributed", "Masking",
              "Embedding", "ReversibleEmbedding"},
             MaskUse::Uses)
      .Cases({"Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention",
              "Softmax", "Concatenate", "Multiply", "Maximum", "Minimum"},
             MaskUse::Uses)
      .Cases({"ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "SpectralNormalization"}, MaskUse::Needs)
      .Cases({"Dense", "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Dropout", "SpatialDropout1D", "AlphaDropout",
              "GaussianDropout", "GaussianNoise", "ActivityRegularization", "BatchNormalization", "LayerNormalization",
              "Identity"},
             MaskUse::Passes)
      .Cases({"Add", "Subtract", "Average"}, MaskUse::Merges)
      .Cases({"Flatten", "Reshape", "Conv1D", "GlobalMaxPooling1D", "MaxPooling1D", "Dot"}, MaskUse::Drops)
      .Default(MaskUse::Unknown);
}

void printSupportedOps(llvm::raw_ostream &os) {
  SmallVector<StringRef> names{"Functional", "InputLayer", "Sequential"};
  for (ArrayRef<LayerEntry> family : getAllLayers())
    for (const LayerEntry &entry : family)
      names.push_back(entry.className);
  llvm::sort(names);
  for (StringRef name : names)
    os << "keras " << name << " 1\n";
  for (const LayerEntry &entry : getOperations())
    os << "keras.ops " << entry.className << " 1\n";
}

} // namespace nnc::keras
