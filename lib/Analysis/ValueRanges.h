// Between which numbers the elements of a tensor are, whatever the inputs of the model.
#ifndef LIB_ANALYSIS_VALUERANGES_H
#define LIB_ANALYSIS_VALUERANGES_H

#include "mlir/IR/Value.h"

#include <limits>
#include <optional>

namespace nnc {

/// No number is below `lower` or above `upper`; NaN may be among them.
struct NumberRange {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
};

/// What is known of the elements of `value`, a tensor of NN operations; with `position` of that element of a 1-D tensor.
/// Clips, minima and maxima, constants and what counts elements bound values; arithmetic, choices and movement are followed.
NumberRange findValueRange(mlir::Value value, std::optional<int64_t> position = std::nullopt);

} // namespace nnc

#endif // LIB_ANALYSIS_VALUERANGES_H
