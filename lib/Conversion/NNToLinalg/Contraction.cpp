// Contractions: the right-hand side is packed, then multiplied by kernel.contract,
// unless it is a single column.
// Where it has no leading dimensions, those of the left-hand side count as rows.
#include "lib/Conversion/NNToLinalg/Contraction.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace nnc {

/// Swaps the last two axes.
static Value transposeMatrices(ImplicitLocOpBuilder &builder, Value value) {
  RankedTensorType type = getRanked(value);
  SmallVector<int64_t> shape(type.getShape()), permutation = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
  std::swap(shape[type.getRank() - 1], shape[type.getRank() - 2]);
  std::swap(permutation[type.getRank() - 1], permutation[type.getRank() - 2]);
  return transposeTo(builder, value, type.clone(shape), permutation);
}

/// `value` with leading axes of extent 1 up to `rank`.
static Value addLeadingAxes(ImplicitLocOpBuilder &builder, Value value, int64_t rank) {
  SmallVector<int64_t> counts(rank - getRanked(value).getRank(), 0);
  counts.append(getRanked(value).getRank(), 1);
  return mergeAxes(builder, value, counts);
}

/// For each leading axis of `value`, an operand of a product of `rank` axes: whether
/// it may be 1 at run time where the other operand has more, without its type saying so.
static SmallVector<bool> findUnclear(Value value, Value other, int64_t rank) {
  SmallVector<bool> unclear(rank - 2, false);
  RankedTensorType type = getRanked(value), otherType = getRanked(other);
  for (int64_t axis = 0; axis < rank - 2; ++axis) {
    int64_t own = axis - rank + type.getRank(), its = axis - rank + otherType.getRank();
    if (own >= 0 && its >= 0 && type.isDynamicDim(own) && otherType.getDimSize(its) != 1)
      unclear[axis] = !nn::haveSameExtent(value, own, other, its);
  }
  return unclear;
}

/// `value` with its unclear leading axes broadcast to `extents`.
static Value broadcastBatch(ImplicitLocOpBuilder &builder, Value value, ArrayRef<bool> unclear,
                            RankedTensorType result, ArrayRef<Value> extents) {
  if (!llvm::is_contained(unclear, true))
    return value;
  RankedTensorType type = getRanked(value);
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<Value> own = getExtents(builder, value), sizes(own);
  for (auto [axis, isUnclear] : llvm::enumerate(unclear))
    if (isUnclear) {
      shape[axis] = result.getDimSize(axis);
      sizes[axis] = extents[axis];
    }
  return generate(builder, type.clone(shape), sizes, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    SmallVector<Value> position(index);
    for (auto [axis, isUnclear] : llvm::enumerate(unclear)) {
      if (!isUnclear)
        continue;
      Value isOne = arith::CmpIOp::create(inner, arith::CmpIPredicate::eq, own[axis], getIndex(inner, 1));
      position[axis] = arith::SelectOp::create(inner, isOne, getIndex(inner, 0), index[axis]);
    }
    return tensor::ExtractOp::create(inner, value, position);
  });
}

Value packMatrix(ImplicitLocOpBuilder &builder, Operation *op, Value matrix, bool transposed) {
  RankedTensorType type = getRanked(matrix);
  int64_t rank = type.getRank(), axisOfN = rank - (transposed ? 2 : 1), axisOfK = rank - (transposed ? 1 : 2);
  int64_t n = type.getDimSize(axisOfN);
  int64_t width = kernel::getPanelWidth(kernel::getTarget(op), n, type.getElementType());
  SmallVector<int64_t> shape(type.getShape().drop_back(2));
  SmallVector<Value> extents = getExtents(builder, matrix);
  Value columns = extents[axisOfN], rows = extents[axisOfK];
  shape.append({ShapedType::isDynamic(n) ? n : static_cast<int64_t>(llvm::divideCeil(n, width)),
                type.getDimSize(axisOfK), width});
  extents.truncate(rank - 2);
  extents.append({arith::CeilDivUIOp::create(builder, columns, getIndex(builder, width)), rows, Value()});
  Value init = createEmpty(builder, builder.getLoc(), type.clone(shape), extents);
  return kernel::PackMatrixOp::create(builder, TypeRange(init.getType()), matrix, init, transposed).getResult(0);
}

Value multiplyPacked(ImplicitLocOpBuilder &builder, Value lhs, Value packed, RankedTensorType type,
                     ArrayRef<Value> extents, ArrayRef<NamedAttribute> attributes) {
  Value init = createEmpty(builder, builder.getLoc(), type, extents);
  return createKernel<kernel::ContractOp>(builder, {lhs, packed}, init, attributes);
}

/// `matrix`, [B..., K, N], with zeros behind its columns up to `columns` of them, of which the type knows `n`.
static Value padColumns(ImplicitLocOpBuilder &builder, Value matrix, int64_t n, Value columns) {
  RankedTensorType type = getRanked(matrix);
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<Value> extents = getExtents(builder, matrix), sizes = extents;
  shape.back() = n;
  extents.back() = columns;
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(type.getElementType()));
  Value padded = createEmpty(builder, builder.getLoc(), type.clone(shape), extents);
  padded = linalg::FillOp::create(builder, zero, padded).getResult(0);
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)), strides(type.getRank(), builder.getIndexAttr(1));
  return tensor::InsertSliceOp::create(builder, matrix, padded, offsets, getAsOpFoldResult(sizes), strides);
}

/// The packed form of matrices [B..., K, N] of i8, K a multiple of the group, for sums in i32: [B..., panels, K / group, width,
/// group], of which the last two count as one.
static Value packIntegers(ImplicitLocOpBuilder &builder, Operation *op, Value matrix) {
  RankedTensorType type = getRanked(matrix);
  int64_t rank = type.getRank(), k = type.getDimSize(rank - 2), n = type.getDimSize(rank - 1);
  kernel::TargetAttr target = kernel::getTarget(op);
  kernel::DotPacking packing = kernel::getDotPacking(target);
  int64_t group = packing.group, width = kernel::getPanelWidth(target, n, builder.getI32Type()), panels = ShapedType::kDynamic;
  Value count = arith::CeilDivUIOp::create(builder, getExtents(builder, matrix).back(), getIndex(builder, width));
  if (!ShapedType::isDynamic(n))
    panels = llvm::divideCeil(n, width);
  if (ShapedType::isDynamic(n) || n % width)
    matrix = padColumns(builder, matrix, ShapedType::isDynamic(n) ? n : panels * width, mul(builder, count, getIndex(builder, width)));

  SmallVector<int64_t> shape(type.getShape().drop_back(2)), counts(rank - 2, 1);
  SmallVector<Value> extents = getExtents(builder, matrix);
  extents.truncate(rank - 2);
  SmallVector<Value> split(extents);
  split.append({Value(), Value(), count, Value()});
  counts.append({2, 2});
  SmallVector<int64_t> splitShape(shape);
  splitShape.append({k / group, group, panels, width});
  matrix = splitAxes(builder, matrix, type.clone(splitShape), counts, split);
  shape.append({panels, k / group, width, group});
  extents.append({count, Value(), Value(), Value()});
  Value init = createEmpty(builder, builder.getLoc(), RankedTensorType::get(shape, packing.type), extents);
  SmallVector<AffineExpr> from;
  for (int64_t axis = 0; axis < rank - 2; ++axis)
    from.push_back(builder.getAffineDimExpr(axis));
  for (int64_t axis : {rank - 1, rank + 1, rank - 2, rank})
    from.push_back(builder.getAffineDimExpr(axis));
  AffineMap maps[] = {AffineMap::get(rank + 2, 0, from, builder.getContext()), builder.getMultiDimIdentityMap(rank + 2)};
  SmallVector<utils::IteratorType> iterators(rank + 2, utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    Value element = arguments[0];
    if (element.getType() != packing.type)
      element = arith::ExtSIOp::create(nested, loc, packing.type, element);
    linalg::YieldOp::create(nested, loc, element);
  };
  Value packed = linalg::GenericOp::create(builder, init.getType(), matrix, init, maps, iterators, body).getResult(0);
  counts.assign(rank, 1);
  counts.push_back(2);
  return mergeAxes(builder, packed, counts);
}

/// Whether `rhs` is a column that is not known before the run, so long that few elements are left over by vectors along it. Packed, it would be one
/// column of a whole panel.
static bool isLongColumn(Operation *op, Value rhs, bool transposed) {
  RankedTensorType type = getRanked(rhs);
  int64_t shortest = 2 * kernel::getTarget(op).getLanes(type.getElementType());
  int64_t rank = type.getRank(), n = type.getDimSize(rank - (transposed ? 2 : 1)), k = type.getDimSize(rank - (transposed ? 1 : 2));
  bool isFloat = type.getElementType().isF32() || type.getElementType().isF64();
  return isa<nn::MatmulOp>(op) && isFloat && n == 1 && (ShapedType::isDynamic(k) || k >= shortest) &&
         !matchPattern(op->getOperand(1), m_Constant());
}

/// [B..., M, K] x [B..., K, 1] with equal ranks: a sum of products for each row.
static Value multiplyByColumn(ImplicitLocOpBuilder &builder, Value lhs, Value rhs, bool transposed, RankedTensorType type,
                              ArrayRef<Value> extents) {
  int64_t rank = type.getRank();
  SmallVector<AffineExpr> left, right, sums;
  for (int64_t axis = 0; axis < rank - 1; ++axis) {
    AffineExpr dim = builder.getAffineDimExpr(axis), zero = builder.getAffineConstantExpr(0);
    auto broadcast = [&](Value value) { return getRanked(value).getDimSize(axis) == 1 && type.getDimSize(axis) != 1 ? zero : dim; };
    left.push_back(broadcast(lhs));
    sums.push_back(dim);
    if (axis < rank - 2)
      right.push_back(broadcast(rhs));
  }
  AffineExpr along = builder.getAffineDimExpr(rank - 1), first = builder.getAffineConstantExpr(0);
  left.push_back(along);
  right.append({transposed ? first : along, transposed ? along : first});
  SmallVector<AffineMap> maps;
  for (ArrayRef<AffineExpr> exprs : {ArrayRef(left), ArrayRef(right), ArrayRef(sums)})
    maps.push_back(AffineMap::get(rank, 0, exprs, builder.getContext()));
  SmallVector<utils::IteratorType> iterators(rank - 1, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  RankedTensorType sumType = type.clone(type.getShape().drop_back());
  Value init = createEmpty(builder, builder.getLoc(), sumType, extents.drop_back());
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(type.getElementType()));
  init = linalg::FillOp::create(builder, zero, init).getResult(0);
  auto body = [](OpBuilder &nested, Location loc, ValueRange arguments) {
    Value product = arith::MulFOp::create(nested, loc, arguments[0], arguments[1]);
    Value sum = arith::AddFOp::create(nested, loc, arguments[2], product);
    linalg::YieldOp::create(nested, loc, sum);
  };
  Value result = linalg::GenericOp::create(builder, sumType, ValueRange{lhs, rhs}, init, maps, iterators, body).getResult(0);
  SmallVector<int64_t> counts(rank - 1, 1);
  counts.push_back(0);
  return mergeAxes(builder, result, counts);
}

/// `lhs`, [B..., M, K], of a product of `result` in the type of sums where it is f16 and there is more than a little to multiply:
/// to spread an element to all lanes takes several instructions for each panel of columns then.
static Value widenRows(ImplicitLocOpBuilder &builder, Value lhs, RankedTensorType result) {
  constexpr int64_t fewRows = 3, littleWork = 1024;
  RankedTensorType type = getRanked(lhs);
  int64_t rows = type.getDimSize(type.getRank() - 2), columns = result.getShape().back();
  bool hasFewRows = !ShapedType::isDynamic(rows) && rows <= fewRows;
  bool isLittle = !ShapedType::isDynamic(rows) && !ShapedType::isDynamic(columns) && rows * columns <= littleWork;
  if (!type.getElementType().isF16() || hasFewRows || isLittle)
    return lhs;
  RankedTensorType wide = type.clone(builder.getF32Type());
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(nested, loc, arith::ExtFOp::create(nested, loc, wide.getElementType(), arguments[0]).getResult());
  };
  Value init = createEmptyLike(builder, builder.getLoc(), wide, lhs);
  return linalg::GenericOp::create(builder, wide, lhs, init, maps, iterators, body).getResult(0);
}

/// [B..., M, K] x [B..., K, N] with equal ranks.
static Value contract(ImplicitLocOpBuilder &builder, Operation *op, Value lhs, Value rhs, bool transposed,
                      RankedTensorType type, ArrayRef<Value> extents) {
  if (isLongColumn(op, rhs, transposed))
    return multiplyByColumn(builder, lhs, rhs, transposed, type, extents);
  Value packed = isa<nn::IntegerMatmulOp>(op) ? packIntegers(builder, op, rhs) : packMatrix(builder, op, rhs, transposed);
  SmallVector<NamedAttribute> attributes;
  if (auto product = dyn_cast<nn::MatmulOp>(op); product && product.getInt8BlockAttr())
    attributes.push_back(builder.getNamedAttr("int8_block", product.getInt8BlockAttr()));
  return multiplyPacked(builder, widenRows(builder, lhs, type), packed, type, extents, attributes);
}

/// The product by one matrix: rows of all leading axes together.
static Value buildFlatProduct(ImplicitLocOpBuilder &builder, Operation *op, Value lhs, Value rhs, bool transposed) {
  int64_t axisOfN = transposed ? 0 : 1, n = getRanked(rhs).getDimSize(axisOfN);
  int64_t rank = getRanked(lhs).getRank();
  Value columns = getExtent(builder, builder.getLoc(), rhs, axisOfN);
  SmallVector<int64_t> shape(getRanked(lhs).getShape());
  SmallVector<Value> extents = getExtents(builder, lhs);
  shape.back() = n;
  extents.back() = columns;
  auto type = RankedTensorType::get(shape, getElementTypeOrSelf(op->getResult(0).getType()));
  if (rank == 2)
    return contract(builder, op, lhs, rhs, transposed, type, extents);
  int64_t counts[] = {rank - 1, 1};
  Value merged = mergeAxes(builder, lhs, counts);
  Value rows = getExtent(builder, builder.getLoc(), merged, 0);
  Value product = contract(builder, op, merged, rhs, transposed, type.clone({getRanked(merged).getDimSize(0), n}),
                           {rows, columns});
  return splitAxes(builder, product, type, counts, extents);
}

/// The product as [B..., M, N], leading axes broadcast.
static Value buildProduct(ImplicitLocOpBuilder &builder, Operation *op, Value lhs, Value rhs, bool transposed) {
  if (getRanked(rhs).getRank() == 2)
    return buildFlatProduct(builder, op, lhs, rhs, transposed);
  int64_t rank = std::max(getRanked(lhs).getRank(), getRanked(rhs).getRank());
  SmallVector<bool> lhsUnclear = findUnclear(op->getOperand(0), op->getOperand(1), rank);
  SmallVector<bool> rhsUnclear = findUnclear(op->getOperand(1), op->getOperand(0), rank);
  lhs = addLeadingAxes(builder, lhs, rank);
  rhs = addLeadingAxes(builder, rhs, rank);
  SmallVector<Value> left = getExtents(builder, lhs), right = getExtents(builder, rhs), extents;
  SmallVector<int64_t> shape;
  if (!nn::inferBroadcastShape({getRanked(lhs).getShape().drop_back(2), getRanked(rhs).getShape().drop_back(2)},
                               shape)) {
    op->emitError("leading dimensions do not broadcast");
    return {};
  }
  for (int64_t axis = 0; axis < rank - 2; ++axis) {
    Value extent = getRanked(lhs).getDimSize(axis) == 1 ? right[axis] : left[axis];
    if (lhsUnclear[axis]) {
      Value isOne = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, left[axis], getIndex(builder, 1));
      extent = arith::SelectOp::create(builder, isOne, right[axis], left[axis]);
    }
    extents.push_back(extent);
  }
  int64_t axisOfN = rank - (transposed ? 2 : 1);
  shape.append({getRanked(lhs).getDimSize(rank - 2), getRanked(rhs).getDimSize(axisOfN)});
  auto type = RankedTensorType::get(shape, getElementTypeOrSelf(op->getResult(0).getType()));
  lhs = broadcastBatch(builder, lhs, lhsUnclear, type, extents);
  rhs = broadcastBatch(builder, rhs, rhsUnclear, type, extents);
  extents.append({left[rank - 2], right[axisOfN]});
  return contract(builder, op, lhs, rhs, transposed, type, extents);
}

template <>
Value LowerOp<nn::MatmulOp>::build(ImplicitLocOpBuilder &builder, nn::MatmulOp op, OpAdaptor adaptor,
                                   RankedTensorType type) const {
  Value lhs = adaptor.getLhs(), rhs = adaptor.getRhs();
  if (getElementTypeOrSelf(op.getType()).isInteger(1)) {
    op.emitError("a matrix product of booleans is not supported");
    return {};
  }
  bool isRow = getRanked(lhs).getRank() == 1, isColumn = getRanked(rhs).getRank() == 1;
  if (isRow)
    lhs = mergeAxes(builder, lhs, {0, 1});
  if (op.getTransposeLhs())
    lhs = transposeMatrices(builder, lhs);
  // A column [K] is the transposed matrix [1, K].
  if (isColumn)
    rhs = mergeAxes(builder, rhs, {0, 1});
  Value product = buildProduct(builder, op, lhs, rhs, isColumn || op.getTransposeRhs());
  if (!product)
    return {};
  if (isRow || isColumn) {
    SmallVector<int64_t> counts(getRanked(product).getRank(), 1);
    SmallVector<Value> extents = getExtents(builder, product);
    if (isColumn) {
      counts.back() = 0;
      extents.pop_back();
    }
    if (isRow) {
      counts[counts.size() - 2] = 0;
      extents.erase(extents.end() - (isColumn ? 1 : 2));
    }
    return splitAxes(builder, product, type, counts, extents);
  }
  return castTo(builder, product, type);
}

template <>
Value LowerOp<nn::IntegerMatmulOp>::build(ImplicitLocOpBuilder &builder, nn::IntegerMatmulOp op, OpAdaptor adaptor,
                                          RankedTensorType type) const {
  RankedTensorType lhs = getRanked(op.getLhs()), rhs = getRanked(op.getRhs());
  int64_t k = lhs.getShape().back();
  bool isKernel = lhs.getRank() > 1 && rhs.getRank() > 1 && !op.getLhsZeroPoint() && !op.getRhsZeroPoint() &&
                  lhs.getElementType().isUnsignedInteger() && !rhs.getElementType().isUnsignedInteger() &&
                  !ShapedType::isDynamic(k) && k % 4 == 0;
  if (!isKernel) {
    op.emitError("the integer product has zero points or extents that no kernel takes");
    return {};
  }
  // The summed extent of rhs is known from lhs.
  RankedTensorType storage = getRanked(adaptor.getRhs());
  SmallVector<int64_t> shape(storage.getShape());
  shape[shape.size() - 2] = k;
  Value matrix = castTo(builder, adaptor.getRhs(), storage.clone(shape));
  Value product = buildProduct(builder, op, adaptor.getLhs(), matrix, /*transposed=*/false);
  return product ? castTo(builder, product, type) : Value();
}

void populateContractionToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::MatmulOp>, LowerOp<nn::IntegerMatmulOp>>(types, patterns.getContext());
}

} // namespace nnc
