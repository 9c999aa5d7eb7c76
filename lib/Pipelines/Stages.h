// The stages of a compilation, named once: the command line, the dumps, the
// report and nnc-opt's pipelines all take their names from here.
#ifndef LIB_PIPELINES_STAGES_H
#define LIB_PIPELINES_STAGES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace nnc {

enum class Stage {
  Import,  ///< a frontend has read the model: NN operations in the model's own layouts
  NN,      ///< folded, batch norms gone, channels-last
  Tensors, ///< linalg, tensor and Kernel operations on tensors; constant subgraphs evaluated
  Buffers, ///< the same on memrefs; the results of @main are arguments
  Loops,   ///< scf loops over hardware vectors
  Arena,   ///< every buffer has its place in one arena
  LLVM,    ///< LLVM dialect, entry points included
  Object,  ///< machine code
};

/// What a stage is called, and what it leaves, for people.
struct StageInfo {
  Stage stage;
  llvm::StringRef name;
  llvm::StringRef summary;
};

/// All stages, in order.
llvm::ArrayRef<StageInfo> getStages();
llvm::StringRef getStageName(Stage stage);
std::optional<Stage> parseStage(llvm::StringRef name);

} // namespace nnc

#endif // LIB_PIPELINES_STAGES_H
