// nnc-emit: writes object, header and report from a module in the LLVM dialect, for
// tests of lib/Target. The interface comes from a second file with @main on memrefs.
#include "lib/Conversion/Passes.h"
#include "lib/Pipelines/Backend.h"
#include "lib/Target/CpuModel.h"
#include "lib/Target/Emit.h"

#include "dialects/NN/NN.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;

static llvm::cl::opt<std::string> input(llvm::cl::Positional, llvm::cl::Required);
static llvm::cl::opt<std::string> outputFile("o", llvm::cl::Required);
static llvm::cl::opt<std::string> name("name", llvm::cl::init("model"));
static llvm::cl::opt<std::string> header("header");
static llvm::cl::opt<std::string> report("report");
static llvm::cl::opt<std::string> target("target");
static llvm::cl::opt<std::string> cpu("cpu");
static llvm::cl::opt<std::string> features("features");
static llvm::cl::opt<bool> freestanding("freestanding");
static llvm::cl::opt<bool> printPlan("print-memory-plan");
static llvm::cl::opt<nnc::OutputKind> kind("emit",
                                           llvm::cl::values(clEnumValN(nnc::OutputKind::Object, "obj", ""),
                                                            clEnumValN(nnc::OutputKind::Assembly, "asm", ""),
                                                            clEnumValN(nnc::OutputKind::LLVMIR, "llvm", ""),
                                                            clEnumValN(nnc::OutputKind::Library, "lib", ""),
                                                            clEnumValN(nnc::OutputKind::Shared, "shared", "")),
                                           llvm::cl::init(nnc::OutputKind::Object));

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::ParseCommandLineOptions(argc, argv, "emission of @main on tensors, of linalg operations\n");
  DialectRegistry registry;
  registerAllDialects(registry);
  registry.insert<nnc::nn::NNDialect, nnc::kernel::KernelDialect>();
  nnc::registerBackendExtensions(registry);
  MLIRContext context(registry);
  auto module = parseSourceFile<ModuleOp>(input, &context);
  if (!module)
    return 1;
  nnc::TargetOptions targetOptions;
  targetOptions.triple = target;
  targetOptions.cpu = cpu;
  targetOptions.features = features;
  auto machine = nnc::createTargetMachine(targetOptions);
  if (!machine) {
    llvm::errs() << "error: " << llvm::toString(machine.takeError()) << "\n";
    return 1;
  }
  nnc::attachTarget(*module, **machine);
  nnc::recordElementTypes(*module);
  auto interface = nnc::ModelInterface::get(*module, name);
  if (failed(interface))
    return 1;
  PassManager passes(&context);
  nnc::buildBuffersPipeline(passes);
  passes.addNestedPass<func::FuncOp>(nnc::createConvertLinalgToVector());
  nnc::buildArenaPipeline(passes, /*threads=*/false);
  nnc::buildLLVMPipeline(passes);
  if (failed(passes.run(*module)))
    return 1;
  nnc::OutputOptions output;
  output.kind = kind;
  output.outputFile = outputFile;
  output.headerFile = header;
  output.reportFile = report;
  output.freestanding = freestanding;
  output.provenance.version = "test";
  output.provenance.sourceName = llvm::sys::path::filename(input).str();
  if (printPlan)
    nnc::printMemoryPlan(*module, llvm::outs());
  return failed(nnc::emitModel(nnc::ModelCode{*module, {cpu, targetOptions, {}}}, *interface, output));
}
