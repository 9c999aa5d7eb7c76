// All supported operators.
#include "lib/Frontend/TFLite/OpTable.h"

#include "lib/Frontend/TFLite/TFLite.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::tflite {

static SmallVector<ArrayRef<OpEntry>> getAllOps() {
  return {getArrangementOps(), getContractionOps(),   getControlFlowOps(), getConvolutionOps(), getElementwiseOps(),
          getIndexingOps(),    getMovementOps(),      getNormalizationOps(), getPoolingOps(),   getRecurrentOps(),
          getReductionOps(),   getResamplingOps(),    getSelectionOps(),   getSlicingOps(),      getComplexOps(),
          getDilationOps()};
}

static SmallVector<ArrayRef<CustomEntry>> getCustomOps() { return {getDetectionOps(), getSignalOps()}; }

const OpEntry *findOp(format::BuiltinOperator op, StringRef customName) {
  if (op == format::BuiltinOperator::CUSTOM) {
    for (ArrayRef<CustomEntry> family : getCustomOps())
      for (const CustomEntry &custom : family)
        if (custom.name == customName)
          return &custom.entry;
    return nullptr;
  }
  for (ArrayRef<OpEntry> family : getAllOps())
    for (const OpEntry &entry : family)
      if (entry.op == op)
        return &entry;
  return nullptr;
}

std::string getRefusal(format::BuiltinOperator op, StringRef customName) {
  switch (op) {
  case format::BuiltinOperator::CUSTOM:
    if (customName.starts_with("Flex"))
      return ("it is the operator " + customName.drop_front(4) +
              " of TensorFlow, which the converter left as it was; convert the model without SELECT_TF_OPS")
          .str();
    return "what a custom operator computes is not in the model";
  case format::BuiltinOperator::RANDOM_STANDARD_NORMAL:
  case format::BuiltinOperator::RANDOM_UNIFORM:
  case format::BuiltinOperator::MULTINOMIAL:
    return "its results are random";
  case format::BuiltinOperator::HASHTABLE:
  case format::BuiltinOperator::HASHTABLE_FIND:
  case format::BuiltinOperator::HASHTABLE_IMPORT:
  case format::BuiltinOperator::HASHTABLE_SIZE:
  case format::BuiltinOperator::SKIP_GRAM:
    return "it works on strings or tables of the run time; do this step in the caller";
  case format::BuiltinOperator::CONCAT_EMBEDDINGS:
    return "TFLite has no kernel for it";
  case format::BuiltinOperator::LSH_PROJECTION:
    return "it hashes bytes of its input; do this step in the caller";
  default:
    if (StringRef(format::EnumNameBuiltinOperator(op)).starts_with("STABLEHLO_"))
      return "it is an operator of StableHLO that the converter left as it was; convert the model to operators of TFLite";
    return "the operator is not supported";
  }
}

void printSupportedOps(llvm::raw_ostream &os) {
  SmallVector<StringRef> names;
  for (ArrayRef<OpEntry> family : getAllOps())
    for (const OpEntry &entry : family)
      names.push_back(format::EnumNameBuiltinOperator(entry.op));
  for (ArrayRef<CustomEntry> family : getCustomOps())
    for (const CustomEntry &custom : family)
      names.push_back(custom.name);
  llvm::sort(names);
  for (StringRef name : names)
    os << "tflite " << name << " 1\n";
}

} // namespace nnc::tflite
