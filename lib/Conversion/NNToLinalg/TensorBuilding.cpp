// Building blocks on tensors for the movement and indexing families.
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

using namespace mlir;

namespace nnc {

Value getIndex(ImplicitLocOpBuilder &builder, int64_t value) { return arith::ConstantIndexOp::create(builder, value); }

Value add(ImplicitLocOpBuilder &builder, Value a, Value b) { return builder.createOrFold<arith::AddIOp>(a, b); }
Value sub(ImplicitLocOpBuilder &builder, Value a, Value b) { return builder.createOrFold<arith::SubIOp>(a, b); }
Value mul(ImplicitLocOpBuilder &builder, Value a, Value b) { return builder.createOrFold<arith::MulIOp>(a, b); }

Value extractOnlyElement(ImplicitLocOpBuilder &builder, Value tensor) {
  SmallVector<Value> indices(cast<RankedTensorType>(tensor.getType()).getRank(), getIndex(builder, 0));
  return tensor::ExtractOp::create(builder, tensor, indices);
}

void require(ImplicitLocOpBuilder &builder, Value condition, const Twine &requirement) {
  if (!matchPattern(condition, m_One()))
    cf::AssertOp::create(builder, condition, requirement.str());
}

Value castTo(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type) {
  auto source = cast<RankedTensorType>(value.getType());
  if (source == type)
    return value;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (source.isDynamicDim(axis) && !type.isDynamicDim(axis)) {
      Value extent = getExtent(builder, builder.getLoc(), value, axis),
            known = getIndex(builder, type.getDimSize(axis));
      require(builder, builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, extent, known),
              "an extent is that of its type");
    }
  return tensor::CastOp::create(builder, type, value);
}

/// All axes as one.
static Value collapseAll(ImplicitLocOpBuilder &builder, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 1)
    return value;
  if (type.getRank() == 0)
    return tensor::ExpandShapeOp::create(builder, type.clone({1}), value, ArrayRef<ReassociationIndices>{});
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  return tensor::CollapseShapeOp::create(builder, value, ArrayRef<ReassociationIndices>{all});
}

static Value expand(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type,
                    ArrayRef<ReassociationIndices> groups, ArrayRef<Value> extents) {
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    sizes.push_back(type.isDynamicDim(axis) ? OpFoldResult(extents[axis])
                                            : OpFoldResult(builder.getIndexAttr(type.getDimSize(axis))));
  return tensor::ExpandShapeOp::create(builder, type, value, groups, sizes);
}

Value reshapeTo(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type, ArrayRef<Value> extents) {
  auto source = cast<RankedTensorType>(value.getType());
  if (source == type && type.getNumDynamicDims() <= 1)
    return value;
  // A slice may begin in an axis of unknown extent, but not in one that is known to be empty.
  if (llvm::is_contained(source.getShape(), 0) && !type.hasStaticShape())
    return createEmpty(builder, builder.getLoc(), type, extents);
  // Groups of axes that merge or split; more than one unknown extent does not tell which is which.
  if (source.getNumDynamicDims() <= 1 && type.getNumDynamicDims() == source.getNumDynamicDims() &&
      source.getRank() != type.getRank() && source.getRank() && type.getRank())
    if (auto groups = getReassociationIndicesForReshape(source, type)) {
      if (source.getRank() > type.getRank())
        return tensor::CollapseShapeOp::create(builder, type, value, *groups);
      return expand(builder, value, type, *groups, extents);
    }
  Value flat = collapseAll(builder, value);
  int64_t elements = type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
  flat = castTo(builder, flat, type.clone({elements}));
  if (type.getRank() == 1)
    return castTo(builder, flat, type);
  if (type.getRank() == 0)
    return tensor::CollapseShapeOp::create(builder, type, flat, ArrayRef<ReassociationIndices>{});
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  return expand(builder, flat, type, ArrayRef<ReassociationIndices>{all}, extents);
}

/// Whether the axes of more than one element keep their order, so that the elements do.
static bool keepsElementsInOrder(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation) {
  return llvm::is_sorted(llvm::to_vector(
      llvm::make_filter_range(permutation, [shape](int64_t from) { return shape[from] != 1; })));
}

Value transposeTo(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type, ArrayRef<int64_t> permutation) {
  SmallVector<Value> extents(type.getRank());
  SmallVector<AffineExpr> exprs(type.getRank());
  for (auto [axis, from] : llvm::enumerate(permutation)) {
    extents[axis] = type.isDynamicDim(axis) ? getExtent(builder, builder.getLoc(), value, from) : Value();
    exprs[from] = builder.getAffineDimExpr(axis);
  }
  if (keepsElementsInOrder(cast<RankedTensorType>(value.getType()).getShape(), permutation))
    return reshapeTo(builder, value, type, extents);
  AffineMap maps[] = {AffineMap::get(type.getRank(), 0, exprs, builder.getContext()),
                      builder.getMultiDimIdentityMap(type.getRank())};
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  Value init = createEmpty(builder, builder.getLoc(), type, extents);
  auto yield = [](OpBuilder &nested, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(nested, loc, arguments.front());
  };
  return linalg::GenericOp::create(builder, type, value, init, maps, iterators, yield).getResult(0);
}

Value generate(ImplicitLocOpBuilder &builder, RankedTensorType type, ArrayRef<Value> extents, ElementBuilder element) {
  AffineMap maps[] = {builder.getMultiDimIdentityMap(type.getRank())};
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  Value init = createEmpty(builder, builder.getLoc(), type, extents);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange) {
    ImplicitLocOpBuilder inner(loc, nested);
    SmallVector<Value> indices;
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      indices.push_back(linalg::IndexOp::create(inner, axis));
    Value result = element(inner, indices);
    linalg::YieldOp::create(inner, result);
  };
  return linalg::GenericOp::create(builder, type, ValueRange(), init, maps, iterators, body).getResult(0);
}

Value toInt64(ImplicitLocOpBuilder &builder, Value index) {
  return arith::IndexCastOp::create(builder, builder.getI64Type(), index);
}

SmallVector<Value> forEachIndex(ImplicitLocOpBuilder &builder, ArrayRef<Value> extents, ValueRange carried,
                                NestBuilder body) {
  SmallVector<Value> lower(extents.size(), getIndex(builder, 0)), steps(extents.size(), getIndex(builder, 1));
  return scf::buildLoopNest(builder, builder.getLoc(), lower, extents, steps, carried,
                            [&](OpBuilder &nested, Location loc, ValueRange index, ValueRange values) {
                              ImplicitLocOpBuilder inner(loc, nested);
                              return body(inner, index, values);
                            })
      .results;
}

} // namespace nnc
