//===- Indexing.td - elements chosen by index, shapes, generators ----------===//
//
// Indices are i32 or i64 and may be negative (counted from the end); an index
// out of range is the caller's mistake and reads some element of the data.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_NN_INDEXING_TD
#define DIALECTS_NN_INDEXING_TD

include "dialects/NN/NNBase.td"

class NN_IndexingOp<string mnemonic, string text, dag args, list<Trait> traits = []> : NN_Op<mnemonic, traits> {
  let summary = text;
  let arguments = args;
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Gather and scatter
//===----------------------------------------------------------------------===//

def NN_GatherOp : NN_IndexingOp<"gather", "slices of the data along an axis, chosen by index",
    (ins NN_Tensor:$data, NN_IndexTensor:$indices, I64Attr:$axis)> {
  let description = "The result's shape is the data's with `axis` replaced by the shape of `indices`.";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def NN_GatherElementsOp : NN_IndexingOp<"gather_elements", "result[i, j, ..] = data[.., indices[i, j, ..], ..]",
    (ins NN_Tensor:$data, NN_IndexTensor:$indices, I64Attr:$axis)> {
  let description = [{
    The index stands at `axis`. `indices` has the rank of `data` and, beside the
    axis, no larger extents; the result has the shape of `indices`.
  }];
  let hasVerifier = 1;
}

def NN_GatherNDOp : NN_IndexingOp<"gather_nd", "slices of the data chosen by tuples of indices",
    (ins NN_Tensor:$data, NN_IndexTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims)> {
  let description = [{
    The last axis of `indices` holds the tuples; its extent, their length, is
    static. The first `batch_dims` axes of `data` and `indices` go together.
  }];
}

def NN_ScatterReduction : I32EnumAttr<"ScatterReduction", "how an update meets the element it lands on", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Add", 1, "add">, I32EnumAttrCase<"Mul", 2, "mul">,
    I32EnumAttrCase<"Max", 3, "max">, I32EnumAttrCase<"Min", 4, "min">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_ScatterReductionAttr : EnumAttr<NN_Dialect, NN_ScatterReduction, "scatter_reduction">;

def NN_ScatterElementsOp : NN_IndexingOp<"scatter_elements", "a copy of the data with elements updated along an axis",
    (ins NN_Tensor:$data, NN_IndexTensor:$indices, NN_Tensor:$updates, I64Attr:$axis,
         DefaultValuedAttr<NN_ScatterReductionAttr, "::nnc::nn::ScatterReduction::None">:$reduction)> {
  let description = [{
    Element [i, j, ..] of `updates` lands on data[.., indices[i, j, ..], ..], the
    index at `axis`. `updates` and `indices` have one shape, of the rank of `data`.
    With reduction `none`, which of several updates of one element stays is not
    specified.
  }];
  let hasVerifier = 1;
}

def NN_ScatterNDOp : NN_IndexingOp<"scatter_nd", "a copy of the data with slices updated at tuples of indices",
    (ins NN_Tensor:$data, NN_IndexTensor:$indices, NN_Tensor:$updates,
         DefaultValuedAttr<NN_ScatterReductionAttr, "::nnc::nn::ScatterReduction::None">:$reduction)> {
  let description = [{
    The last axis of `indices` holds the tuples; its extent, their length k, is
    static. `updates` has the other extents of `indices`, then those of `data`
    after the first k. With reduction `none`, which of several updates of one
    element stays is not specified.
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

def NN_ShapeOp : NN_IndexingOp<"shape", "the extents of axes start up to but without end",
    (ins NN_Tensor:$input, I64Attr:$start, I64Attr:$end)> {
  let description = "A 1-D tensor of i64. 0 <= start, end <= rank; empty where end <= start.";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_SizeOp : NN_IndexingOp<"size", "the number of elements, a tensor of rank 0", (ins NN_Tensor:$input)> {
  let description = "The result's element type is i64.";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

def NN_FillOp : NN_IndexingOp<"fill", "a tensor of a given shape with one value everywhere",
    (ins NN_ShapeTensor:$shape, NN_Tensor:$value)> {
  let description = "`value` has one element, `shape` a static number of entries.";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_RangeOp : NN_IndexingOp<"range", "start, start + delta, ... as far as before limit",
    (ins NN_Tensor:$start, NN_Tensor:$limit, NN_Tensor:$delta)> {
  let description = "The operands have one element each and share their type.";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_OneHotOp : NN_IndexingOp<"one_hot", "values[1] where the position along a new axis is the index, else values[0]",
    (ins NN_Tensor:$indices, NN_ShapeTensor:$depth, NN_Tensor:$values, I64Attr:$axis)> {
  let description = [{
    `depth`: one entry. `values`: the off and the on value. `axis`: where the new axis is
    in the result. An index in [-depth, -1] counts from the end; beyond that
    all elements are off. Indices may have any numeric type.
  }];
  let hasVerifier = 1;
}

def NN_EyeLikeOp : NN_IndexingOp<"eye_like", "ones on a diagonal of a matrix of the input's shape, else zeros",
    (ins NN_Tensor:$input, TypeAttr:$to, DefaultValuedAttr<I64Attr, "0">:$diagonal)> {
  let description = [{
    Element (i, i + diagonal) is 1. `input` is a matrix of which only the shape
    counts; `to` is the result's element type.
  }];
}

#endif // DIALECTS_NN_INDEXING_TD
