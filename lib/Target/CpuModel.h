// From the names of a target and a CPU to LLVM's TargetMachine, and to the few
// numbers that nnc's code generation asks for.
#ifndef LIB_TARGET_CPUMODEL_H
#define LIB_TARGET_CPUMODEL_H

#include "dialects/Kernel/Kernel.h"
#include "lib/Target/TargetOptions.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

#include <memory>

namespace nnc {

/// The arguments of Linux' system call arch_prctl with which a process asks for the tile registers of AMX
/// (Documentation/arch/x86/xstate.rst).
struct TilePermission {
  int64_t call, request, component;
};
inline constexpr TilePermission tilePermission{158, 0x1023, 18};

/// Whether the CPU has instructions that convert f16 to and from f32.
bool convertsHalf(const llvm::TargetMachine &machine);

/// Whether this process can load and run the machine's code, as far as LLVM tells the host's features.
bool runsHere(const llvm::TargetMachine &machine);

/// The LLVM intrinsic that reads a counter of time which user programs may read; "" where the target has none.
llvm::StringRef getTickCounter(const llvm::Triple &triple);

/// The machine for `options`, or an error that says which name is unknown, and what may be meant.
llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const TargetOptions &options);

/// The machine's CPU, and behind it (",+amx-tile") each feature that it is to have besides: what the code needs.
std::string describeCpu(const llvm::TargetMachine &machine);

/// What code generation must know of `machine`. Weights are packed for vectors of `packedBits` where these are wider
/// than the machine's own.
kernel::TargetAttr getKernelTarget(mlir::MLIRContext *context, const llvm::TargetMachine &machine,
                                   unsigned packedBits = 0);

/// Sets `kernel.target` (see getKernelTarget), the data layout and the triple on `module`. Call it before the stage
/// `nn`.
void attachTarget(mlir::ModuleOp module, const llvm::TargetMachine &machine, unsigned packedBits = 0);

} // namespace nnc

#endif // LIB_TARGET_CPUMODEL_H
