// The k first elements of each row [O, R, I], in order. A few are found one after the other, in passes over all rows that
// change nothing but the results and so take whole vectors. For more, each row keeps the places of the best so far in a
// heap: most elements are compared once, with the worst of these.
#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/Heap.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/RowGenerics.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

/// From so many elements on, passes over all rows take longer than a heap.
static constexpr int64_t leastForHeap = 6;

namespace {

class RowSelection {
public:
  /// `staticK` is kDynamic where `k` is not constant.
  RowSelection(Value rows, Value k, int64_t staticK, RowOrder order)
      : rows(rows), k(k), staticK(staticK), order(order) {}

  /// Values and indices, both [O, k, I].
  std::pair<Value, Value> build(ImplicitLocOpBuilder &builder) const {
    bool isFew = !ShapedType::isDynamic(staticK) && staticK < leastForHeap;
    return isFew ? selectInPasses(builder) : selectByHeaps(builder);
  }

private:
  RankedTensorType getResultType() const {
    RankedTensorType type = getRanked(rows);
    return type.clone({type.getDimSize(0), staticK, type.getDimSize(2)});
  }
  std::pair<Value, Value> selectInPasses(ImplicitLocOpBuilder &builder) const;
  std::pair<Value, Value> selectByHeaps(ImplicitLocOpBuilder &builder) const;
  Value findPlaces(ImplicitLocOpBuilder &builder, Value places, ValueRange row) const;
  Value load(ImplicitLocOpBuilder &builder, ValueRange row, Value place) const {
    return tensor::ExtractOp::create(builder, rows, ValueRange{row[0], place, row[1]});
  }
  Value mayBeBetter(ImplicitLocOpBuilder &builder, Value a, Value b) const;
  Value isBetter(ImplicitLocOpBuilder &builder, Value a, Value b) const;

  Value rows, k;
  int64_t staticK;
  RowOrder order;
};

} // namespace

std::pair<Value, Value> RowSelection::selectInPasses(ImplicitLocOpBuilder &builder) const {
  RankedTensorType result = getResultType();
  SmallVector<Value> extents = getExtents(builder, rows);
  auto fill = [&](RankedTensorType of, Value with) {
    Value init = createEmpty(builder, builder.getLoc(), of, {extents[0], k, extents[2]});
    return linalg::FillOp::create(builder, with, init).getResult(0);
  };
  // Before the first element: the most extreme value, at the position before all.
  Type i64 = builder.getI64Type();
  Value values = fill(result, createEnd(builder, result.getElementType(), /*last=*/false, order));
  Value indices = fill(result.clone(i64), arith::ConstantIntOp::create(builder, i64, -1));
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1);
  auto isChosen = [&](ImplicitLocOpBuilder &inner, Value x, Value position, ValueRange before) {
    return isAfter(inner, x, position, before[0], before[1], order);
  };
  auto body = [&](OpBuilder &nested, Location loc, Value step, ValueRange carried) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value before = arith::MaxSIOp::create(inner, arith::SubIOp::create(inner, step, one), zero);
    Value lastValue = takeElements(inner, carried[0], before), lastIndex = takeElements(inner, carried[1], before);
    Value next = findNext(inner, rows, lastValue, lastIndex, order);
    Value at = findIndices(inner, rows, next, isChosen, /*last=*/false, {lastValue, lastIndex});
    scf::YieldOp::create(
        inner, ValueRange{putElements(inner, next, carried[0], step), putElements(inner, at, carried[1], step)});
  };
  auto loop = scf::ForOp::create(builder, zero, k, one, ValueRange{values, indices}, body);
  return {loop.getResult(0), loop.getResult(1)};
}

/// Whether element `a` comes before `b` whatever their places, or one of them is NaN: one comparison.
Value RowSelection::mayBeBetter(ImplicitLocOpBuilder &builder, Value a, Value b) const {
  if (!isa<FloatType>(a.getType())) {
    auto greater = order.isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt;
    auto less = order.isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
    return arith::CmpIOp::create(builder, order.ascending ? less : greater, a, b);
  }
  auto predicate = order.ascending ? arith::CmpFPredicate::ULT : arith::CmpFPredicate::UGT;
  return arith::CmpFOp::create(builder, predicate, a, b);
}

/// Whether element `a` comes before `b` whatever their places; NaN is above all numbers.
Value RowSelection::isBetter(ImplicitLocOpBuilder &builder, Value a, Value b) const {
  Value isBetter = mayBeBetter(builder, a, b);
  if (!isa<FloatType>(a.getType()))
    return isBetter;
  Value lower = order.ascending ? a : b;
  Value isNumber = arith::CmpFOp::create(builder, arith::CmpFPredicate::ORD, lower, lower);
  return arith::AndIOp::create(builder, isBetter, isNumber);
}

/// `places`, of which there are at least one, with those of the best k elements of `row`, in order.
Value RowSelection::findPlaces(ImplicitLocOpBuilder &builder, Value places, ValueRange row) const {
  Value zero = getIndex(builder, 0);
  auto isBefore = [&](ImplicitLocOpBuilder &inner, Value a, Value b) -> Value {
    Value x = load(inner, row, a), y = load(inner, row, b);
    Value isLower = arith::CmpIOp::create(inner, arith::CmpIPredicate::slt, a, b);
    Value isEqual = arith::XOrIOp::create(inner, isBetter(inner, y, x), arith::ConstantIntOp::create(inner, 1, 1));
    return arith::OrIOp::create(inner, isBetter(inner, x, y), arith::AndIOp::create(inner, isEqual, isLower));
  };
  places = forEachIndex(builder, k, places, [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) {
             return SmallVector<Value>{writePlace(inner, carried[0], index[0], index[0])};
           }).front();
  places = buildHeap(builder, places, k, isBefore);
  Value worst = load(builder, row, readPlace(builder, places, zero));
  Value rest = sub(builder, getExtent(builder, builder.getLoc(), rows, 1), k);
  auto visit = [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) {
    Value place = add(inner, k, index[0]), element = load(inner, row, place);
    // The worst goes; an element that is not better, of NaN that was let through, goes at once.
    auto take = [&](OpBuilder &nested, Location loc) {
      ImplicitLocOpBuilder then(loc, nested);
      Value kept = arith::SelectOp::create(then, isBetter(then, element, carried[1]), place,
                                           readPlace(then, carried[0], zero));
      Value heap = siftDown(then, writePlace(then, carried[0], zero, kept), zero, k, isBefore);
      scf::YieldOp::create(then, ValueRange{heap, load(then, row, readPlace(then, heap, zero))});
    };
    auto leave = [&](OpBuilder &nested, Location loc) { scf::YieldOp::create(nested, loc, carried); };
    // An equal element is behind the worst: its place is higher.
    auto choice = scf::IfOp::create(inner, mayBeBetter(inner, element, carried[1]), take, leave);
    return SmallVector<Value>(choice.getResults());
  };
  places = forEachIndex(builder, rest, {places, worst}, visit).front();
  return sortHeap(builder, places, k, isBefore);
}

std::pair<Value, Value> RowSelection::selectByHeaps(ImplicitLocOpBuilder &builder) const {
  RankedTensorType result = getResultType();
  SmallVector<Value> extents = getExtents(builder, rows);
  Value zero = getIndex(builder, 0);
  Type i64 = builder.getI64Type();
  Value values = createEmpty(builder, builder.getLoc(), result, {extents[0], k, extents[2]});
  Value indices = createEmpty(builder, builder.getLoc(), result.clone(i64), {extents[0], k, extents[2]});
  auto placesType = RankedTensorType::get({staticK}, i64);
  Value places = createEmpty(builder, builder.getLoc(), placesType, k);
  // Of no elements there is no worst.
  Value hasAny = arith::CmpIOp::create(builder, arith::CmpIPredicate::sgt, k, zero);
  Value outer = arith::SelectOp::create(builder, hasAny, extents[0], zero);
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange row, ValueRange carried) {
    Value found = findPlaces(inner, carried[2], row);
    auto store = [&](ImplicitLocOpBuilder &innermost, ValueRange index, ValueRange results) {
      Value place = readPlace(innermost, found, index[0]), value = load(innermost, row, place);
      SmallVector<Value> at{row[0], index[0], row[1]};
      return SmallVector<Value>{tensor::InsertOp::create(innermost, value, results[0], at),
                                tensor::InsertOp::create(innermost, toInt64(innermost, place), results[1], at)};
    };
    SmallVector<Value> results = forEachIndex(inner, k, carried.take_front(2), store);
    results.push_back(found);
    return results;
  };
  SmallVector<Value> results = forEachIndex(builder, {outer, extents[2]}, {values, indices, places}, body);
  return {results[0], results[1]};
}

namespace {

struct LowerTopK : OpConversionPattern<nn::TopKOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::TopKOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    auto type = getTypeConverter()->convertType<RankedTensorType>(op.getValues().getType());
    int64_t axis = op.getAxis();
    int64_t counts[] = {axis, 1, type.getRank() - axis - 1};
    Value rows = mergeAxes(builder, adaptor.getInput(), counts);
    Value extent = getExtent(builder, op.getLoc(), adaptor.getInput(), axis);
    Value k = getBoundedEntry(builder, op.getK(), adaptor.getK(), 0, extent);
    if (!findEntry(builder, op.getK(), 0)) {
      Value given = getEntry(builder, op.getK(), adaptor.getK(), 0);
      require(builder, arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, given, k),
              "nn.top_k: k is not negative and at most the extent");
    }
    bool isUnsigned = getElementTypeOrSelf(op.getInput().getType()).isUnsignedInteger();
    RowSelection selection(rows, k, type.getDimSize(axis), {op.getSmallest(), isUnsigned});
    auto [values, indices] = selection.build(builder);
    SmallVector<Value> extents = getExtents(builder, adaptor.getInput());
    extents[axis] = k;
    auto indicesType = type.clone(builder.getI64Type());
    rewriter.replaceOp(op, {splitAxes(builder, values, type, counts, extents),
                            splitAxes(builder, indices, indicesType, counts, extents)});
    return success();
  }
};

} // namespace

void populateTopKToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerTopK>(types, patterns.getContext());
}

} // namespace nnc
