// All supported operators.
#include "lib/Frontend/ONNX/OpTable.h"

#include "lib/Frontend/ONNX/ONNX.h"
#include "lib/Frontend/ONNX/Strings.h"

using namespace mlir;

namespace nnc::onnx {

SmallVector<ArrayRef<OpEntry>> getAllOps() {
  return {getArrangementOps(),
          getAttentionOps(),
          getBlockQuantizationOps(),
          getContractionOps(),
          getConvolutionOps(),
          getDeformableConvolutionOps(),
          getDiffusionOps(),
          getEarlyOps(),
          getEinsumOps(),
          getElementwiseOps(),
          getExpertOps(),
          getGateOps(),
          getGroupQueryAttentionOps(),
          getHashingOps(),
          getIndexingOps(),
          getLinearAlgebraOps(),
          getLinearAttentionOps(),
          getLinearModelOps(),
          getLossOps(),
          getMachineLearningOps(),
          getMicrosoftOps(),
          getMovementOps(),
          getNormalizationOps(),
          getPackedSequenceOps(),
          getPoolIndicesOps(),
          getPoolingOps(),
          getQuantizationOps(),
          getQuantizedLayerOps(),
          getRandomOps(),
          getRecurrentOps(),
          getReductionOps(),
          getRegionPoolingOps(),
          getResamplingOps(),
          getSamplingOps(),
          getSelectionOps(),
          getSequenceOps(),
          getSignalOps(),
          getStringOps(),
          getStructuralOps(),
          getTfIdfOps(),
          getTokenOps(),
          getTrainingOps(),
          getTreeEnsembleOps()};
}

const OpEntry *findOp(StringRef domain, StringRef name, int64_t opset) {
  if (domain == "ai.onnx")
    domain = "";
  for (ArrayRef<OpEntry> family : getAllOps())
    for (const OpEntry &entry : family)
      if (entry.name == name && entry.domain == domain && entry.since <= opset)
        return &entry;
  return nullptr;
}

void printSupportedOps(llvm::raw_ostream &os) {
  for (ArrayRef<OpEntry> family : getAllOps())
    for (const OpEntry &entry : family)
      os << (entry.domain.empty() ? "ai.onnx" : entry.domain) << ' ' << entry.name << ' ' << entry.since << '\n';
  os << "ai.onnx If 1\nai.onnx Loop 1\nai.onnx Scan 9\nai.onnx SequenceMap 17\nai.onnx.preview FlexAttention 1\n";
}

} // namespace nnc::onnx
