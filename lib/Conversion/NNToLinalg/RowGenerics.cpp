// Generic reductions of [O, R, I] to [O, I]: each is one linalg.generic whose body
// chooses by comparisons and combines with a plain max or min, so that it vectorises.
#include "lib/Conversion/NNToLinalg/RowGenerics.h"

#include "dialects/NN/Extent.h"
#include "lib/Codegen/OrderKeys.h"
#include "lib/Codegen/Widening.h"
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

/// Whether two elements are equal; NaN is equal to NaN.
static Value areEqual(ImplicitLocOpBuilder &builder, Value x, Value y) {
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, x, y);
  Value equal = arith::CmpFOp::create(builder, arith::CmpFPredicate::OEQ, x, y);
  Value areNaN = arith::AndIOp::create(builder, arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, x, x),
                                       arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, y, y));
  return arith::OrIOp::create(builder, equal, areNaN);
}

/// A generic over [O, R, I] that reduces R: `rows`, then inputs [O, I]; the body
/// gets the elements, the position and the accumulated values, which begin as `initial`.
static ValueRange
reduceGeneric(ImplicitLocOpBuilder &builder, Value rows, ValueRange inputs, ValueRange initial,
              function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange, Value, ValueRange)> body) {
  RankedTensorType type = getRanked(rows);
  SmallVector<Value> extents = getExtents(builder, rows), inits;
  for (Value value : initial) {
    auto result = RankedTensorType::get({type.getDimSize(0), type.getDimSize(2)}, value.getType());
    Value init = createEmpty(builder, builder.getLoc(), result, {extents[0], extents[2]});
    inits.push_back(linalg::FillOp::create(builder, value, init).getResult(0));
  }
  AffineMap outer = AffineMap::get(3, 0, {builder.getAffineDimExpr(0), builder.getAffineDimExpr(2)},
                                   builder.getContext());
  SmallVector<AffineMap> maps{builder.getMultiDimIdentityMap(3)};
  maps.append(inputs.size() + initial.size(), outer);
  SmallVector<Value> operands{rows};
  llvm::append_range(operands, inputs);
  utils::IteratorType iterators[] = {utils::IteratorType::parallel, utils::IteratorType::reduction,
                                     utils::IteratorType::parallel};
  auto build = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value index = linalg::IndexOp::create(inner, 1);
    linalg::YieldOp::create(inner, body(inner, arguments.drop_back(initial.size()), index,
                                        arguments.take_back(initial.size())));
  };
  return linalg::GenericOp::create(builder, ValueRange(inits).getTypes(), operands, inits, maps, iterators, build)
      .getResults();
}

/// `tensor` [O, I] with elements of type `to`.
static Value convertRows(ImplicitLocOpBuilder &builder, Value tensor, Type to,
                         function_ref<Value(OpBuilder &, Location, Value)> convert) {
  RankedTensorType type = getRanked(tensor).clone(to);
  Value init = createEmptyLike(builder, builder.getLoc(), type, tensor);
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(2));
  SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(nested, loc, convert(nested, loc, arguments[0]));
  };
  return linalg::GenericOp::create(builder, type, tensor, init, maps, iterators, body).getResult(0);
}

static Value toInt(ImplicitLocOpBuilder &builder, Value index, Type type) {
  return arith::IndexCastOp::create(builder, type, index);
}

/// Of two integers the first by `order`; the last of all is neutral.
static Value chooseFirst(ImplicitLocOpBuilder &builder, Value a, Value b, RowOrder order) {
  if (order.isUnsigned)
    return order.ascending ? arith::MinUIOp::create(builder, a, b).getResult()
                           : arith::MaxUIOp::create(builder, a, b).getResult();
  return order.ascending ? arith::MinSIOp::create(builder, a, b).getResult()
                         : arith::MaxSIOp::create(builder, a, b).getResult();
}

Value findFirst(ImplicitLocOpBuilder &builder, Value rows, RowOrder order) {
  Type element = getRanked(rows).getElementType(), wide = getAccumulatorType(element);
  // Not every CPU has an extremum of floats that is what NaN asks for: of their ranks.
  bool isFloat = isa<FloatType>(element);
  Type ordered = isFloat ? builder.getIntegerType(wide.getIntOrFloatBitWidth()) : wide;
  Value initial = createExtreme(builder, ordered, /*largest=*/order.ascending, order.isUnsigned);
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange inputs, Value, ValueRange first) {
    Value x = convertElements(inner, inner.getLoc(), inputs[0], wide);
    if (isFloat)
      x = createRanks(inner, inner.getLoc(), x);
    return SmallVector<Value>{chooseFirst(inner, first[0], x, order)};
  };
  Value found = reduceGeneric(builder, rows, {}, initial, body).front();
  if (ordered == element)
    return found;
  return convertRows(builder, found, element, [&](OpBuilder &nested, Location loc, Value x) {
    if (isFloat)
      x = createFloatsOfRanks(nested, loc, x, wide);
    return convertElements(nested, loc, x, element);
  });
}

bool areSideBySide(RankedTensorType type) {
  constexpr int64_t least = 8;
  return type.isDynamicDim(2) || type.getDimSize(2) >= least;
}

/// Whether x, whose position is higher, takes the place of `other`.
static Value isMoreExtreme(ImplicitLocOpBuilder &builder, Value x, Value other, RowExtreme which) {
  if (!isa<FloatType>(x.getType())) {
    using Predicate = arith::CmpIPredicate;
    Predicate strict = which.min ? (which.isUnsigned ? Predicate::ult : Predicate::slt)
                                 : (which.isUnsigned ? Predicate::ugt : Predicate::sgt);
    Predicate weak = which.min ? (which.isUnsigned ? Predicate::ule : Predicate::sle)
                               : (which.isUnsigned ? Predicate::uge : Predicate::sge);
    return arith::CmpIOp::create(builder, which.last ? weak : strict, x, other);
  }
  // Unordered is true: of two NaN, or of one that is not to be taken, the other condition decides.
  using Predicate = arith::CmpFPredicate;
  Predicate predicate = which.last ? (which.min ? Predicate::ULE : Predicate::UGE)
                                   : (which.min ? Predicate::ULT : Predicate::UGT);
  Value wins = arith::CmpFOp::create(builder, predicate, x, other);
  Value loser = which.isNaNExtreme ? other : x; // must be a number
  Value isNumber = arith::CmpFOp::create(builder, Predicate::ORD, loser, loser);
  if (which.last) { // or both are NaN
    Value winner = which.isNaNExtreme ? x : other;
    isNumber = arith::OrIOp::create(builder, isNumber, arith::CmpFOp::create(builder, Predicate::UNO, winner, winner));
  }
  return arith::AndIOp::create(builder, wins, isNumber);
}

std::pair<Value, Value> findExtremes(ImplicitLocOpBuilder &builder, Value rows, RowExtreme which) {
  RankedTensorType type = getRanked(rows);
  Type element = type.getElementType(), i64 = builder.getI64Type();
  // Positions as wide as elements, so that as many are computed at a time.
  bool isShort = !type.isDynamicDim(1) && element.getIntOrFloatBitWidth() <= 32;
  Type position = isShort && type.getDimSize(1) <= INT32_MAX ? Type(builder.getI32Type()) : i64;
  bool isNaN = isa<FloatType>(element) && !which.isNaNExtreme;
  Value extreme = isNaN ? arith::ConstantOp::create(
                              builder, builder.getFloatAttr(element, APFloat::getNaN(cast<FloatType>(element).getFloatSemantics())))
                              .getResult()
                        : createExtreme(builder, element, which.min, which.isUnsigned);
  Value zero = arith::ConstantIntOp::create(builder, position, 0);
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange inputs, Value index, ValueRange best) {
    Value isBetter = isMoreExtreme(inner, inputs[0], best[0], which);
    return SmallVector<Value>{arith::SelectOp::create(inner, isBetter, inputs[0], best[0]),
                              arith::SelectOp::create(inner, isBetter, toInt(inner, index, position), best[1])};
  };
  ValueRange found = reduceGeneric(builder, rows, {}, {extreme, zero}, body);
  if (position == i64)
    return {found[0], found[1]};
  return {found[0], convertRows(builder, found[1], i64, [&](OpBuilder &nested, Location loc, Value x) -> Value {
            return arith::ExtUIOp::create(nested, loc, i64, x);
          })};
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
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange elements, Value index, ValueRange accumulated) {
    Value position = toInt(inner, index, i64), found = accumulated[0];
    Value equal = areEqual(inner, elements[0], elements[1]);
    if (isChosen)
      equal = arith::AndIOp::create(inner, equal, isChosen(inner, elements[0], position, elements.drop_front(2)));
    Value candidate = arith::SelectOp::create(inner, equal, position, initial);
    return SmallVector<Value>{last ? arith::MaxSIOp::create(inner, found, candidate).getResult()
                                   : arith::MinSIOp::create(inner, found, candidate).getResult()};
  };
  return reduceGeneric(builder, rows, inputs, initial, body).front();
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
