// Numbers that are clamped to constants.
#ifndef LIB_TRANSFORMS_CLAMPPATTERN_H
#define LIB_TRANSFORMS_CLAMPPATTERN_H

#include "mlir/IR/Value.h"
#include <optional>

namespace nnc {

/// `x`, not below `low` and not above `high`; NaN is `low`.
struct Clamp {
  mlir::Value x;
  double low, high;
};

/// The clamp of f32, scalars or vectors, that `value` is: select(x > low, x, low), and of that select(. < high, ., high).
std::optional<Clamp> matchClamp(mlir::Value value);

} // namespace nnc

#endif // LIB_TRANSFORMS_CLAMPPATTERN_H
