// The table of supported operators: one named import function each, one list
// per family; the families are those of the NN dialect.
#ifndef LIB_FRONTEND_ONNX_OPTABLE_H
#define LIB_FRONTEND_ONNX_OPTABLE_H

#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

using ImportFunction = llvm::LogicalResult (*)(NodeBinder &);

struct OpEntry {
  llvm::StringRef name;
  int64_t since;                ///< first version of the operator that `import` understands
  ImportFunction import;
  llvm::StringRef domain = "";  ///< "" is ai.onnx
};

/// One list per family.
llvm::ArrayRef<OpEntry> getArrangementOps();
llvm::ArrayRef<OpEntry> getAttentionOps();
llvm::ArrayRef<OpEntry> getBlockQuantizationOps();
llvm::ArrayRef<OpEntry> getContractionOps();
llvm::ArrayRef<OpEntry> getConvolutionOps();
llvm::ArrayRef<OpEntry> getDeformableConvolutionOps();
llvm::ArrayRef<OpEntry> getDiffusionOps();
llvm::ArrayRef<OpEntry> getEarlyOps();
llvm::ArrayRef<OpEntry> getEinsumOps();
llvm::ArrayRef<OpEntry> getElementwiseOps();
llvm::ArrayRef<OpEntry> getExpertOps();
llvm::ArrayRef<OpEntry> getGateOps();
llvm::ArrayRef<OpEntry> getGroupQueryAttentionOps();
llvm::ArrayRef<OpEntry> getHashingOps();
llvm::ArrayRef<OpEntry> getIndexingOps();
llvm::ArrayRef<OpEntry> getLinearAlgebraOps();
llvm::ArrayRef<OpEntry> getLinearAttentionOps();
llvm::ArrayRef<OpEntry> getLinearModelOps();
llvm::ArrayRef<OpEntry> getLossOps();
llvm::ArrayRef<OpEntry> getMachineLearningOps();
llvm::ArrayRef<OpEntry> getMicrosoftOps();
llvm::ArrayRef<OpEntry> getMovementOps();
llvm::ArrayRef<OpEntry> getNormalizationOps();
llvm::ArrayRef<OpEntry> getPackedSequenceOps();
llvm::ArrayRef<OpEntry> getPoolIndicesOps();
llvm::ArrayRef<OpEntry> getPoolingOps();
llvm::ArrayRef<OpEntry> getRecurrentOps();
llvm::ArrayRef<OpEntry> getQuantizationOps();
llvm::ArrayRef<OpEntry> getQuantizedLayerOps();
llvm::ArrayRef<OpEntry> getRandomOps();
llvm::ArrayRef<OpEntry> getReductionOps();
llvm::ArrayRef<OpEntry> getRegionPoolingOps();
llvm::ArrayRef<OpEntry> getResamplingOps();
llvm::ArrayRef<OpEntry> getSamplingOps();
llvm::ArrayRef<OpEntry> getSelectionOps();
llvm::ArrayRef<OpEntry> getSequenceOps();
llvm::ArrayRef<OpEntry> getSignalOps();
llvm::ArrayRef<OpEntry> getStructuralOps();
llvm::ArrayRef<OpEntry> getTfIdfOps();
llvm::ArrayRef<OpEntry> getTokenOps();
llvm::ArrayRef<OpEntry> getTrainingOps();
llvm::ArrayRef<OpEntry> getTreeEnsembleOps();

/// All lists.
llvm::SmallVector<llvm::ArrayRef<OpEntry>> getAllOps();

/// The entry for an operator at a version of its domain; null where there is none.
const OpEntry *findOp(llvm::StringRef domain, llvm::StringRef name, int64_t opset);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_OPTABLE_H
