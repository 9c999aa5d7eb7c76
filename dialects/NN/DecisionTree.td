//===- DecisionTree.td - ensembles of decision trees -------------------------===//

#ifndef DIALECTS_NN_DECISIONTREE_TD
#define DIALECTS_NN_DECISIONTREE_TD

include "dialects/NN/NNBase.td"

def NN_FindLeavesOp : NN_Op<"find_leaves"> {
  let summary = "the leaf at which each row of features ends, in each of several decision trees";
  let description = [{
    `input`: (rows, features). The inner nodes of all trees are numbered together,
    from 0 to n - 1, each before its children, and the leaves from n on. Tree t
    starts at `roots[t]`. At an inner node i, x = input[row, features[i]] is compared
    with `thresholds[i]`, and the test holds if bit 0 (x is less), 1 (equal), 2
    (greater) or 3 (either is NaN) of `relations[i]` is set; the next node is
    `branches[i, 1]` if it holds, else `branches[i, 0]`. The result, (trees, rows),
    has the leaves that are reached, counted from 0: a tree's nodes stay in the
    cache while all rows walk through it. All operands but the input are constants.
  }];
  let arguments = (ins NN_FloatTensor:$input, 1DTensorOf<[I32]>:$roots, 1DTensorOf<[I32]>:$features,
                       1DTensorOf<[AnyFloat]>:$thresholds, 1DTensorOf<[I32]>:$relations, 2DTensorOf<[I32]>:$branches);
  let results = (outs NN_IndexTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_DECISIONTREE_TD
