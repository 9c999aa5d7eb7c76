// Elements of sequences: chosen, inserted, erased and joined, at positions that are
// known now or only in a run.
#ifndef LIB_FRONTEND_ONNX_SEQUENCEEDITS_H
#define LIB_FRONTEND_ONNX_SEQUENCEEDITS_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/GraphValue.h"

namespace nnc::onnx {

/// Longer lists are not believed: each element is a value.
inline constexpr int64_t maxListedElements = 4096;

/// A position in a sequence; a negative one counts from the end.
struct Position {
  std::optional<int64_t> known;
  frontend::Expression value; ///< one i64, 1-D; null where `known` is given
};

/// All that follows rejects the node, and gives null, where positions, types or shapes do not fit. A run with a
/// position out of range ends with an error; before it begins where inputs and extents tell.

/// The elements along a new first axis, room behind them included; they must be of one shape.
mlir::Value stackElements(frontend::NodeBuilder &node, const Sequence &sequence);
/// The number of elements, one i64, 1-D.
frontend::Expression countElements(frontend::NodeBuilder &node, const Sequence &sequence);
mlir::Value selectElement(frontend::NodeBuilder &node, const Sequence &sequence, const Position &position);
/// Inserts before a position, at the end where there is none.
Sequence insertElement(frontend::NodeBuilder &node, Sequence sequence, mlir::Value element,
                       const std::optional<Position> &position);
/// Erases the element at a position, the last where there is none.
Sequence eraseElement(frontend::NodeBuilder &node, Sequence sequence, const std::optional<Position> &position);
/// The elements one after the other along `axis`, which is a new one or not.
mlir::Value concatElements(frontend::NodeBuilder &node, const Sequence &sequence, int64_t axis, bool isNewAxis);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_SEQUENCEEDITS_H
