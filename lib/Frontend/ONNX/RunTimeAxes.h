// Axes that are an operand whose values only a run knows. What an operator does
// along them is said without branches, by shapes that are computed from the axes:
// a reduction over any of them, for example, is a reshape that makes neighbours
// of what is reduced and of what is not, and a reduction over axes that are known.
#ifndef LIB_FRONTEND_ONNX_RUNTIMEAXES_H
#define LIB_FRONTEND_ONNX_RUNTIMEAXES_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// True where operand `index` is given and neither a constant nor without elements.
bool isKnownAtRunTime(NodeBinder &node, unsigned index);

class RunTimeAxes {
public:
  using Expression = frontend::Expression;

  /// The integers `axes`, of rank 0 or 1 and a static number, are axes of a tensor of `rank` axes. Rejects the node
  /// where these are too many.
  RunTimeAxes(NodeBinder &node, mlir::Value axes, int64_t rank);

  /// Number of axes.
  int64_t size() const { return count; }
  /// `x`. A run ends with an error where an axis is out of range or named twice.
  mlir::Value check(mlir::Value x) const;
  /// For each axis of the tensor, what `entries` ([size()]) has for it; 0 where it is not named.
  Expression spread(Expression entries) const;
  /// For each axis of the tensor 1 where it is named, else 0.
  Expression getChosen() const { return chosen; }
  /// For the first axis named, of each axis of the tensor whether it is before it.
  Expression isBefore() const;
  Expression isAfter() const;
  /// Those of `extents`, one for each axis of the tensor, whose axes are not named.
  Expression getOthers(Expression extents) const;
  /// `extents` in order where axes are not named, 1 where they are.
  Expression insertOnes(Expression extents) const;

private:
  Expression ints(llvm::ArrayRef<int64_t> values) const { return Expression::ints(node, values); }
  Expression number(int64_t value) const { return ints({value}); }
  Expression getEntry(int64_t i) const { return axes.slice(0, i, i + 1); }
  Expression positions() const;
  /// For each axis of the tensor, how many before it are not named.
  Expression countOthers() const;

  NodeBinder &node;
  int64_t rank, count = 0;
  Expression axes; ///< 1-D, not negative where in range
  Expression chosen;
};

/// `x` reduced along `axes`.
mlir::Value reduceAlong(NodeBinder &node, mlir::Value x, const RunTimeAxes &axes, nn::ReductionKind kind,
                        bool keepdims);

/// The product of `extents` (1-D) where `condition` holds, of one element.
frontend::Expression multiplyWhere(frontend::Expression condition, frontend::Expression extents);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_RUNTIMEAXES_H
