// Generic reductions of [O, R, I] to [O, I]: each is one linalg.generic whose body
// chooses by comparisons and combines with a plain max or min, so that it vectorises.
#include "lib/Conversion/NNToLinalg/RowGenerics.h"

#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace nnc {

Value createExtreme(ImplicitLocOpBuilder &builder, Type type, bool largest, bool isUnsigned) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat infinity = APFloat::getInf(floatType.getFloatSemantics(), /*Negative=*/!largest);
    return arith::ConstantOp::create(builder, builder.getFloatAttr(type, infinity));
  }
  unsigned width = type.getIntOrFloatBitWidth();
  APInt value = isUnsigned ? (largest ? APInt::getMaxValue(width) : APInt::getMinValue(width))
                           : (largest ? APInt::getSignedMaxValue(width) : APInt::getSignedMinValue(width));
  return arith::ConstantOp::create(builder, builder.getIntegerAttr(type, value));
}

Value createEnd(ImplicitLocOpBuilder &builder, Type type, bool last, RowOrder order) {
  bool isLargest = last == order.ascending;
  if (auto floatType = dyn_cast<FloatType>(type); floatType && isLargest)
    return arith::ConstantOp::create(builder,
                                     builder.getFloatAttr(type, APFloat::getNaN(floatType.getFloatSemantics())));
  return createExtreme(builder, type, isLargest, order.isUnsigned);
}

/// Whether two elements are equal; NaN is equal to NaN.
static Value areEqual(ImplicitLocOpBuilder &builder, Value x, Value y) {
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, x, y);
  Value equal = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, x, y);
  Value areNaN = arith::AndIOp::create(builder, arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, x, x),
                                       arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, y, y));
  return arith::OrIOp::create(builder, equal, areNaN);
}

Value isAfter(ImplicitLocOpBuilder &builder, Value x, Value position, Value other, Value otherPosition,
              RowOrder order) {
  Value beyond;
  if (isa<FloatType>(x.getType())) {
    // NaN is above all numbers.
    auto predicate = order.ascending ? arith::CmpFPredicate::UGT : arith::CmpFPredicate::ULT;
    Value lower = order.ascending ? other : x;
    beyond = arith::AndIOp::create(builder, arith::CmpFOp::create(builder, predicate, x, other),
                                   arith::CmpFOp::create(builder, arith::CmpFPredicate::ORD, lower, lower));
  } else {
    auto greater = order.isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt;
    auto less = order.isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
    beyond = arith::CmpIOp::create(builder, order.ascending ? greater : less, x, other);
  }
  Value equal = areEqual(builder, x, other);
  Value later = arith::CmpIOp::create(builder, arith::CmpIPredicate::sgt, position, otherPosition);
  return arith::OrIOp::create(builder, beyond, arith::AndIOp::create(builder, equal, later));
}

/// A generic over [O, R, I] that reduces R: `rows`, then inputs [O, I]; the body
/// gets the elements, the i64 position and the accumulated value.
static Value reduceGeneric(ImplicitLocOpBuilder &builder, Value rows, ValueRange inputs, Value initial,
                           function_ref<Value(ImplicitLocOpBuilder &, ValueRange, Value, Value)> body) {
  RankedTensorType type = getRanked(rows);
  SmallVector<Value> extents = getExtents(builder, rows);
  auto result = RankedTensorType::get({type.getDimSize(0), type.getDimSize(2)}, initial.getType());
  Value init = createEmpty(builder, builder.getLoc(), result, {extents[0], extents[2]});
  init = linalg::FillOp::create(builder, initial, init).getResult(0);
  AffineMap outer = AffineMap::get(3, 0, {builder.getAffineDimExpr(0), builder.getAffineDimExpr(2)},
                                   builder.getContext());
  SmallVector<AffineMap> maps{builder.getMultiDimIdentityMap(3)};
  maps.append(inputs.size() + 1, outer);
  SmallVector<Value> operands{rows};
  llvm::append_range(operands, inputs);
  utils::IteratorType iterators[] = {utils::IteratorType::parallel, utils::IteratorType::reduction,
                                     utils::IteratorType::parallel};
  auto build = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value index = linalg::IndexOp::create(inner, 1);
    Value position = arith::IndexCastOp::create(inner, inner.getI64Type(), index);
    linalg::YieldOp::create(inner, body(inner, arguments.drop_back(), position, arguments.back()));
  };
  return linalg::GenericOp::create(builder, result, operands, init, maps, iterators, build).getResult(0);
}

Value findNext(ImplicitLocOpBuilder &builder, Value rows, Value values, Value positions, RowOrder order) {
  Type element = getRanked(rows).getElementType();
  Value initial = createEnd(builder, element, /*last=*/true, order);
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange inputs, Value position, Value accumulated) -> Value {
    Value after = isAfter(inner, inputs[0], position, inputs[1], inputs[2], order);
    Value candidate = arith::SelectOp::create(inner, after, inputs[0], initial);
    if (isa<FloatType>(element))
      return order.ascending ? arith::MinNumFOp::create(inner, accumulated, candidate).getResult()
                             : arith::MaximumFOp::create(inner, accumulated, candidate).getResult();
    if (order.isUnsigned)
      return order.ascending ? arith::MinUIOp::create(inner, accumulated, candidate).getResult()
                             : arith::MaxUIOp::create(inner, accumulated, candidate).getResult();
    return order.ascending ? arith::MinSIOp::create(inner, accumulated, candidate).getResult()
                           : arith::MaxSIOp::create(inner, accumulated, candidate).getResult();
  };
  return reduceGeneric(builder, rows, {values, positions}, initial, body);
}

Value findIndices(ImplicitLocOpBuilder &builder, Value rows, Value values, RowPredicate isChosen, bool last,
                  ValueRange further) {
  Type i64 = builder.getI64Type();
  Value extent = getExtent(builder, builder.getLoc(), rows, 1);
  Value highest = arith::IndexCastOp::create(
      builder, i64, arith::SubIOp::create(builder, extent, getIndex(builder, 1)));
  Value initial = last ? arith::ConstantIntOp::create(builder, i64, 0).getResult() : highest;
  SmallVector<Value> inputs{values};
  llvm::append_range(inputs, further);
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange elements, Value position, Value accumulated) -> Value {
    Value equal = areEqual(inner, elements[0], elements[1]);
    if (isChosen)
      equal = arith::AndIOp::create(inner, equal, isChosen(inner, elements[0], position, elements.drop_front(2)));
    Value candidate = arith::SelectOp::create(inner, equal, position, initial);
    return last ? arith::MaxSIOp::create(inner, accumulated, candidate).getResult()
                : arith::MinSIOp::create(inner, accumulated, candidate).getResult();
  };
  return reduceGeneric(builder, rows, inputs, initial, body);
}

Value combine(OpBuilder &builder, Location loc, Value x, Value y, bool isProduct) {
  bool isFloat = isa<FloatType>(x.getType());
  if (isProduct)
    return isFloat ? arith::MulFOp::create(builder, loc, x, y).getResult() : arith::MulIOp::create(builder, loc, x, y).getResult();
  return isFloat ? arith::AddFOp::create(builder, loc, x, y).getResult() : arith::AddIOp::create(builder, loc, x, y).getResult();
}

Value accumulateRows(ImplicitLocOpBuilder &builder, Value value, Value into, bool isProduct) {
  RankedTensorType type = getRanked(into);
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(nested, loc, combine(nested, loc, arguments[1], arguments[0], isProduct));
  };
  return linalg::GenericOp::create(builder, type, value, into, ArrayRef<AffineMap>{identity, identity}, iterators, body)
      .getResult(0);
}

Value takeElements(ImplicitLocOpBuilder &builder, Value rows, Value at) {
  RankedTensorType type = getRanked(rows);
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, builder.getLoc(), rows);
  return tensor::ExtractSliceOp::create(builder, type.clone({type.getDimSize(0), type.getDimSize(2)}), rows,
                                        ArrayRef<OpFoldResult>{zero, at, zero}, {sizes[0], one, sizes[2]},
                                        {one, one, one});
}

Value putElements(ImplicitLocOpBuilder &builder, Value slice, Value rows, Value at) {
  OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, builder.getLoc(), rows);
  return tensor::InsertSliceOp::create(builder, slice, rows, ArrayRef<OpFoldResult>{zero, at, zero},
                                       ArrayRef<OpFoldResult>{sizes[0], one, sizes[2]},
                                       ArrayRef<OpFoldResult>{one, one, one});
}

} // namespace nnc
