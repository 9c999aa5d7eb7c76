//===- KernelInterfaces.td - what all structured kernels have in common ----===//

#ifndef DIALECTS_KERNEL_KERNELINTERFACES_TD
#define DIALECTS_KERNEL_KERNELINTERFACES_TD

include "mlir/IR/OpBase.td"

def Kernel_EpilogueOpInterface : OpInterface<"EpilogueOpInterface"> {
  let cppNamespace = "::nnc::kernel";
  let description = [{
    A kernel whose every output element passes, while it is still in a
    register, through a scalar function: the `epilogue` region. Its block
    arguments are the kernel's own result and one element of each epilogue
    input; `kernel.yield` gives the value stored. The region holds only `arith`
    and `math` operations on scalars, which the expansion widens to vectors.
    `epilogue_maps` gives, for each epilogue input, the index of the element as
    a function of the output's index (projected permutations with constant zeros
    for broadcast dimensions).
  }];
  let methods = [
    InterfaceMethod<"The epilogue region; always one block.", "::mlir::Region &", "getEpilogue">,
    InterfaceMethod<"Operands read by the epilogue.", "::mlir::OperandRange", "getEpilogueInputs">,
    InterfaceMethod<"As `getEpilogueInputs`, to append operands.", "::mlir::MutableOperandRange", "getEpilogueInputsMutable">,
    InterfaceMethod<"One map per epilogue input: output index -> input index.", "::mlir::ArrayAttr", "getEpilogueMaps">,
    InterfaceMethod<"Replaces the maps.", "void", "setEpilogueMaps", (ins "::mlir::ArrayAttr":$maps), [{}],
                    [{ $_op->setAttr("epilogue_maps", maps); }]>,
  ];
}

#endif // DIALECTS_KERNEL_KERNELINTERFACES_TD
