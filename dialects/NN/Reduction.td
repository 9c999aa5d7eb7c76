//===- Reduction.td - several elements become one ---------------------------===//

#ifndef DIALECTS_NN_REDUCTION_TD
#define DIALECTS_NN_REDUCTION_TD

include "dialects/NN/NNBase.td"

def NN_ReductionKind : I32EnumAttr<"ReductionKind", "how elements are combined", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Mean", 1, "mean">, I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">, I32EnumAttrCase<"Prod", 4, "prod">, I32EnumAttrCase<"SumAbs", 5, "sum_abs">,
    I32EnumAttrCase<"SumSquare", 6, "sum_square">, I32EnumAttrCase<"LogSumExp", 7, "log_sum_exp">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_ReductionKindAttr : EnumAttr<NN_Dialect, NN_ReductionKind, "reduction">;

def NN_ReduceOp : NN_Op<"reduce"> {
  let summary = "combines all elements along the given axes";
  let description = [{
    `axes` are ascending; none means that nothing is reduced. Of no elements the
    result is the identity of the kind.
  }];
  let arguments = (ins NN_Tensor:$input, NN_ReductionKindAttr:$kind, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_ArgReduceOp : NN_Op<"arg_reduce"> {
  let summary = "index of the largest or smallest element along an axis";
  let description = "Of equal elements the first one counts, or with `last` the last one. NaN is more extreme than all numbers.";
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis, BoolAttr:$keepdims, UnitAttr:$min, UnitAttr:$last);
  let results = (outs RankedTensorOf<[I64]>:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

class NN_CumulativeOp<string mnemonic, string text> : NN_Op<mnemonic> {
  let summary = text # " of an element and all before it along an axis";
  let description = [{
    With `exclusive` without the element itself; with `reverse` those after it
    instead of those before.
  }];
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis, UnitAttr:$exclusive, UnitAttr:$reverse);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def NN_CumSumOp : NN_CumulativeOp<"cumsum", "sum">;
def NN_CumProdOp : NN_CumulativeOp<"cumprod", "product">;

def NN_TopKOp : NN_Op<"top_k"> {
  let summary = "the k largest (or with `smallest` the smallest) elements along an axis, in order, and their indices";
  let description = "Of equal elements the one with the lower index comes first. NaN is larger than all numbers.";
  let arguments = (ins NN_Tensor:$input, NN_ShapeTensor:$k, I64Attr:$axis, UnitAttr:$smallest);
  let results = (outs NN_Tensor:$values, RankedTensorOf<[I64]>:$indices);
  let assemblyFormat = "$input `,` $k attr-dict `:` functional-type(operands, results)";
}

#endif // DIALECTS_NN_REDUCTION_TD
