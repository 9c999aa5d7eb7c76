// Names of the stages.
#include "lib/Pipelines/Stages.h"

namespace nnc {

static const StageInfo stages[] = {
    {Stage::Import, "import", "NN operations as the model has them"},
    {Stage::NN, "nn", "folded and channels-last NN operations"},
    {Stage::Tensors, "tensors", "linalg, tensor and kernel operations on tensors"},
    {Stage::Buffers, "buffers", "the same on buffers"},
    {Stage::Loops, "loops", "loops over hardware vectors"},
    {Stage::Arena, "arena", "every buffer has its place in one arena"},
    {Stage::LLVM, "llvm", "LLVM dialect with entry points"},
    {Stage::Object, "object", "machine code"},
};

llvm::ArrayRef<StageInfo> getStages() { return stages; }

llvm::StringRef getStageName(Stage stage) { return stages[static_cast<unsigned>(stage)].name; }

std::optional<Stage> parseStage(llvm::StringRef name) {
  for (const StageInfo &info : stages)
    if (info.name == name)
      return info.stage;
  return std::nullopt;
}

} // namespace nnc
