// Operators that go through a sequence step by step, for what no recurrent operation of the NN dialect does.
#ifndef LIB_FRONTEND_TFLITE_SEQUENCES_H
#define LIB_FRONTEND_TFLITE_SEQUENCES_H

#include "lib/Frontend/TFLite/OpBinder.h"

namespace nnc::tflite {

/// [batch, time, feature] with its first two axes in the other order, if they are not in it already.
mlir::Value swapTimeAndBatch(OpBinder &op, mlir::Value sequence, bool isTimeMajor);

/// One step: from its part of the sequence and the states to new states and an element of the result.
using Step = llvm::function_ref<mlir::Value(mlir::Value part, llvm::MutableArrayRef<mlir::Value> states)>;

/// Runs `step` for each slice along the first axis of `sequence`, backwards with `reverse`; the elements stacked along a
/// new first axis, in the order of the sequence. `states` has those before the first step, and then those after the last.
/// Null, with the operator rejected, where it cannot.
mlir::Value runSteps(OpBinder &op, mlir::Value sequence, llvm::MutableArrayRef<mlir::Value> states, bool reverse,
                     Step step);

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_SEQUENCES_H
