//===- Row.td - kernels along one row --------------------------------------===//
//
// Tensors are collapsed to [O, R, I]: outer extents, the row, inner extents.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_KERNEL_ROW_TD
#define DIALECTS_KERNEL_ROW_TD

include "dialects/Kernel/KernelBase.td"

def Kernel_SoftmaxOp : Kernel_StructuredOp<"softmax", (ins Kernel_Shaped:$input), (ins UnitAttr:$log)> {
  let summary = "exp(x - max) / sum over R; with `log` its logarithm";
  let description = "input [O, R, I], init [O, R, I].";
}

def Kernel_NormalizeOp : Kernel_StructuredOp<"normalize", (ins Kernel_Shaped:$input),
    (ins F64Attr:$epsilon, BoolAttr:$center)> {
  let summary = "(x - mean) / sqrt(variance + epsilon) over R";
  let description = [{
    input [O, R, I], init [O, R, I]. Without `center`: x / sqrt(mean(x^2) +
    epsilon). Scale and bias belong to the epilogue.
  }];
}

def Kernel_ReduceKind : I32EnumAttr<"ReduceKind", "how elements are combined", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Mean", 1, "mean">, I32EnumAttrCase<"Max", 2, "max">,
    I32EnumAttrCase<"Min", 3, "min">, I32EnumAttrCase<"Prod", 4, "prod">, I32EnumAttrCase<"SumAbs", 5, "sum_abs">,
    I32EnumAttrCase<"SumSquare", 6, "sum_square">, I32EnumAttrCase<"LogSumExp", 7, "log_sum_exp">]> {
  let cppNamespace = "::nnc::kernel";
  let genSpecializedAttr = 0;
}
def Kernel_ReduceKindAttr : EnumAttr<Kernel_Dialect, Kernel_ReduceKind, "reduction">;

def Kernel_ReduceOp : Kernel_StructuredOp<"reduce", (ins Kernel_Shaped:$input),
    (ins Kernel_ReduceKindAttr:$kind, UnitAttr:$is_unsigned)> {
  let summary = "combination of all elements of R";
  let description = "input [O, R, I], init [O, I]. Of an empty row the result is the kind's identity. Means are of floats.";
}

def Kernel_LrnOp : Kernel_StructuredOp<"lrn", (ins Kernel_Shaped:$input),
    (ins I64Attr:$size, F64Attr:$alpha, F64Attr:$beta, F64Attr:$bias)> {
  let summary = "x / (bias + alpha / size * sum of x^2 over neighbouring channels)^beta";
  let description = [{
    input [O, C], init [O, C]. Channel c sums over [c - (size-1)/2,
    c + ceil((size-1)/2)], clipped.
  }];
}

def Kernel_TopKOp : Kernel_PackOp<"top_k", (ins UnitAttr:$ascending, UnitAttr:$is_unsigned)> {
  let summary = "keys of the first elements along R, in order";
  let description = [{
    source [O, R, I], of elements of up to 32 bits, of which there are at most 2^31 - 1 along R; init [O, K, I] of i64. A key's
    low 32 bits are the position in R, the others are the element's rank: descending, or `ascending`; NaN is above all
    numbers, and -0 is 0. Of equal elements the one with the lower position comes first. More than a few of them need R, and
    one of O and I, to be known.
  }];
}

#endif // DIALECTS_KERNEL_ROW_TD
