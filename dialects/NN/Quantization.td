//===- Quantization.td - numbers as integers with a scale -------------------===//
//
// A quantised tensor is an ordinary tensor of integers (or of narrow floats); its
// scale and zero point are operands of the operations that need them. They are
// broadcast: rank 0 for a whole tensor, [C, 1, 1] for one per channel, and so on.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_NN_QUANTIZATION_TD
#define DIALECTS_NN_QUANTIZATION_TD

include "dialects/NN/NNBase.td"

def NN_IntegerRounding : I32EnumAttr<"IntegerRounding", "where halves are rounded to", [
    I32EnumAttrCase<"HalfToEven", 0, "half_to_even">, I32EnumAttrCase<"HalfAwayFromZero", 1, "half_away_from_zero">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_IntegerRoundingAttr : EnumAttr<NN_Dialect, NN_IntegerRounding, "integer_rounding">;

def NN_QuantizeOp : NN_Op<"quantize", [NN_Elementwise]> {
  let summary = "saturate(round(x / scale) + zero_point)";
  let description = [{
    x is an element of `input`; scale and zero point are broadcast to it. The
    quotient is computed in f32 (in f64 for f64). NaN becomes the least integer.
    To narrow floats: x / scale + zero_point, converted as nn.cast does.
  }];
  let arguments = (ins NN_FloatTensor:$input, NN_FloatTensor:$scale, Optional<NN_Tensor>:$zero_point, TypeAttr:$to,
                       DefaultValuedAttr<NN_IntegerRoundingAttr, "::nnc::nn::IntegerRounding::HalfToEven">:$rounding,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def NN_DequantizeOp : NN_Op<"dequantize", [NN_Elementwise]> {
  let summary = "(x - zero_point) * scale";
  let description = [{
    x is an element of `input`; scale and zero point are broadcast to it. The
    difference of integers is exact (i32 wraps), the product is computed in f32
    (in f64 for f64).
  }];
  let arguments = (ins NN_Tensor:$input, NN_FloatTensor:$scale, Optional<NN_Tensor>:$zero_point, TypeAttr:$to);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif // DIALECTS_NN_QUANTIZATION_TD
