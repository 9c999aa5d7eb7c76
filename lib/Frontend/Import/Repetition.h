// Loops that a frontend builds for operators defined by a recurrence.
#ifndef LIB_FRONTEND_IMPORT_REPETITION_H
#define LIB_FRONTEND_IMPORT_REPETITION_H

#include "lib/Frontend/Import/Expression.h"

#include "llvm/ADT/STLFunctionalExtras.h"

namespace nnc::frontend {

/// What an iteration gives: the next values of what is carried, elements to collect, and whether to go on (one boolean;
/// null: always), which is not for loops that collect.
struct Iteration {
  llvm::SmallVector<Expression> carried, collected;
  Expression goesOn = {};
};

/// Builds an iteration of its number (i64, rank 0) and the carried values.
using IterationBuilder = llvm::function_ref<Iteration(Expression, llvm::ArrayRef<Expression>)>;

/// `trips` iterations (one i64) that carry values on, first `initial`: the last carried values, then what was
/// collected, each stacked along a new first axis. A carried value keeps its type. Empty where the node is rejected.
llvm::SmallVector<Expression> repeat(NodeBuilder &node, Expression trips, llvm::ArrayRef<Expression> initial,
                                     IterationBuilder build);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_REPETITION_H
