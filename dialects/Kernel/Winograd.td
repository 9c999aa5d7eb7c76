//===- Winograd.td - 3x3 convolution by Winograd's minimal filtering -------===//

#ifndef DIALECTS_KERNEL_WINOGRAD_TD
#define DIALECTS_KERNEL_WINOGRAD_TD

include "dialects/Kernel/KernelBase.td"

def Kernel_WinogradOp : Kernel_StructuredOp<"winograd",
    (ins Kernel_Shaped:$input, Kernel_Shaped:$filter),
    (ins I64Attr:$tile, DenseI64ArrayAttr:$pads_begin, DenseI64ArrayAttr:$pads_end)> {
  let summary = "3x3 convolution of stride 1 on a transformed filter";
  let description = [{
    input [N, H, W, C], filter [(tile + 2)^2, ceil(OC / nr), C, nr] (see
    kernel.pack_winograd), init [N, OH, OW, OC], all static but N. F(tile x tile, 3x3)
    with tile 2 or 4: products per output fall from 9 to 4 or 2.25, for an error a few
    times that of kernel.conv.
  }];
}

def Kernel_PackWinogradOp : Kernel_PackOp<"pack_winograd", (ins I64Attr:$tile)> {
  let summary = "a filter, transformed, in the order in which kernel.winograd reads it";
  let description = [{
    G w G^T of each source (OC, C, 3, 3), computed in f64, into
    init [(tile + 2)^2, ceil(OC / nr), C, nr]; the last panel is filled with zeros.
  }];
}

#endif // DIALECTS_KERNEL_WINOGRAD_TD
