// Emission of the loops of one nest.
#ifndef LIB_CONVERSION_LINALGTOVECTOR_LINALGTOVECTOR_H
#define LIB_CONVERSION_LINALGTOVECTOR_LINALGTOVECTOR_H

#include "lib/Conversion/LinalgToVector/BodyEvaluation.h"
#include "lib/Conversion/LinalgToVector/VectorDimension.h"

namespace nnc {

/// State shared by the emitters of one nest.
struct LoopEmission {
  LoopNest &nest;
  VectorDimension dimension;
  BodyEvaluation body;
  llvm::SmallVector<mlir::Value> position; ///< current index of each loop, null where not entered yet

  LoopEmission(LoopNest &nest, VectorDimension dimension, int64_t leastGatherOperations)
      : nest(nest), dimension(dimension), body(nest, dimension.loop, leastGatherOperations), position(nest.getNumLoops()) {}

  /// Reads the body's arguments for `width` iterations; with `invariants` only those that the vector loop does not move,
  /// null for the others. Outputs that the body does not use are not read.
  llvm::SmallVector<mlir::Value> readArguments(mlir::OpBuilder &builder, int64_t width, bool invariants = false);
  void write(mlir::OpBuilder &builder, mlir::ValueRange results, int64_t width);
};

/// Emits the loops named in `loops`, the first of them shared among threads where
/// the work is worth it, and calls `body` inside.
void emitOuterLoops(mlir::OpBuilder &builder, LoopEmission &emission, llvm::ArrayRef<int64_t> loops,
                    llvm::function_ref<void(mlir::OpBuilder &)> body);

/// Nests of parallel loops only.
void emitParallelNest(mlir::OpBuilder &builder, LoopEmission &emission);
/// Nests with reductions: along the vector, or inside a vector of parallel iterations.
void emitReductionNest(mlir::OpBuilder &builder, LoopEmission &emission);
/// Nests whose inputs are contiguous along another loop than the outputs.
void emitTransposeTiles(mlir::OpBuilder &builder, LoopEmission &emission);

/// Computes `count` iterations from `lower` on of the vector loop of a parallel nest, at full width and then narrower.
void emitVectorLoop(mlir::OpBuilder &builder, LoopEmission &emission, mlir::OpFoldResult lower,
                    mlir::OpFoldResult count);

/// True where the loops do enough work for threads to be worth it.
bool isWorthThreads(mlir::OpBuilder &builder, const LoopNest &nest);

} // namespace nnc

#endif // LIB_CONVERSION_LINALGTOVECTOR_LINALGTOVECTOR_H
