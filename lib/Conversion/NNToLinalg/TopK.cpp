// The k first elements of each row [O, R, I], in order. Rows side by side, and contiguous ones that are not too long, are
// lanes of vectors: kernel.top_k. Others keep the places of the best so far in a heap: most elements are compared once, with
// the worst of these; where many are chosen, they are sorted as a whole, byte by byte.
#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/Extent.h"
#include "lib/Codegen/OrderKeys.h"
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

/// Rows of more elements than `elementsPerChosen` for each that is chosen are not sorted as a whole.
static constexpr int64_t elementsPerChosen = 32;
/// Sorting by bytes: of the 32 bits above the position.
static constexpr int64_t digitBits = 8, sortPasses = 32 / digitBits;

namespace {

class RowSelection {
public:
  /// `staticK` is kDynamic where `k` is not constant.
  RowSelection(Value rows, Value k, int64_t staticK, RowOrder order)
      : rows(rows), k(k), staticK(staticK), order(order) {}

  /// Values and indices, both [O, k, I].
  std::pair<Value, Value> build(ImplicitLocOpBuilder &builder) const {
    if (staticK == 1)
      return selectOne(builder);
    if (hasKeys() && isWorthLanes(builder))
      return selectSideBySide(builder);
    return hasKeys() && isWorthSorting() ? selectBySorting(builder) : selectByHeaps(builder);
  }

private:
  RankedTensorType getResultType() const {
    RankedTensorType type = getRanked(rows);
    return type.clone({type.getDimSize(0), staticK, type.getDimSize(2)});
  }
  std::pair<Value, Value> selectOne(ImplicitLocOpBuilder &builder) const;
  bool hasKeys() const;
  bool isWorthLanes(ImplicitLocOpBuilder &builder) const;
  bool isWorthSorting() const;
  std::pair<Value, Value> readKeys(ImplicitLocOpBuilder &builder, Value keys) const;
  std::pair<Value, Value> selectSideBySide(ImplicitLocOpBuilder &builder) const;
  std::pair<Value, Value> selectBySorting(ImplicitLocOpBuilder &builder) const;
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

/// Whether rows are to be lanes of vectors. A network for long rows takes longer than sorting them one by one.
bool RowSelection::isWorthLanes(ImplicitLocOpBuilder &builder) const {
  constexpr int64_t longest = 4096;
  kernel::TargetAttr target = kernel::getTarget(builder.getInsertionBlock()->getParentOp());
  RankedTensorType type = getRanked(rows);
  int64_t length = type.getDimSize(1), lanes = target.getLanes(builder.getI64Type());
  bool isAcross = type.getDimSize(2) != 1;
  int64_t number = isAcross ? type.getDimSize(2) : type.getDimSize(0);
  if (lanes < 2 || (ShapedType::isDynamic(number) ? !isAcross : number < lanes))
    return false;
  if (!ShapedType::isDynamic(staticK) && staticK <= kernel::getMostSelected(target))
    return true;
  if (ShapedType::isDynamic(length) || length < 1 || length > longest)
    return false;
  return isAcross || ShapedType::isDynamic(staticK) || staticK * elementsPerChosen >= length;
}

/// Whether sorting rows takes less time than heaps of those chosen.
bool RowSelection::isWorthSorting() const {
  constexpr int64_t leastLength = 256, mostInHeap = 64;
  int64_t length = getRanked(rows).getDimSize(1);
  if (ShapedType::isDynamic(length))
    return ShapedType::isDynamic(staticK) || staticK > mostInHeap;
  return length >= leastLength && (ShapedType::isDynamic(staticK) || staticK * elementsPerChosen >= length);
}

std::pair<Value, Value> RowSelection::selectOne(ImplicitLocOpBuilder &builder) const {
  Value value, index;
  if (areSideBySide(getRanked(rows))) {
    RowExtreme which{order.ascending, /*last=*/false, order.isUnsigned, /*isNaNExtreme=*/!order.ascending};
    std::tie(value, index) = findExtremes(builder, rows, which);
  } else {
    value = findFirst(builder, rows, order);
    index = findIndices(builder, rows, value, /*isChosen=*/nullptr, /*last=*/false);
    // One of two zeros may have the other's sign.
    if (isa<FloatType>(getRanked(rows).getElementType()))
      value = generate(builder, getRanked(value), getExtents(builder, value), [&](ImplicitLocOpBuilder &inner, ValueRange row) {
        Value place = tensor::ExtractOp::create(inner, index, row);
        return load(inner, row, arith::IndexCastOp::create(inner, inner.getIndexType(), place));
      });
  }
  return {mergeAxes(builder, value, {1, 0, 1}), mergeAxes(builder, index, {1, 0, 1})};
}

/// Whether there are keys of 64 bits: elements of up to 32 and a position.
bool RowSelection::hasKeys() const { return getRanked(rows).getElementTypeBitWidth() <= 32; }

/// Values and indices of the keys [O, k, I].
std::pair<Value, Value> RowSelection::readKeys(ImplicitLocOpBuilder &builder, Value keys) const {
  SmallVector<Value> extents = getExtents(builder, keys);
  Type i64 = builder.getI64Type();
  auto readPosition = [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    Value key = tensor::ExtractOp::create(inner, keys, index);
    return arith::AndIOp::create(inner, key, arith::ConstantIntOp::create(inner, i64, UINT32_MAX));
  };
  RankedTensorType type = getResultType();
  Value values = generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) {
    Value place = arith::IndexCastOp::create(inner, inner.getIndexType(), readPosition(inner, index));
    return load(inner, ValueRange{index[0], index[2]}, place);
  });
  return {values, generate(builder, type.clone(i64), extents, readPosition)};
}

/// All rows at once, one in each lane.
std::pair<Value, Value> RowSelection::selectSideBySide(ImplicitLocOpBuilder &builder) const {
  SmallVector<Value> extents = getExtents(builder, rows);
  RankedTensorType type = getResultType().clone(builder.getI64Type());
  Value init = createEmpty(builder, builder.getLoc(), type, {extents[0], k, extents[2]});
  auto kernel = kernel::TopKOp::create(builder, type, rows, init, order.ascending, order.isUnsigned);
  return readKeys(builder, kernel.getResult(0));
}

/// The bits of `key` that pass `number` of a sort by bytes looks at, as an index. The first bit is the key's sign.
static Value getDigit(ImplicitLocOpBuilder &builder, Value key, int64_t number) {
  Type i64 = key.getType();
  if (number == sortPasses - 1)
    key = arith::XOrIOp::create(builder, key, arith::ConstantIntOp::create(builder, i64, INT64_MIN));
  Value shift = arith::ConstantIntOp::create(builder, i64, 32 + number * digitBits);
  Value shifted = arith::ShRUIOp::create(builder, key, shift);
  Value digit = arith::AndIOp::create(builder, shifted, arith::ConstantIntOp::create(builder, i64, (1 << digitBits) - 1));
  return arith::IndexCastOp::create(builder, builder.getIndexType(), digit);
}

/// Where the keys of each digit begin, of all passes: numbers of keys of lower digits.
static Value countDigits(ImplicitLocOpBuilder &builder, Value keys, Value length, Value counts) {
  Value none = arith::ConstantIntOp::create(builder, builder.getI64Type(), 0);
  Value one = arith::ConstantIntOp::create(builder, builder.getI64Type(), 1);
  counts = linalg::FillOp::create(builder, none, counts).getResult(0);
  auto increment = [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) {
    Value key = tensor::ExtractOp::create(inner, keys, index), next = carried[0];
    for (int64_t pass = 0; pass < sortPasses; ++pass) {
      Value at[] = {getIndex(inner, pass), getDigit(inner, key, pass)};
      Value count = tensor::ExtractOp::create(inner, next, at);
      next = tensor::InsertOp::create(inner, arith::AddIOp::create(inner, count, one), next, at);
    }
    return SmallVector<Value>{next};
  };
  counts = forEachIndex(builder, length, counts, increment).front();
  SmallVector<Value> carried(1 + sortPasses, none);
  carried[0] = counts;
  auto sum = [&](ImplicitLocOpBuilder &inner, ValueRange digit, ValueRange values) {
    SmallVector<Value> next(values);
    for (int64_t pass = 0; pass < sortPasses; ++pass) {
      Value at[] = {getIndex(inner, pass), digit[0]};
      Value count = tensor::ExtractOp::create(inner, next[0], at);
      next[0] = tensor::InsertOp::create(inner, next[1 + pass], next[0], at);
      next[1 + pass] = arith::AddIOp::create(inner, next[1 + pass], count);
    }
    return next;
  };
  return forEachIndex(builder, getIndex(builder, 1 << digitBits), carried, sum).front();
}

/// The first `length` of `keys` in order, but for the position: from the last digit to the first, each pass keeps the order
/// of keys whose digits are the same. `other` and `counts` are memory.
static Value sortKeys(ImplicitLocOpBuilder &builder, Value keys, Value length, Value &other, Value &counts) {
  static_assert(sortPasses % 2 == 0, "the sorted keys are where they were before");
  Value one = arith::ConstantIntOp::create(builder, builder.getI64Type(), 1);
  counts = countDigits(builder, keys, length, counts);
  for (int64_t pass = 0; pass < sortPasses; ++pass) {
    auto move = [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) {
      Value key = tensor::ExtractOp::create(inner, keys, index);
      Value at[] = {getIndex(inner, pass), getDigit(inner, key, pass)};
      Value place = tensor::ExtractOp::create(inner, carried[1], at);
      Value next = tensor::InsertOp::create(inner, arith::AddIOp::create(inner, place, one), carried[1], at);
      Value to = arith::IndexCastOp::create(inner, inner.getIndexType(), place);
      return SmallVector<Value>{tensor::InsertOp::create(inner, key, carried[0], to), next};
    };
    SmallVector<Value> moved = forEachIndex(builder, length, {other, counts}, move);
    counts = moved[1];
    other = keys;
    keys = moved[0];
  }
  return keys;
}

/// One row after the other, each sorted as a whole.
std::pair<Value, Value> RowSelection::selectBySorting(ImplicitLocOpBuilder &builder) const {
  SmallVector<Value> extents = getExtents(builder, rows);
  RankedTensorType result = getResultType().clone(builder.getI64Type());
  auto create = [&](ArrayRef<int64_t> shape, ArrayRef<Value> sizes) {
    return createEmpty(builder, builder.getLoc(), RankedTensorType::get(shape, builder.getI64Type()), sizes);
  };
  int64_t length = getRanked(rows).getDimSize(1);
  Value keys = create({length}, extents[1]), other = create({length}, extents[1]);
  Value digits = getIndex(builder, 1 << digitBits);
  Value counts = create({sortPasses, 1 << digitBits}, {getIndex(builder, sortPasses), digits});
  Value chosen = create(result.getShape(), {extents[0], k, extents[2]});
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange row, ValueRange carried) {
    auto fill = [&](ImplicitLocOpBuilder &innermost, ValueRange index, ValueRange values) {
      Value key = createOrderKeys(innermost, innermost.getLoc(), load(innermost, row, index[0]), index[0],
                                  order.ascending, order.isUnsigned);
      return SmallVector<Value>{tensor::InsertOp::create(innermost, key, values[0], index)};
    };
    Value unsorted = forEachIndex(inner, extents[1], carried[1], fill).front(), memory = carried[2], numbers = carried[3];
    Value sorted = sortKeys(inner, unsorted, extents[1], memory, numbers);
    auto store = [&](ImplicitLocOpBuilder &innermost, ValueRange index, ValueRange values) {
      Value key = tensor::ExtractOp::create(innermost, sorted, index);
      return SmallVector<Value>{tensor::InsertOp::create(innermost, key, values[0], ValueRange{row[0], index[0], row[1]})};
    };
    return SmallVector<Value>{forEachIndex(inner, k, carried[0], store).front(), sorted, memory, numbers};
  };
  SmallVector<Value> results = forEachIndex(builder, {extents[0], extents[2]}, {chosen, keys, other, counts}, body);
  return readKeys(builder, results.front());
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
    Value most = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, extent, getIndex(builder, INT32_MAX));
    require(builder, most, "nn.top_k: at most 2147483647 elements along the axis");
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
