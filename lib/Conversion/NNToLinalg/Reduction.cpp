// Reductions become kernel.reduce on [O, R, I] views, one for each run of
// neighbouring axes. An index reduction along memory is two: the extreme value, then the first
// (or last) index that has it; of rows side by side it is one. Running sums are loops over the axis whose bodies
// work on all rows at once.
#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/RowGenerics.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

//===--- Reductions to a value ---===//

/// kernel.reduce of [O, R, I] to [O, I]. Booleans and unsigned integers compare as unsigned.
static Value reduceRows(ImplicitLocOpBuilder &builder, Value rows, kernel::ReduceKind kind, bool isUnsigned) {
  RankedTensorType type = getRanked(rows);
  SmallVector<Value> extents = getExtents(builder, rows);
  Value init = createEmpty(builder, builder.getLoc(), type.clone({type.getDimSize(0), type.getDimSize(2)}),
                           {extents[0], extents[2]});
  SmallVector<NamedAttribute> attributes;
  attributes.push_back(builder.getNamedAttr("kind", kernel::ReduceKindAttr::get(builder.getContext(), kind)));
  if (isUnsigned)
    attributes.push_back(builder.getNamedAttr("is_unsigned", builder.getUnitAttr()));
  return createKernel<kernel::ReduceOp>(builder, rows, init, attributes);
}

static kernel::ReduceKind getKernelKind(nn::ReductionKind kind) {
  switch (kind) {
  case nn::ReductionKind::Sum:
    return kernel::ReduceKind::Sum;
  case nn::ReductionKind::Mean:
    return kernel::ReduceKind::Mean;
  case nn::ReductionKind::Max:
    return kernel::ReduceKind::Max;
  case nn::ReductionKind::Min:
    return kernel::ReduceKind::Min;
  case nn::ReductionKind::Prod:
    return kernel::ReduceKind::Prod;
  case nn::ReductionKind::SumAbs:
    return kernel::ReduceKind::SumAbs;
  case nn::ReductionKind::SumSquare:
    return kernel::ReduceKind::SumSquare;
  case nn::ReductionKind::LogSumExp:
    return kernel::ReduceKind::LogSumExp;
  }
  llvm_unreachable("all kinds are handled");
}

/// What is left to do with partial results of a kind.
static kernel::ReduceKind getKindOfPartials(kernel::ReduceKind kind) {
  bool isSum = kind == kernel::ReduceKind::SumAbs || kind == kernel::ReduceKind::SumSquare;
  return isSum ? kernel::ReduceKind::Sum : kind;
}

/// Runs [first, last) of neighbouring axes, the last run first. No axes: one empty run.
static SmallVector<std::pair<int64_t, int64_t>> getRuns(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<std::pair<int64_t, int64_t>> runs;
  for (int64_t axis : llvm::reverse(axes)) {
    if (!runs.empty() && runs.back().first == axis + 1)
      runs.back().first = axis;
    else
      runs.push_back({axis, axis + 1});
  }
  if (runs.empty())
    runs.push_back({rank, rank});
  return runs;
}

/// The quotient of sums of integers by the number of summands, toward zero.
static Value divideByCount(ImplicitLocOpBuilder &builder, Value sums, Value count, bool isUnsigned) {
  RankedTensorType type = getRanked(sums);
  Value init = createEmptyLike(builder, builder.getLoc(), type, sums);
  count = builder.createOrFold<arith::MaxSIOp>(count, getIndex(builder, 1)); // the mean of no integers is 0
  Value divisor = arith::IndexCastOp::create(builder, type.getElementType(), count);
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    Value quotient = isUnsigned ? arith::DivUIOp::create(nested, loc, arguments[0], divisor).getResult()
                                : arith::DivSIOp::create(nested, loc, arguments[0], divisor).getResult();
    linalg::YieldOp::create(nested, loc, quotient);
  };
  return linalg::GenericOp::create(builder, type, sums, init, ArrayRef<AffineMap>{identity, identity}, iterators, body)
      .getResult(0);
}

/// Whether the kernel can do `kind` on elements of type `element`.
static LogicalResult checkReduction(nn::ReduceOp op, Type element) {
  if (isa<FloatType>(element))
    return success();
  if (op.getKind() == nn::ReductionKind::LogSumExp)
    return op.emitError("log_sum_exp of integers is not supported");
  if (op.getKind() == nn::ReductionKind::Mean && element.getIntOrFloatBitWidth() < 32)
    return op.emitError("the mean of integers this narrow is not supported");
  bool isExtreme = op.getKind() == nn::ReductionKind::Max || op.getKind() == nn::ReductionKind::Min;
  if (element.isInteger(1) && !isExtreme)
    return op.emitError("of booleans only the max and min are supported");
  return success();
}

template <>
Value LowerOp<nn::ReduceOp>::build(ImplicitLocOpBuilder &builder, nn::ReduceOp op, OpAdaptor adaptor,
                                   RankedTensorType type) const {
  Type element = getElementTypeOrSelf(op.getType());
  if (failed(checkReduction(op, element)))
    return {};
  bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  bool isIntegerMean = op.getKind() == nn::ReductionKind::Mean && !isa<FloatType>(element);
  kernel::ReduceKind kind = isIntegerMean ? kernel::ReduceKind::Sum : getKernelKind(op.getKind());
  if (isUnsigned && kind == kernel::ReduceKind::SumAbs)
    kind = kernel::ReduceKind::Sum;
  Value value = adaptor.getInput();
  SmallVector<Value> extents = getExtents(builder, value);
  Value count = getIndex(builder, 1);
  for (int64_t axis : op.getAxes())
    count = builder.createOrFold<arith::MulIOp>(count, extents[axis]);
  for (auto [first, last] : getRuns(op.getAxes(), extents.size())) {
    RankedTensorType current = getRanked(value);
    int64_t inner = current.getRank() - last;
    value = reduceRows(builder, mergeAxes(builder, value, {first, last - first, inner}), kind, isUnsigned);
    // The axes that were reduced stay, as ones, until the end.
    SmallVector<int64_t> shape(current.getShape());
    for (int64_t axis = first; axis < last; ++axis) {
      shape[axis] = 1;
      extents[axis] = getIndex(builder, 1);
    }
    value = splitAxes(builder, value, current.clone(shape), {last, inner}, extents);
    kind = getKindOfPartials(kind);
  }
  if (isIntegerMean)
    value = divideByCount(builder, value, count, isUnsigned);
  if (op.getKeepdims())
    return castTo(builder, value, type);
  // Axes of one element disappear.
  SmallVector<int64_t> counts(extents.size(), 1);
  SmallVector<Value> left;
  for (int64_t axis : op.getAxes())
    counts[axis] = 0;
  for (auto [extent, isKept] : llvm::zip(extents, counts))
    if (isKept)
      left.push_back(extent);
  return splitAxes(builder, value, type, counts, left);
}

//===--- Reductions to an index ---===//

template <>
Value LowerOp<nn::ArgReduceOp>::build(ImplicitLocOpBuilder &builder, nn::ArgReduceOp op, OpAdaptor adaptor,
                                      RankedTensorType type) const {
  Value input = adaptor.getInput();
  Type element = getElementTypeOrSelf(op.getInput().getType());
  bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  int64_t axis = op.getAxis(), rank = getRanked(input).getRank();
  Value rows = mergeAxes(builder, input, {axis, 1, rank - axis - 1});
  Value indices;
  constexpr int64_t fewestSideBySide = 3;
  int64_t columns = getRanked(rows).getDimSize(2);
  if (!ShapedType::isDynamic(columns) && columns < fewestSideBySide) {
    Value extreme =
        reduceRows(builder, rows, op.getMin() ? kernel::ReduceKind::Min : kernel::ReduceKind::Max, isUnsigned);
    indices = findIndices(builder, rows, extreme, /*isChosen=*/nullptr, op.getLast());
  } else {
    indices = findExtremes(builder, rows, {op.getMin(), op.getLast(), isUnsigned, /*isNaNExtreme=*/true}).second;
  }
  SmallVector<Value> extents = getExtents(builder, input);
  if (op.getKeepdims())
    extents[axis] = getIndex(builder, 1);
  else
    extents.erase(extents.begin() + axis);
  return splitAxes(builder, indices, type, {axis + op.getKeepdims(), rank - axis - 1}, extents);
}

//===--- Running sums and products ---===//

/// Running sums of rows [O, R, 1], whose elements are neighbours: several rows side by side, since each sum waits for the
/// one before it.
template <typename OpTy>
static Value accumulateNeighbours(ImplicitLocOpBuilder &builder, OpTy op, Value rows, Value initial, bool isProduct) {
  constexpr int64_t rowsAtOnce = 4;
  SmallVector<Value> extents = getExtents(builder, rows);
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1), last = arith::SubIOp::create(builder, extents[1], one);
  auto emit = [&](Value lower, Value upper, int64_t count, Value into) {
    auto body = [&](OpBuilder &nested, Location loc, Value row, ValueRange carried) {
      ImplicitLocOpBuilder inner(loc, nested);
      SmallVector<Value> numbers, state(carried);
      for (int64_t i = 0; i < count; ++i)
        numbers.push_back(add(inner, row, getIndex(inner, i)));
      state.append(count, initial);
      auto advance = [&](OpBuilder &innermost, Location, Value step, ValueRange sums) {
        Value at = op.getReverse() ? arith::SubIOp::create(innermost, loc, last, step).getResult() : step;
        SmallVector<Value> next(sums);
        for (auto [i, number] : llvm::enumerate(numbers)) {
          Value place[] = {number, at, zero}, element = tensor::ExtractOp::create(innermost, loc, rows, place);
          next[i + 1] = combine(innermost, loc, element, sums[i + 1], isProduct);
          next[0] = tensor::InsertOp::create(innermost, loc, op.getExclusive() ? sums[i + 1] : next[i + 1], next[0], place);
        }
        scf::YieldOp::create(innermost, loc, next);
      };
      scf::YieldOp::create(inner, scf::ForOp::create(inner, zero, extents[1], one, state, advance).getResult(0));
    };
    return scf::ForOp::create(builder, lower, upper, getIndex(builder, count), into, body).getResult(0);
  };
  Value atOnce = getIndex(builder, rowsAtOnce);
  Value whole = mul(builder, arith::DivUIOp::create(builder, extents[0], atOnce), atOnce);
  Value result = emit(zero, whole, rowsAtOnce, createEmptyLike(builder, builder.getLoc(), getRanked(rows), rows));
  return emit(whole, extents[0], 1, result);
}

template <typename OpTy>
static Value lowerCumulative(ImplicitLocOpBuilder &builder, OpTy op, Value input, RankedTensorType type,
                             bool isProduct) {
  int64_t counts[] = {static_cast<int64_t>(op.getAxis()), 1, type.getRank() - static_cast<int64_t>(op.getAxis()) - 1};
  Value rows = mergeAxes(builder, input, counts);
  SmallVector<Value> extents = getExtents(builder, rows);
  RankedTensorType rowsType = getRanked(rows);
  RankedTensorType slice = rowsType.clone({rowsType.getDimSize(0), rowsType.getDimSize(2)});
  Type element = type.getElementType();
  TypedAttr start = isProduct ? cast<TypedAttr>(builder.getOneAttr(element)) : builder.getZeroAttr(element);
  Value initial = arith::ConstantOp::create(builder, start);
  if (rowsType.getDimSize(2) == 1)
    return splitAxes(builder, accumulateNeighbours(builder, op, rows, initial, isProduct), type, counts, getExtents(builder, input));
  Value sum = createEmpty(builder, builder.getLoc(), slice, {extents[0], extents[2]});
  sum = linalg::FillOp::create(builder, initial, sum).getResult(0);
  Value result = createEmptyLike(builder, builder.getLoc(), rowsType, rows);
  Value last = arith::SubIOp::create(builder, extents[1], getIndex(builder, 1));
  auto body = [&](OpBuilder &nested, Location loc, Value step, ValueRange carried) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value at = op.getReverse() ? arith::SubIOp::create(inner, last, step).getResult() : step;
    // The sum is updated in its place: stored before, or after.
    Value stored = op.getExclusive() ? putElements(inner, carried[0], carried[1], at) : Value();
    Value next = accumulateRows(inner, takeElements(inner, rows, at), carried[0], isProduct);
    if (!stored)
      stored = putElements(inner, next, carried[1], at);
    scf::YieldOp::create(inner, ValueRange{next, stored});
  };
  auto loop = scf::ForOp::create(builder, getIndex(builder, 0), extents[1], getIndex(builder, 1),
                                 ValueRange{sum, result}, body);
  return splitAxes(builder, loop.getResult(1), type, counts, getExtents(builder, input));
}

template <>
Value LowerOp<nn::CumSumOp>::build(ImplicitLocOpBuilder &builder, nn::CumSumOp op, OpAdaptor adaptor,
                                   RankedTensorType type) const {
  return lowerCumulative(builder, op, adaptor.getInput(), type, /*isProduct=*/false);
}

template <>
Value LowerOp<nn::CumProdOp>::build(ImplicitLocOpBuilder &builder, nn::CumProdOp op, OpAdaptor adaptor,
                                    RankedTensorType type) const {
  return lowerCumulative(builder, op, adaptor.getInput(), type, /*isProduct=*/true);
}

void populateReductionToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::ArgReduceOp>, LowerOp<nn::CumSumOp>, LowerOp<nn::CumProdOp>, LowerOp<nn::ReduceOp>>(
      types, patterns.getContext());
}

} // namespace nnc
