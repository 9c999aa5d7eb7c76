// One object for several CPUs: which features each needs, and the code that finds out at run time which of them the
// CPU at hand can run.
#ifndef LIB_TARGET_CPUDISPATCH_H
#define LIB_TARGET_CPUDISPATCH_H

#include "lib/Target/TargetOptions.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

#include <array>

namespace nnc {

/// What CPUID and XGETBV must say for a CPU to run some code: bits of their registers (Intel's manual, volume 2,
/// CPUID).
struct CpuidTest {
  /// Registers of CPUID that features are read from, in this order.
  enum Register { Leaf1Ecx, Leaf7Ebx, Leaf7Ecx, Leaf7Edx, Leaf7_1Eax, Extended1Ecx, NumRegisters };

  std::array<uint32_t, NumRegisters> bits{};
  uint32_t systemState = 0; ///< registers that the operating system must save: bits of XCR0
};

/// One of the CPUs that an object has code for.
struct CpuVariant {
  std::string name;     ///< as the user calls it
  TargetOptions target; ///< for this CPU alone
  CpuidTest test;       ///< of no interest where there is one CPU
};

/// The CPUs that `options.cpu` names: one, several (`a,b,c`, the better the later), or the three levels from x86-64-v2
/// on that `multi` stands for. Features that cannot be told at run time are switched off in the targets of several
/// CPUs. Errors: several CPUs on a target other than x86-64, a name that LLVM does not know, `native`, a name given
/// twice.
llvm::Expected<std::vector<CpuVariant>> listCpus(const TargetOptions &options);

/// Whether all that is named is one CPU.
bool isOneCpu(const TargetOptions &options);

/// Adds to `module` the functions that choose among `cpus`, in code that every CPU of the target can run:
/// - `int <model>_cpu(void)`: the place of the code that runs; -1 where the CPU can run none. Chosen once, kept in four
///   bytes.
/// - `int <model>_use_cpu(int place)`: chooses another (-1: the best again); NNC_ERROR_CPU where the CPU cannot run it.
/// Returns the two.
std::pair<llvm::Function *, llvm::Function *> addCpuChoice(llvm::Module &module, llvm::StringRef model,
                                                           llvm::ArrayRef<CpuVariant> cpus);

} // namespace nnc

#endif // LIB_TARGET_CPUDISPATCH_H
