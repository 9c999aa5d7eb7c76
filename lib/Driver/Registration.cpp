// All dialects, passes and pipelines of nnc.
#include "lib/Driver/Registration.h"

#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/NN.h"
#include "dialects/Text/Text.h"
#include "lib/Conversion/Passes.h"
#include "lib/Driver/RunConstants.h"
#include "lib/Pipelines/Passes.h"
#include "lib/Pipelines/Pipelines.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

namespace nnc {

void registerDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerBuiltinDialectTranslation(registry);
  mlir::registerLLVMDialectTranslation(registry);
  registry.insert<nn::NNDialect, kernel::KernelDialect, text::TextDialect>();
  kernel::registerBufferization(registry);
}

void loadDialects(mlir::MLIRContext &context) {
  context.loadDialect<nn::NNDialect, kernel::KernelDialect, text::TextDialect, mlir::DLTIDialect, mlir::LLVM::LLVMDialect,
                      mlir::affine::AffineDialect, mlir::arith::ArithDialect,
                      mlir::bufferization::BufferizationDialect, mlir::cf::ControlFlowDialect, mlir::func::FuncDialect,
                      mlir::linalg::LinalgDialect, mlir::math::MathDialect, mlir::memref::MemRefDialect,
                      mlir::scf::SCFDialect, mlir::tensor::TensorDialect, mlir::ub::UBDialect,
                      mlir::vector::VectorDialect>();
}

void registerPasses() {
  mlir::registerAllPasses();
  registerConversionPasses();
  registerTransformsPasses();
  registerPipelinesPasses();
  PipelineOptions options;
  options.runConstants = runConstants;
  registerPipelines(options);
}

} // namespace nnc
