//===- KernelOps.td - all families of the Kernel dialect -------------------===//

#ifndef DIALECTS_KERNEL_KERNELOPS_TD
#define DIALECTS_KERNEL_KERNELOPS_TD

include "dialects/Kernel/KernelBase.td"
include "dialects/Kernel/Contraction.td"
include "dialects/Kernel/Convolution.td"
include "dialects/Kernel/Row.td"
include "dialects/Kernel/Stencil.td"
include "dialects/Kernel/Winograd.td"

def Kernel_YieldOp : Op<Kernel_Dialect, "yield", [Pure, Terminator]> {
  let summary = "the value that a kernel stores";
  let description = "Ends the epilogue region of a structured kernel; one scalar of the destination's element type.";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ /* for SingleBlockImplicitTerminator; never valid */ }]>];
}

#endif // DIALECTS_KERNEL_KERNELOPS_TD
