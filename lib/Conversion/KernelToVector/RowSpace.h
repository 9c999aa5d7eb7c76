// The rows of a tensor [O, R, I], for kernels that reduce along R and compute
// each element anew from what they reduced.
//
// Where I is 1, vectors lie along the row and end in a horizontal reduction;
// else they lie along I and each lane is a row of its own. So it is of short rows that take a logarithm each: their vectors
// lie along O.
#ifndef LIB_CONVERSION_KERNELTOVECTOR_ROWSPACE_H
#define LIB_CONVERSION_KERNELTOVECTOR_ROWSPACE_H

#include "dialects/Kernel/Kernel.h"
#include "lib/Codegen/Loops.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace nnc {

/// How elements are combined to one.
struct RowReduction {
  double identity;
  /// From an element (scalar or vector) to what is combined; null for itself.
  std::function<mlir::Value(mlir::OpBuilder &, mlir::Value)> transform;
  std::function<mlir::Value(mlir::OpBuilder &, mlir::Value, mlir::Value)> combine;
  mlir::vector::CombiningKind horizontal;
};

class RowSpace {
public:
  /// Of the kernel's operand `input`; sums are kept in its epilogue argument's type, at least f32.
  /// Of contiguous rows of at most `gatheredVectors` vectors there are as many at once as a vector has lanes.
  RowSpace(mlir::OpBuilder &builder, mlir::Operation *kernel, mlir::Value input, int64_t gatheredVectors = 0);

  /// Emits the loops over O and I; `body` runs once per row, or per vector of rows.
  void forEachRow(mlir::OpBuilder &builder, llvm::function_ref<void(mlir::OpBuilder &)> body);

  /// Combines the current row's elements: a scalar, or a vector with one lane per row.
  mlir::Value reduce(mlir::OpBuilder &builder, const RowReduction &reduction) const;

  /// Calls `body(element, indices, width)` for all elements of the current row;
  /// `indices` are [o, r, i], `width` elements along getAlong(). Elements come from `source`.
  void forEachElement(mlir::OpBuilder &builder, mlir::Value source,
                      llvm::function_ref<void(mlir::OpBuilder &, mlir::Value, mlir::ValueRange, int64_t)> body) const;

  /// `reduced` as wide as an element of forEachElement.
  mlir::Value widen(mlir::OpBuilder &builder, mlir::Value reduced, int64_t width) const;

  /// The dimension along which vectors lie.
  int64_t getAlong() const { return alongOuter ? 0 : alongRow ? 1 : 2; }
  /// The same of [O, I].
  int64_t getAlongRows() const { return alongOuter ? 0 : 1; }
  /// The same rows of another tensor of the same shape.
  RowSpace withInput(mlir::Value other) const {
    RowSpace space = *this;
    space.input = other;
    return space;
  }
  mlir::Type getElementType() const { return accumulatorType; }
  mlir::OpFoldResult getRowLength() const { return length; }
  /// Index of the current row in [O, I], and how many rows it stands for.
  llvm::SmallVector<mlir::Value> getRowIndices() const { return {outer, inner}; }
  int64_t getRowWidth() const { return rowWidth; }

  // Reductions that several kernels share.
  RowReduction getSum() const;
  /// Largest element; a NaN may be lost.
  RowReduction getMaxIgnoringNaN() const;

private:
  mlir::Value load(mlir::OpBuilder &builder, mlir::Value source, mlir::Value row, int64_t width) const;
  mlir::Value reduceAlongRow(mlir::OpBuilder &builder, const RowReduction &reduction) const;
  mlir::Value reduceAcrossRows(mlir::OpBuilder &builder, const RowReduction &reduction) const;
  llvm::SmallVector<mlir::Value> reduceChains(mlir::OpBuilder &builder, const RowReduction &reduction,
                                              mlir::OpFoldResult count, int64_t step, int64_t width) const;
  mlir::Value reduceChain(mlir::OpBuilder &builder, const RowReduction &reduction, mlir::Value accumulated,
                          mlir::OpFoldResult begin, mlir::OpFoldResult end, int64_t step, int64_t width) const;
  void forEachVectorOfRows(mlir::OpBuilder &builder, llvm::function_ref<void(mlir::OpBuilder &)> body);
  llvm::SmallVector<mlir::Value> loadShortRow(mlir::OpBuilder &builder, const RowReduction &reduction, int64_t from,
                                              int64_t count) const;
  mlir::Value combineElement(mlir::OpBuilder &builder, const RowReduction &reduction, mlir::Value accumulated,
                             mlir::Value row, int64_t width) const;

  mlir::Location loc;
  mlir::Value input;
  mlir::Type accumulatorType;
  int64_t lanes;
  bool alongRow, alongOuter;
  mlir::OpFoldResult length;
  mlir::Value outer, inner;
  int64_t rowWidth = 1;
};

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_ROWSPACE_H
