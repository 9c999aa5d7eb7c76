//===- Contraction.td - sums of products ------------------------------------===//

#ifndef DIALECTS_NN_CONTRACTION_TD
#define DIALECTS_NN_CONTRACTION_TD

include "dialects/NN/NNBase.td"

def NN_MatmulOp : NN_Op<"matmul"> {
  let summary = "matrix product, broadcast over leading dimensions";
  let description = [{
    numpy.matmul: the last two dimensions are matrices, the ones before are
    broadcast; an operand of rank 1 is a row (lhs) or a column (rhs) whose
    dimension the result lacks. `transpose_lhs` and `transpose_rhs` (rank 2 and
    more) swap an operand's last two dimensions. With `int8_block`, lhs may be
    rounded to 8 bits, with a scale for so many elements along K, where that is faster.
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs, UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs,
                       OptionalAttr<I64Attr>:$int8_block);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let builders = [
    OpBuilder<(ins "::mlir::Value":$lhs, "::mlir::Value":$rhs, "bool":$transpose_lhs, "bool":$transpose_rhs), [{
      build($_builder, $_state, lhs, rhs, transpose_lhs, transpose_rhs, /*int8_block=*/::mlir::IntegerAttr());
    }]>,
    OpBuilder<(ins "::mlir::TypeRange":$types, "::mlir::Value":$lhs, "::mlir::Value":$rhs, "bool":$transpose_lhs,
                   "bool":$transpose_rhs), [{
      build($_builder, $_state, types, lhs, rhs, transpose_lhs, transpose_rhs, /*int8_block=*/::mlir::IntegerAttr());
    }]>];
}

def NN_IntegerMatmulOp : NN_Op<"integer_matmul", [AttrSizedOperandSegments]> {
  let summary = "matrix product of integers of 8 bits, less their zero points, summed in i32";
  let description = [{
    numpy.matmul of (lhs - lhs_zero_point) and (rhs - rhs_zero_point), as nn.matmul.
    A zero point is of its operand's type, 0 where it is left out, and broadcasts
    to the operand; it has one value for all of the axis that is summed over.
    Without zero points, lhs ui8 and rhs i8, it is a kernel.
  }];
  let arguments = (ins NN_IntegerTensor:$lhs, NN_IntegerTensor:$rhs, Optional<NN_IntegerTensor>:$lhs_zero_point,
                       Optional<NN_IntegerTensor>:$rhs_zero_point);
  let results = (outs NN_IntegerTensor:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`lhs_zero` $lhs_zero_point^)? (`rhs_zero` $rhs_zero_point^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

#endif // DIALECTS_NN_CONTRACTION_TD
