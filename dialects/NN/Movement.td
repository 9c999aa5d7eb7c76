//===- Movement.td - operations that move elements without computing -------===//
//
// The position of an element changes, its value does not. Bounds and shapes are
// 1-D i64 operands; the result's extents are static as far as those are known
// (see getKnownInts in ConstantFolding.h).
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_NN_MOVEMENT_TD
#define DIALECTS_NN_MOVEMENT_TD

include "dialects/NN/NNBase.td"

/// An operation on `input` with a result of the same element type.
class NN_MovementOp<string mnemonic, string text, dag rest, list<Trait> traits = []> : NN_Op<mnemonic, traits> {
  let summary = text;
  let arguments = !con((ins NN_Tensor:$input), rest);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Shape changes that keep the order of the elements
//===----------------------------------------------------------------------===//

def NN_ReshapeOp : NN_MovementOp<"reshape", "the same elements in row-major order in another shape",
    (ins NN_ShapeTensor:$shape, UnitAttr:$allow_zero)> {
  let description = [{
    One entry of `shape` may be -1: it is computed from the rest. An entry 0
    copies the input's extent at that position, or with `allow_zero` means 0.
    `shape` has a static number of entries.
  }];
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_SqueezeOp : NN_MovementOp<"squeeze", "removes the given axes, each of extent 1",
    (ins DenseI64ArrayAttr:$axes)> {
  let description = "`axes` are ascending. A squeeze of a static shape is canonicalised to a reshape.";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_UnsqueezeOp : NN_MovementOp<"unsqueeze", "inserts axes of extent 1",
    (ins DenseI64ArrayAttr:$axes)> {
  let description = "`axes` are ascending positions in the result. Of a static shape it is canonicalised to a reshape.";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_FlattenOp : NN_MovementOp<"flatten", "collapses the axes before `axis` into one and the rest into another",
    (ins I64Attr:$axis)> {
  let description = "Of a static shape it is canonicalised to a reshape.";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

//===----------------------------------------------------------------------===//
// Permutation, concatenation, cutting
//===----------------------------------------------------------------------===//

def NN_TransposeOp : NN_MovementOp<"transpose", "axis i of the result is axis permutation[i] of the input",
    (ins DenseI64ArrayAttr:$permutation)> {
  let description = "`permutation` has each axis of the input once: permutation [2, 0, 1] of 4x5x6 gives 6x4x5.";
  let hasFolder = 1;
}

def NN_ConcatOp : NN_Op<"concat"> {
  let summary = "the inputs one after the other along an axis";
  let description = "At least one input. All have one element type, one rank, and the same extents beside `axis`.";
  let arguments = (ins Variadic<NN_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$inputs attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_SliceOp : NN_Op<"slice"> {
  let summary = "starts[i] up to but without ends[i] by steps[i] along axes[i]";
  let description = [{
    Python's slices: negative bounds count from the end, bounds beyond the
    extent are clamped, steps may be negative. `steps` may be left out (all 1).
  }];
  let arguments = (ins NN_Tensor:$input, NN_ShapeTensor:$starts, NN_ShapeTensor:$ends,
                       Optional<NN_ShapeTensor>:$steps, DenseI64ArrayAttr:$axes);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_ReverseOp : NN_MovementOp<"reverse", "the elements in the opposite order along the given axes",
    (ins DenseI64ArrayAttr:$axes)> {
  let description = "The result has the type of `input`.";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Growth
//===----------------------------------------------------------------------===//

def NN_PadMode : I32EnumAttr<"PadMode", "what padding is filled with", [
    I32EnumAttrCase<"Constant", 0, "constant">, I32EnumAttrCase<"Reflect", 1, "reflect">,
    I32EnumAttrCase<"Edge", 2, "edge">, I32EnumAttrCase<"Wrap", 3, "wrap">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_PadModeAttr : EnumAttr<NN_Dialect, NN_PadMode, "pad_mode">;

def NN_PadOp : NN_Op<"pad"> {
  let summary = "elements added before and after along the given axes";
  let description = [{
    `pads` has the number of elements to add before each of `axes`, then those
    to add after each; a negative number removes. `value` (one element) fills in
    mode `constant`; 0 where it is left out. `reflect` mirrors without
    repeating the edge, `wrap` is periodic.
  }];
  let arguments = (ins NN_Tensor:$input, NN_ShapeTensor:$pads, Optional<NN_Tensor>:$value,
                       DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<NN_PadModeAttr, "::nnc::nn::PadMode::Constant">:$mode);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_BroadcastToOp : NN_MovementOp<"broadcast_to", "the input broadcast against a shape",
    (ins NN_ShapeTensor:$shape)> {
  let description = [{
    Broadcasting goes both ways: where `shape` has 1, the input's extent stays.
  }];
  let hasFolder = 1;
}

def NN_TileOp : NN_MovementOp<"tile", "the input repeated repeats[i] times along axis i",
    (ins NN_ShapeTensor:$repeats)> {
  let description = "`repeats` has one entry per axis; extent i of the result is repeats[i] times that of the input.";
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

def NN_DepthOrder : I32EnumAttr<"DepthOrder", "how the channels of a block are ordered", [
    I32EnumAttrCase<"DepthColumnRow", 0, "dcr">, I32EnumAttrCase<"ColumnRowDepth", 1, "crd">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_DepthOrderAttr : EnumAttr<NN_Dialect, NN_DepthOrder, "depth_order">;

def NN_DepthToSpaceOp : NN_MovementOp<"depth_to_space", "moves blocks of channels into blocks of height and width",
    (ins I64Attr:$block, DefaultValuedAttr<NN_DepthOrderAttr, "::nnc::nn::DepthOrder::DepthColumnRow">:$order,
         NN_LayoutAttr:$layout)> {
  let description = [{
    `dcr`: channel = (row * block + column) * depth + d; `crd`:
    channel = (d * block + row) * block + column.
  }];
}

def NN_SpaceToDepthOp : NN_MovementOp<"space_to_depth", "moves blocks of height and width into channels",
    (ins I64Attr:$block, DefaultValuedAttr<NN_DepthOrderAttr, "::nnc::nn::DepthOrder::DepthColumnRow">:$order,
         NN_LayoutAttr:$layout)> {
  let description = "The inverse of `depth_to_space` with the same attributes.";
}

def NN_TriluOp : NN_MovementOp<"trilu", "keeps one triangle of the last two axes, clears the other",
    (ins Optional<RankedTensorOf<[I64]>>:$diagonal, UnitAttr:$upper)> {
  let description = [{
    `diagonal` (one element, 0 where left out) counts diagonals up from the main
    one. The diagonal itself is kept.
  }];
}

#endif // DIALECTS_NN_MOVEMENT_TD
