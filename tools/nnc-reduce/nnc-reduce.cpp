// nnc-reduce: shrinks an MLIR file while a test script still finds it interesting.
#include "lib/Driver/Registration.h"
#include "tools/nnc-reduce/ReduceModel.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  nnc::registerDialects(registry);
  nnc::registerPasses();
  nnc::registerReduceModel();
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
