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
    more) swap an operand's last two dimensions.
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs, UnitAttr:$transpose_lhs, UnitAttr:$transpose_rhs);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

#endif // DIALECTS_NN_CONTRACTION_TD
