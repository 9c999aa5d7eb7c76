//===- NNOps.td - all families of the NN dialect ---------------------------===//

#ifndef DIALECTS_NN_NNOPS_TD
#define DIALECTS_NN_NNOPS_TD

include "dialects/NN/NNBase.td"
include "dialects/NN/Contraction.td"
include "dialects/NN/ControlFlow.td"
include "dialects/NN/Convolution.td"
include "dialects/NN/DecisionTree.td"
include "dialects/NN/Elementwise.td"
include "dialects/NN/Indexing.td"
include "dialects/NN/Movement.td"
include "dialects/NN/Normalization.td"
include "dialects/NN/Pooling.td"
include "dialects/NN/Recurrent.td"
include "dialects/NN/Quantization.td"
include "dialects/NN/Reduction.td"
include "dialects/NN/Resampling.td"
include "dialects/NN/Selection.td"

#endif // DIALECTS_NN_NNOPS_TD
