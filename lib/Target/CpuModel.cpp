// Looks up LLVM's target and CPU tables and derives vector width, register
// count, FMA and cache sizes from the resulting feature set.
#include "lib/Target/CpuModel.h"

#include "lib/Target/TargetNames.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Import.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/ARMTargetParser.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/SubtargetFeature.h"

#include <mutex>
#if defined(__linux__) && defined(__x86_64__)
#include <unistd.h>
#endif

using namespace mlir;

namespace nnc {

static void initializeTargets() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmParsers();
    llvm::InitializeAllAsmPrinters();
  });
}

static llvm::Expected<std::optional<llvm::Reloc::Model>> parseRelocationModel(StringRef name, bool isWasm) {
  if (name.empty())
    return isWasm ? llvm::Reloc::Static : llvm::Reloc::PIC_;
  if (name == "pic")
    return llvm::Reloc::PIC_;
  if (name == "static")
    return llvm::Reloc::Static;
  return llvm::createStringError("unknown relocation model '%s': static or pic", name.str().c_str());
}

static llvm::Expected<std::optional<llvm::CodeModel::Model>> parseCodeModel(StringRef name) {
  if (name.empty())
    return std::nullopt;
  auto model = llvm::StringSwitch<std::optional<llvm::CodeModel::Model>>(name)
                   .Case("tiny", llvm::CodeModel::Tiny)
                   .Case("small", llvm::CodeModel::Small)
                   .Case("medium", llvm::CodeModel::Medium)
                   .Case("large", llvm::CodeModel::Large)
                   .Default(std::nullopt);
  if (!model)
    return llvm::createStringError("unknown code model '%s': tiny, small, medium or large", name.str().c_str());
  return model;
}

static llvm::CodeGenOptLevel getCodeGenLevel(unsigned optLevel) {
  switch (optLevel) {
  case 0:
    return llvm::CodeGenOptLevel::None;
  case 1:
    return llvm::CodeGenOptLevel::Less;
  case 2:
    return llvm::CodeGenOptLevel::Default;
  default:
    return llvm::CodeGenOptLevel::Aggressive;
  }
}

/// Whether this process may use the tile registers of AMX, which Linux grants on demand.
static bool mayUseTiles() {
#if defined(__linux__) && defined(__x86_64__)
  return syscall(tilePermission.call, tilePermission.request, tilePermission.component) == 0;
#else
  return false;
#endif
}

/// All features of the host's CPU, as LLVM detects them, without those that the system does not grant.
static llvm::StringMap<bool> getGrantedFeatures() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  if (features.lookup("amx-tile") && !mayUseTiles())
    for (auto &feature : features)
      if (feature.first().starts_with("amx-"))
        feature.second = false;
  return features;
}

static std::string getHostFeatures() {
  llvm::SubtargetFeatures features;
  for (auto &[name, isOn] : getGrantedFeatures())
    features.AddFeature(name, isOn);
  return features.getString();
}

static llvm::Error checkFeatures(const llvm::MCSubtargetInfo &info, StringRef features) {
  SmallVector<StringRef> names;
  if (!features.empty())
    features.split(names, ',');
  for (StringRef name : names) {
    StringRef bare = name;
    if (!bare.consume_front("+") && !bare.consume_front("-"))
      return llvm::createStringError("--features: '" + name + "' lacks its sign: +" + name + " adds it, -" + name +
                                     " takes it away");
    if (llvm::any_of(info.getAllProcessorFeatures(), [&](auto &known) { return bare == known.Key; }))
      continue;
    std::string nearest = findNearestFeature(bare, info);
    return llvm::createStringError("--features: the target does not know the feature '" + bare + "'" +
                                   (nearest.empty() ? "" : "; '" + nearest + "' is the nearest"));
  }
  return llvm::Error::success();
}

/// The least CPU of a foreign target, as clang chooses it.
static std::string getDefaultCpu(const llvm::Triple &triple) {
  if (triple.getArch() == llvm::Triple::x86)
    return "pentium4"; // the first with SSE2
  StringRef arm = triple.isARM() || triple.isThumb() ? llvm::ARM::getARMCPUForArch(triple) : StringRef();
  return arm.empty() ? "generic" : arm.str();
}

/// What every CPU of a foreign target has besides, as clang assumes: the application profile where there is a system.
static std::string getDefaultFeatures(const llvm::Triple &triple) {
  bool hasSystem = triple.getOS() != llvm::Triple::UnknownOS;
  return triple.isRISCV() && hasSystem ? "+m,+a,+f,+d,+c" : "";
}

/// The code generator of a triple, or an error that says what to write instead.
static llvm::Expected<const llvm::Target *> findTarget(const TargetOptions &options, const llvm::Triple &triple) {
  StringRef name = options.triple;
  if ((name == "arm" || name == "thumb") && options.cpu.empty()) // for clang, CPUs of 1994
    return llvm::createStringError("--target=" + name + " names no machine; " + suggestTarget(name));
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError("--target=" + name + ": there is no such target; " + suggestTarget(name));
  if (!triple.isLittleEndian())
    return llvm::createStringError("%s is big-endian; only little-endian targets are supported", triple.str().c_str());
  if (triple.getArch() == llvm::Triple::xtensa || triple.getArch() == llvm::Triple::avr)
    return llvm::createStringError("--target=" + name + " is not supported" +
                                   (triple.getArch() == llvm::Triple::avr ? "" : "; " + suggestTarget(name)));
  return target;
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>> createTargetMachine(const TargetOptions &options) {
  initializeTargets();
  std::string host = llvm::sys::getDefaultTargetTriple();
  llvm::Triple triple(llvm::Triple::normalize(options.triple.empty() ? host : options.triple));
  auto found = findTarget(options, triple);
  if (!found)
    return found.takeError();
  const llvm::Target *target = *found;

  bool isHost = triple.getArch() == llvm::Triple(host).getArch();
  bool native = options.cpu == "native" || (options.cpu.empty() && isHost);
  if (native && !isHost)
    return llvm::createStringError("--cpu=native is this machine's CPU, and %s is another machine", triple.str().c_str());
  std::string cpu = native                ? llvm::sys::getHostCPUName().str()
                    : options.cpu.empty() ? getDefaultCpu(triple)
                                          : options.cpu;
  std::string features = native ? getHostFeatures() : options.cpu.empty() ? getDefaultFeatures(triple) : "";
  std::unique_ptr<llvm::MCSubtargetInfo> generic(target->createMCSubtargetInfo(triple, "", ""));
  if (!generic->isCPUStringValid(cpu))
    return llvm::createStringError("the target " + triple.str() + " does not know the CPU '" + cpu + "'; " +
                                   suggestCpu(cpu, triple, *generic));
  if (llvm::Error unknown = checkFeatures(*generic, options.features))
    return unknown;
  if (!options.features.empty())
    features += (features.empty() ? "" : ",") + options.features;

  auto relocation = parseRelocationModel(options.relocationModel, triple.isWasm());
  if (!relocation)
    return relocation.takeError();
  auto codeModel = parseCodeModel(options.codeModel);
  if (!codeModel)
    return codeModel.takeError();
  llvm::TargetOptions llvmOptions;
  llvmOptions.FunctionSections = true;
  llvmOptions.DataSections = true;
  llvmOptions.EmitStackSizeSection = true;
  llvmOptions.UseInitArray = true;
  llvmOptions.EABIVersion = llvm::EABI::GNU; // plain memcpy, not __aeabi_memcpy4
  if (options.floatAbi == "soft" || options.floatAbi == "softfp")
    llvmOptions.FloatABIType = llvm::FloatABI::Soft;
  else if (options.floatAbi == "hard")
    llvmOptions.FloatABIType = llvm::FloatABI::Hard;
  else if (!options.floatAbi.empty())
    return llvm::createStringError("unknown float ABI '%s': soft, softfp or hard", options.floatAbi.c_str());
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu, features, llvmOptions, *relocation, *codeModel, getCodeGenLevel(options.optLevel)));
  if (!machine)
    return llvm::createStringError("no code generator for %s", triple.str().c_str());
  return machine;
}

/// Whether the machine's CPU and feature string switch `feature` on.
static bool hasFeature(const llvm::MCSubtargetInfo &info, StringRef feature) {
  for (const auto &known : info.getAllProcessorFeatures())
    if (feature == known.Key)
      return info.getFeatureBits().test(known.Value);
  return false;
}

std::string describeCpu(const llvm::TargetMachine &machine) {
  const llvm::Triple &triple = machine.getTargetTriple();
  std::string description = machine.getTargetCPU().str();
  std::unique_ptr<llvm::MCSubtargetInfo> alone(
      machine.getTarget().createMCSubtargetInfo(triple, machine.getTargetCPU(), ""));
  const llvm::MCSubtargetInfo &info = *machine.getMCSubtargetInfo();
  for (const auto &known : info.getAllProcessorFeatures())
    if (info.getFeatureBits().test(known.Value) && !alone->getFeatureBits().test(known.Value))
      description += std::string(",+") + known.Key;
  return description;
}

kernel::TargetAttr getKernelTarget(MLIRContext *context, const llvm::TargetMachine &machine, unsigned packedBits) {
  const llvm::MCSubtargetInfo &info = *machine.getMCSubtargetInfo();
  const llvm::Triple &triple = machine.getTargetTriple();
  unsigned vectorBits = 64, registers = 16, l1 = 32 << 10, l2 = 256 << 10;
  bool fma = false, vnni = false;
  bool byteTiles = false, bf16Tiles = false;
  StringRef bf16Dot, i16Dot, byteLookup, floatLookup;
  if (triple.isX86()) {
    bool avx512 = hasFeature(info, "avx512f") && hasFeature(info, "avx512vl") && hasFeature(info, "avx512dq") &&
                  hasFeature(info, "avx512bw");
    vectorBits = avx512 ? 512 : hasFeature(info, "avx") ? 256 : 128;
    registers = avx512 ? 32 : triple.isArch64Bit() ? 16 : 8;
    fma = hasFeature(info, "fma");
    vnni = avx512 ? hasFeature(info, "avx512vnni") : vectorBits == 256 && hasFeature(info, "avxvnni");
    bf16Dot = avx512 && hasFeature(info, "avx512bf16") ? "llvm.x86.avx512bf16.dpbf16ps.512" : "";
    i16Dot = avx512                    ? "llvm.x86.avx512.pmaddw.d.512"
             : hasFeature(info, "avx2") ? "llvm.x86.avx2.pmadd.wd"
             : hasFeature(info, "sse2") && vectorBits == 128 ? "llvm.x86.sse2.pmadd.wd"
                                        : "";
    byteLookup = avx512 && hasFeature(info, "avx512vbmi") ? "llvm.x86.avx512.vpermi2var.qi.512" : "";
    // Only Linux is known to grant tile registers on demand; of several CPUs' code, weights are shared by all.
    bool tiles = avx512 && triple.isArch64Bit() && !triple.isX32() && triple.isOSLinux() && packedBits == 0 &&
                 hasFeature(info, "amx-tile");
    byteTiles = tiles && vnni && hasFeature(info, "amx-int8");
    bf16Tiles = tiles && !bf16Dot.empty() && hasFeature(info, "amx-bf16");
    floatLookup = avx512 ? "llvm.x86.avx512.permvar.sf.512" : "";
    l2 = avx512 ? 1 << 20 : 256 << 10;
  } else if (triple.isAArch64()) {
    vectorBits = 128, registers = 32, fma = true, l2 = 512 << 10;
    bf16Dot = hasFeature(info, "bf16") ? "llvm.aarch64.neon.bfdot" : "";
    byteLookup = hasFeature(info, "neon") ? "llvm.aarch64.neon.tbl4" : "";
  } else if (triple.isARM() || triple.isThumb()) {
    bool neon = hasFeature(info, "neon");
    vectorBits = neon ? 128 : 32, registers = neon ? 16 : 32,
    fma = hasFeature(info, "vfp4") && hasFeature(info, "fp-armv8"); // which also has the roundings
    l1 = 16 << 10, l2 = 64 << 10;
  } else if (triple.isRISCV()) {
    bool vector = hasFeature(info, "v");
    vectorBits = vector ? 128 : 32, registers = 32, fma = hasFeature(info, "f") && hasFeature(info, "d");
  } else if (triple.isWasm()) {
    vectorBits = hasFeature(info, "simd128") ? 128 : 32, registers = 16;
  }
  return kernel::TargetAttr::get(context, vectorBits, registers, fma, l1, l2, vnni, packedBits, bf16Dot, i16Dot,
                                 byteLookup, floatLookup, byteTiles, bf16Tiles);
}

void attachTarget(ModuleOp module, const llvm::TargetMachine &machine, unsigned packedBits) {
  MLIRContext *context = module.getContext();
  context->getOrLoadDialect<LLVM::LLVMDialect>();
  context->getOrLoadDialect<DLTIDialect>();
  context->getOrLoadDialect<kernel::KernelDialect>();
  llvm::DataLayout layout = machine.createDataLayout();
  module->setAttr("kernel.target", getKernelTarget(context, machine, packedBits));
  module->setAttr(LLVM::LLVMDialect::getDataLayoutAttrName(),
                  StringAttr::get(context, layout.getStringRepresentation()));
  module->setAttr(LLVM::LLVMDialect::getTargetTripleAttrName(),
                  StringAttr::get(context, machine.getTargetTriple().str()));
  auto spec = cast<DataLayoutSpecAttr>(translateDataLayout(layout, context));
  SmallVector<DataLayoutEntryInterface> entries(spec.getEntries());
  entries.push_back(DataLayoutEntryAttr::get(
      IndexType::get(context), IntegerAttr::get(IntegerType::get(context, 64), layout.getIndexSizeInBits(0))));
  module->setAttr(DLTIDialect::kDataLayoutAttrName, DataLayoutSpecAttr::get(context, entries));
}

bool convertsHalf(const llvm::TargetMachine &machine) {
  const llvm::MCSubtargetInfo &info = *machine.getMCSubtargetInfo();
  const llvm::Triple &triple = machine.getTargetTriple();
  if (triple.isX86())
    return hasFeature(info, "f16c") || hasFeature(info, "avx512f");
  if (triple.isARM() || triple.isThumb())
    return hasFeature(info, "fp16");
  return triple.isAArch64() || (triple.isRISCV() && hasFeature(info, "zfhmin"));
}

bool runsHere(const llvm::TargetMachine &machine) {
  const llvm::Triple &target = machine.getTargetTriple();
  llvm::Triple host(llvm::sys::getDefaultTargetTriple());
  if (target.getArch() != host.getArch() || target.getOS() != host.getOS() || !target.isOSBinFormatELF())
    return false;
  const llvm::MCSubtargetInfo &info = *machine.getMCSubtargetInfo();
  return llvm::all_of(getGrantedFeatures(),
                      [&](const auto &feature) { return feature.second || !hasFeature(info, feature.first()); });
}

llvm::StringRef getTickCounter(const llvm::Triple &triple) {
  if (triple.isX86())
    return "llvm.readcyclecounter";
  return triple.isAArch64() ? "llvm.readsteadycounter" : "";
}

} // namespace nnc
