// Both models become libraries. Where they differ, both are compiled again with all tensors between as outputs.
#include "lib/Driver/VerifyExport.h"

#include "dialects/Text/Text.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"

#include <cmath>
#include <utility>

using namespace mlir;
using nnc::onnx_export::ExportedTensor;

namespace nnc {

/// "1.2e-07"
static std::string describe(double number) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.2g", number);
  return text;
}

static double getTolerance(Type element, double tolerance) {
  if (isa<IntegerType>(element))
    return 0;
  return std::max(tolerance, element.isF16() ? std::ldexp(1, -9) : element.isBF16() ? std::ldexp(1, -6) : 0.0);
}

static bool isWithin(const Difference &difference, Type type, double tolerance) {
  return difference.error <= getTolerance(cast<RankedTensorType>(type).getElementType(), tolerance) * difference.magnitude;
}

namespace {

/// A folder that ends with this.
class TemporaryFolder {
public:
  static llvm::Expected<TemporaryFolder> create() {
    TemporaryFolder folder;
    if (std::error_code error = llvm::sys::fs::createUniqueDirectory("nnc-verify", folder.path))
      return llvm::errorCodeToError(error);
    return std::move(folder);
  }
  TemporaryFolder(TemporaryFolder &&other) : path(std::exchange(other.path, {})) {}
  ~TemporaryFolder() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }

  /// Writes a file there; its path.
  llvm::Expected<std::string> write(StringRef name, llvm::function_ref<LogicalResult(llvm::raw_ostream &)> write) const {
    llvm::SmallString<128> file(path);
    llvm::sys::path::append(file, name);
    std::error_code error;
    llvm::raw_fd_ostream os(file, error);
    bool isWritten = !error && succeeded(write(os));
    os.close();
    if (isWritten && !os.has_error())
      return file.str().str();
    os.clear_error();
    return llvm::createStringError("a temporary file cannot be written");
  }

private:
  TemporaryFolder() = default;
  llvm::SmallString<128> path;
};

} // namespace

static llvm::Expected<TemporaryLibrary> compileFile(std::string path, StringRef format, StringRef name,
                                                    const VerifyOptions &verify) {
  CompileOptions options;
  options.stringSpace = verify.stringSpace;
  options.maxPieces = verify.maxPieces;
  options.inputs = {std::move(path)};
  options.format = format;
  return TemporaryLibrary::compile(std::move(options), name, verify.compile);
}

static llvm::Expected<TemporaryLibrary> compileModule(ModuleOp module, StringRef name, const VerifyOptions &verify) {
  auto folder = TemporaryFolder::create();
  if (!folder)
    return folder.takeError();
  auto file = folder->write("model.mlir", [&](llvm::raw_ostream &os) { return writeBytecodeToFile(module, os); });
  return file ? compileFile(*file, "mlir", name, verify) : file.takeError();
}

static llvm::Expected<TemporaryLibrary> compileExported(const ExportedFiles &exported, StringRef name,
                                                        const VerifyOptions &verify) {
  auto folder = TemporaryFolder::create();
  if (!folder)
    return folder.takeError();
  auto copy = [](StringRef bytes) {
    return [bytes](llvm::raw_ostream &os) {
      os << bytes;
      return success();
    };
  };
  auto file = folder->write("model.onnx", copy(exported.bytes));
  if (!file)
    return file.takeError();
  if (!exported.data.empty())
    if (auto data = folder->write(exported.dataFile, copy(exported.data)); !data)
      return data.takeError();
  return compileFile(*file, "onnx", name, verify);
}

/// The differences of the outputs of a module and of an ONNX model. Libraries of one process have different names.
static llvm::Expected<std::vector<Difference>> compareModels(ModuleOp module, const ExportedFiles &exported,
                                                             StringRef purpose, const VerifyOptions &options) {
  auto source = compileModule(module, (purpose + "_source").str(), options);
  if (!source)
    return source.takeError();
  auto other = compileExported(exported, (purpose + "_exported").str(), options);
  if (!other)
    return llvm::createStringError("of what was exported: " + toString(other.takeError()));
  return compareRuns(*source, *other, options.inputs);
}

/// A copy of the module that returns these values.
static OwningOpRef<ModuleOp> returnAll(ModuleOp module, ArrayRef<ExportedTensor> tensors) {
  IRMapping mapping;
  OwningOpRef<ModuleOp> copy(cast<ModuleOp>(module->clone(mapping)));
  auto main = copy->lookupSymbol<func::FuncOp>("main");
  SmallVector<Value> values;
  SmallVector<DictionaryAttr> attributes;
  Builder builder(module.getContext());
  for (auto [i, tensor] : llvm::enumerate(tensors)) {
    values.push_back(mapping.lookup(tensor.value));
    auto name = builder.getNamedAttr("nn.name", builder.getStringAttr("t" + Twine(i)));
    attributes.push_back(builder.getDictionaryAttr(name));
  }
  main.getBody().front().getTerminator()->setOperands(values);
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), TypeRange(ValueRange(values))));
  main.setAllResultAttrs(attributes);
  return copy;
}

/// Names the first tensor that differs.
static std::string findFirst(ModuleOp module, const ExportedFiles &exported, ArrayRef<ExportedTensor> tensors,
                             const VerifyOptions &options) {
  auto unknown = [](llvm::Error error) { return "the first tensor that differs is not known: " + toString(std::move(error)); };
  auto replaced = onnx_export::replaceOutputs(exported.bytes, tensors);
  if (!replaced)
    return unknown(replaced.takeError());
  auto differences =
      compareModels(*returnAll(module, tensors), {*replaced, exported.data, exported.dataFile}, "all", options);
  if (!differences)
    return unknown(differences.takeError());
  for (auto [tensor, difference] : llvm::zip(tensors, *differences))
    if (!isWithin(difference, tensor.value.getType(), options.tolerance))
      return "the first tensor that differs is '" + tensor.name + "', of " +
             tensor.value.getDefiningOp()->getName().getStringRef().str() + ", by " + describe(difference.error) + " of " +
             describe(difference.magnitude);
  return "no tensor differs where all are outputs";
}

/// "output 'y' differs by 1.2e-07, its largest magnitude is 3.4"; of strings how many differ.
static std::string describe(func::FuncOp main, unsigned output, const Difference &difference) {
  StringRef name = main.getResultAttrOfType<StringAttr>(output, "nn.name").getValue();
  if (text::isStrings(main.getResultTypes()[output]))
    return difference.numElements == 0 && difference.error
               ? "output '" + name.str() + "' has another shape"
               : "of output '" + name.str() + "' " + std::to_string(difference.numDifferent) + " of " +
                     std::to_string(difference.numElements) + " strings differ";
  return "output '" + name.str() + "' differs by " + describe(difference.error) + ", its largest magnitude is " +
         describe(difference.magnitude);
}

/// Says which extents of inputs were chosen, where any was.
static void printExtents(func::FuncOp main, llvm::raw_ostream &os) {
  llvm::SetVector<StringRef> extents;
  for (BlockArgument argument : main.getArguments()) {
    auto type = cast<RankedTensorType>(argument.getType());
    auto symbols = main.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "nn.symbols");
    for (int64_t axis = 0; axis < type.getRank(); ++axis) {
      if (!type.isDynamicDim(axis))
        continue;
      StringRef symbol = symbols ? cast<StringAttr>(symbols[axis]).getValue() : "";
      extents.insert(symbol.empty() ? main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "nn.name").getValue()
                                    : symbol);
    }
  }
  if (!extents.empty())
    os << "--verify: run-time extents are " << runTimeExtent << " (" << llvm::join(extents, ", ")
       << "); --shape fixes them\n";
}

/// How far the exported model is from the arithmetic of the format's own kernels, which it has in another form.
static llvm::Error printDistance(ModuleOp integers, const ExportedFiles &exported, const VerifyOptions &options,
                                 llvm::raw_ostream &os) {
  auto differences = compareModels(integers, exported, "integers", options);
  if (!differences)
    return llvm::createStringError("--verify: " + toString(differences.takeError()));
  auto main = integers.lookupSymbol<func::FuncOp>("main");
  for (auto [i, difference] : llvm::enumerate(*differences))
    if (i < main.getNumResults())
      os << "from the format's integer arithmetic " << describe(main, i, difference) << '\n';
  return llvm::Error::success();
}

/// "random inputs, seed 0"
static std::string describeInputs(func::FuncOp main, ArrayRef<NamedFile> files) {
  std::string random = "random inputs, seed " + std::to_string(randomSeed);
  return files.empty() ? random : files.size() < main.getNumArguments() ? "the inputs given and " + random : "the inputs given";
}

llvm::Error verifyExport(ModuleOp module, ModuleOp integers, const ExportedFiles &exported,
                         const onnx_export::ExportSummary &summary, const VerifyOptions &options, llvm::raw_ostream &os) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  printExtents(main, os);
  auto differences = compareModels(module, exported, "verified", options);
  if (!differences)
    return llvm::createStringError("--verify: " + toString(differences.takeError()));
  if (differences->size() != main.getNumResults())
    return llvm::createStringError("--verify: the models have different numbers of outputs");
  std::string wrong;
  for (auto [i, difference] : llvm::enumerate(*differences)) {
    bool isRight = isWithin(difference, main.getResultTypes()[i], options.tolerance);
    if (isRight && difference.numElements == 0) {
      os << "not verified on " << describeInputs(main, options.inputs) << ": output '"
         << main.getResultAttrOfType<StringAttr>(i, "nn.name").getValue() << "' has no elements\n";
      continue;
    }
    os << (isRight ? "verified" : "not verified") << " on " << describeInputs(main, options.inputs) << ": "
       << describe(main, i, difference) << '\n';
    if (!isRight && wrong.empty())
      wrong = describe(main, i, difference) + (text::isStrings(main.getResultTypes()[i])
                                                   ? ""
                                                   : ", which is more than a part of " + describe(options.tolerance));
  }
  if (wrong.empty())
    return integers ? printDistance(integers, exported, options, os) : llvm::Error::success();
  return llvm::createStringError("--verify: " + wrong + "; " + findFirst(module, exported, summary.tensors, options));
}

} // namespace nnc
