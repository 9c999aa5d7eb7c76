// The C interface of a model in LLVM IR: `<name>_run`, the functions about run-time
// extents, and the descriptor `<name>_model` of nnc/Runtime.h.
#ifndef LIB_TARGET_ENTRYPOINTS_H
#define LIB_TARGET_ENTRYPOINTS_H

#include "lib/Target/Descriptor.h"

#include "llvm/IR/Module.h"

namespace nnc {

/// What names begin with that belong to the code for one of several CPUs.
std::string getCpuPrefix(const CpuVariant &cpu);

/// Adds the entry points to `module`, whose `main` takes the memrefs of @main
/// expanded to pointers, offsets, sizes and strides. All other functions and
/// globals become internal and get the model's name as prefix.
void addEntryPoints(llvm::Module &module, const ModelInterface &interface, const DescriptorFacts &facts);

} // namespace nnc

#endif // LIB_TARGET_ENTRYPOINTS_H
