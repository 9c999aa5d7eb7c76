//===- Selection.td - what data choose ---------------------------------------===//
//
// How much is chosen is known only afterwards: the results have a dynamic extent,
// which is never above a bound that the operands' extents give.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_NN_SELECTION_TD
#define DIALECTS_NN_SELECTION_TD

include "dialects/NN/NNBase.td"

def NN_NonZeroOp : NN_Op<"non_zero"> {
  let summary = "the indices of the elements that are not zero";
  let description = [{
    Column i of the result, [rank of the input, how many], is the index of the
    i-th such element in row-major order. NaN is not zero. Of a tensor of rank 0
    the result has no rows and one column or none.
  }];
  let arguments = (ins NN_Tensor:$input);
  let results = (outs RankedTensorOf<[I64]>:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_UniqueOp : NN_Op<"unique"> {
  let summary = "where the distinct slices along an axis are, and how often";
  let description = [{
    For each distinct slice, in ascending order (`sorted`; slices compare
    lexicographically) or in the order in which they first occur: `indices`, where
    it occurs first, and `counts`, how often it occurs. `inverse`: for each slice
    of the input its place among the distinct ones. NaN is equal to NaN and above
    all numbers.
  }];
  let arguments = (ins NN_Tensor:$input, I64Attr:$axis, UnitAttr:$sorted);
  let results = (outs 1DTensorOf<[I64]>:$indices, 1DTensorOf<[I64]>:$inverse, 1DTensorOf<[I64]>:$counts);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

def NN_NonMaxSuppressionOp : NN_Op<"non_max_suppression"> {
  let summary = "boxes of high scores that do not overlap much, for each image and class";
  let description = [{
    `boxes` [images, n, 4]: two opposite corners (y, x, y, x), or with
    `center_point_box` (x center, y center, width, height). `scores` [images,
    classes, n]. For each image and class the boxes are looked at in the order of
    their scores, the lower index first among equal ones, those of a score that is
    not above `score_threshold`, where given, and those of the score NaN left out;
    a box is chosen unless its intersection over union with one chosen before is
    above `iou_threshold`, until `max_output` are chosen. A row of the result is
    (image, class, box). Boxes without an area overlap nothing.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$boxes, RankedTensorOf<[F32]>:$scores, NN_ShapeTensor:$max_output,
                       1DTensorOf<[F32]>:$iou_threshold, Optional<1DTensorOf<[F32]>>:$score_threshold,
                       UnitAttr:$center_point_box);
  let results = (outs RankedTensorOf<[I64]>:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_SELECTION_TD
