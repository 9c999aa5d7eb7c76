//===- Convolution.td - sums of products over windows -----------------------===//

#ifndef DIALECTS_NN_CONVOLUTION_TD
#define DIALECTS_NN_CONVOLUTION_TD

include "dialects/NN/NNBase.td"

class NN_ConvolutionOp<string mnemonic, dag more> : NN_Op<mnemonic> {
  let arguments = !con((ins NN_FloatTensor:$input, NN_FloatTensor:$filter, Optional<NN_FloatTensor>:$bias,
                            NN_LayoutAttr:$layout, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                            DenseI64ArrayAttr:$pads_begin, DenseI64ArrayAttr:$pads_end, I64Attr:$groups), more);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def NN_ConvOp : NN_ConvolutionOp<"conv", (ins)> {
  let summary = "convolution (cross-correlation) of one to three spatial dimensions";
  let description = [{
    `filter` is (output channels, input channels / groups, spatial...) whatever
    the layout. Pads may be negative (cropping).
  }];
}

def NN_ConvTransposeOp : NN_ConvolutionOp<"conv_transpose", (ins DenseI64ArrayAttr:$output_padding)> {
  let summary = "transposed convolution of one to three spatial dimensions";
  let description = [{
    `filter` is (input channels, output channels / groups, spatial...). Output
    extent: stride * (in - 1) + output_padding + dilation * (window - 1) + 1 -
    pads.
  }];
}

#endif // DIALECTS_NN_CONVOLUTION_TD
