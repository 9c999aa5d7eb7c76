//===- Passes.td - passes that improve within a language -------------------===//

#ifndef LIB_TRANSFORMS_PASSES_TD
#define LIB_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseEpilogues : Pass<"fuse-epilogues"> {
  let summary = "Move element-wise consumers of a kernel into its epilogue region";
  let description = [{
    Before: `%c = kernel.conv(...)`, its only user `linalg.generic` adds a bias
    and clamps.
    After: one `kernel.conv` whose epilogue adds and clamps, while the value is
    in a register. The bias is an epilogue input with an index map. Reshapes
    between the two are moved behind.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::nnc::kernel::KernelDialect"];
}

def AssignLayouts : Pass<"assign-layouts"> {
  let summary = "Make every spatial operation channels-last, between transposes";
  let description = [{
    Before: `nn.conv %x, %w {layout = channels_first}`
    After: `nn.transpose`, `nn.conv {layout = channels_last}`, `nn.transpose`
  }];
  let dependentDialects = ["::nnc::nn::NNDialect"];
}

def SinkTransposes : Pass<"sink-transposes"> {
  let summary = "Move transposes towards the results until they cancel";
  let description = [{
    Before: transpose back, `nn.relu`, transpose, `nn.conv`
    After: `nn.relu`, `nn.conv`
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def FoldBatchNorm : Pass<"fold-batch-norm"> {
  let summary = "Fold a batch norm into the convolution before it";
  let description = [{
    Before: `nn.batch_norm` of a `nn.conv` that nothing else uses
    After: `nn.conv` with scaled filter and bias, computed from constants
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

#endif // LIB_TRANSFORMS_PASSES_TD
