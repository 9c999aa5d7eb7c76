// From a model file to the files that the options ask for: reads the model with
// the frontend that knows its format, then runs the stages.
#include "lib/Driver/Compiler.h"

#include "dialects/Text/Text.h"
#include "lib/Analysis/Kernels.h"
#include "lib/Analysis/Layers.h"
#include "lib/Analysis/MultiplyAdds.h"
#include "lib/Driver/DecisionLog.h"
#include "lib/Driver/Diagnostics.h"
#include "lib/Driver/Formats.h"
#include "lib/Driver/MeasurePrecision.h"
#include "lib/Driver/OutputChecks.h"
#include "lib/Driver/OutputFile.h"
#include "lib/Driver/Registration.h"
#include "lib/Driver/ReleaseConstants.h"
#include "lib/Driver/RunConstants.h"
#include "lib/Driver/StageRunner.h"
#include "lib/Driver/VerifyExport.h"
#include "lib/Export/ONNX/Export.h"
#include "lib/Frontend/Import/Preprocessing.h"
#include "lib/Target/CpuModel.h"
#include "lib/Target/Emit.h"
#include "lib/Target/OutputFiles.h"
#include "lib/Target/WeightSection.h"

#include "mlir/Transforms/LocationSnapshot.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;

namespace nnc {

/// Moves an attribute that is a list of names, where there is one, from the module to `names`.
static void takeNames(ModuleOp module, StringRef attribute, std::vector<std::string> &names) {
  auto list = module ? module->getAttrOfType<ArrayAttr>(attribute) : ArrayAttr();
  if (!list)
    return;
  for (auto name : list.getAsRange<StringAttr>())
    names.push_back(name.str());
  module->removeAttr(attribute);
}

/// Reads the model with the frontend that knows its format, and notes what only the files tell, and which were read
/// besides those of the command line.
static OwningOpRef<ModuleOp> readModel(MLIRContext &context, const CompileOptions &options, Provenance &provenance,
                                       std::vector<std::string> &filesRead) {
  std::vector<frontend::ModelFile> files;
  const Format *format = openModel(context, options.inputs, options.format, files);
  if (!format)
    return {};
  if (!options.darknetDialect.empty() && format->name != "darknet") {
    emitError(FileLineColLoc::get(&context, options.inputs.front(), 0, 0))
        << "--darknet-dialect is for darknet's models; this one is " << format->description;
    return {};
  }
  bool hasShapes = !options.shapes.inputs.empty() || !options.shapes.symbols.empty();
  if (hasShapes && format->name == "mlir") {
    emitError(FileLineColLoc::get(&context, options.inputs.front(), 0, 0)) << "--shape has no effect on MLIR";
    return {};
  }
  if (!options.elements.empty() && format->name != "onnx") {
    emitError(FileLineColLoc::get(&context, options.inputs.front(), 0, 0))
        << "--elements is for sequences and optionals of ONNX; this is " << format->description;
    return {};
  }
  frontend::ImportOptions import;
  import.name = options.name;
  import.shapes = options.shapes;
  import.elements = options.elements;
  import.darknetDialect = options.darknetDialect;
  import.verbose = options.verbose;
  import.dequantizes = options.exportsQDQ;
  OwningOpRef<ModuleOp> module = format->import(context, files, import);
  if (!module && !options.format.empty())
    noteOtherFormats(context, files, *format);
  std::vector<std::string> compounds;
  takeNames(module.get(), "nn.files", filesRead);
  takeNames(module.get(), "nn.compounds", compounds);
  if (options.exportOpset && !compounds.empty())
    emitWarning(FileLineColLoc::get(&context, options.inputs.front(), 0, 0))
        << "what is a sequence, a map or an optional in the model is written as tensors: " << llvm::join(compounds, ", ");
  mlir::Type rawType;
  if (!options.rawInputs.empty())
    rawType = options.rawInputs == "u8" ? mlir::Type(IntegerType::get(&context, 8, IntegerType::Unsigned))
                                        : Float32Type::get(&context);
  if (module) {
    (*module)->setLoc(FileLineColLoc::get(&context, options.inputs.front(), 0, 0));
    if (failed(frontend::settlePreprocessing(*module, rawType)))
      return {};
  }
  if (!module || options.stopAfter || options.exportOpset) // nothing says where it comes from
    return module;
  llvm::SHA256 digest;
  for (const frontend::ModelFile &file : files) {
    provenance.sourceName += (provenance.sourceName.empty() ? "" : ", ") + llvm::sys::path::filename(file.path).str();
    digest.update(file.getContent());
  }
  provenance.sourceSha256 = llvm::toHex(digest.final(), /*LowerCase=*/true);
  return module;
}

static LogicalResult printAsMLIR(ModuleOp module, const CompileOptions &options) {
  return writeFile(options.output.outputFile, module.getLoc(),
                   [&](llvm::raw_ostream &os) { printModule(module, os, options.printWeights); });
}

/// Refuses names in --shape that are neither an input nor an extent of the model.
static LogicalResult checkShapeNames(ModuleOp module, const CompileOptions &options) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  llvm::SetVector<StringRef> known;
  llvm::StringSet<> inputs;
  for (unsigned i = 0; main && i < main.getNumArguments(); ++i) {
    if (auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name")) {
      known.insert(name.getValue());
      inputs.insert(name.getValue());
    }
    if (auto symbols = main.getArgAttrOfType<ArrayAttr>(i, "nn.symbols"))
      for (auto symbol : symbols.getAsRange<StringAttr>())
        if (!symbol.empty())
          known.insert(symbol.getValue());
  }
  for (const auto &given : options.shapes.inputs) {
    if (!known.contains(given.first()))
      return module.emitError("--shape: there is no input or extent '")
             << given.first() << "'; there are: " << llvm::join(known, ", ")
             << (given.first().contains('=') ? " (each has a --shape of its own)" : "");
    if (!inputs.contains(given.first()) && given.second.size() != 1)
      return module.emitError("--shape: '") << given.first() << "' is one extent, not the shape of an input";
  }
  return success();
}

/// Whether anything is computed of strings, or handed out.
static bool hasStrings(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        bool isFound = llvm::any_of(op->getOperandTypes(), text::isStrings) || llvm::any_of(op->getResultTypes(), text::isStrings);
        return isFound ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The model with quantised layers as the format's own kernels compute them, where `module` has them otherwise.
static FailureOr<OwningOpRef<ModuleOp>> readIntegers(ModuleOp module, const CompileOptions &options) {
  if (!module->hasAttr("nn.dequantized"))
    return OwningOpRef<ModuleOp>();
  CompileOptions others = options;
  others.exportsQDQ = false;
  Provenance provenance;
  std::vector<std::string> filesRead;
  OwningOpRef<ModuleOp> integers = readModel(*module.getContext(), others, provenance, filesRead);
  if (!integers)
    return failure();
  return integers;
}

/// Converts the model, and says what became of it.
static LogicalResult exportAsONNX(ModuleOp module, const CompileOptions &options, ArrayRef<std::string> filesRead) {
  StringRef file = options.output.outputFile;
  std::string dataFile = getDataFile(file);
  onnx_export::ExportOptions exporting{*options.exportOpset, options.output.provenance.version, options.externalData,
                                       llvm::sys::path::filename(dataFile).str()};
  onnx_export::ExportSummary summary;
  FailureOr<onnx_export::ExportedModel> model = onnx_export::exportModel(module, exporting, summary);
  if (failed(model))
    return failure();
  if (!model->data.empty() && file == "-")
    return module.emitError("more than 2 GiB need two files, which have names: -o model.onnx");
  if (!model->data.empty())
    if (llvm::Error error = checkDataFile(file, filesRead))
      return module.emitError() << llvm::toString(std::move(error));
  if (options.verifyTolerance) {
    FailureOr<OwningOpRef<ModuleOp>> integers = readIntegers(module, options);
    if (failed(integers))
      return failure();
    ExportedFiles files{model->bytes, model->data, exporting.dataFile};
    VerifyOptions verify{*options.verifyTolerance, compileQuietly, options.verifyInputs, options.stringSpace,
                         options.maxPieces};
    if (llvm::Error error = verifyExport(module, integers->get(), files, summary, verify, llvm::errs()))
      return module.emitError() << llvm::toString(std::move(error));
  }
  OutputFiles files;
  llvm::Error error = files.add(file, [&](llvm::raw_ostream &os) { os << model->bytes; });
  if (!error && !model->data.empty())
    error = files.add(dataFile, [&](llvm::raw_ostream &os) { os << model->data; });
  if (!error)
    error = files.commit();
  if (error)
    return module.emitError() << llvm::toString(std::move(error));
  if (file != "-")
    llvm::errs() << file << ": ONNX opset " << *options.exportOpset << ", " << summary.nodes << " nodes, "
                 << summary.transposes << " of them transposes"
                 << (model->data.empty() ? "" : "; weights are in " + exporting.dataFile) << '\n';
  return success();
}

/// The loops as text, to whose lines in `file` all operations refer from now on.
static std::string listLoops(ModuleOp module, StringRef file) {
  std::string text;
  llvm::raw_string_ostream os(text);
  generateLocationsFromIR(os, llvm::sys::path::filename(file), module, getPrintingFlags(/*withWeights=*/false));
  return text;
}

namespace {

/// One compilation: the model, and its code for each CPU.
class Compilation {
public:
  Compilation(MLIRContext &context, const CompileOptions &options, DecisionLog &decisions)
      : context(context), options(options), decisions(decisions),
        loc(FileLineColLoc::get(&context, options.inputs.front(), 0, 0)), runner(options), output(options.output) {}

  LogicalResult run();

private:
  LogicalResult fail(llvm::Error error) {
    return emitError(UnknownLoc::get(&context)) << llvm::toString(std::move(error));
  }
  bool isReported() const { return !options.output.reportFile.empty(); }
  LogicalResult createMachines();
  LogicalResult checkSeveralCpus();
  LogicalResult import();
  FailureOr<PipelineOptions> getPipeline(const llvm::TargetMachine &machine);
  LogicalResult lower(unsigned number, ModuleOp module);
  LogicalResult lowerTo(Stage stage, ModuleOp module, const PipelineOptions &pipeline);
  LogicalResult emit();

  MLIRContext &context;
  const CompileOptions &options;
  DecisionLog &decisions;
  Location loc;
  StageRunner runner;
  OutputOptions output;
  std::vector<std::string> filesRead; ///< besides those of the command line
  std::vector<CpuVariant> cpus;
  std::vector<std::unique_ptr<llvm::TargetMachine>> machines; ///< one per CPU
  std::vector<OwningOpRef<ModuleOp>> modules;                 ///< the model's, for each CPU
  std::optional<ModelInterface> interface;
  NetworkFacts network;    ///< as it is for the last CPU
  GatheredWeights weights; ///< of all CPUs
};

} // namespace

LogicalResult Compilation::createMachines() {
  auto listed = listCpus(options.target);
  if (!listed)
    return fail(listed.takeError());
  cpus = std::move(*listed);
  for (const CpuVariant &cpu : cpus) {
    auto machine = createTargetMachine(cpu.target);
    if (!machine)
      return fail(machine.takeError());
    machines.push_back(std::move(*machine));
  }
  return cpus.size() > 1 ? checkSeveralCpus() : success();
}

/// Refuses what is about the code for one CPU.
LogicalResult Compilation::checkSeveralCpus() {
  StringRef option = options.stopAfter                     ? "printing MLIR"
                     : !options.dumpFolder.empty()         ? "--dump-stages"
                     : options.profile                     ? "--profile"
                     : !options.output.listingFile.empty() ? "-g"
                     : options.printMemoryPlan             ? "--print-memory-plan"
                                                           : "";
  return option.empty() ? success() : emitError(loc) << option << " is for the code of one CPU; --cpu names several";
}

LogicalResult Compilation::import() {
  modules.emplace_back();
  if (failed(runner.run(Stage::Import, [&] {
        modules.front() = readModel(context, options, output.provenance, filesRead);
        return success(modules.front().get() != nullptr);
      })))
    return failure();
  ModuleOp module = *modules.front();
  module->setLoc(loc);
  if (llvm::Error error = checkReplaced(options, filesRead))
    return fail(std::move(error));
  if (const CompileOptions defaults; options.stringSpace != defaults.stringSpace || options.maxPieces != defaults.maxPieces) {
    if (!hasStrings(module))
      return module.emitError("--string-space and --max-pieces are for models with strings, of which this one has none");
    Builder builder(&context);
    module->setAttr("text.space", builder.getI64IntegerAttr(options.stringSpace));
    module->setAttr("text.pieces", builder.getI64IntegerAttr(options.maxPieces));
  }
  return success(succeeded(checkShapeNames(module, options)) && succeeded(runner.dump(module, Stage::Import)));
}

FailureOr<PipelineOptions> Compilation::getPipeline(const llvm::TargetMachine &machine) {
  PipelineOptions pipeline;
  pipeline.threads = options.output.threads;
  pipeline.winograd = options.winograd;
  pipeline.keepDenormals = options.keepDenormals;
  pipeline.precision = options.precision;
  pipeline.convertsHalf = convertsHalf(machine);
  pipeline.debugLines = !options.output.listingFile.empty();
  pipeline.numberLayers = isReported();
  pipeline.runConstants = [this](OwningOpRef<ModuleOp> constants, ArrayRef<ElementsAttr> inputs) {
    decisions.setPaused(true);
    auto values = runConstants(std::move(constants), inputs);
    decisions.setPaused(false);
    return values;
  };
  pipeline.weights = &weights;
  pipeline.externalWeights = options.output.externalWeights;
  if (options.profile) {
    pipeline.profileCounter = getTickCounter(machine.getTargetTriple()).str();
    if (pipeline.profileCounter.empty())
      return emitError(loc) << "--profile: no counter of time is known for the target "
                            << machine.getTargetTriple().str();
  }
  return pipeline;
}

/// The passes that lead to `stage`, and what is to be known from the module then.
LogicalResult Compilation::lowerTo(Stage stage, ModuleOp module, const PipelineOptions &pipeline) {
  if (stage == Stage::Tensors)
    recordElementTypes(module);
  if (failed(runner.runPasses(module, stage, pipeline)))
    return failure();
  if (stage == Stage::NN)
    network.layers = listLayers(module);
  if (stage == Stage::Tensors) {
    interface->macs = countMultiplyAdds(module);
    addMultiplyAdds(module, network.layers);
    if (isReported())
      network.kernels = listKernels(module);
  }
  if (stage == Stage::Buffers && isReported())
    addCopies(module, network.kernels);
  if (stage == Stage::Arena)
    interface->addBounds(module);
  if (stage == Stage::Tensors || stage == Stage::Arena) // packed, gathered
    releaseUnusedConstants(modules);
  if (stage == Stage::Arena && options.printMemoryPlan)
    printMemoryPlan(module, llvm::outs());
  if (stage == Stage::Arena && pipeline.debugLines && options.stopAfter != stage)
    output.listing = listLoops(module, output.listingFile);
  return success();
}

/// From NN to the LLVM dialect, or to where the user says.
LogicalResult Compilation::lower(unsigned number, ModuleOp module) {
  (void)decisions.takeDecisions(); // of the CPU before
  unsigned packedBits = 0;         // the weights of all CPUs are packed for the widest
  for (const auto &machine : machines)
    packedBits = std::max(packedBits, getKernelTarget(&context, *machine).getVectorBits());
  attachTarget(module, *machines[number], machines.size() > 1 ? packedBits : 0);
  FailureOr<PipelineOptions> pipeline = getPipeline(*machines[number]);
  if (failed(pipeline))
    return failure();
  for (const StageInfo &info : getStages()) {
    if (info.stage == Stage::Import || info.stage == Stage::Object)
      continue;
    if (failed(lowerTo(info.stage, module, *pipeline)))
      return failure();
    if (options.stopAfter == info.stage)
      break;
  }
  return success();
}

/// Writes the files. emitModel adds its phases to the times, and writes all of them into the report.
LogicalResult Compilation::emit() {
  std::vector<ModelCode> codes;
  for (auto [module, cpu] : llvm::zip(modules, cpus))
    codes.push_back({*module, cpu});
  network.decisions = decisions.takeDecisions();
  if (options.precision != "f32" && isReported()) {
    std::vector<std::string> outputs;
    for (const TensorInterface &result : interface->outputs)
      outputs.push_back(result.name);
    output.precision = measurePrecision(options, runsHere(*machines.front()), outputs, compileQuietly);
  }
  return runner.run(Stage::Object, [&] { return emitModel(codes, *interface, output, &runner.getTimes(), network); });
}

LogicalResult Compilation::run() {
  if (failed(createMachines()) || failed(import()))
    return failure();
  if (options.stopAfter == Stage::Import)
    return printAsMLIR(*modules.front(), options);
  if (options.exportOpset)
    return exportAsONNX(*modules.front(), options, filesRead);
  auto found = ModelInterface::get(*modules.front(), options.name);
  if (failed(found))
    return failure();
  interface = std::move(*found);
  interface->threads = options.output.threads;
  interface->externalWeights = options.output.externalWeights;
  while (modules.size() < cpus.size())
    modules.push_back(modules.front()->clone());
  for (auto [number, module] : llvm::enumerate(modules)) {
    if (failed(lower(number, *module)))
      return failure();
    if (number > 0) { // the weights of the CPU before are in this one's
      (void)detachWeights(*modules[number - 1]);
      releaseUnusedConstants(modules);
    }
  }
  return options.stopAfter ? printAsMLIR(*modules.front(), options) : emit();
}

/// What LLVM cannot generate code for ends the process; that is an error as any other.
static void endAfterFatalError(void *model, const char *reason, bool) {
  llvm::errs() << *static_cast<const std::string *>(model)
               << ": error: LLVM cannot generate code for this target: " << StringRef(reason).split('\n').first << '\n';
  llvm::errs().flush();
  std::_Exit(1);
}

llvm::Error compileQuietly(const CompileOptions &options) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  loadDialects(context);
  context.printOpOnDiagnostic(false);
  std::string reason;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error && reason.empty())
      reason = describeWithoutFile(diagnostic);
    return success();
  });
  DecisionLog decisions; // which nobody asks for
  if (succeeded(Compilation(context, options, decisions).run()))
    return llvm::Error::success();
  return llvm::createStringError(reason.empty() ? "the compilation failed" : reason);
}

LogicalResult compileModel(const CompileOptions &options) {
  llvm::ScopedFatalErrorHandler fatal(endAfterFatalError, const_cast<std::string *>(&options.inputs.front()));
  DialectRegistry registry;
  registerDialects(registry);
  DecisionLog decisions;
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  loadDialects(context);
  context.printOpOnDiagnostic(false); // the layer's name is enough; an operation may be the whole model
  bool hasErrors = false;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    hasErrors |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    printDiagnostic(diagnostic, llvm::errs());
    return success();
  });
  if (!options.output.reportFile.empty() && failed(decisions.start(context)))
    return failure();
  if (succeeded(Compilation(context, options, decisions).run()))
    return success();
  if (!hasErrors)
    llvm::errs() << options.inputs.front() << ": error: the compilation failed\n";
  return failure();
}

} // namespace nnc
