// The descriptor of a model, `<name>_model` of nnc/Runtime.h, in LLVM IR.
#ifndef LIB_TARGET_DESCRIPTOR_H
#define LIB_TARGET_DESCRIPTOR_H

#include "lib/Target/CpuDispatch.h"
#include "lib/Target/ModelInterface.h"
#include "lib/Target/WeightsFile.h"

#include "llvm/IR/Module.h"

#include <optional>

namespace nnc {

/// Bytes that the caller has to align the workspace to.
constexpr int64_t workspaceAlignment = 64;

/// A layer whose time is counted.
struct ProfiledLayer {
  std::string name;
  int64_t macs = 0; ///< multiply-adds; 0 where not known
};

/// What the descriptor says beside the interface.
struct DescriptorFacts {
  int64_t workspaceBytes = 0; ///< of a static model
  int64_t weightsBytes = 0;
  const WeightsHeader *weightsHeader = nullptr; ///< of weights that are the caller's
  std::string modelHash;
  /// Where the code is for several CPUs: these. The functions for each have its prefix (see getCpuPrefix).
  std::vector<CpuVariant> cpus;
  /// One for each place of the global @main_ticks; nullopt where no time is counted.
  std::optional<std::vector<ProfiledLayer>> profiledLayers;
};

/// The descriptor's functions, null where it has none.
struct DescriptorFunctions {
  llvm::Function *invoke = nullptr, *invokeReporting = nullptr, *workspaceSize = nullptr, *outputExtents = nullptr,
                 *workspaceSizeFor = nullptr, *outputExtentsFor = nullptr, *invokeWithWeights = nullptr;
  std::pair<llvm::Function *, llvm::Function *> cpuChoice; ///< of addCpuChoice
};

/// Adds the descriptor to `module`.
void describeModel(llvm::Module &module, const ModelInterface &interface, const DescriptorFacts &facts,
                   const DescriptorFunctions &functions);

} // namespace nnc

#endif // LIB_TARGET_DESCRIPTOR_H
