// Makes LLVM's machines for the options, which finds what is wrong with them, and compares features with the host's.
#include "lib/Target/TargetChecks.h"

#include "lib/Target/CpuDispatch.h"
#include "lib/Target/CpuModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace nnc {

Error checkTarget(const TargetOptions &options) {
  auto cpus = listCpus(options);
  if (!cpus)
    return cpus.takeError();
  for (const CpuVariant &cpu : *cpus)
    if (auto machine = createTargetMachine(cpu.target); !machine)
      return machine.takeError();
  return Error::success();
}

/// Whether code generation may use a feature; what is for operating systems, and hints, does not matter to models.
static bool matters(StringRef feature) {
  static constexpr StringRef starts[] = {"sse", "ssse", "avx", "fma", "f16c", "bmi", "lzcnt", "popcnt", "movbe", "gfni",
                                         "vaes", "vpclmul", "cx16", "xop", "tbm", "adx", "neon", "sve", "fullfp16", "dotprod",
                                         "bf16", "i8mm"};
  return any_of(starts, [&](StringRef start) { return feature.starts_with(start); });
}

Error checkRunsHere(const TargetOptions &options) {
  auto cpus = listCpus(options);
  if (!cpus)
    return cpus.takeError();
  auto machine = createTargetMachine(cpus->front().target);
  if (!machine)
    return machine.takeError();
  const Triple &target = (*machine)->getTargetTriple();
  Triple host(sys::getDefaultTargetTriple());
  if (target.getArch() != host.getArch() || target.getOS() != host.getOS() || !target.isOSBinFormatELF())
    return createStringError("--target=%s is another machine, whose code this one cannot run; nnc compiles for it",
                                   options.triple.c_str());
  if (cpus->size() > 1) // the one that fits is taken at run time
    return Error::success();
  const MCSubtargetInfo &info = *(*machine)->getMCSubtargetInfo();
  SmallVector<std::string> missing;
  for (const auto &[feature, isThere] : sys::getHostCPUFeatures())
    if (!isThere && matters(feature) && info.checkFeatures(("+" + feature).str()))
      missing.push_back(feature.str());
  if (missing.empty())
    return Error::success();
  sort(missing); // not in the order of a hash table
  return createStringError("this machine cannot run code for the CPU '" + (*machine)->getTargetCPU() +
                                 "': it lacks " + join(missing, ", "));
}

} // namespace nnc
