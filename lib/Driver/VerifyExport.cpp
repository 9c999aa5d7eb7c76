// Both models become libraries. Where they differ, both are compiled again with all tensors between as outputs.
#include "lib/Driver/VerifyExport.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"

#include <cmath>

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

/// Compiles a model that `write` writes to a temporary file of a format.
static llvm::Expected<TemporaryLibrary> compileText(StringRef format, StringRef name, CompileFunction compile,
                                                    llvm::function_ref<llvm::LogicalResult(llvm::raw_ostream &)> write) {
  llvm::SmallString<128> path;
  int descriptor;
  if (std::error_code error = llvm::sys::fs::createTemporaryFile("nnc-verify", format, descriptor, path))
    return llvm::errorCodeToError(error);
  llvm::FileRemover remover(path);
  {
    llvm::raw_fd_ostream os(descriptor, /*shouldClose=*/true);
    bool isWritten = succeeded(write(os));
    os.close();
    if (os.has_error() || !isWritten) {
      os.clear_error();
      return llvm::createStringError("a temporary file cannot be written");
    }
  }
  CompileOptions options;
  options.inputs = {path.str().str()};
  options.format = format;
  return TemporaryLibrary::compile(std::move(options), name, compile);
}

/// The differences of the outputs of a module and of an ONNX model.
static llvm::Expected<std::vector<Difference>> compareModels(ModuleOp module, StringRef bytes, StringRef purpose,
                                                             CompileFunction compile) {
  auto source = compileText("mlir", (purpose + "_source").str(), compile,
                            [&](llvm::raw_ostream &os) { return writeBytecodeToFile(module, os); });
  if (!source)
    return source.takeError();
  auto exported = compileText("onnx", (purpose + "_exported").str(), compile, [&](llvm::raw_ostream &os) {
    os << bytes;
    return success();
  });
  if (!exported)
    return exported.takeError();
  return compareOnRandomInputs(*source, *exported);
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
static std::string findFirst(ModuleOp module, StringRef bytes, ArrayRef<ExportedTensor> tensors, double tolerance,
                             CompileFunction compile) {
  auto unknown = [](llvm::Error error) { return "the first tensor that differs is not known: " + toString(std::move(error)); };
  auto replaced = onnx_export::replaceOutputs(bytes, tensors);
  if (!replaced)
    return unknown(replaced.takeError());
  auto differences = compareModels(*returnAll(module, tensors), *replaced, "all", compile);
  if (!differences)
    return unknown(differences.takeError());
  for (auto [tensor, difference] : llvm::zip(tensors, *differences))
    if (!isWithin(difference, tensor.value.getType(), tolerance))
      return "the first tensor that differs is '" + tensor.name + "', of " +
             tensor.value.getDefiningOp()->getName().getStringRef().str() + ", by " + describe(difference.error) + " of " +
             describe(difference.magnitude);
  return "no tensor differs where all are outputs";
}

llvm::Error verifyExport(ModuleOp module, StringRef bytes, const onnx_export::ExportSummary &summary, double tolerance,
                         CompileFunction compile, llvm::raw_ostream &os) {
  auto differences = compareModels(module, bytes, "verified", compile);
  if (!differences)
    return llvm::createStringError("--verify: " + toString(differences.takeError()));
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (differences->size() != main.getNumResults())
    return llvm::createStringError("--verify: the models have different numbers of outputs");
  std::string wrong;
  for (auto [i, difference] : llvm::enumerate(*differences)) {
    StringRef name = main.getResultAttrOfType<StringAttr>(i, "nn.name").getValue();
    std::string text = "output '" + name.str() + "' differs by " + describe(difference.error) +
                       ", its largest magnitude is " + describe(difference.magnitude);
    bool isRight = isWithin(difference, main.getResultTypes()[i], tolerance);
    if (isRight)
      os << "verified on random inputs, seed " << randomSeed << ": " << text << '\n';
    else if (wrong.empty())
      wrong = text;
  }
  if (wrong.empty())
    return llvm::Error::success();
  return llvm::createStringError(
      "--verify: " + wrong + ", which is more than a part of " + describe(tolerance) + "; " +
      findFirst(module, bytes, summary.tensors, tolerance, compile));
}

} // namespace nnc
