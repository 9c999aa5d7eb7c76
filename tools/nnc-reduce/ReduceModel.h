// The pass that makes a model smaller for nnc-reduce.
#ifndef TOOLS_NNC_REDUCE_REDUCEMODEL_H
#define TOOLS_NNC_REDUCE_REDUCEMODEL_H

namespace nnc {

/// Registers `reduce-model`.
void registerReduceModel();

} // namespace nnc

#endif // TOOLS_NNC_REDUCE_REDUCEMODEL_H
