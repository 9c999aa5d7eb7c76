//===- Contraction.td - matrix multiplication on packed weights ------------===//

#ifndef DIALECTS_KERNEL_CONTRACTION_TD
#define DIALECTS_KERNEL_CONTRACTION_TD

include "dialects/Kernel/KernelBase.td"

def Kernel_ContractOp : Kernel_StructuredOp<"contract",
    (ins Kernel_Shaped:$lhs, Kernel_Shaped:$rhs), (ins)> {
  let summary = "matrix product with a packed right-hand side";
  let description = [{
    lhs [B..., M, K] times rhs, packed [B..., N/nr, K, nr], into init
    [B..., M, N]. Each batch extent of lhs and rhs is either init's or 1.
    The last panel of rhs is padded with zeros.

    Integers of 8 bits, lhs unsigned and rhs signed, are summed in i32. g
    neighbours along K (see getDotPacking) are together: rhs is
    [B..., N/nr, K/g, nr * g], of i8 or i16.

    Floats of both sides may differ: rhs of bf16 or f16 is widened to f32, in which
    is summed. Where the target has `bf16Dot` and both are bf16, pairs of neighbours
    along K may be together: rhs is [B..., N/nr, ceil(K/2), nr * 2], the last pair of
    an odd K with a zero.
  }];
}

def Kernel_PackMatrixOp : Kernel_PackOp<"pack_matrix", (ins UnitAttr:$transposed)> {
  let summary = "a right-hand side in the order in which kernel.contract reads it";
  let description = [{
    source [B..., K, N], or with `transposed` [B..., N, K], into
    init [B..., ceil(N / nr), K, nr]; the last panel is filled with zeros.
  }];
}

#endif // DIALECTS_KERNEL_CONTRACTION_TD
