// Which loop of a nest is computed one vector at a time.
#ifndef LIB_CONVERSION_LINALGTOVECTOR_VECTORDIMENSION_H
#define LIB_CONVERSION_LINALGTOVECTOR_VECTORDIMENSION_H

#include "dialects/Kernel/Kernel.h"
#include "lib/Conversion/LinalgToVector/LoopNest.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace nnc {

/// The operation that accumulates an output of a reduction: `combine(old, x)`,
/// associative and commutative (as far as floats are).
struct Combiner {
  mlir::Operation *op = nullptr;
  mlir::vector::CombiningKind kind;
  mlir::TypedAttr neutral;
};

/// The combiner of output `i`; none where the body accumulates otherwise.
std::optional<Combiner> getCombiner(LoopNest &nest, unsigned i);

struct VectorDimension {
  int64_t loop = -1;       ///< the loop computed at vector width; -1 where none can be
  int64_t tileLoop = -1;   ///< some inputs are contiguous along this loop instead: transpose tiles in registers
  int64_t lanes = 1;
};

/// The choice with the fewest instructions per element; `lanes` are those of the widest type.
VectorDimension chooseVectorDimension(LoopNest &nest, int64_t lanes);

/// Whether the body calls functions: then it is computed one element at a time, in order, by one thread.
bool callsFunctions(const LoopNest &nest);

/// Lanes of one hardware vector of the widest element type that the body computes with.
int64_t getLanes(kernel::TargetAttr target, LoopNest &nest);

} // namespace nnc

#endif // LIB_CONVERSION_LINALGTOVECTOR_VECTORDIMENSION_H
