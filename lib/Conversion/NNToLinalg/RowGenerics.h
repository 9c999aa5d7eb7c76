// Generic reductions of [O, R, I] to [O, I] that no kernel does: by position and
// by order.
#ifndef LIB_CONVERSION_NNTOLINALG_ROWGENERICS_H
#define LIB_CONVERSION_NNTOLINALG_ROWGENERICS_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// An order of elements: descending, or `ascending`; of equal ones the lower position first.
struct RowOrder {
  bool ascending;
  bool isUnsigned;
};

/// The largest or smallest value of `type`.
mlir::Value createExtreme(mlir::ImplicitLocOpBuilder &builder, mlir::Type type, bool largest, bool isUnsigned);

/// In each row of `rows` [O, R, I] the first value by `order`.
mlir::Value findFirst(mlir::ImplicitLocOpBuilder &builder, mlir::Value rows, RowOrder order);

/// The kinds of rows whose extreme element findExtremes can find.
struct RowExtreme {
  bool min, last; ///< the smallest element, not the largest; the last of equal ones, not the first
  bool isUnsigned;
  bool isNaNExtreme; ///< NaN is more extreme than all numbers, else less
};

/// Whether rows of `type` [O, R, I] lie side by side in memory, so many that vectors of them are worth it.
bool areSideBySide(mlir::RankedTensorType type);

/// The most extreme elements of `rows` [O, R, I] and their positions (i64), both [O, I], in one pass: for rows side by
/// side. Of an empty row, the position is 0.
std::pair<mlir::Value, mlir::Value> findExtremes(mlir::ImplicitLocOpBuilder &builder, mlir::Value rows, RowExtreme which);

/// A condition on an element x at an i64 position, given one element of each further input.
using RowPredicate =
    llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::Value x, mlir::Value position, mlir::ValueRange)>;

/// The first, or with `last` the last, position (i64) in each row of `rows` [O, R, I]
/// of an element that equals `values` [O, I] (NaN is equal to NaN) and satisfies
/// `isChosen`, which may be null. `further` inputs are [O, I]. Where there is none, some position.
mlir::Value findIndices(mlir::ImplicitLocOpBuilder &builder, mlir::Value rows, mlir::Value values,
                        RowPredicate isChosen, bool last, mlir::ValueRange further = {});

/// Elements `at` of all rows [O, R, I], as [O, I].
mlir::Value takeElements(mlir::ImplicitLocOpBuilder &builder, mlir::Value rows, mlir::Value at);

/// `rows` [O, R, I] with `elements` [O, I] in the place of those `at`.
mlir::Value putElements(mlir::ImplicitLocOpBuilder &builder, mlir::Value elements, mlir::Value rows, mlir::Value at);

/// x + y, or x * y.
mlir::Value combine(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value x, mlir::Value y, bool isProduct);

/// `into` plus (or times) `value`, element by element, in the place of `into`.
mlir::Value accumulateRows(mlir::ImplicitLocOpBuilder &builder, mlir::Value value, mlir::Value into, bool isProduct);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_ROWGENERICS_H
