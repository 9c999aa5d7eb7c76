// Random numbers without a state: element i of a node is a function of the node's seed
// and name and of i (docs/Math.md).
#ifndef LIB_FRONTEND_ONNX_RANDOMNUMBERS_H
#define LIB_FRONTEND_ONNX_RANDOMNUMBERS_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

class RandomNumbers {
public:
  /// Numbers for the node, of the bits of its seed (0 where it has none). Rejects a node in a branch or a loop, which would
  /// get the same ones each time.
  RandomNumbers(NodeBinder &node, uint64_t seed);
  /// As above; the attribute `seed` is a float.
  static RandomNumbers fromFloatSeed(NodeBinder &node);

  /// Numbers from 0 up to but without 1, multiples of 2^-24 (f32), or 2^-53 (f64); `shape` is 1-D.
  frontend::Expression uniform(frontend::Expression shape, mlir::Type type) const;
  /// Of mean 0 and variance 1; f32 or f64.
  frontend::Expression normal(frontend::Expression shape, mlir::Type type) const;

private:
  /// 64 random bits for each element of `shape`; different ones for each `stream`.
  frontend::Expression bits(frontend::Expression shape, uint64_t stream) const;

  NodeBinder &node;
  uint64_t key;
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_RANDOMNUMBERS_H
