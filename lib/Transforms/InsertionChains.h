// Keeps the analysis of bufferisation fast where many tensors are inserted into
// one: its time grows with more than the third power of the number of insertions
// that may share a buffer.
#ifndef LIB_TRANSFORMS_INSERTIONCHAINS_H
#define LIB_TRANSFORMS_INSERTIONCHAINS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SubsetOpInterface.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace nnc {

/// Turns long chains of tensor.insert_slice into an empty tensor (a wide concatenation) into copies to a buffer, which
/// the analysis does not look into. Where such a chain is an output of `main`, the buffer is the output's.
void copyLongInsertionChains(mlir::func::FuncOp main);

/// Counts the insertions that may come to share a buffer.
class InsertionClusters {
public:
  explicit InsertionClusters(mlir::func::FuncOp main);

  /// Whether what `op` inserts may be computed in its place; false where too many insertions would share a buffer.
  bool join(mlir::Operation *op);

private:
  void merge(mlir::Value a, mlir::Value b);
  int64_t &count(mlir::Value value) { return counts[clusters.getOrInsertLeaderValue(value)]; }

  llvm::EquivalenceClasses<mlir::Value> clusters;
  llvm::DenseMap<mlir::Value, int64_t> counts; ///< of a cluster's leader
};

} // namespace nnc

#endif // LIB_TRANSFORMS_INSERTIONCHAINS_H
