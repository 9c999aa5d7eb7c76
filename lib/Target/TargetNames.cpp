// A table of boards, systems and instruction sets for names that no compiler knows; LLVM's own tables for names that are
// those of another target's CPUs, or nearly right.
#include "lib/Target/TargetNames.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/ARMTargetParser.h"
#include "llvm/TargetParser/RISCVTargetParser.h"

#include <memory>

using namespace llvm;

namespace nnc {
namespace {

/// What is meant where a name begins so.
struct KnownName {
  StringLiteral start;
  StringLiteral advice;
};

} // namespace

static constexpr StringLiteral forPis = "a Raspberry Pi 4 is --target=aarch64-linux-gnu --cpu=cortex-a72 (3: cortex-a53, "
                                        "5: cortex-a76), with a 32-bit system --target=armv7-linux-gnueabihf";
static constexpr StringLiteral forPicos = "a Raspberry Pi Pico is --target=thumbv6m-none-eabi (RP2040) or "
                                          "--target=thumbv8m.main-none-eabihf --cpu=cortex-m33 (RP2350)";
static constexpr StringLiteral forMicrocontrollers =
    "write the core: --target=thumbv7em-none-eabihf --cpu=cortex-m4 (STM32 F3, F4, G4, L4; nRF52) or --cpu=cortex-m7 "
    "(STM32 F7, H7), --target=thumbv8m.main-none-eabihf --cpu=cortex-m33 (STM32 L5, U5, H5), --target=thumbv6m-none-eabi "
    "--cpu=cortex-m0 (STM32 F0, G0, L0)";
static constexpr StringLiteral forRiscv = "write --target=riscv64-linux-gnu (--features=+v: with vectors), or for a "
                                          "microcontroller --target=riscv32-none-elf --features=+m,+f,+d";
static constexpr StringLiteral forXtensa = "ESP32, ESP32-S and ESP8266 are Xtensa, for which nnc makes no code that was ever "
                                           "tried; ESP32-C, H and P are --target=riscv32-none-elf --features=+m,+c";
static constexpr StringLiteral forMacs = "write --target=arm64-apple-macosx12, or --target=x86_64-apple-macosx12";
static constexpr StringLiteral forGraphics = "nnc compiles for CPUs, not for graphics processors and accelerators";

/// In the order of the search: a longer start before the one that it begins with.
static constexpr KnownName targetNames[] = {
    {"esp32-c", "write --target=riscv32-none-elf --features=+m,+c"},
    {"esp32c", "write --target=riscv32-none-elf --features=+m,+c"},
    {"esp", forXtensa},
    {"xtensa", forXtensa},
    {"stm32", forMicrocontrollers},
    {"nrf5", forMicrocontrollers},
    {"cortex-m", forMicrocontrollers},
    {"teensy", forMicrocontrollers},
    {"arduino", forMicrocontrollers},
    {"raspberrypipico", forPicos},
    {"raspberry-pi-pico", forPicos},
    {"pico", forPicos},
    {"rp2", forPicos},
    {"raspberry", forPis},
    {"rpi", forPis},
    {"armv8", "write --target=aarch64-linux-gnu, or for a 32-bit system --target=armv7-linux-gnueabihf"},
    {"armv7", "write --target=armv7-linux-gnueabihf"},
    {"armhf", "write --target=armv7-linux-gnueabihf"},
    {"arm", "write --target=aarch64-linux-gnu (64 bits), --target=armv7-linux-gnueabihf (32 bits), or for a microcontroller "
            "--target=thumbv7em-none-eabihf --cpu=cortex-m4"},
    {"thumb", forMicrocontrollers},
    {"jetson", "write --target=aarch64-linux-gnu"},
    {"graviton", "write --target=aarch64-linux-gnu --cpu=neoverse-n1 (2), neoverse-v1 (3) or neoverse-v2 (4)"},
    {"riscv", forRiscv},
    {"risc-v", forRiscv},
    {"rv64", forRiscv},
    {"rv32", forRiscv},
    {"android", "write --target=aarch64-linux-android"},
    {"ios", "write --target=arm64-apple-ios15"},
    {"iphone", "write --target=arm64-apple-ios15"},
    {"mac", forMacs},
    {"darwin", forMacs},
    {"apple", forMacs},
    {"win", "write --target=x86_64-pc-windows-msvc"},
    {"msvc", "write --target=x86_64-pc-windows-msvc"},
    {"linux", "write --target=x86_64-linux-gnu, or --target=aarch64-linux-gnu"},
    {"x64", "write --target=x86_64-linux-gnu"},
    {"x86", "write --target=x86_64-linux-gnu"},
    {"intel", "write --target=x86_64-linux-gnu"},
    {"wasm", "write --target=wasm32"},
    {"web", "write --target=wasm32"},
    {"native", "without --target, code is for this machine"},
    {"host", "without --target, code is for this machine"},
    {"cuda", forGraphics},
    {"nvidia", forGraphics},
    {"gpu", forGraphics},
    {"opencl", forGraphics},
    {"vulkan", forGraphics},
    {"npu", forGraphics},
};

static constexpr StringLiteral forLevels = "write --cpu=native for the CPU of this machine, or a level of x86-64: x86-64-v2 "
                                           "(from about 2009), x86-64-v3 (AVX2) or x86-64-v4 (AVX-512)";

/// Instruction sets of x86-64, and the least CPU that has each.
static constexpr KnownName instructionSets[] = {
    {"avx512", "x86-64-v4"}, {"avx-512", "x86-64-v4"}, {"avx2", "x86-64-v3"},  {"avx", "sandybridge"}, {"fma", "x86-64-v3"},
    {"sse4", "x86-64-v2"},   {"ssse3", "x86-64-v2"},   {"sse3", "x86-64-v2"}, {"sse", "x86-64"},
};

/// Makers and the like, in place of CPUs.
static constexpr KnownName cpuNames[] = {
    {"host", "write --cpu=native"},
    {"neon", "that is an instruction set; --target=aarch64-linux-gnu always has it, and so has "
             "--target=armv7-linux-gnueabihf --cpu=cortex-a9"},
    {"rvv", "that is an instruction set: --target=riscv64-linux-gnu --features=+v"},
    {"x86-64-v", forLevels},
    {"x86_64", forLevels},
    {"x64", forLevels},
    {"amd64", forLevels},
    {"intel", forLevels},
    {"amd", forLevels},
    {"xeon", forLevels},
    {"core", forLevels},
    {"i3", forLevels},
    {"i5", forLevels},
    {"i7", forLevels},
    {"i9", forLevels},
    {"ryzen", forLevels},
    {"epyc", forLevels},
    {"zen", "AMD's are called znver1 to znver5"},
    {"m1", "write --target=arm64-apple-macosx12 --cpu=apple-m1"},
    {"m2", "write --target=arm64-apple-macosx12 --cpu=apple-m2"},
    {"m3", "write --target=arm64-apple-macosx12 --cpu=apple-m3"},
    {"m4", "write --target=arm64-apple-macosx12 --cpu=apple-m4"},
};

static StringRef findAdvice(ArrayRef<KnownName> table, StringRef name) {
  const auto *known = find_if(table, [&](const KnownName &entry) { return name.starts_with(entry.start); });
  return known == table.end() ? StringRef() : StringRef(known->advice);
}

/// Lower case, without what people put between letters and digits.
static std::string simplify(StringRef name) {
  std::string simple;
  for (char c : name)
    if (isAlnum(c))
      simple += toLower(c);
  return simple;
}

/// The name among `known` that differs in case and punctuation alone, or else in one letter of three at most.
template <typename Table> static std::string findNearest(StringRef name, const Table &known) {
  const unsigned limit = std::min<size_t>(2, name.size() / 3);
  std::string simple = simplify(name);
  std::pair<unsigned, StringRef> nearest{limit + 1, ""};
  for (const auto &entry : known) {
    if (simplify(entry.Key) == simple)
      return entry.Key;
    nearest = std::min(nearest, {name.edit_distance(entry.Key, /*AllowReplacements=*/true, limit), entry.Key});
  }
  return nearest.first > limit ? "" : nearest.second.str();
}

/// The CPU of a target, as it spells it; empty where it has none of that name.
static std::string findCpu(StringRef triple, StringRef name) {
  std::string error, simple = simplify(name);
  Triple parsed(triple);
  const Target *target = TargetRegistry::lookupTarget(parsed, error);
  if (!target)
    return "";
  std::unique_ptr<MCSubtargetInfo> info(target->createMCSubtargetInfo(parsed, "", ""));
  if (info->isCPUStringValid(name.lower())) // second names are in no list
    return name.lower();
  for (const SubtargetSubTypeKV &known : info->getAllProcessorDescriptions())
    if (simplify(known.Key) == simple || simplify(known.Key) + "f" == simple) // cortex-m4f
      return known.Key;
  return "";
}

/// The triple that a CPU of 32-bit ARM is used with.
static std::string getArmTriple(StringRef cpu) {
  ARM::ArchKind arch = ARM::parseCPUArch(cpu);
  ARM::ProfileKind profile = ARM::parseArchProfile(ARM::getArchName(arch));
  ARM::FPUKind fpu = ARM::getDefaultFPU(cpu, arch);
  bool hasFloats = fpu != ARM::FK_NONE && fpu != ARM::FK_INVALID;
  if (profile == ARM::ProfileKind::M || profile == ARM::ProfileKind::R)
    return ((profile == ARM::ProfileKind::M ? "thumb" : "arm") + ARM::getSubArch(arch) + "-none-eabi" + (hasFloats ? "hf" : ""))
        .str();
  return profile == ARM::ProfileKind::A ? "armv7-linux-gnueabihf" : "arm-none-eabi";
}

/// `--target=... --cpu=...` for a CPU of any target that nnc is tested with; empty where none has it.
static std::string findOwner(StringRef name) {
  auto describe = [](const Twine &triple, StringRef cpu) { return ("--target=" + triple + " --cpu=" + cpu).str(); };
  if (std::string cpu = findCpu("x86_64-linux-gnu", name); !cpu.empty())
    return describe("x86_64-linux-gnu", cpu);
  if (std::string cpu = findCpu("aarch64-linux-gnu", name); !cpu.empty())
    return describe(StringRef(cpu).starts_with("apple-m") ? "arm64-apple-macosx12"
                    : StringRef(cpu).starts_with("apple-") ? "arm64-apple-ios15"
                                                           : "aarch64-linux-gnu",
                    cpu);
  if (std::string cpu = findCpu("armv7-linux-gnueabihf", name); !cpu.empty())
    return describe(getArmTriple(cpu), cpu);
  if (std::string cpu = findCpu("riscv64-linux-gnu", name); !cpu.empty())
    return describe(RISCV::parseCPU(cpu, /*IsRV64=*/true) ? "riscv64-linux-gnu" : "riscv32-none-elf", cpu);
  return "";
}

std::string suggestTarget(StringRef name) {
  std::string lower = name.lower();
  if (std::string owner = findOwner(name); !owner.empty())
    return "that is a CPU: " + owner;
  if (StringRef advice = findAdvice(targetNames, lower); !advice.empty())
    return advice.str();
  return "a target is written as of clang --target: x86_64-linux-gnu, aarch64-linux-gnu, thumbv7em-none-eabihf";
}

std::string suggestCpu(StringRef name, const Triple &triple, const MCSubtargetInfo &info) {
  std::string lower = name.lower(), simple = simplify(name);
  std::string near = findNearest(name, info.getAllProcessorDescriptions());
  if (!near.empty() && (simplify(near) == simple || simplify(near) + "f" == simple))
    return "it calls it " + near;
  if (std::string owner = findOwner(name); !owner.empty())
    return "write " + owner;
  if (StringRef least = findAdvice(instructionSets, lower); !least.empty())
    return "that is an instruction set; the least CPU that has it is --cpu=" + least.str();
  if (StringRef advice = findAdvice(cpuNames, lower); !advice.empty())
    return advice.str();
  if (StringRef advice = findAdvice(targetNames, lower); !advice.empty())
    return "that is no CPU: " + advice.str();
  if (!near.empty())
    return near + " is the nearest";
  return triple.isX86() ? forLevels.str() : "its CPUs are called as by clang -mcpu";
}

std::string findNearestFeature(StringRef name, const MCSubtargetInfo &info) {
  return findNearest(name, info.getAllProcessorFeatures());
}

} // namespace nnc
