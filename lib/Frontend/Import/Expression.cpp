// Arithmetic on values.
#include "lib/Frontend/Import/Expression.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::frontend {

Expression Expression::scalar(NodeBuilder &node, Type elementType, double value) {
  return {node, elementType ? node.scalar(elementType, value) : Value()};
}

Expression Expression::range(Expression size) {
  NodeBuilder &node = *size.node;
  Type i64 = node.getBuilder().getI64Type();
  Value limit = size.getRank() == 0 ? size.value : size.reshape(ArrayRef<int64_t>{}).value;
  return {node, node.create<nn::RangeOp>(node.scalar(i64, 0), limit, node.scalar(i64, 1))};
}

Expression Expression::concat(NodeBuilder &node, ArrayRef<Expression> parts, int64_t axis) {
  SmallVector<Value> values(parts.begin(), parts.end());
  return {node, node.create<nn::ConcatOp>(ValueRange(values), axis)};
}

Type Expression::getElementType() const { return value ? getElementTypeOrSelf(value) : Type(); }

int64_t Expression::getExtent(int64_t axis) const {
  return value ? NodeBuilder::getType(value).getDimSize(axis) : ShapedType::kDynamic;
}

Expression Expression::choose(Expression x, Expression y) const {
  return {*node, node->create<nn::WhereOp>(value, x.value, y.value)};
}

Expression Expression::cast(Type type) const {
  return getElementType() == type ? *this : Expression(*node, node->create<nn::CastOp>(value, type));
}

Expression Expression::like(double number) const { return scalar(*node, getElementType(), number); }

Expression Expression::reduce(nn::ReductionKind kind, ArrayRef<int64_t> axes, bool keepdims) const {
  return {*node, node->create<nn::ReduceOp>(value, kind, axes, keepdims)};
}

Expression Expression::compare(Expression y, nn::ComparePredicate predicate) const {
  return {*node, node->create<nn::CompareOp>(value, y.value, predicate)};
}

Expression Expression::shape(int64_t start, int64_t end) const {
  return {*node, node->create<nn::ShapeOp>(value, start, end < 0 ? getRank() : end)};
}

Expression Expression::reshape(Expression shape) const {
  return {*node, node->create<nn::ReshapeOp>(value, shape.value, /*allow_zero=*/false)};
}

Expression Expression::transpose(ArrayRef<int64_t> permutation) const {
  return {*node, node->create<nn::TransposeOp>(value, permutation)};
}

Expression Expression::unsqueeze(ArrayRef<int64_t> axes) const {
  return {*node, node->create<nn::UnsqueezeOp>(value, axes)};
}

Expression Expression::squeeze(ArrayRef<int64_t> axes) const {
  return {*node, node->create<nn::SqueezeOp>(value, axes)};
}

Expression Expression::slice(int64_t axis, int64_t start, int64_t end, int64_t step) const {
  return {*node, node->create<nn::SliceOp>(value, node->ints({start}), node->ints({end}), node->ints({step}),
                                           ArrayRef<int64_t>{axis})};
}

Expression Expression::slice(int64_t axis, Expression start, Expression end) const {
  return {*node, node->create<nn::SliceOp>(value, start.value, end.value, Value(), ArrayRef<int64_t>{axis})};
}

Expression Expression::gather(Expression indices, int64_t axis) const {
  return {*node, node->create<nn::GatherOp>(value, indices.value, axis)};
}

Expression Expression::matmul(Expression y, bool transposeY) const {
  return {*node, node->create<nn::MatmulOp>(value, y.value, /*transpose_lhs=*/false, transposeY)};
}

} // namespace nnc::frontend
