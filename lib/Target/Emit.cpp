// The stage `object`: translates to LLVM IR, adds the interface, optimises,
// generates code, and writes the files. Nothing is written before everything that
// can fail has succeeded.
#include "lib/Target/Emit.h"

#include "lib/Target/CpuModel.h"
#include "lib/Target/EntryPoints.h"
#include "lib/Target/Header.h"
#include "lib/Target/Link.h"
#include "lib/Target/MachineCode.h"
#include "lib/Target/ObjectFile.h"
#include "lib/Target/OutputFiles.h"
#include "lib/Target/Report.h"
#include "lib/Target/TextFunctions.h"
#include "lib/Target/WeightSection.h"
#include "lib/Target/WeightsFile.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <chrono>

using namespace mlir;

namespace nnc {
namespace {

/// One emission, from module to files.
class Emitter {
public:
  Emitter(ArrayRef<ModelCode> codes, const ModelInterface &interface, const OutputOptions &output,
          std::vector<StageTime> *times, const NetworkFacts &network)
      : codes(codes), module(codes.back().module), interface(interface), targetOptions(codes.back().cpu.target),
        output(output), times(times), network(network) {}

  LogicalResult run();

private:
  bool isForSeveralCpus() const { return codes.size() > 1; }
  LogicalResult createMachine();
  std::unique_ptr<llvm::Module> translateOne(const ModelCode &code);
  LogicalResult translateSeveral();
  LogicalResult translate();
  LogicalResult settleWeights(DescriptorFacts &facts);
  LogicalResult generate();
  LogicalResult checkUndefined(ArrayRef<std::string> symbols);
  LogicalResult measure();
  llvm::Expected<llvm::SmallVector<char, 0>> package();
  llvm::Error write();
  LogicalResult fail(llvm::Error error) { return module.emitError(llvm::toString(std::move(error))); }
  template <typename Phase> LogicalResult time(StringRef name, Phase phase);

  ArrayRef<ModelCode> codes;
  ModuleOp module; ///< of the last
  const ModelInterface &interface;
  const TargetOptions &targetOptions;
  const OutputOptions &output;
  std::vector<StageTime> *times;
  const NetworkFacts &network;
  llvm::LLVMContext context;
  std::unique_ptr<llvm::TargetMachine> machine;
  std::unique_ptr<llvm::Module> llvmModule;
  llvm::SmallVector<char, 0> object;
  ArrayRef<char> weights; ///< that are not in llvmModule
  WeightsHeader weightsHeader; ///< where they have a file of their own
  std::string weightsSection;
  std::string text; ///< assembly or LLVM IR, where that is the output
  EmittedSizes sizes;
  int64_t writableBytes = 0; ///< counts of a profile, the choice among CPUs
};

} // namespace

template <typename Phase> LogicalResult Emitter::time(StringRef name, Phase phase) {
  auto start = std::chrono::steady_clock::now();
  LogicalResult result = phase();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (times)
    times->push_back({name.str(), seconds.count()});
  return result;
}

/// The layers that the code times, with their multiply-adds.
static std::optional<std::vector<ProfiledLayer>> listProfiledLayers(ModuleOp module, ArrayRef<LayerFacts> layers) {
  auto names = module->getAttrOfType<ArrayAttr>("nn.profiled_layers");
  if (!names)
    return std::nullopt;
  std::vector<ProfiledLayer> profiled;
  for (auto name : names.getAsRange<StringAttr>()) {
    profiled.push_back({name.str(), 0});
    for (const LayerFacts &layer : layers)
      if (layer.name == name.getValue())
        profiled.back().macs += layer.macs.value_or(0);
  }
  return profiled;
}

std::unique_ptr<llvm::Module> Emitter::translateOne(const ModelCode &code) {
  auto translated = translateModuleToLLVMIR(code.module, context, interface.name);
  if (!translated) {
    code.module->emitError("translation to LLVM IR failed");
    return nullptr;
  }
  if (!translated->getFunction("main")) {
    code.module->emitError("the module has no function @main in the LLVM dialect");
    return nullptr;
  }
  translated->setDataLayout(machine->createDataLayout());
  translated->setTargetTriple(machine->getTargetTriple());
  if (llvm::Error error = linkTextFunctions(*translated)) {
    (void)fail(std::move(error));
    return nullptr;
  }
  return translated;
}

/// One module of the code for all CPUs: each function knows its CPU, and has its prefix. What only computes extents is
/// for any CPU, as are the entry points.
LogicalResult Emitter::translateSeveral() {
  for (const ModelCode &code : codes) {
    auto translated = translateOne(code);
    if (!translated)
      return failure();
    if (llvm::GlobalVariable *global = translated->getGlobalVariable("weights", /*AllowInternal=*/true))
      global->setLinkage(llvm::GlobalValue::ExternalLinkage); // joins the declarations of the others
    for (StringRef name : {"main_workspace", "main_output_extents", "main_extents_fit"})
      if (llvm::Function *function = translated->getFunction(name))
        setFunctionAttributes(*function, *machine);
    for (llvm::GlobalObject &object : translated->global_objects())
      if (!object.isDeclaration() && object.getName() != "weights")
        object.setName(getCpuPrefix(code.cpu) + object.getName());
    auto cpuMachine = createTargetMachine(code.cpu.target);
    if (!cpuMachine)
      return fail(cpuMachine.takeError());
    setFunctionAttributes(*translated, **cpuMachine);
    if (!llvmModule)
      llvmModule = std::move(translated);
    else if (llvm::Linker::linkModules(*llvmModule, std::move(translated)))
      return module.emitError("the code for several CPUs cannot be joined; this is a bug in nnc");
  }
  return success();
}

/// Where 32 bits reach from the code: the weights, and what a linker puts between the two.
static constexpr int64_t maxWeightsInObject = (int64_t{2} << 30) - (64 << 20);

/// Says where the weights are: in a section, or in a file of their own.
LogicalResult Emitter::settleWeights(DescriptorFacts &facts) {
  if (output.externalWeights) {
    weightsHeader = WeightsHeader(weights);
    sizes.weights = static_cast<int64_t>(WeightsHeader::size + weights.size());
    sizes.weightsHash = weightsHeader.getDigest();
    facts.weightsHeader = &weightsHeader;
  }
  bool isMachO = machine->getTargetTriple().isOSBinFormatMachO();
  weightsSection = isMachO ? "__TEXT,__const" : ".rodata." + interface.name + ".weights";
  if (!output.weightsSection.empty())
    weightsSection = output.weightsSection;
  if (llvm::GlobalVariable *global = llvmModule->getGlobalVariable("weights", /*AllowInternal=*/true)) {
    sizes.weights = llvmModule->getDataLayout().getTypeAllocSize(global->getValueType());
    if (sizes.weights > maxWeightsInObject)
      return module.emitError("the weights have ")
             << sizes.weights << " bytes, and an object cannot address more than " << maxWeightsInObject
             << " of them; --weights=extern puts them into a file of their own";
    global->setAlignment(llvm::Align(64));
    if (!global->isDeclaration())
      global->setSection(weightsSection);
  }
  facts.weightsBytes = sizes.weights;
  return success();
}

LogicalResult Emitter::translate() {
  DialectRegistry registry;
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  module.getContext()->appendDialectRegistry(registry);
  bool isText = output.kind == OutputKind::LLVMIR || output.kind == OutputKind::Assembly;
  if (output.externalWeights || (!isText && machine->getTargetTriple().isOSBinFormatELF()))
    weights = detachWeights(module);
  if (isForSeveralCpus() ? failed(translateSeveral()) : !(llvmModule = translateOne(codes.front())))
    return failure();
  llvmModule->setSourceFileName(output.provenance.sourceName);
  if (machine->getRelocationModel() == llvm::Reloc::PIC_)
    llvmModule->setPICLevel(llvm::PICLevel::BigPIC);

  DescriptorFacts facts;
  for (const ModelCode &code : codes) {
    auto plan = code.module->getAttrOfType<DictionaryAttr>("nn.memory_plan");
    int64_t peak = plan ? plan.getAs<IntegerAttr>("peak").getInt() : 0;
    if (peak > sizes.workspace) { // of several CPUs, the one that needs most
      sizes.workspace = peak;
      sizes.workspaceBound = plan.getAs<IntegerAttr>("bound").getInt();
    }
    if (isForSeveralCpus())
      facts.cpus.push_back(code.cpu);
  }
  if (failed(settleWeights(facts)))
    return failure();
  facts.workspaceBytes = sizes.workspace;
  facts.modelHash = output.provenance.sourceSha256;
  facts.profiledLayers = listProfiledLayers(module, network.layers);
  if (facts.profiledLayers)
    writableBytes += static_cast<int64_t>(facts.profiledLayers->size() * sizeof(uint64_t));
  if (isForSeveralCpus())
    writableBytes += sizeof(uint32_t);
  addEntryPoints(*llvmModule, interface, facts);
  if (output.freestanding)
    addMemoryFunctions(*llvmModule);
  setFunctionAttributes(*llvmModule, *machine);
  llvm::Error error = verify(*llvmModule);
  return error ? fail(std::move(error)) : success();
}

LogicalResult Emitter::generate() {
  if (output.kind == OutputKind::LLVMIR) {
    llvm::raw_string_ostream(text) << *llvmModule;
    if (output.headerFile.empty() && output.reportFile.empty())
      return success();
  }
  if (output.kind == OutputKind::Assembly) {
    // Generating code changes the module; the assembly is of the same, so make it from a copy.
    auto copy = llvm::CloneModule(*llvmModule);
    machine->Options.EmitStackSizeSection = false;
    auto assembly = generateCode(*copy, *machine, llvm::CodeGenFileType::AssemblyFile);
    machine->Options.EmitStackSizeSection = true;
    if (!assembly)
      return fail(assembly.takeError());
    text.assign(assembly->begin(), assembly->end());
  }
  if (!weights.empty() && !output.externalWeights)
    placeWeights(*llvmModule, weightsSection);
  auto code = generateCode(*llvmModule, *machine, llvm::CodeGenFileType::ObjectFile);
  if (!code)
    return fail(code.takeError());
  object = std::move(*code);
  return success();
}

LogicalResult Emitter::checkUndefined(ArrayRef<std::string> symbols) {
  std::string foreign, runtime;
  for (const std::string &symbol : symbols) {
    UndefinedKind kind = classifyUndefined(symbol, machine->getTargetTriple());
    if (kind == UndefinedKind::Linker || (!output.freestanding && kind != UndefinedKind::Foreign))
      continue;
    std::string &list = kind == UndefinedKind::Foreign ? foreign : runtime;
    list += (list.empty() ? "" : ", ") + symbol;
  }
  if (!foreign.empty())
    return module.emitError("the object would need symbols that it must not: ")
           << foreign << "; the CPU '" << machine->getTargetCPU().str()
           << "' has no instructions for them (--cpu and --features name others)";
  if (!runtime.empty())
    return module.emitError("--freestanding: the CPU '")
           << machine->getTargetCPU().str() << "' needs functions of the target's compiler runtime: " << runtime
           << "; name a CPU that does without (--cpu, --features), or leave --freestanding out";
  return success();
}

LogicalResult Emitter::measure() {
  if (object.empty())
    return success();
  auto facts = inspectObject(object);
  if (!facts)
    return fail(facts.takeError());
  if (failed(checkUndefined(facts->undefined)))
    return failure();
  if (facts->data > writableBytes)
    return module.emitError("the object would have ") << facts->data << " bytes of writable data";
  sizes.code = facts->code;
  sizes.stack = getWorstStack(*llvmModule, facts->stack);
  if (sizes.stack < 0)
    sizes.stackUnknown = facts->stack.empty() ? "objects for " + machine->getTargetTriple().str() + " do not tell what functions need"
                                              : "how much a function needs is known at run time only";
  auto stripped = stripStackSizes(object);
  if (!stripped)
    return fail(stripped.takeError());
  object = std::move(*stripped);
  if (!weights.empty() && !output.externalWeights)
    if (llvm::Error error = appendWeights(object, weightsSection, weights))
      return fail(std::move(error));
  sizes.object = object.size();
  return success();
}

llvm::Expected<llvm::SmallVector<char, 0>> Emitter::package() {
  switch (output.kind) {
  case OutputKind::Assembly:
  case OutputKind::LLVMIR:
    return llvm::SmallVector<char, 0>(text.begin(), text.end());
  case OutputKind::Object:
    return std::move(object);
  case OutputKind::Library:
    return makeStaticLibrary(object, interface.name + ".o");
  case OutputKind::Shared:
    return linkSharedLibrary(object, machine->getTargetTriple(), output.freestanding);
  }
  llvm_unreachable("all kinds are listed");
}

llvm::Error Emitter::write() {
  auto bytes = package();
  if (!bytes)
    return bytes.takeError();
  OutputFiles files;
  TargetNames target{machine->getTargetTriple().str(), {describeCpu(*machine)}};
  if (isForSeveralCpus())
    target.cpus.clear();
  for (size_t i = 0; isForSeveralCpus() && i < codes.size(); ++i)
    target.cpus.push_back(codes[i].cpu.name);
  auto writeObject = [&](llvm::raw_ostream &os) { os.write(bytes->data(), bytes->size()); };
  if (llvm::Error error = files.add(output.outputFile, writeObject, output.kind == OutputKind::Shared))
    return error;
  auto writeInterface = [&](llvm::raw_ostream &os) { writeHeader(os, interface, sizes, target, output); };
  if (!output.headerFile.empty())
    if (llvm::Error error = files.add(output.headerFile, writeInterface))
      return error;
  auto writeWeights = [&](llvm::raw_ostream &os) {
    os << weightsHeader.getBytes();
    os.write(weights.data(), weights.size());
  };
  if (output.externalWeights)
    if (llvm::Error error = files.add(output.weightsFile, writeWeights))
      return error;
  if (!output.listingFile.empty())
    if (llvm::Error error = files.add(output.listingFile, [&](llvm::raw_ostream &os) { os << output.listing; }))
      return error;
  auto writeAccount = [&](llvm::raw_ostream &os) {
    ReportFacts facts{module, interface, sizes, target, output, network, {}};
    if (times)
      facts.times = *times;
    writeReportAs(os, output.reportFile, facts);
  };
  if (!output.reportFile.empty())
    if (llvm::Error error = files.add(output.reportFile, writeAccount))
      return error;
  return files.commit();
}

/// The CPU's, or of several the one that all have in common.
LogicalResult Emitter::createMachine() {
  TargetOptions options = targetOptions;
  if (isForSeveralCpus()) {
    options.cpu = "x86-64";
    options.features.clear();
  }
  auto created = createTargetMachine(options);
  if (!created)
    return fail(created.takeError());
  machine = std::move(*created);
  return success();
}

LogicalResult Emitter::run() {
  if (failed(createMachine()))
    return failure();
  if (failed(time("translate", [&] { return translate(); })) ||
      failed(time("optimize",
                  [&] {
                    optimize(*llvmModule, *machine, targetOptions.optLevel);
                    return success();
                  })) ||
      failed(time("codegen", [&] { return generate(); })) || failed(measure()))
    return failure();
  llvm::Error error = write();
  return error ? fail(std::move(error)) : success();
}

LogicalResult emitModel(ArrayRef<ModelCode> codes, const ModelInterface &interface, const OutputOptions &output,
                        std::vector<StageTime> *times, const NetworkFacts &network) {
  return Emitter(codes, interface, output, times, network).run();
}

} // namespace nnc
