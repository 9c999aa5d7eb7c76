// From a model file to the files that the options ask for: reads the model with
// the frontend that knows its format, then runs the stages.
#include "lib/Driver/Compiler.h"

#include "lib/Analysis/Layers.h"
#include "lib/Analysis/MultiplyAdds.h"
#include "lib/Driver/Formats.h"
#include "lib/Driver/MeasurePrecision.h"
#include "lib/Driver/OutputFile.h"
#include "lib/Driver/Registration.h"
#include "lib/Driver/ReleaseConstants.h"
#include "lib/Driver/RunConstants.h"
#include "lib/Driver/StageRunner.h"
#include "lib/Export/ONNX/Export.h"
#include "lib/Target/CpuModel.h"
#include "lib/Target/Emit.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Transforms/LocationSnapshot.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;

namespace nnc {

/// `file:line:column: ` or `layer 'name': `, as far as the location tells.
static void printLocation(Location loc, llvm::raw_ostream &os) {
  if (auto file = dyn_cast<FileLineColLoc>(loc)) {
    os << file.getFilename().getValue() << ':';
    if (file.getLine())
      os << file.getLine() << ':' << file.getColumn() << ':';
    os << ' ';
  } else if (auto name = dyn_cast<NameLoc>(loc)) {
    os << "layer '" << name.getName().getValue() << "': ";
  } else if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getLocations().empty()) {
    printLocation(fused.getLocations().front(), os);
  } else if (auto call = dyn_cast<CallSiteLoc>(loc)) {
    printLocation(call.getCallee(), os);
  }
}

static void printDiagnostic(Diagnostic &diagnostic, llvm::raw_ostream &os) {
  printLocation(diagnostic.getLocation(), os);
  switch (diagnostic.getSeverity()) {
  case DiagnosticSeverity::Error:
    os << "error: ";
    break;
  case DiagnosticSeverity::Warning:
    os << "warning: ";
    break;
  case DiagnosticSeverity::Note:
  case DiagnosticSeverity::Remark:
    os << "note: ";
    break;
  }
  os << diagnostic << '\n';
  for (Diagnostic &note : diagnostic.getNotes())
    printDiagnostic(note, os);
}

/// Reads the model with the frontend that knows its format, and notes what only the files tell.
static OwningOpRef<ModuleOp> readModel(MLIRContext &context, const CompileOptions &options, Provenance &provenance) {
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
  frontend::ImportOptions import;
  import.name = options.name;
  import.shapes = options.shapes;
  import.darknetDialect = options.darknetDialect;
  import.verbose = options.verbose;
  OwningOpRef<ModuleOp> module = format->import(context, files, import);
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
  for (unsigned i = 0; main && i < main.getNumArguments(); ++i) {
    if (auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name"))
      known.insert(name.getValue());
    if (auto symbols = main.getArgAttrOfType<ArrayAttr>(i, "nn.symbols"))
      for (auto symbol : symbols.getAsRange<StringAttr>())
        if (!symbol.empty())
          known.insert(symbol.getValue());
  }
  for (const auto &given : options.shapes.inputs)
    if (!known.contains(given.first()))
      return module.emitError("--shape: there is no input or extent '")
             << given.first() << "'; there are: " << llvm::join(known, ", ");
  return success();
}

/// Converts the model, and says what became of it.
static LogicalResult exportAsONNX(ModuleOp module, const CompileOptions &options) {
  onnx_export::ExportOptions exporting{*options.exportOpset, options.output.provenance.version};
  onnx_export::ExportSummary summary;
  FailureOr<std::string> bytes = onnx_export::exportModel(module, exporting, summary);
  if (failed(bytes) ||
      failed(writeFile(options.output.outputFile, module.getLoc(), [&](llvm::raw_ostream &os) { os << *bytes; })))
    return failure();
  if (options.output.outputFile != "-")
    llvm::errs() << options.output.outputFile << ": ONNX opset " << *options.exportOpset << ", " << summary.nodes
                 << " nodes, " << summary.transposes << " of them transposes\n";
  return success();
}

/// The loops as text, to whose lines in `file` all operations refer from now on.
static std::string listLoops(ModuleOp module, StringRef file) {
  std::string text;
  llvm::raw_string_ostream os(text);
  generateLocationsFromIR(os, llvm::sys::path::filename(file), module, getPrintingFlags(/*withWeights=*/false));
  return text;
}

static LogicalResult compileQuietly(const CompileOptions &options);

static LogicalResult compile(MLIRContext &context, const CompileOptions &options) {
  Location loc = FileLineColLoc::get(&context, options.inputs.front(), 0, 0);
  auto machine = createTargetMachine(options.target);
  if (!machine)
    return emitError(UnknownLoc::get(&context)) << llvm::toString(machine.takeError());

  StageRunner runner(options);
  OutputOptions output = options.output;
  OwningOpRef<ModuleOp> module;
  if (failed(runner.run(Stage::Import, [&] {
        module = readModel(context, options, output.provenance);
        return success(module.get() != nullptr);
      })))
    return failure();
  module->getOperation()->setLoc(loc);
  if (failed(checkShapeNames(*module, options)))
    return failure();
  if (failed(runner.dump(*module, Stage::Import)))
    return failure();
  if (options.stopAfter == Stage::Import)
    return printAsMLIR(*module, options);
  if (options.exportOpset)
    return exportAsONNX(*module, options);

  attachTarget(*module, **machine);
  auto interface = ModelInterface::get(*module, options.name);
  if (failed(interface))
    return failure();
  interface->threads = options.output.threads;
  PipelineOptions pipeline;
  pipeline.threads = options.output.threads;
  pipeline.winograd = options.winograd;
  pipeline.precision = options.precision;
  pipeline.convertsHalf = convertsHalf(**machine);
  pipeline.debugLines = !options.output.listingFile.empty();
  pipeline.runConstants = runConstants;
  if (options.profile) {
    pipeline.profileCounter = getTickCounter((*machine)->getTargetTriple()).str();
    if (pipeline.profileCounter.empty())
      return emitError(loc) << "--profile: no counter of time is known for the target "
                            << (*machine)->getTargetTriple().str();
  }
  std::vector<LayerFacts> layers;
  for (const StageInfo &info : getStages()) {
    if (info.stage == Stage::Import || info.stage == Stage::Object)
      continue;
    if (info.stage == Stage::Tensors)
      recordElementTypes(*module);
    if (failed(runner.runPasses(*module, info.stage, pipeline)))
      return failure();
    if (info.stage == Stage::NN)
      layers = listLayers(*module);
    if (info.stage == Stage::Tensors) {
      interface->macs = countMultiplyAdds(*module);
      addMultiplyAdds(*module, layers);
    }
    if (info.stage == Stage::Tensors || info.stage == Stage::Arena) // packed, gathered
      releaseUnusedConstants(*module);
    if (info.stage == Stage::Arena && options.printMemoryPlan)
      printMemoryPlan(*module, llvm::outs());
    if (options.stopAfter == info.stage)
      return printAsMLIR(*module, options);
    if (info.stage == Stage::Arena && pipeline.debugLines)
      output.listing = listLoops(*module, output.listingFile);
  }
  if (options.precision != "f32" && !output.reportFile.empty()) {
    std::vector<std::string> outputs;
    for (const TensorInterface &result : interface->outputs)
      outputs.push_back(result.name);
    output.precision = measurePrecision(options, runsHere(**machine), outputs, compileQuietly);
  }
  // emitModel adds its phases to the times, and writes all of them into the report.
  return runner.run(Stage::Object,
                    [&] { return emitModel(*module, *interface, options.target, output, &runner.getTimes(), layers); });
}

/// What LLVM cannot generate code for ends the process; that is an error as any other.
static void endAfterFatalError(void *model, const char *reason, bool) {
  llvm::errs() << *static_cast<const std::string *>(model)
               << ": error: LLVM cannot generate code for this target: " << StringRef(reason).split('\n').first << '\n';
  llvm::errs().flush();
  std::_Exit(1);
}

/// Compiles once more what has been compiled: what is to be said of it was said then.
static LogicalResult compileQuietly(const CompileOptions &options) {
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  loadDialects(context);
  ScopedDiagnosticHandler handler(&context, [](Diagnostic &) { return success(); });
  return compile(context, options);
}

LogicalResult compileModel(const CompileOptions &options) {
  llvm::ScopedFatalErrorHandler fatal(endAfterFatalError, const_cast<std::string *>(&options.inputs.front()));
  DialectRegistry registry;
  registerDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  loadDialects(context);
  context.printOpOnDiagnostic(false); // the layer's name is enough; an operation may be the whole model
  bool hasErrors = false;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    hasErrors |= diagnostic.getSeverity() == DiagnosticSeverity::Error;
    printDiagnostic(diagnostic, llvm::errs());
    return success();
  });
  if (succeeded(compile(context, options)))
    return success();
  if (!hasErrors)
    llvm::errs() << options.inputs.front() << ": error: the compilation failed\n";
  return failure();
}

} // namespace nnc
