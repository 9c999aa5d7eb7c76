//===- Convolution.td - sums of products over windows -----------------------===//

#ifndef DIALECTS_NN_CONVOLUTION_TD
#define DIALECTS_NN_CONVOLUTION_TD

include "dialects/NN/NNBase.td"

class NN_ConvolutionOp<string mnemonic, dag more> : NN_Op<mnemonic> {
  let arguments = !con((ins NN_Tensor:$input, NN_Tensor:$filter, Optional<NN_Tensor>:$bias,
                            NN_LayoutAttr:$layout, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                            DenseI64ArrayAttr:$pads_begin, DenseI64ArrayAttr:$pads_end, I64Attr:$groups), more);
  let results = (outs NN_Tensor:$result);
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

def NN_IntegerConvOp : NN_Op<"integer_conv", [AttrSizedOperandSegments]> {
  let summary = "convolution of integers of 8 bits, less their zero points, summed in i32";
  let description = [{
    nn.conv of (input - input_zero_point) and (filter - filter_zero_point); padding
    counts as 0 in the difference. A zero point is of its operand's type and 0
    where it is left out; the input has one, the filter one or one for each output
    channel (OC, 1, 1...). Without zero points, input ui8 and filter i8, it is a
    kernel.
  }];
  let arguments = (ins NN_IntegerTensor:$input, NN_IntegerTensor:$filter, Optional<NN_IntegerTensor>:$input_zero_point,
                       Optional<NN_IntegerTensor>:$filter_zero_point, NN_LayoutAttr:$layout,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations, DenseI64ArrayAttr:$pads_begin,
                       DenseI64ArrayAttr:$pads_end, I64Attr:$groups);
  let results = (outs NN_IntegerTensor:$result);
  let assemblyFormat = [{
    $input `,` $filter (`input_zero` $input_zero_point^)? (`filter_zero` $filter_zero_point^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

#endif // DIALECTS_NN_CONVOLUTION_TD
