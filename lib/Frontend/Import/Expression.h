// A value with arithmetic, for operators that are put together from several NN
// operations:
//
//   Expression x(node, node.operand(0));
//   return node.result((x * 2 + y).softmax(-1));
//
// Every method builds (or folds) an operation; after a failure, which the node
// has recorded, they build nothing.
#ifndef LIB_FRONTEND_IMPORT_EXPRESSION_H
#define LIB_FRONTEND_IMPORT_EXPRESSION_H

#include "lib/Frontend/Import/NodeBuilder.h"

namespace nnc::frontend {

class Expression {
public:
  /// Null; tests false.
  Expression() = default;
  Expression(NodeBuilder &node, mlir::Value value) : node(&node), value(value) {}
  /// A constant of rank 0 and the given element type.
  static Expression scalar(NodeBuilder &node, mlir::Type elementType, double value);
  /// A constant 1-D i64 tensor.
  static Expression ints(NodeBuilder &node, llvm::ArrayRef<int64_t> values) { return {node, node.ints(values)}; }
  /// 0, 1, ... below the one element of `size`, 1-D i64.
  static Expression range(Expression size);
  /// Values one after the other along `axis`.
  static Expression concat(NodeBuilder &node, llvm::ArrayRef<Expression> parts, int64_t axis);

  operator mlir::Value() const { return value; }
  explicit operator bool() const { return static_cast<bool>(value); }

  int64_t getRank() const { return NodeBuilder::getRank(value); }
  mlir::Type getElementType() const;
  /// The extent of an axis where it is static, else ShapedType::kDynamic.
  int64_t getExtent(int64_t axis) const;

  //===--- Arithmetic; numbers take the element type of the expression ---===//

  Expression operator+(Expression y) const { return binary<nn::AddOp>(y); }
  Expression operator-(Expression y) const { return binary<nn::SubOp>(y); }
  Expression operator*(Expression y) const { return binary<nn::MulOp>(y); }
  Expression operator/(Expression y) const { return binary<nn::DivOp>(y); }
  Expression operator+(double y) const { return *this + like(y); }
  Expression operator-(double y) const { return *this - like(y); }
  Expression operator*(double y) const { return *this * like(y); }
  Expression operator/(double y) const { return *this / like(y); }
  // Not && and !, which ask whether an expression is null.
  Expression operator&(Expression y) const { return binary<nn::AndOp>(y); }
  Expression operator|(Expression y) const { return binary<nn::OrOp>(y); }
  Expression operator~() const { return unary<nn::NotOp>(); }
  Expression operator<(Expression y) const { return compare(y, nn::ComparePredicate::Less); }
  Expression operator<=(Expression y) const { return compare(y, nn::ComparePredicate::LessEqual); }
  Expression operator>(Expression y) const { return compare(y, nn::ComparePredicate::Greater); }
  Expression operator>=(Expression y) const { return compare(y, nn::ComparePredicate::GreaterEqual); }
  Expression operator<(double y) const { return *this < like(y); }
  Expression operator>=(double y) const { return *this >= like(y); }
  Expression operator<=(double y) const { return *this <= like(y); }
  Expression operator>(double y) const { return *this > like(y); }
  Expression equals(Expression y) const { return compare(y, nn::ComparePredicate::Equal); }
  Expression equals(double y) const { return equals(like(y)); }
  Expression max(Expression y) const { return binary<nn::MaxOp>(y); }
  Expression min(Expression y) const { return binary<nn::MinOp>(y); }
  template <typename OpTy, typename... Args> Expression unary(Args &&...args) const {
    return {*node, node->create<OpTy>(value, std::forward<Args>(args)...)};
  }
  template <typename OpTy> Expression binary(Expression y) const { return {*node, node->create<OpTy>(value, y.value)}; }
  /// x where this condition holds, else y.
  Expression choose(Expression x, Expression y) const;
  Expression cast(mlir::Type type) const;
  /// A constant of rank 0 of the element type of this expression.
  Expression like(double number) const;
  Expression softmax(int64_t axis) const { return unary<nn::SoftmaxOp>(axis); }
  Expression reduce(nn::ReductionKind kind, llvm::ArrayRef<int64_t> axes, bool keepdims) const;

  //===--- Movement ---===//

  /// The extents from axis `start` up to but without `end`; all of them by default.
  Expression shape(int64_t start = 0, int64_t end = -1) const;
  /// One extent, 1-D.
  Expression extent(int64_t axis) const { return shape(axis, axis + 1); }
  /// 0 keeps the extent, -1 is what is left.
  Expression reshape(llvm::ArrayRef<int64_t> extents) const { return reshape(ints(*node, extents)); }
  Expression reshape(Expression shape) const;
  Expression transpose(llvm::ArrayRef<int64_t> permutation) const;
  Expression unsqueeze(llvm::ArrayRef<int64_t> axes) const;
  Expression squeeze(llvm::ArrayRef<int64_t> axes) const;
  Expression broadcast(Expression shape) const { return {*node, node->create<nn::BroadcastToOp>(value, shape.value)}; }
  /// Elements start, start + step, ... before `end` of an axis.
  Expression slice(int64_t axis, int64_t start, int64_t end, int64_t step = 1) const;
  Expression slice(int64_t axis, Expression start, Expression end) const;
  Expression gather(Expression indices, int64_t axis) const;
  Expression matmul(Expression y, bool transposeY = false) const;

private:
  Expression compare(Expression y, nn::ComparePredicate predicate) const;

  NodeBuilder *node = nullptr;
  mlir::Value value;
};

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_EXPRESSION_H
