//===- Passes.td - passes that change language -----------------------------===//

#ifndef LIB_CONVERSION_PASSES_TD
#define LIB_CONVERSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConvertNNToLinalg : Pass<"convert-nn-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower NN operations to linalg, tensor and Kernel operations on tensors";
  let description = [{
    Before: `%1 = nn.relu %0 : (tensor<4xf32>) -> tensor<4xf32>`
    After: a `linalg.generic` with the scalar body, or a `kernel` operation for
    the hot families. Booleans are stored as i8, unsigned integers as signless.
    What operations require of run-time extents becomes `cf.assert`.
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
    "::nnc::kernel::KernelDialect", "::mlir::arith::ArithDialect",
    "::mlir::cf::ControlFlowDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def ConvertKernelToVector : Pass<"convert-kernel-to-vector"> {
  let summary = "Expand kernel operations on buffers to loops over hardware vectors";
  let description = [{
    Before: `kernel.contract(%a, %b, %c)` on memrefs
    After: `scf.parallel` and `scf.for` loops over register tiles of
    `vector.fma`, at the width and within the registers of `kernel.target`.
  }];
  let options = [Option<"threads", "threads", "bool", "false", "loops are shared among threads">];
  let dependentDialects = [
    "::nnc::kernel::KernelDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
    "::mlir::LLVM::LLVMDialect"
  ];
}

def ConvertLinalgToVector : Pass<"convert-linalg-to-vector"> {
  let summary = "Expand linalg.generic, linalg.fill and memref.copy on buffers to loops over hardware vectors";
  let description = [{
    Before: `linalg.generic` on memrefs that adds two tensors
    After: `scf.for` over `vector.load`, `arith.addf` and `vector.store` of exactly
    one hardware vector of `kernel.target`, narrower ones for the remainder; the
    outermost loop is `scf.parallel` where it does enough work. No masks.
    Transposes are done tile by tile in registers.
  }];
  let dependentDialects = [
    "::nnc::kernel::KernelDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // LIB_CONVERSION_PASSES_TD
