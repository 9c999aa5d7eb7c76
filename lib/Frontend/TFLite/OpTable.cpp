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

static SmallVector<ArrayRef<CustomEntry>> getCustomOps() { return {getDetectionOps(), getSignalOps(), getLandmarkOps(), getMediaPipeOps()}; }

/// Null where no custom operator has the name.
static const CustomEntry *findCustomOp(StringRef name) {
  for (ArrayRef<CustomEntry> family : getCustomOps())
    for (const CustomEntry &custom : family)
      if (custom.name == name)
        return &custom;
  return nullptr;
}

const OpEntry *findOp(format::BuiltinOperator op, StringRef customName, int32_t version) {
  if (op == format::BuiltinOperator::CUSTOM) {
    const CustomEntry *custom = findCustomOp(customName);
    return custom && custom->version == version ? &custom->entry : nullptr;
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
    if (const CustomEntry *custom = findCustomOp(customName))
      return ("only version " + Twine(custom->version) + " of it is supported").str();
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
  SmallVector<std::pair<StringRef, int32_t>> ops;
  for (ArrayRef<OpEntry> family : getAllOps())
    for (const OpEntry &entry : family)
      ops.emplace_back(format::EnumNameBuiltinOperator(entry.op), 1);
  for (ArrayRef<CustomEntry> family : getCustomOps())
    for (const CustomEntry &custom : family)
      ops.emplace_back(custom.name, custom.version);
  llvm::sort(ops);
  for (auto [name, version] : ops)
    os << "tflite " << name << " " << version << "\n";
}

} // namespace nnc::tflite
