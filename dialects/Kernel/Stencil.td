//===- Stencil.td - windows over channels-last images ----------------------===//

#ifndef DIALECTS_KERNEL_STENCIL_TD
#define DIALECTS_KERNEL_STENCIL_TD

include "dialects/Kernel/KernelBase.td"

def Kernel_DepthwiseOp : Kernel_StructuredOp<"depthwise",
    (ins Kernel_Shaped:$input, Kernel_Shaped:$filter),
    (ins DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads_begin,
         DenseI64ArrayAttr:$pads_end, UnitAttr:$is_unsigned)> {
  let summary = "convolution of each channel by itself";
  let description = [{
    input [N, S..., C], filter [K..., C], init [N, O..., C]; one to three spatial dimensions. Of images with one channel
    each may have a filter of its own: input [N, S..., 1], filter [K..., N]. An input of integers, signed or
    `is_unsigned`, is converted to the type of the sums.
  }];
}

def Kernel_PoolKind : I32EnumAttr<"PoolKind", "what becomes of a window's elements", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Sum", 1, "sum">, I32EnumAttrCase<"Average", 2, "average">,
    I32EnumAttrCase<"AverageIncludePad", 3, "average_include_pad">]> {
  let cppNamespace = "::nnc::kernel";
  let genSpecializedAttr = 0;
}
def Kernel_PoolKindAttr : EnumAttr<Kernel_Dialect, Kernel_PoolKind, "pool">;

def Kernel_PoolOp : Kernel_StructuredOp<"pool", (ins Kernel_Shaped:$input),
    (ins Kernel_PoolKindAttr:$kind, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
         DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads_begin, DenseI64ArrayAttr:$pads_end,
         UnitAttr:$is_unsigned)> {
  let summary = "reduction of windows";
  let description = [{
    input [N, S..., C], init [N, O..., C]; one to three spatial dimensions. A
    window may reach past input + pads_end (ceil mode). `average` divides by the
    number of elements inside the input, `average_include_pad` by those inside
    input and pads.
  }];
}

#endif // DIALECTS_KERNEL_STENCIL_TD
