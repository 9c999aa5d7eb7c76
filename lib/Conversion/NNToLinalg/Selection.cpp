// Selection: what is chosen is counted first, or goes into a tensor for as much as
// there may be, of which the beginning is the result. Either way the count becomes
// an extent by kernel.bounded.
#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ElementwiseBodies.h"
#include "lib/Conversion/NNToLinalg/Heap.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"
#include "lib/Conversion/NNToLinalg/Text.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

/// An i1 as an index.
static Value toCount(ImplicitLocOpBuilder &builder, Value flag) {
  return arith::SelectOp::create(builder, flag, getIndex(builder, 1), getIndex(builder, 0));
}

//===----------------------------------------------------------------------===//
// NonZero
//===----------------------------------------------------------------------===//

/// Whether the element at `index`, of the NN type `type`, is not zero.
static Value isNonZero(ImplicitLocOpBuilder &builder, Value tensor, ValueRange index, Type type) {
  Value element = loadElement(builder, tensor::ExtractOp::create(builder, tensor, index), type);
  if (element.getType().isInteger(1))
    return element;
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(element.getType()));
  if (isa<FloatType>(element.getType()))
    return arith::CmpFOp::create(builder, arith::CmpFPredicate::UNE, element, zero);
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, element, zero);
}

template <>
Value LowerOp<nn::NonZeroOp>::build(ImplicitLocOpBuilder &builder, nn::NonZeroOp op, OpAdaptor adaptor,
                                    RankedTensorType type) const {
  Value input = adaptor.getInput();
  Type element = getElementTypeOrSelf(op.getInput().getType());
  SmallVector<Value> extents = getExtents(builder, input);
  Value bound = getIndex(builder, 1);
  for (Value extent : extents)
    bound = mul(builder, bound, extent);
  Value counted =
      forEachIndex(builder, extents, getIndex(builder, 0), [&](auto &inner, ValueRange index, ValueRange count) {
        Value isChosen = isNonZero(inner, input, index, element);
        return SmallVector<Value>{add(inner, count[0], toCount(inner, isChosen))};
      }).front();
  Value count = kernel::BoundedOp::create(builder, counted, bound);
  auto rows = RankedTensorType::get({type.getDimSize(0), ShapedType::kDynamic}, type.getElementType());
  SmallVector<Value> carried{tensor::EmptyOp::create(builder, rows, count), getIndex(builder, 0)};
  Value result = forEachIndex(builder, extents, carried, [&](auto &inner, ValueRange index, ValueRange values) {
                   auto put = [&](OpBuilder &nested, Location loc) {
                     ImplicitLocOpBuilder then(loc, nested);
                     Value stored = values[0];
                     for (auto [axis, i] : llvm::enumerate(index))
                       stored = tensor::InsertOp::create(then, toInt64(then, i), stored,
                                                         ValueRange{getIndex(then, axis), values[1]});
                     scf::YieldOp::create(then, ValueRange{stored, add(then, values[1], getIndex(then, 1))});
                   };
                   auto leave = [&](OpBuilder &nested, Location loc) { scf::YieldOp::create(nested, loc, values); };
                   auto choice = scf::IfOp::create(inner, isNonZero(inner, input, index, element), put, leave);
                   return SmallVector<Value>(choice.getResults());
                 }).front();
  return castTo(builder, result, type);
}

//===----------------------------------------------------------------------===//
// Unique
//===----------------------------------------------------------------------===//

namespace {

/// Sorts the slices along an axis by their places, in memory of i64.
class SliceSorter {
public:
  /// Of `rows` [outer, slices, inner], whose elements have the NN type `type`.
  SliceSorter(Value rows, Type type) : rows(rows), type(type) {}

  /// The places in the order of the slices, the lower one first among equal slices: a heap sort.
  Value sort(ImplicitLocOpBuilder &builder);
  /// Less than 0, 0, or more (i32): slice `a` compared with slice `b`.
  Value compare(ImplicitLocOpBuilder &builder, Value a, Value b);

private:
  Value compareElements(ImplicitLocOpBuilder &builder, Value a, Value b);
  Value isBefore(ImplicitLocOpBuilder &builder, Value a, Value b);

  Value rows;
  Type type;
};

} // namespace

static Value compareIndices(ImplicitLocOpBuilder &builder, arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(builder, predicate, a, b);
}

/// NaN is equal to NaN and above the rest.
Value SliceSorter::compareElements(ImplicitLocOpBuilder &builder, Value a, Value b) {
  if (type.isIndex())
    return compareStrings(builder, a, b);
  Value isLess, isMore;
  if (isa<FloatType>(a.getType())) {
    auto isBelow = [&](Value x, Value y) -> Value {
      Value below = arith::CmpFOp::create(builder, arith::CmpFPredicate::OLT, x, y);
      Value isNumber = arith::CmpFOp::create(builder, arith::CmpFPredicate::ORD, x, x);
      Value isNot = arith::CmpFOp::create(builder, arith::CmpFPredicate::UNO, y, y);
      return arith::OrIOp::create(builder, below, arith::AndIOp::create(builder, isNumber, isNot));
    };
    isLess = isBelow(a, b);
    isMore = isBelow(b, a);
  } else {
    bool isUnsigned = type.isUnsignedInteger() || type.isInteger(1);
    auto predicate = isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt;
    isLess = arith::CmpIOp::create(builder, predicate, a, b);
    isMore = arith::CmpIOp::create(builder, predicate, b, a);
  }
  Type i32 = builder.getI32Type();
  return arith::SubIOp::create(builder, arith::ExtUIOp::create(builder, i32, isMore),
                               arith::ExtUIOp::create(builder, i32, isLess));
}

Value SliceSorter::compare(ImplicitLocOpBuilder &builder, Value a, Value b) {
  Value outer = getExtent(builder, builder.getLoc(), rows, 0), inner = getExtent(builder, builder.getLoc(), rows, 2);
  Value equal = arith::ConstantIntOp::create(builder, builder.getI32Type(), 0);
  return forEachIndex(builder, {outer, inner}, equal,
                      [&](auto &nested, ValueRange index, ValueRange before) {
                        auto load = [&](Value place) {
                          Value stored = tensor::ExtractOp::create(nested, rows, ValueRange{index[0], place, index[1]});
                          return loadElement(nested, stored, type);
                        };
                        Value here = compareElements(nested, load(a), load(b));
                        Value isEqual = compareIndices(nested, arith::CmpIPredicate::eq, before[0], equal);
                        return SmallVector<Value>{arith::SelectOp::create(nested, isEqual, here, before[0])};
                      })
      .front();
}

Value SliceSorter::isBefore(ImplicitLocOpBuilder &builder, Value a, Value b) {
  Value order = compare(builder, a, b), zero = arith::ConstantIntOp::create(builder, builder.getI32Type(), 0);
  Value isLess = compareIndices(builder, arith::CmpIPredicate::slt, order, zero);
  Value isEqual = compareIndices(builder, arith::CmpIPredicate::eq, order, zero);
  Value isLower = compareIndices(builder, arith::CmpIPredicate::slt, a, b);
  return arith::OrIOp::create(builder, isLess, arith::AndIOp::create(builder, isEqual, isLower));
}

Value SliceSorter::sort(ImplicitLocOpBuilder &builder) {
  Value count = getExtent(builder, builder.getLoc(), rows, 1);
  auto placesType = RankedTensorType::get({getRanked(rows).getDimSize(1)}, builder.getI64Type());
  Value places = generate(builder, placesType, count,
                          [](ImplicitLocOpBuilder &inner, ValueRange index) { return toInt64(inner, index[0]); });
  auto order = [&](ImplicitLocOpBuilder &inner, Value a, Value b) { return isBefore(inner, a, b); };
  return sortHeap(builder, buildHeap(builder, places, count, order), count, order);
}

namespace {

/// The distinct slices, while they are counted: rows of i64 for as many as there are slices.
struct Distinct {
  Value inverse, indices, counts, count;
};

struct LowerUnique : OpConversionPattern<nn::UniqueOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::UniqueOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    int64_t axis = op.getAxis(), rank = getRanked(adaptor.getInput()).getRank();
    if (getRanked(adaptor.getInput()).getDimSize(axis) == 0) { // a slice of nothing cannot be taken
      SmallVector<Value> empty;
      for (Type type : op.getResultTypes())
        empty.push_back(createEmpty(builder, op.getLoc(), cast<RankedTensorType>(type), getIndex(builder, 0)));
      rewriter.replaceOp(op, empty);
      return success();
    }
    Value rows = mergeAxes(builder, adaptor.getInput(), {axis, 1, rank - axis - 1});
    SliceSorter sorter(rows, getElementTypeOrSelf(op.getInput().getType()));
    Value order = sorter.sort(builder);
    Value bound = getExtent(builder, op.getLoc(), rows, 1);
    Distinct distinct = group(builder, sorter, order, bound);
    if (!op.getSorted())
      distinct = orderByFirst(builder, distinct, getRanked(order), bound);
    Value count = kernel::BoundedOp::create(builder, distinct.count, bound);
    auto take = [&](Value all, Type type) {
      OpFoldResult zero = builder.getIndexAttr(0), one = builder.getIndexAttr(1);
      Value part = tensor::ExtractSliceOp::create(builder, all, ArrayRef<OpFoldResult>{zero},
                                                  ArrayRef<OpFoldResult>{count}, ArrayRef<OpFoldResult>{one});
      return castTo(builder, part, cast<RankedTensorType>(type));
    };
    rewriter.replaceOp(op, {take(distinct.indices, op.getIndices().getType()),
                            castTo(builder, distinct.inverse, cast<RankedTensorType>(op.getInverse().getType())),
                            take(distinct.counts, op.getCounts().getType())});
    return success();
  }

  /// Rows for the places of `bound` slices, without contents.
  static SmallVector<Value> createRows(ImplicitLocOpBuilder &builder, RankedTensorType type, Value bound, int number) {
    SmallVector<Value> rows;
    for (int i = 0; i < number; ++i)
      rows.push_back(createEmpty(builder, builder.getLoc(), type, bound));
    return rows;
  }

  /// Equal slices are neighbours in `order`.
  static Distinct group(ImplicitLocOpBuilder &builder, SliceSorter &sorter, Value order, Value bound) {
    SmallVector<Value> carried = createRows(builder, getRanked(order), bound, 3);
    carried.push_back(getIndex(builder, 0));
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange step, ValueRange values) {
      Value zero = getIndex(inner, 0), one = getIndex(inner, 1);
      Value place = readPlace(inner, order, step[0]);
      Value before = arith::MaxSIOp::create(inner, sub(inner, step[0], one), zero);
      Value same = sorter.compare(inner, place, readPlace(inner, order, before));
      Value differs = compareIndices(inner, arith::CmpIPredicate::ne, same,
                                     arith::ConstantIntOp::create(inner, inner.getI32Type(), 0));
      Value isFirst = compareIndices(inner, arith::CmpIPredicate::eq, step[0], zero);
      Value isNew = arith::OrIOp::create(inner, isFirst, differs);
      Value count = add(inner, values[3], toCount(inner, isNew)), at = sub(inner, count, one);
      Value first = arith::SelectOp::create(inner, isNew, place, readPlace(inner, values[1], at));
      Value others = arith::SelectOp::create(inner, isNew, zero, readPlace(inner, values[2], at));
      return SmallVector<Value>{writePlace(inner, values[0], place, at), writePlace(inner, values[1], at, first),
                                writePlace(inner, values[2], at, add(inner, others, one)), count};
    };
    SmallVector<Value> results = forEachIndex(builder, bound, carried, body);
    return {results[0], results[1], results[2], results[3]};
  }

  /// The same with the distinct slices in the order in which they first occur.
  static Distinct orderByFirst(ImplicitLocOpBuilder &builder, Distinct sorted, RankedTensorType type, Value bound) {
    SmallVector<Value> carried = createRows(builder, type, bound, 4); // the last: the new place of each
    carried.push_back(getIndex(builder, 0));
    auto body = [&](ImplicitLocOpBuilder &inner, ValueRange step, ValueRange values) {
      Value old = readPlace(inner, sorted.inverse, step[0]), first = readPlace(inner, sorted.indices, old);
      Value isFirst = compareIndices(inner, arith::CmpIPredicate::eq, first, step[0]);
      Value at = arith::SelectOp::create(inner, isFirst, values[4], readPlace(inner, values[3], old));
      return SmallVector<Value>{writePlace(inner, values[0], step[0], at), writePlace(inner, values[1], at, first),
                                writePlace(inner, values[2], at, readPlace(inner, sorted.counts, old)),
                                writePlace(inner, values[3], old, at), add(inner, values[4], toCount(inner, isFirst))};
    };
    SmallVector<Value> results = forEachIndex(builder, bound, carried, body);
    return {results[0], results[1], results[2], results[4]};
  }
};

} // namespace

void populateSelectionToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::NonZeroOp>, LowerUnique>(types, patterns.getContext());
}

} // namespace nnc
