// Tensors that grow while a loop carries them: each iteration concatenates something
// to what it began with.
#ifndef LIB_FRONTEND_ONNX_LOOPGROWTH_H
#define LIB_FRONTEND_ONNX_LOOPGROWTH_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::onnx {

/// A tensor that each iteration only appends to, along one axis.
struct AppendedValue {
  unsigned carried; ///< its place among what the loop carries
  int64_t axis;
  mlir::Value element; ///< what an iteration appends, of a shape that is known before the loop
};

/// Takes what a loop only appends to out of what it carries: out of `yielded` (whether to go on, what is carried on, what
/// is collected), `initial` and the arguments of `body`. In ascending order; each element is collected, last, instead.
llvm::SmallVector<AppendedValue> takeAppended(frontend::NodeBuilder &node, mlir::Block &body,
                                              llvm::SmallVectorImpl<mlir::Value> &yielded,
                                              llvm::SmallVectorImpl<mlir::Value> &initial);

/// `initial` with what all iterations appended, of which `collected` has one each.
mlir::Value append(frontend::NodeBuilder &node, mlir::Value initial, mlir::Value collected, int64_t axis);

/// A tensor with room for all that a loop appends to it, of which the beginning is what it would carry.
struct RoomyValue {
  unsigned carried; ///< its place among what the loop carries
  int64_t axis;
  unsigned length;  ///< the place of its length: one i64, 1-D
};

/// Lets the body see of `argument` only the first `length` (1-D i64) elements along the axis; what it yields of it, too.
void readBeginning(frontend::NodeBuilder &node, mlir::BlockArgument argument, mlir::BlockArgument length, int64_t axis,
                   llvm::MutableArrayRef<mlir::Value> yielded);

/// `all` with `part` at the `places` (1-D i64) along the axis.
mlir::Value writeAt(frontend::NodeBuilder &node, mlir::Value all, frontend::Expression places, frontend::Expression part,
                    int64_t axis);

/// Where branches append to what an iteration of `body` began with, or leave it as it is, they choose what is appended
/// instead.
void appendBehindBranches(frontend::NodeBuilder &node, mlir::Block &body, llvm::MutableArrayRef<mlir::Value> yielded);

/// Whether the value at the place `carried` among what a loop carries only grows, by concatenations.
bool grows(mlir::Block &body, llvm::ArrayRef<mlir::Value> yielded, unsigned carried);

/// Makes room for what a loop of at most `trips` iterations appends, at the builder's place before it, and lets its body
/// write there. Lengths are carried behind the rest. Rejects the node where nothing bounds what an iteration appends.
llvm::SmallVector<RoomyValue> makeRoom(frontend::NodeBuilder &node, mlir::Block &body, mlir::Value trips,
                                       llvm::SmallVectorImpl<mlir::Value> &yielded,
                                       llvm::SmallVectorImpl<mlir::Value> &initial);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_LOOPGROWTH_H
