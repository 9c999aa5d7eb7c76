// The C interface of a model in LLVM IR: `<name>_run`, the functions about run-time
// extents, and the descriptor `<name>_model` of nnc/Runtime.h.
#ifndef LIB_TARGET_ENTRYPOINTS_H
#define LIB_TARGET_ENTRYPOINTS_H

#include "lib/Target/CpuDispatch.h"
#include "lib/Target/ModelInterface.h"

#include "llvm/IR/Module.h"

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
  std::string modelHash;
  /// Where the code is for several CPUs: these. The functions for each have its prefix (see getCpuPrefix).
  std::vector<CpuVariant> cpus;
  /// One for each place of the global @main_ticks; nullopt where no time is counted.
  std::optional<std::vector<ProfiledLayer>> profiledLayers;
};

/// What names begin with that belong to the code for one of several CPUs.
std::string getCpuPrefix(const CpuVariant &cpu);

/// Adds the entry points to `module`, whose `main` takes the memrefs of @main
/// expanded to pointers, offsets, sizes and strides. All other functions and
/// globals become internal and get the model's name as prefix.
void addEntryPoints(llvm::Module &module, const ModelInterface &interface, const DescriptorFacts &facts);

} // namespace nnc

#endif // LIB_TARGET_ENTRYPOINTS_H
