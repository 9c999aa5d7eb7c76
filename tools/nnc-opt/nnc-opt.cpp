// nnc-opt: runs any pass or pipeline of nnc and of MLIR on textual IR.
#include "lib/Driver/Registration.h"

#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  nnc::registerDialects(registry);
  nnc::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "nnc's pass driver\n", registry));
}
