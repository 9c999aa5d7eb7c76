// nnc-opt: runs any pass or pipeline of nnc and of MLIR on textual IR.
#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/NN.h"
#include "lib/Conversion/Passes.h"
#include "lib/Transforms/Passes.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  registry.insert<nnc::nn::NNDialect, nnc::kernel::KernelDialect>();
  nnc::kernel::registerBufferization(registry);
  nnc::registerConversionPasses();
  nnc::registerTransformsPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "nnc's pass driver\n", registry));
}
