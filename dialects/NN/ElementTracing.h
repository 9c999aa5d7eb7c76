// Where the elements of a small tensor come from that operations only move.
#ifndef DIALECTS_NN_ELEMENTTRACING_H
#define DIALECTS_NN_ELEMENTTRACING_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace nnc::nn {

/// Elements of a tensor of rank 0 or 1, each at its place in `source`.
struct MovedElements {
  mlir::Value source;
  llvm::SmallVector<int64_t> places;
};

/// The elements of `value`, row-major, through reshapes, transposes and slices of static shapes back to a tensor of rank 0
/// or 1, as frontends reorder shapes and pads in matrices; nullopt where there is none behind, or too many elements.
std::optional<MovedElements> traceMovedElements(mlir::Value value);

} // namespace nnc::nn

#endif // DIALECTS_NN_ELEMENTTRACING_H
