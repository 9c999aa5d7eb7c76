// Computes the body of a loop nest for several iterations of one loop at once.
// Whatever those iterations share is computed once, before the loop.
#ifndef LIB_CONVERSION_LINALGTOVECTOR_BODYEVALUATION_H
#define LIB_CONVERSION_LINALGTOVECTOR_BODYEVALUATION_H

#include "lib/Conversion/LinalgToVector/BodyLanes.h"
#include "lib/Conversion/LinalgToVector/LoopNest.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace nnc {

class BodyEvaluation {
public:
  /// `loop` is the one that is computed several iterations at a time; -1 for none. Where at least `leastGatherOperations`
  /// operations compute addresses from data, these are vectors, which the CPU loads from.
  BodyEvaluation(LoopNest &nest, int64_t loop, int64_t leastGatherOperations);

  /// Computes what does not depend on the loop: `arguments` holds the body's
  /// arguments that do not, null for the others; `position` all loop indices,
  /// null where not known yet. Replaces what an earlier call computed.
  void computeInvariants(mlir::OpBuilder &builder, mlir::ValueRange arguments, mlir::ValueRange position,
                         bool mayLoad);
  void forgetInvariants() { invariants.clear(); }

  /// Computes what the body yields for `width` iterations from `position` on;
  /// each value is a vector, or a scalar where the same for all.
  llvm::SmallVector<mlir::Value> evaluate(mlir::OpBuilder &builder, mlir::ValueRange arguments,
                                          mlir::ValueRange position, int64_t width);

private:
  using Values = llvm::DenseMap<mlir::Value, BodyLanes>;

  BodyLanes lookup(mlir::Value value);
  void evaluateIndex(mlir::OpBuilder &builder, mlir::linalg::IndexOp op, mlir::ValueRange position, int64_t width);
  bool evaluateUniform(mlir::OpBuilder &builder, mlir::Operation *op);
  bool evaluateSequence(mlir::OpBuilder &builder, mlir::Operation *op);
  bool evaluateLoad(mlir::OpBuilder &builder, mlir::Operation *op, int64_t width);
  bool isGathered(mlir::memref::LoadOp load) const;
  bool evaluateGather(mlir::OpBuilder &builder, mlir::memref::LoadOp load, int64_t width);
  void evaluateLaneByLane(mlir::OpBuilder &builder, mlir::Operation *op, int64_t width);
  bool evaluateDivision(mlir::OpBuilder &builder, mlir::Operation *op, int64_t width);
  void evaluateVector(mlir::OpBuilder &builder, mlir::Operation *op, int64_t width);

  LoopNest &nest;
  int64_t loop;
  int64_t leastGatherOperations;
  llvm::DenseSet<mlir::Operation *> addresses; ///< operations whose results are used to compute addresses
  Values invariants, values;
};

} // namespace nnc

#endif // LIB_CONVERSION_LINALGTOVECTOR_BODYEVALUATION_H
