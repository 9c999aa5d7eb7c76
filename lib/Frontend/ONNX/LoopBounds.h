// How often a loop runs at most, which has a condition.
#ifndef LIB_FRONTEND_ONNX_LOOPBOUNDS_H
#define LIB_FRONTEND_ONNX_LOOPBOUNDS_H

#include "lib/Frontend/Import/NodeBuilder.h"

namespace nnc::onnx {

/// Whether `value` is made in the body of a loop, or in what is inside of it.
bool isMadeIn(mlir::Value value, mlir::Block &body);

/// The most iterations of a loop that goes on while a number that it carries, and counts up by one, is below a limit from
/// outside: one i64, 1-D, at the builder's place, which is before the loop. `yielded` are whether to go on and what is
/// carried on, `body` its block, `initial` what is carried first. Null where the condition is of another form.
mlir::Value findMostTrips(frontend::NodeBuilder &node, mlir::Block &body, mlir::ValueRange yielded,
                          mlir::ValueRange initial);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_LOOPBOUNDS_H
