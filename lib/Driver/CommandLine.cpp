// The compiler's command line options: the only cl::opt besides those of single tools.
#include "lib/Driver/CommandLine.h"

#include "lib/Driver/Formats.h"
#include "lib/Driver/InputOptions.h"
#include "lib/Driver/OptionValues.h"
#include "lib/Driver/OutputChecks.h"
#include "lib/Driver/VerifyExport.h"
#include "lib/Driver/Version.h"
#include "lib/Export/ONNX/Export.h"
#include "lib/Target/TargetChecks.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nnc {
namespace {

/// What `--emit` names: the kinds of lib/Target, MLIR and ONNX.
enum class EmitKind { Unset, Object, Assembly, LLVMIR, MLIR, Library, Shared, ONNX };

} // namespace

struct CompilerCommandLine::Options {
  cl::OptionCategory category{"Options of the compiler"};
  cl::opt<std::string> name{"name", cl::desc("Name of the model: prefix of its symbols and macros"),
                            cl::value_desc("name"), cl::cat(category)};
  cl::list<std::string> shapes{
      "shape", cl::desc("Fix the shape of an input (x=1,3,224,224; ? stays symbolic) or a symbolic extent (batch=1)"),
      cl::value_desc("name=extents"), cl::cat(category)};
  cl::list<std::string> elements{
      "elements",
      cl::desc("How many elements an input has that is a sequence (x=3; x=? where only a run knows, and all have one "
               "shape), or that an optional has none (x=none)"),
      cl::value_desc("name=number"), cl::cat(category)};
  cl::opt<std::string> format{"format", cl::desc("Format of the model (default: told from the contents of its files)"),
                              cl::value_desc("name"), cl::cat(category)};
  cl::opt<std::string> darknetDialect{"darknet-dialect",
                                      cl::desc("pjreddie or alexeyab (default: told from the .cfg file)"),
                                      cl::value_desc("name"), cl::cat(category)};
  cl::opt<std::string> preprocessing{
      "with-preprocessing",
      cl::desc("Take raw inputs, bytes (u8) or f32, and normalise them as the model says"), cl::value_desc("type"),
      cl::ValueOptional, cl::cat(category)};
  cl::opt<std::string> triple{"target", cl::desc("Target triple (default: the host)"), cl::value_desc("triple"),
                              cl::cat(category)};
  cl::opt<std::string> cpu{
      "cpu",
      cl::desc("CPU, as of clang -mcpu (default: native, the host's); of several (a,b,c) the last that the CPU "
               "at hand can run is taken at run time; multi: x86-64-v2, v3 and v4"),
      cl::value_desc("name"), cl::cat(category)};
  cl::opt<std::string> features{"features", cl::desc("CPU features to add or remove: +avx2,-fma"),
                                cl::value_desc("list"), cl::cat(category)};
  cl::opt<std::string> floatAbi{"float-abi", cl::desc("soft, softfp or hard"), cl::value_desc("abi"),
                                cl::cat(category)};
  cl::opt<std::string> relocationModel{"relocation-model", cl::desc("pic (default) or static"), cl::value_desc("model"),
                                       cl::cat(category)};
  cl::opt<std::string> codeModel{"code-model", cl::desc("tiny, small, medium or large"), cl::value_desc("model"),
                                 cl::cat(category)};
  cl::opt<std::string> optLevel{"O", cl::desc("Optimisation: -O0, -O1, -O2 (default) or -O3"), cl::Prefix, cl::init("2"),
                                cl::value_desc("level"), cl::cat(category)};
  Switch threads{"threads", cl::desc("Run parallel loops through the caller's parallel-for callback"),
                        cl::cat(category)};
  Switch noWinograd{"no-winograd", cl::desc("Compute convolutions directly, never by Winograd's algorithm"),
                           cl::cat(category)};
  Switch keepDenormals{"keep-denormals", cl::desc("Denormal weights and biases of products count, which is slow on many CPUs"),
                              cl::cat(category)};
  cl::opt<std::string> precision{"precision",
                                 cl::desc("f32 (default), or bf16: round weights of f32 products and convolutions"),
                                 cl::value_desc("type"), cl::init("f32"), cl::cat(category)};
  NumberOption<unsigned> stringSpace{"string-space", cl::desc("Room for the strings that a run makes; default 65536"),
                                cl::value_desc("bytes"), cl::init(64 << 10), cl::cat(category)};
  NumberOption<unsigned> maxPieces{"max-pieces", cl::desc("Pieces into which a string is split at most; default 64"),
                              cl::value_desc("n"), cl::init(64), cl::cat(category)};
  Switch profile{"profile", cl::desc("Count how long each layer takes; nnc-run prints it"), cl::cat(category)};
  Switch freestanding{"freestanding", cl::desc("No undefined symbols, not even memcpy"), cl::cat(category)};
  cl::opt<std::string> weights{"weights", cl::desc("Where the weights lie: object (default), or extern, a file beside it"),
                               cl::value_desc("place"), cl::init("object"), cl::cat(category)};
  cl::opt<std::string> weightsSection{"weights-section", cl::desc("Section of the weights"), cl::value_desc("section"),
                                      cl::cat(category)};
  Switch verbose{"v", cl::desc("Print the time that each stage takes, and how the habits of a format were met"),
                        cl::cat(category)};
  cl::opt<std::string> dumpFolder{"dump-stages", cl::desc("Write the module after each stage into this folder"),
                                  cl::value_desc("folder"), cl::cat(category)};
  cl::opt<std::string> report{
      "report", cl::desc("Write sizes, layers, times and the memory plan: as JSON, or as a page (FILE.html)"),
      cl::value_desc("file"), cl::cat(category)};
  Switch printMemoryPlan{"print-memory-plan", cl::desc("Print who lives where in the workspace"),
                                cl::cat(category)};
  Switch listOps{"list-ops", cl::desc("Print the supported operators: domain, name, since version"),
                        cl::cat(category)};
};

struct CompilerCommandLine::OutputChoices {
  explicit OutputChoices(cl::OptionCategory &category)
      : output{"o", cl::desc("Output file (- is the standard output)"), cl::value_desc("file"), cl::cat(category)},
        header{"header", cl::desc("The header (default: the output's name with .h)"), cl::value_desc("file"),
               cl::cat(category)},
        emit{"emit",
             cl::desc("What to write: obj (object file and header, the default), asm (assembly), llvm (LLVM IR), mlir (MLIR, "
                      "after the stage that --stop-after names), lib (static library and header), shared (shared library and "
                      "header), or onnx (the model, converted to ONNX)"),
             cl::value_desc("kind"), cl::cat(category)},
        opset{"opset", cl::desc("ONNX opset of --emit=onnx: 13 to 21 (default: 18)"), cl::value_desc("version"),
              cl::init(onnx_export::defaultOpset), cl::cat(category)},
        verify{"verify",
               cl::desc("Compare what --emit=onnx writes with the model, on random inputs; an error of an output of "
                        "more than this part of its largest magnitude is one of nnc (default: 1e-4)"),
               cl::value_desc("tolerance"), cl::ValueOptional, cl::cat(category)},
        inputs{"input",
               cl::desc("An input of --verify, .npy or .pb; without a name the next in order; those not given are random"),
               cl::value_desc("[name=]file"), cl::cat(category)},
        quantized{"quantized",
                  cl::desc("Quantised layers of --emit=onnx: qdq (default), or integers, bit for bit as the format has them"),
                  cl::value_desc("form"), cl::init("qdq"), cl::cat(category)},
        externalData{"external-data", cl::desc("Weights of --emit=onnx go into a second file, <output>.data"),
                     cl::cat(category)},
        stopAfter{"stop-after",
                  cl::desc("Stop after a stage and print MLIR: import, nn, tensors, buffers, loops, "
                           "arena or llvm"),
                  cl::value_desc("stage"), cl::cat(category)},
        debugLines{"g",
                   cl::desc("Debug lines; they refer to the model's loops, which are written as <output>.loops.mlir"),
                   cl::cat(category)},
        printWeights{"print-weights", cl::desc("Print large constants as well"), cl::cat(category)} {}

  cl::opt<std::string> output;
  cl::opt<std::string> header;
  cl::opt<std::string> emit;
  NumberOption<long long> opset;
  cl::opt<std::string> verify;
  cl::list<std::string> inputs;
  cl::opt<std::string> quantized;
  Switch externalData;
  cl::opt<std::string> stopAfter;
  Switch debugLines;
  Switch printWeights;
};

/// LLVM's own options would collide with ours (`--threads`) and accept misspelt ones; only --help and its like stay.
static void removeForeignOptions() {
  SmallVector<cl::Option *> foreign;
  for (auto &[name, option] : cl::getRegisteredOptions())
    if (llvm::none_of(option->Categories,
                      [](cl::OptionCategory *category) { return category->getName() == "Generic Options"; }))
      foreign.push_back(option);
  for (cl::Option *option : foreign)
    option->removeArgument();
}

CompilerCommandLine::CompilerCommandLine(bool withOutputs) {
  removeForeignOptions();
  options = std::make_unique<Options>();
  if (withOutputs)
    outputs = std::make_unique<OutputChoices>(options->category);
}

CompilerCommandLine::~CompilerCommandLine() = default;

cl::OptionCategory &CompilerCommandLine::getCategory() { return options->category; }

bool CompilerCommandLine::wantsOperatorList() const { return options->listOps; }

Error CompilerCommandLine::checkForCompiled(ArrayRef<StringRef> extents, bool hasReport) const {
  const cl::Option *choices[] = {&options->format,     &options->darknetDialect,  &options->triple,
                                 &options->preprocessing,
                                 &options->features,   &options->floatAbi,        &options->optLevel,
                                 &options->codeModel,  &options->relocationModel, &options->threads,
                                 &options->noWinograd, &options->keepDenormals, &options->freestanding,    &options->weightsSection,
                                 &options->weights,
                                 &options->report,     &options->dumpFolder,      &options->printMemoryPlan,
                                 &options->precision,  &options->stringSpace,     &options->maxPieces,
                                 std::addressof(static_cast<cl::Option &>(options->elements))};
  for (const cl::Option *option : choices)
    if (option->getNumOccurrences() && !(hasReport && option == &options->report))
      return createStringError(Twine(option->ArgStr.size() > 1 ? "--" : "-") + option->ArgStr +
                               " has no effect on a model that is compiled already" +
                               (option == &options->report ? "; with --profile, --report-of=FILE names the JSON report "
                                                             "of its compilation"
                                                           : ""));
  for (StringRef shape : options->shapes)
    if (!is_contained(extents, shape.split('=').first))
      return createStringError("--shape=" + shape + ": the compiled model has no such run-time extent; there are: " +
                               (extents.empty() ? "none" : join(extents, ", ")));
  return Error::success();
}

bool CompilerCommandLine::wasNamed() const { return !options->name.empty(); }

static Error makeError(const Twine &message) { return createStringError(message.str()); }

static std::string getExtension(OutputKind kind) {
  switch (kind) {
  case OutputKind::Object:
    return ".o";
  case OutputKind::Assembly:
    return ".s";
  case OutputKind::LLVMIR:
    return ".ll";
  case OutputKind::Library:
    return ".a";
  case OutputKind::Shared:
    return ".so";
  }
  llvm_unreachable("all kinds are listed");
}

static std::string replaceExtension(StringRef path, StringRef extension) {
  SmallString<128> result(path);
  sys::path::replace_extension(result, extension);
  return result.str().str();
}

/// What the user asks for, or what the output's name says.
static Expected<EmitKind> getEmitKind(StringRef asked, StringRef output, StringRef stopAfter) {
  std::optional<EmitKind> kind = StringSwitch<std::optional<EmitKind>>(asked)
                                     .Case("obj", EmitKind::Object)
                                     .Case("asm", EmitKind::Assembly)
                                     .Case("llvm", EmitKind::LLVMIR)
                                     .Case("mlir", EmitKind::MLIR)
                                     .Case("lib", EmitKind::Library)
                                     .Case("shared", EmitKind::Shared)
                                     .Case("onnx", EmitKind::ONNX)
                                     .Case("", EmitKind::Unset)
                                     .Default(std::nullopt);
  if (!kind)
    return makeError("--emit=" + asked + ": expected obj, asm, llvm, mlir, lib, shared or onnx");
  if (!asked.empty() || !stopAfter.empty())
    return *kind;
  for (StringRef foreign : {".dll", ".dylib", ".exe", ".lib"})
    if (sys::path::extension(output) == foreign)
      return makeError("-o " + output + ": nnc writes no " + foreign + " files; link an object (model.o, model.obj) with the "
                                        "target's own linker");
  return StringSwitch<EmitKind>(sys::path::extension(output))
      .Case(".a", EmitKind::Library)
      .Case(".so", EmitKind::Shared)
      .Case(".s", EmitKind::Assembly)
      .Case(".ll", EmitKind::LLVMIR)
      .Case(".onnx", EmitKind::ONNX)
      .Default(EmitKind::Unset);
}

static OutputKind getOutputKind(EmitKind kind) {
  switch (kind) {
  case EmitKind::Assembly:
    return OutputKind::Assembly;
  case EmitKind::LLVMIR:
    return OutputKind::LLVMIR;
  case EmitKind::Library:
    return OutputKind::Library;
  case EmitKind::Shared:
    return OutputKind::Shared;
  default:
    return OutputKind::Object;
  }
}

/// MLIR is printed where the user says so, or names an earlier stage than the last.
static Expected<std::optional<Stage>> getStopAfter(EmitKind emit, StringRef name) {
  if (name.empty())
    return emit == EmitKind::MLIR ? std::optional(Stage::LLVM) : std::nullopt;
  std::optional<Stage> stage = parseStage(name);
  if (!stage) {
    std::string names = join(map_range(getStages(), [](const StageInfo &info) { return info.name; }), ", ");
    return makeError("--stop-after=" + name + ": there is no such stage; the stages are " + names);
  }
  bool isMLIR = emit == EmitKind::MLIR || emit == EmitKind::Unset;
  if (*stage == Stage::Object && emit != EmitKind::MLIR)
    return std::nullopt;
  if (*stage == Stage::Object)
    return makeError("--stop-after=object leaves no MLIR to print; use --emit=obj or asm");
  if (!isMLIR)
    return makeError("--stop-after=" + name + " prints MLIR; use --emit=mlir");
  return stage;
}

/// Refuses options that say nothing about what is written.
Error CompilerCommandLine::checkEffects(const CompileOptions &result) const {
  bool isONNX = result.exportOpset.has_value(), isMLIR = result.stopAfter.has_value();
  bool isCode = !isONNX && !isMLIR;
  StringRef written = isONNX ? "--emit=onnx" : "MLIR";
  auto reaches = [&](Stage stage) { return isCode || (isMLIR && *result.stopAfter >= stage); };
  struct Rule {
    const cl::Option &option;
    bool hasEffect;
  };
  const Rule rules[] = {
      {options->triple, !isONNX},
      {options->cpu, !isONNX},
      {options->features, !isONNX},
      {options->floatAbi, isCode},
      {options->relocationModel, isCode},
      {options->codeModel, isCode},
      {options->optLevel, isCode},
      {options->freestanding, isCode},
      {options->weightsSection, isCode},
      {options->weights, reaches(Stage::Arena)},
      {options->report, isCode},
      {options->threads, reaches(Stage::Arena)},
      {options->profile, reaches(Stage::Arena)},
      {options->noWinograd, reaches(Stage::Tensors)},
      {options->keepDenormals, reaches(Stage::Tensors)},
      {options->precision, reaches(Stage::Tensors)},
      {options->printMemoryPlan, reaches(Stage::Arena)},
      {options->stringSpace, reaches(Stage::Tensors) || result.verifyTolerance},
      {options->maxPieces, reaches(Stage::Tensors) || result.verifyTolerance},
  };
  if (options->weightsSection.getNumOccurrences() && result.output.externalWeights)
    return makeError("--weights-section is for weights in the object; --weights=extern puts them into a file");
  for (const Rule &rule : rules)
    if (rule.option.getNumOccurrences() && !rule.hasEffect)
      return makeError(Twine(rule.option.ArgStr.size() > 1 ? "--" : "-") + rule.option.ArgStr + " has no effect on " +
                       written + (isMLIR ? " after the stage " + getStageName(*result.stopAfter) : Twine()));
  if (!outputs)
    return Error::success();
  if (outputs->output.getNumOccurrences() > 1)
    return makeError("-o is given twice; a model has one output");
  if (outputs->output.getNumOccurrences() && outputs->output.empty())
    return makeError("-o needs a name; without -o, the output has the model's");
  if (outputs->opset.getNumOccurrences() && !isONNX)
    return makeError("--opset is for --emit=onnx");
  for (const cl::Option *option : std::initializer_list<const cl::Option *>{&outputs->verify, &outputs->quantized,
                                                                           &outputs->externalData})
    if (option->getNumOccurrences() && !isONNX)
      return makeError("--" + option->ArgStr + " is for --emit=onnx");
  if (outputs->inputs.getNumOccurrences() && !outputs->verify.getNumOccurrences())
    return makeError("--input is for --emit=onnx with --verify");
  if (outputs->printWeights && !isMLIR && result.dumpFolder.empty())
    return makeError("--print-weights is for --emit=mlir, --stop-after and --dump-stages");
  if (outputs->header.getNumOccurrences() && result.output.headerFile.empty())
    return makeError("--header: a header is written with --emit=obj, lib, shared and asm only, to a file");
  return Error::success();
}

Expected<CompileOptions> CompilerCommandLine::getOptions(ArrayRef<std::string> inputs) const {
  CompileOptions result;
  result.inputs = inputs;
  result.format = options->format;
  result.darknetDialect = options->darknetDialect;
  if (options->preprocessing.getNumOccurrences())
    result.rawInputs = options->preprocessing.empty() ? "u8" : options->preprocessing.getValue();
  if (!result.rawInputs.empty() && result.rawInputs != "u8" && result.rawInputs != "f32")
    return makeError("--with-preprocessing=" + result.rawInputs + ": expected u8 or f32");
  for (StringRef text : options->shapes)
    if (Error error = parseShape(text, result.shapes))
      return error;
  for (StringRef text : options->elements)
    if (Error error = parseElements(text, result.elements))
      return error;
  if (!result.format.empty() &&
      none_of(getFormats(), [&](const Format &format) { return format.name == result.format; }))
    return makeError("--format=" + result.format + ": the formats are " +
                     join(map_range(getFormats(), [](const Format &format) { return format.name; }), ", "));
  if (!result.darknetDialect.empty() && result.darknetDialect != "pjreddie" && result.darknetDialect != "alexeyab")
    return makeError("--darknet-dialect=" + result.darknetDialect + ": the dialects are pjreddie and alexeyab");
  if (options->name.getNumOccurrences() && options->name.empty())
    return makeError("--name needs a name; without --name, the model has its output's");
  unsigned optLevel;
  if (StringRef(options->optLevel).getAsInteger(10, optLevel) || optLevel > 3)
    return makeError("-O" + options->optLevel + ": expected -O0, -O1, -O2 or -O3");
  result.target = {options->triple,
                   options->cpu,
                   options->features,
                   options->floatAbi,
                   options->relocationModel,
                   options->codeModel,
                   optLevel};
  result.dumpFolder = options->dumpFolder;
  result.printMemoryPlan = options->printMemoryPlan;
  result.verbose = options->verbose;
  result.profile = options->profile;
  result.winograd = !options->noWinograd;
  result.keepDenormals = options->keepDenormals;
  if (options->stringSpace > (1u << 30) || options->maxPieces > (1u << 20))
    return makeError("--string-space is at most 1073741824, --max-pieces at most 1048576");
  result.stringSpace = options->stringSpace;
  result.maxPieces = options->maxPieces;
  if (options->precision != "f32" && options->precision != "bf16")
    return makeError("--precision=" + options->precision + ": expected f32 or bf16");
  result.precision = options->precision;

  OutputOptions &output = result.output;
  output.freestanding = options->freestanding;
  output.threads = options->threads;
  output.weightsSection = options->weightsSection;
  if (options->weights != "object" && options->weights != "extern")
    return makeError("--weights=" + options->weights + ": expected object or extern");
  output.externalWeights = options->weights == "extern";
  output.reportFile = options->report;
  output.provenance.version = NNC_VERSION;
  std::string stem = sys::path::stem(inputs.front()).str();
  EmitKind emit = EmitKind::Unset;
  if (outputs) {
    auto kind = getEmitKind(outputs->emit, outputs->output, outputs->stopAfter);
    if (!kind)
      return kind.takeError();
    emit = *kind;
    auto stopAfter = getStopAfter(emit, outputs->stopAfter);
    if (!stopAfter)
      return stopAfter.takeError();
    result.stopAfter = *stopAfter;
    result.printWeights = outputs->printWeights;
    output.kind = getOutputKind(emit);
    output.outputFile = outputs->output;
    if (!output.outputFile.empty() && output.outputFile != "-")
      stem = sys::path::stem(output.outputFile).str();
  }
  if (emit == EmitKind::ONNX) {
    if (outputs->opset < onnx_export::leastOpset || outputs->opset > onnx_export::greatestOpset)
      return makeError("--opset=" + Twine(outputs->opset.getValue()) + ": expected " + Twine(onnx_export::leastOpset) +
                       " to " + Twine(onnx_export::greatestOpset));
    if (output.outputFile.empty())
      return makeError("--emit=onnx needs a name for the file: -o model.onnx");
    if (outputs->quantized != "qdq" && outputs->quantized != "integers")
      return makeError("--quantized=" + outputs->quantized.getValue() + ": expected qdq or integers");
    if (outputs->externalData && output.outputFile == "-")
      return makeError("--external-data needs a name for the file: -o model.onnx");
    result.exportsQDQ = outputs->quantized == "qdq";
    result.externalData = outputs->externalData;
    result.exportOpset = outputs->opset;
    double tolerance = defaultVerifyTolerance;
    if (!outputs->verify.empty() && (StringRef(outputs->verify).getAsDouble(tolerance) || !(tolerance >= 0)))
      return makeError("--verify=" + outputs->verify.getValue() + ": expected a number of at least 0");
    if (outputs->verify.getNumOccurrences())
      result.verifyTolerance = tolerance;
    for (StringRef argument : outputs->inputs)
      result.verifyInputs.push_back(NamedFile::parse(argument));
  }
  bool isPrinted = result.stopAfter.has_value() || result.exportOpset.has_value();
  if (output.outputFile.empty())
    output.outputFile = isPrinted ? "-" : stem + getExtension(output.kind);
  if (!isPrinted && output.outputFile == "-" && output.kind != OutputKind::Assembly &&
      output.kind != OutputKind::LLVMIR)
    return makeError("-o -: only text can go to the standard output");
  bool isFile = output.outputFile != "-" &&
                (!sys::fs::exists(output.outputFile) || sys::fs::is_regular_file(output.outputFile)); // no device
  if (!isPrinted && isFile && output.kind != OutputKind::LLVMIR) {
    output.headerFile =
        outputs && !outputs->header.empty() ? outputs->header.getValue() : replaceExtension(output.outputFile, ".h");
  }
  if (!isPrinted && output.externalWeights) {
    if (!isFile)
      return makeError("--weights=extern is for code that is written to a file");
    output.weightsFile = replaceExtension(output.outputFile, ".weights");
  }
  if (Error error = checkEffects(result))
    return error;
  if (!result.exportOpset)
    if (Error error = checkTarget(result.target))
      return error;
  if (outputs && outputs->debugLines) {
    if (isPrinted || !isFile)
      return makeError("-g is for code that is written to a file");
    output.listingFile = replaceExtension(output.outputFile, ".loops.mlir");
  }
  if (outputs)
    if (Error error = checkOutputs(result))
      return error;
  result.name = options->name.empty() ? stem : options->name.getValue();
  return result;
}

void printVersion(raw_ostream &os) {
  os << "nnc " NNC_VERSION " (LLVM " LLVM_VERSION_STRING ", default target " LLVM_DEFAULT_TARGET_TRIPLE ")\n";
}

std::string describeCommandLine(int argc, char **argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) {
    StringRef word(argv[i]);
    // A file's folders say nothing about the model, and differ from machine to machine.
    auto [option, value] = word.starts_with("-") ? word.split('=') : std::pair(StringRef(), word);
    bool isPath = value.contains('/');
    line += i ? " " : "";
    line += option.str() + (option.empty() || value.empty() ? "" : "=");
    line += isPath ? sys::path::filename(value).str() : value.str();
  }
  return line;
}

} // namespace nnc
