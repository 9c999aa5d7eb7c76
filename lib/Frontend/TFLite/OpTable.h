// The table of supported operators: one named import function each, one list per family; the families are those of
// the NN dialect.
#ifndef LIB_FRONTEND_TFLITE_OPTABLE_H
#define LIB_FRONTEND_TFLITE_OPTABLE_H

#include "lib/Frontend/TFLite/OpBinder.h"

namespace nnc::tflite {

using ImportFunction = llvm::LogicalResult (*)(OpBinder &);

struct OpEntry {
  format::BuiltinOperator op;
  /// Null of operators that GraphImporter imports itself.
  ImportFunction import;
  /// For tensors of quantised numbers; null where those are not supported. Where it is `import`, the operator does the
  /// same whatever the elements stand for.
  ImportFunction importQuantized = nullptr;
};

/// A custom operator, known by its name; what other versions of it compute is not known.
struct CustomEntry {
  llvm::StringRef name;
  OpEntry entry;
  int32_t version = 1;
};

/// One list per family.
llvm::ArrayRef<OpEntry> getArrangementOps();
llvm::ArrayRef<OpEntry> getComplexOps();
llvm::ArrayRef<OpEntry> getContractionOps();
llvm::ArrayRef<OpEntry> getControlFlowOps();
llvm::ArrayRef<OpEntry> getConvolutionOps();
llvm::ArrayRef<OpEntry> getDilationOps();
llvm::ArrayRef<OpEntry> getElementwiseOps();
llvm::ArrayRef<OpEntry> getIndexingOps();
llvm::ArrayRef<OpEntry> getMovementOps();
llvm::ArrayRef<OpEntry> getNormalizationOps();
llvm::ArrayRef<OpEntry> getPoolingOps();
llvm::ArrayRef<OpEntry> getRecurrentOps();
llvm::ArrayRef<OpEntry> getReductionOps();
llvm::ArrayRef<OpEntry> getResamplingOps();
llvm::ArrayRef<OpEntry> getSelectionOps();
llvm::ArrayRef<OpEntry> getSlicingOps();

/// Custom operators that are in TFLite's own interpreter.
llvm::ArrayRef<CustomEntry> getDetectionOps();
llvm::ArrayRef<CustomEntry> getSignalOps();

/// Custom operators that are in MediaPipe's.
llvm::ArrayRef<CustomEntry> getLandmarkOps();
llvm::ArrayRef<CustomEntry> getMediaPipeOps();

/// The entry for an operator, a custom one by its name and version; null where there is none.
const OpEntry *findOp(format::BuiltinOperator op, llvm::StringRef customName, int32_t version);
/// What imports an operator whose operand 0 is complex; null where that is not supported. Complex.cpp
ImportFunction findComplexOp(format::BuiltinOperator op);
/// Why an operator is not supported.
std::string getRefusal(format::BuiltinOperator op, llvm::StringRef customName);

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_OPTABLE_H
