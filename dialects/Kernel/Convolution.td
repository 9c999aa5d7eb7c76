//===- Convolution.td - convolution on packed weights ----------------------===//

#ifndef DIALECTS_KERNEL_CONVOLUTION_TD
#define DIALECTS_KERNEL_CONVOLUTION_TD

include "dialects/Kernel/KernelBase.td"

def Kernel_ConvOp : Kernel_StructuredOp<"conv",
    (ins Kernel_Shaped:$input, Kernel_Shaped:$filter),
    (ins DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads_begin,
         DenseI64ArrayAttr:$pads_end, UnitAttr:$transposed)> {
  let summary = "direct convolution with a packed filter";
  let description = [{
    input [N, S..., C], filter [G, ceil(OC/G / nr), K..., C/G, nr] (zero-padded
    panels, see kernel.pack_filter), init [N, O..., OC]; one to three spatial
    dimensions. Integers, and pairs of bf16, as in kernel.contract: [G, ceil(OC/G / nr), K..., C/G/g, nr * g].
    With `transposed`, the transposed convolution: input pixel i adds
    to output pixel i * stride + k * dilation - pads_begin.
  }];
}

def Kernel_PackFilterOp : Kernel_PackOp<"pack_filter", (ins I64Attr:$groups, UnitAttr:$transposed)> {
  let summary = "a filter in the order in which kernel.conv reads it";
  let description = [{
    source (OC, C/G, K...), or with `transposed` (C, OC/G, K...), into
    init [G, ceil(OC/G / nr), K..., C/G, nr]; the last panel of a group is filled
    with zeros.
  }];
}

#endif // DIALECTS_KERNEL_CONVOLUTION_TD
