// Layers that go through a sequence step by step, for what no recurrent operation of the NN dialect does.
#ifndef LIB_FRONTEND_IMPORT_STEPS_H
#define LIB_FRONTEND_IMPORT_STEPS_H

#include "lib/Frontend/Import/NodeBuilder.h"

namespace nnc::frontend {

/// One step: from its parts of the sequences and the states to new states and an element of the result.
using Step = llvm::function_ref<mlir::Value(llvm::ArrayRef<mlir::Value> parts, llvm::MutableArrayRef<mlir::Value> states)>;

/// Runs `step` for each slice along the first axis of `sequences`, which are of one length, backwards with `reverse`; the
/// elements stacked along a new first axis, in the order of the sequences. `states` has those before the first step, and
/// then those after the last. Null, with the node rejected, where it cannot.
mlir::Value runSteps(NodeBuilder &node, llvm::ArrayRef<mlir::Value> sequences,
                     llvm::MutableArrayRef<mlir::Value> states, bool reverse, Step step);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_STEPS_H
