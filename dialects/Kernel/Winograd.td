//===- Winograd.td - convolution by Winograd's minimal filtering -----------===//

#ifndef DIALECTS_KERNEL_WINOGRAD_TD
#define DIALECTS_KERNEL_WINOGRAD_TD

include "dialects/Kernel/KernelBase.td"

def Kernel_WinogradOp : Kernel_StructuredOp<"winograd",
    (ins Kernel_Shaped:$input, Kernel_Shaped:$filter),
    (ins DenseI64ArrayAttr:$tile, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$pads_begin,
         DenseI64ArrayAttr:$pads_end)> {
  let summary = "convolution of stride 1 on a transformed filter";
  let description = [{
    input [N, H, W, C], filter [points, ceil(OC / nr), C, nr] (see kernel.pack_winograd), init [N, OH, OW, OC], channels
    static. F(tile[0] x tile[1], window[0] x window[1]): a tile of outputs takes points =
    (tile[0] + window[0] - 1) * (tile[1] + window[1] - 1) products. In each dimension a window of 3 goes with tiles of 2
    or 4, one of 5 with tiles of 2, one of 1 with tiles of 1. Products per output of a 3x3 window fall from 9 to 4 or
    2.25, for an error a few times that of kernel.conv.
  }];
}

def Kernel_PackWinogradOp : Kernel_PackOp<"pack_winograd", (ins DenseI64ArrayAttr:$tile)> {
  let summary = "a filter, transformed, in the order in which kernel.winograd reads it";
  let description = [{
    G w G'^T of each source (OC, C, window[0], window[1]), computed in f64, into
    init [points, ceil(OC / nr), C, nr]; the last panel is filled with zeros.
  }];
}

#endif // DIALECTS_KERNEL_WINOGRAD_TD
