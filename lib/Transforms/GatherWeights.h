// The pass that puts all constants into one blob, which modules of one model for several CPUs share.
#ifndef LIB_TRANSFORMS_GATHERWEIGHTS_H
#define LIB_TRANSFORMS_GATHERWEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Pass/Pass.h"

#include <map>
#include <memory>

namespace nnc {

/// The constants of the modules that were gathered so far.
struct GatheredWeights {
  using Key = std::pair<uint64_t, int64_t>; ///< hash and bytes of a constant

  mlir::DenseResourceElementsAttr blob; ///< of the last module: begins with the constants of those before it
  int64_t end = 0;                      ///< of the constants in it; what follows may be read, but does not count
  std::map<Key, llvm::SmallVector<int64_t>> offsets;
};

/// gather-weights for a module whose blob is to begin with those of the modules before, so that the last module's
/// serves all of them. Constants that these have are not stored again. `shared` outlives the pass; null: one module
/// alone. `external`: the caller of @main has the blob.
std::unique_ptr<mlir::Pass> createGatherWeightsPass(GatheredWeights *shared, bool external);

} // namespace nnc

#endif // LIB_TRANSFORMS_GATHERWEIGHTS_H
