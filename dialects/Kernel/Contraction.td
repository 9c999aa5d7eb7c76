//===- Contraction.td - matrix multiplication on packed weights ------------===//

#ifndef DIALECTS_KERNEL_CONTRACTION_TD
#define DIALECTS_KERNEL_CONTRACTION_TD

include "dialects/Kernel/KernelBase.td"

def Kernel_ContractOp : Kernel_StructuredOp<"contract",
    (ins Kernel_Shaped:$lhs, Kernel_Shaped:$rhs), (ins OptionalAttr<Kernel_WeightBlocksAttr>:$blocks, OptionalAttr<I64Attr>:$int8_block)> {
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

    With `blocks`, rhs is [N/nr, rows of all blocks, nr] of i32, and stands for weights of f32: lhs [M, K] and init
    [M, N] have no batch, and the sums are of f32. An lhs of i32 is what kernel.quantize_blocks made of [M, K] with the
    same `blocks`. A pass may do so, where that is faster, with blocks of at most `int8_block`.
  }];
}

def Kernel_QuantizeBlocksOp : Kernel_PackOp<"quantize_blocks", (ins Kernel_WeightBlocksAttr:$blocks)> {
  let summary = "rows of an input in 8 bits, with a scale for each block";
  let description = [{
    source [M, K] of f32 into init [M, words of all blocks] of i32. For each block of a row, along K as those of the weights:
    round(x * 127 / largest magnitude), half to even, as bytes, four in a word from the low bits on; largest magnitude /
    127 as the bits of an f32; the sum of the bytes.
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
