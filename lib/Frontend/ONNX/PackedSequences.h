// Sequences of different lengths, one behind the other along one axis.
#ifndef LIB_FRONTEND_ONNX_PACKEDSEQUENCES_H
#define LIB_FRONTEND_ONNX_PACKEDSEQUENCES_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::onnx {

/// Elements of packed sequences by their sequence and their position in it. Each sequence has a history of as many elements as
/// the others, which its negative positions count from behind.
class PackedSequences {
public:
  /// `starts` (1-D) has where each of them begins, and where the last one ends, which is how many elements `values` has along
  /// axis 0; else a run ends with an error.
  PackedSequences(frontend::NodeBuilder &node, frontend::Expression starts, frontend::Expression values);

  /// For each element the one `distance` before it in its sequence, of `values` or of `history` (sequences, length, ...).
  frontend::Expression lookBack(frontend::Expression values, frontend::Expression history, int64_t distance) const;
  /// The last `history.extent(1)` elements of each sequence: (sequences, length, ...).
  frontend::Expression last(frontend::Expression values, frontend::Expression history) const;
  /// The history that each sequence would have behind its first, second, ... `capacity`th element: (sequences, capacity,
  /// length, ...).
  frontend::Expression prefixes(frontend::Expression values, frontend::Expression history, int64_t capacity) const;
  /// The first element of each sequence.
  frontend::Expression first(frontend::Expression values) const { return values.gather(starts, 0); }
  /// The first `capacity` elements of each sequence; what is behind its end has no meaning.
  frontend::Expression first(frontend::Expression values, frontend::Expression history, int64_t capacity) const;
  /// Which of `capacity` places are below the count of each sequence and within it: (sequences, capacity).
  frontend::Expression isCaptured(frontend::Expression counts, int64_t capacity) const;

private:
  frontend::Expression at(frontend::Expression values, frontend::Expression history, frontend::Expression sequence,
                          frontend::Expression start, frontend::Expression position) const;

  frontend::NodeBuilder &node;
  frontend::Expression starts, lengths; ///< of the sequences
  frontend::Expression sequence, start, position; ///< of the elements
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_PACKEDSEQUENCES_H
