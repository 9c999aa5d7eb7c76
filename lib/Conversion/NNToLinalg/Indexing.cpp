// Indexing: gathers and generators are one linalg.generic that reads each element
// where its index says; scatters are loops over the updates, in order, that change
// a copy of the data.
#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "lib/Codegen/Widening.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ElementwiseBodies.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc {

/// Defines the pattern of one operation: `build` returns the value that replaces
/// it, of `type`, or null after a diagnostic.
template <typename OpTy>
struct ConvertIndexing : OpConversionPattern<OpTy> {
  using OpConversionPattern<OpTy>::OpConversionPattern;
  Value build(ImplicitLocOpBuilder &builder, OpTy op, typename OpTy::Adaptor adaptor, RankedTensorType type) const;

  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    auto type = this->getTypeConverter()->template convertType<RankedTensorType>(op.getType());
    Value result = build(builder, op, adaptor, type);
    if (!result)
      return failure();
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// The index stored at `position`, counted from the end where negative, and kept
/// within the axis so that a wrong one reads some element.
static Value readIndex(ImplicitLocOpBuilder &builder, Value indices, ValueRange position, Value extent) {
  Value stored = tensor::ExtractOp::create(builder, indices, position);
  // Integers of 32 bits stay so narrow where the axis is not longer.
  std::optional<int64_t> known = getConstantIntValue(extent);
  bool isNarrow = stored.getType().isInteger(32) && known && *known <= INT32_MAX;
  Type type = isNarrow ? stored.getType() : Type(builder.getIndexType());
  auto convert = [&](Value index) { return builder.createOrFold<arith::IndexCastOp>(type, index); };
  Value index = isNarrow ? stored : convert(stored), length = isNarrow ? convert(extent) : extent;
  Value zero = arith::ConstantOp::create(builder, builder.getIntegerAttr(type, 0));
  Value last = builder.createOrFold<arith::SubIOp>(
      length, arith::ConstantOp::create(builder, builder.getIntegerAttr(type, 1)));
  Value negative = arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, index, zero);
  Value wrapped = arith::AddIOp::create(builder, index, length);
  index = arith::SelectOp::create(builder, negative, wrapped, index);
  index = arith::MinSIOp::create(builder, index, last);
  index = arith::MaxSIOp::create(builder, index, zero);
  return isNarrow ? arith::IndexCastOp::create(builder, builder.getIndexType(), index).getResult() : index;
}

//===----------------------------------------------------------------------===//
// Gather
//===----------------------------------------------------------------------===//

template <>
Value ConvertIndexing<nn::GatherOp>::build(ImplicitLocOpBuilder &builder, nn::GatherOp op, OpAdaptor adaptor,
                                           RankedTensorType type) const {
  int64_t axis = op.getAxis(), rank = getRanked(adaptor.getIndices()).getRank();
  SmallVector<Value> data = getExtents(builder, adaptor.getData()), extents(ArrayRef(data).take_front(axis));
  llvm::append_range(extents, getExtents(builder, adaptor.getIndices()));
  llvm::append_range(extents, ArrayRef(data).drop_front(axis + 1));
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    SmallVector<Value> source(index.take_front(axis));
    source.push_back(readIndex(inner, adaptor.getIndices(), index.slice(axis, rank), data[axis]));
    llvm::append_range(source, index.drop_front(axis + rank));
    return tensor::ExtractOp::create(inner, adaptor.getData(), source);
  });
}

template <>
Value ConvertIndexing<nn::GatherElementsOp>::build(ImplicitLocOpBuilder &builder, nn::GatherElementsOp op,
                                                   OpAdaptor adaptor, RankedTensorType type) const {
  int64_t axis = op.getAxis();
  Value extent = getExtent(builder, builder.getLoc(), adaptor.getData(), axis);
  SmallVector<Value> extents = getExtents(builder, adaptor.getIndices());
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    SmallVector<Value> source(index);
    source[axis] = readIndex(inner, adaptor.getIndices(), index, extent);
    return tensor::ExtractOp::create(inner, adaptor.getData(), source);
  });
}

template <>
Value ConvertIndexing<nn::GatherNDOp>::build(ImplicitLocOpBuilder &builder, nn::GatherNDOp op, OpAdaptor adaptor,
                                             RankedTensorType type) const {
  RankedTensorType indices = getRanked(adaptor.getIndices());
  int64_t batch = op.getBatchDims(), length = indices.getShape().back(), outer = indices.getRank() - 1;
  SmallVector<Value> data = getExtents(builder, adaptor.getData());
  SmallVector<Value> extents = getExtents(builder, adaptor.getIndices());
  extents.pop_back();
  llvm::append_range(extents, ArrayRef(data).drop_front(batch + length));
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    SmallVector<Value> source(index.take_front(batch));
    for (int64_t i = 0; i < length; ++i) {
      SmallVector<Value> position(index.take_front(outer));
      position.push_back(getIndex(inner, i));
      source.push_back(readIndex(inner, adaptor.getIndices(), position, data[batch + i]));
    }
    llvm::append_range(source, index.drop_front(outer));
    return tensor::ExtractOp::create(inner, adaptor.getData(), source);
  });
}

//===----------------------------------------------------------------------===//
// Scatter
//===----------------------------------------------------------------------===//

/// What an element becomes when `update` lands on `old`; `type` is the NN type.
static Value combine(ImplicitLocOpBuilder &builder, nn::ScatterReduction reduction, Type type, Value old,
                     Value update) {
  bool isUnsigned = type.isUnsignedInteger();
  Location loc = builder.getLoc();
  switch (reduction) {
  case nn::ScatterReduction::None:
    return update;
  case nn::ScatterReduction::Add:
    return createAdd(builder, loc, old, update);
  case nn::ScatterReduction::Mul:
    return createMul(builder, loc, old, update);
  case nn::ScatterReduction::Max:
    return createMax(builder, loc, old, update, isUnsigned);
  case nn::ScatterReduction::Min:
    return createMin(builder, loc, old, update, isUnsigned);
  }
  llvm_unreachable("all reductions are handled");
}

/// Booleans are bytes by now, of which sums are none.
template <typename OpTy>
static LogicalResult verifyReduction(OpTy op) {
  if (getElementTypeOrSelf(op.getData().getType()).isInteger(1) && op.getReduction() != nn::ScatterReduction::None)
    return op.emitError("a reduction of booleans is not supported");
  return success();
}

/// Loops over all elements of `updates`, which land where `target` says.
template <typename OpTy>
static Value scatter(ImplicitLocOpBuilder &builder, OpTy op, Value data, Value updates,
                     function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> target) {
  Type type = getElementTypeOrSelf(op.getData());
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) -> SmallVector<Value> {
    SmallVector<Value> position = target(inner, index);
    Value update = tensor::ExtractOp::create(inner, updates, index);
    if (op.getReduction() != nn::ScatterReduction::None) {
      Value old = tensor::ExtractOp::create(inner, carried.front(), position);
      update = combine(inner, op.getReduction(), type, old, update);
    }
    return {tensor::InsertOp::create(inner, update, carried.front(), position).getResult()};
  };
  return forEachIndex(builder, getExtents(builder, updates), data, body).front();
}

/// Loops over the rows of `updates`, each of which lands as a whole where `target` says.
static Value scatterRows(ImplicitLocOpBuilder &builder, nn::ScatterNDOp op, Value data, Value updates, int64_t outer,
                         function_ref<SmallVector<Value>(ImplicitLocOpBuilder &, ValueRange)> target) {
  Type type = getElementTypeOrSelf(op.getData());
  SmallVector<Value> extents = getExtents(builder, updates);
  ArrayRef<int64_t> shape = getRanked(updates).getShape().drop_front(outer);
  RankedTensorType rowType = getRanked(updates).clone(shape);
  SmallVector<OpFoldResult> row;
  for (auto [extent, value] : llvm::zip(shape, ArrayRef(extents).drop_front(outer)))
    row.push_back(ShapedType::isDynamic(extent) ? OpFoldResult(value) : builder.getIndexAttr(extent));
  // Offsets, sizes and strides of the row at `position` of a tensor.
  auto getSlice = [&](ValueRange position) {
    SmallVector<OpFoldResult> offsets(getAsOpFoldResult(position)), sizes(position.size(), builder.getIndexAttr(1));
    offsets.append(row.size(), builder.getIndexAttr(0));
    llvm::append_range(sizes, row);
    SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
    return std::tuple(offsets, sizes, strides);
  };
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) -> SmallVector<Value> {
    auto [offsets, sizes, strides] = getSlice(target(inner, index));
    auto [from, fromSizes, fromStrides] = getSlice(index);
    Value update = tensor::ExtractSliceOp::create(inner, rowType, updates, from, fromSizes, fromStrides);
    if (op.getReduction() != nn::ScatterReduction::None) {
      Value old = tensor::ExtractSliceOp::create(inner, rowType, carried.front(), offsets, sizes, strides);
      SmallVector<AffineMap> maps(2, inner.getMultiDimIdentityMap(rowType.getRank()));
      SmallVector<utils::IteratorType> iterators(rowType.getRank(), utils::IteratorType::parallel);
      auto combineElements = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
        ImplicitLocOpBuilder element(loc, nested);
        linalg::YieldOp::create(element, combine(element, op.getReduction(), type, arguments[1], arguments[0]));
      };
      update = linalg::GenericOp::create(inner, rowType, update, old, maps, iterators, combineElements).getResult(0);
    }
    return {tensor::InsertSliceOp::create(inner, update, carried.front(), offsets, sizes, strides).getResult()};
  };
  extents.truncate(outer);
  return forEachIndex(builder, extents, data, body).front();
}

template <>
Value ConvertIndexing<nn::ScatterElementsOp>::build(ImplicitLocOpBuilder &builder, nn::ScatterElementsOp op,
                                                    OpAdaptor adaptor, RankedTensorType type) const {
  if (failed(verifyReduction(op)))
    return {};
  int64_t axis = op.getAxis();
  Value extent = getExtent(builder, builder.getLoc(), adaptor.getData(), axis);
  Value result = scatter(builder, op, adaptor.getData(), adaptor.getUpdates(),
                         [&](ImplicitLocOpBuilder &inner, ValueRange index) {
                           SmallVector<Value> position(index);
                           position[axis] = readIndex(inner, adaptor.getIndices(), index, extent);
                           return position;
                         });
  return castTo(builder, result, type);
}

template <>
Value ConvertIndexing<nn::ScatterNDOp>::build(ImplicitLocOpBuilder &builder, nn::ScatterNDOp op, OpAdaptor adaptor,
                                              RankedTensorType type) const {
  if (failed(verifyReduction(op)))
    return {};
  RankedTensorType indices = getRanked(adaptor.getIndices());
  int64_t length = indices.getShape().back(), outer = indices.getRank() - 1;
  SmallVector<Value> data = getExtents(builder, adaptor.getData());
  auto target = [&](ImplicitLocOpBuilder &inner, ValueRange index) {
    SmallVector<Value> position;
    for (int64_t i = 0; i < length; ++i) {
      SmallVector<Value> from(index.take_front(outer));
      from.push_back(getIndex(inner, i));
      position.push_back(readIndex(inner, adaptor.getIndices(), from, data[i]));
    }
    llvm::append_range(position, index.drop_front(outer));
    return position;
  };
  // There is no row in what is known to be empty.
  bool hasRows = outer < getRanked(adaptor.getUpdates()).getRank() && !llvm::is_contained(getRanked(adaptor.getData()).getShape(), 0);
  Value result = hasRows ? scatterRows(builder, op, adaptor.getData(), adaptor.getUpdates(), outer, target)
                         : scatter(builder, op, adaptor.getData(), adaptor.getUpdates(), target);
  return castTo(builder, result, type);
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

template <>
Value ConvertIndexing<nn::ShapeOp>::build(ImplicitLocOpBuilder &builder, nn::ShapeOp op, OpAdaptor adaptor,
                                          RankedTensorType type) const {
  SmallVector<Value> elements;
  for (int64_t axis = op.getStart(); axis < static_cast<int64_t>(op.getEnd()); ++axis)
    elements.push_back(toInt64(builder, getExtent(builder, builder.getLoc(), adaptor.getInput(), axis)));
  return tensor::FromElementsOp::create(builder, type, elements);
}

template <>
Value ConvertIndexing<nn::SizeOp>::build(ImplicitLocOpBuilder &builder, nn::SizeOp op, OpAdaptor adaptor,
                                         RankedTensorType type) const {
  Value size = getIndex(builder, 1);
  for (Value extent : getExtents(builder, adaptor.getInput()))
    size = builder.createOrFold<arith::MulIOp>(size, extent);
  return tensor::FromElementsOp::create(builder, type, toInt64(builder, size));
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

template <>
Value ConvertIndexing<nn::FillOp>::build(ImplicitLocOpBuilder &builder, nn::FillOp op, OpAdaptor adaptor,
                                         RankedTensorType type) const {
  SmallVector<Value> extents;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    extents.push_back(getExtentEntry(builder, op.getShape(), adaptor.getShape(), axis));
  Value init = createEmpty(builder, builder.getLoc(), type, extents);
  return linalg::FillOp::create(builder, extractOnlyElement(builder, adaptor.getValue()), init).getResult(0);
}

/// ceil((limit - start) / delta) of floats.
static Value getFloatRangeSize(ImplicitLocOpBuilder &builder, nn::RangeOp op, nn::RangeOp::Adaptor adaptor) {
  Type f64 = builder.getF64Type(), type = op.getType().getElementType();
  auto widen = [&](Value original, Value tensor) {
    Value value = findEntry(builder, original, 0);
    if (!value)
      value = loadElement(builder, extractOnlyElement(builder, tensor), type);
    return type == f64 ? value : arith::ExtFOp::create(builder, f64, value).getResult();
  };
  Value start = widen(op.getStart(), adaptor.getStart()), limit = widen(op.getLimit(), adaptor.getLimit());
  Value steps = arith::DivFOp::create(builder, arith::SubFOp::create(builder, limit, start),
                                      widen(op.getDelta(), adaptor.getDelta()));
  Value most = arith::ConstantOp::create(builder, builder.getF64FloatAttr(INT32_MAX));
  Value isSmall = arith::CmpFOp::create(builder, arith::CmpFPredicate::OLE, steps, most); // and a number
  if (llvm::all_of(op.getOperands(), [&](Value operand) { return static_cast<bool>(findEntry(builder, operand, 0)); }))
    require(builder, isSmall, "nn.range: at most 2147483647 elements");
  return convertToIndex(builder, math::CeilOp::create(builder, steps));
}

/// The same of integers, usually extents. A delta of 0, which the model must not have, gives some size.
static Value getRangeSize(ImplicitLocOpBuilder &builder, nn::RangeOp op, nn::RangeOp::Adaptor adaptor) {
  Value start = getRangedEntry(builder, op.getStart(), adaptor.getStart(), 0);
  Value limit = getRangedEntry(builder, op.getLimit(), adaptor.getLimit(), 0);
  Value delta = getRangedEntry(builder, op.getDelta(), adaptor.getDelta(), 0);
  for (Value *value : {&start, &limit, &delta})
    if (isMadeOfValues(*value)) { // of any size: differences must not wrap around
      Value least = builder.createOrFold<arith::MaxSIOp>(*value, getIndex(builder, -(int64_t{1} << 60)));
      Value near = builder.createOrFold<arith::MinSIOp>(least, getIndex(builder, int64_t{1} << 60));
      require(builder, builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, near, *value),
              "nn.range: bounds are within 2^60");
      *value = near;
    }
  Value isZero = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, delta, getIndex(builder, 0));
  delta = builder.createOrFold<arith::SelectOp>(isZero, getIndex(builder, 1), delta);
  Value size = builder.createOrFold<arith::CeilDivSIOp>(sub(builder, limit, start), delta);
  if (isMadeOfValues(size))
    require(builder, builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, size, getIndex(builder, INT32_MAX)),
            "nn.range: at most 2147483647 elements");
  return size;
}

/// The same of i16, whose size has a bound whatever data say.
static Value getShortRangeSize(ImplicitLocOpBuilder &builder, nn::RangeOp op, nn::RangeOp::Adaptor adaptor) {
  auto read = [&](Value original, Value tensor) -> Value {
    Value entry = findEntry(builder, original, 0);
    return entry ? entry
                 : arith::IndexCastOp::create(builder, builder.getIndexType(), extractOnlyElement(builder, tensor)).getResult();
  };
  Value start = read(op.getStart(), adaptor.getStart()), limit = read(op.getLimit(), adaptor.getLimit());
  Value delta = read(op.getDelta(), adaptor.getDelta()), bound = getIndex(builder, UINT16_MAX);
  Value isZero = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, delta, getIndex(builder, 0));
  delta = builder.createOrFold<arith::SelectOp>(isZero, getIndex(builder, 1), delta);
  Value size = builder.createOrFold<arith::CeilDivSIOp>(sub(builder, limit, start), delta);
  size = builder.createOrFold<arith::MaxSIOp>(size, getIndex(builder, 0));
  return kernel::BoundedOp::create(builder, size, bound);
}

template <>
Value ConvertIndexing<nn::RangeOp>::build(ImplicitLocOpBuilder &builder, nn::RangeOp op, OpAdaptor adaptor,
                                          RankedTensorType type) const {
  Type element = op.getType().getElementType();
  Value start = extractOnlyElement(builder, adaptor.getStart()), delta = extractOnlyElement(builder, adaptor.getDelta());
  SmallVector<Value> extents(1);
  if (!type.hasStaticShape()) {
    if (element.isSignlessInteger(16)) {
      extents[0] = getShortRangeSize(builder, op, adaptor);
    } else {
      Value size = isa<FloatType>(element) ? getFloatRangeSize(builder, op, adaptor) : getRangeSize(builder, op, adaptor);
      extents[0] = builder.createOrFold<arith::MaxSIOp>(size, getIndex(builder, 0));
    }
  }
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    Type i64 = inner.getI64Type();
    Value position = convertElement(inner, toInt64(inner, index[0]), i64, element);
    Value first = loadElement(inner, start, element), step = loadElement(inner, delta, element);
    Value value = isa<FloatType>(element)
                      ? arith::AddFOp::create(inner, first, arith::MulFOp::create(inner, position, step)).getResult()
                      : arith::AddIOp::create(inner, first, arith::MulIOp::create(inner, position, step)).getResult();
    return storeElement(inner, value, element);
  });
}

template <>
Value ConvertIndexing<nn::OneHotOp>::build(ImplicitLocOpBuilder &builder, nn::OneHotOp op, OpAdaptor adaptor,
                                           RankedTensorType type) const {
  int64_t axis = op.getAxis();
  Type from = getElementTypeOrSelf(op.getIndices());
  Value depth = getEntry(builder, op.getDepth(), adaptor.getDepth(), 0);
  Value off = tensor::ExtractOp::create(builder, adaptor.getValues(), getIndex(builder, 0));
  Value on = tensor::ExtractOp::create(builder, adaptor.getValues(), getIndex(builder, 1));
  SmallVector<Value> extents = getExtents(builder, adaptor.getIndices());
  extents.insert(extents.begin() + axis, depth);
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    SmallVector<Value> position(index);
    position.erase(position.begin() + axis);
    Value stored = tensor::ExtractOp::create(inner, adaptor.getIndices(), position);
    Value wide = convertElement(inner, loadElement(inner, stored, from), from, inner.getI64Type());
    Value hot = arith::IndexCastOp::create(inner, inner.getIndexType(), wide);
    Value negative = arith::CmpIOp::create(inner, arith::CmpIPredicate::slt, hot, getIndex(inner, 0));
    hot = arith::SelectOp::create(inner, negative, arith::AddIOp::create(inner, hot, depth), hot);
    Value isHot = arith::CmpIOp::create(inner, arith::CmpIPredicate::eq, hot, index[axis]);
    return arith::SelectOp::create(inner, isHot, on, off);
  });
}

template <>
Value ConvertIndexing<nn::EyeLikeOp>::build(ImplicitLocOpBuilder &builder, nn::EyeLikeOp op, OpAdaptor adaptor,
                                            RankedTensorType type) const {
  SmallVector<Value> extents = getExtents(builder, adaptor.getInput());
  Type element = type.getElementType();
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) -> Value {
    Value column = arith::AddIOp::create(inner, index[0], getIndex(inner, op.getDiagonal()));
    Value isOn = arith::CmpIOp::create(inner, arith::CmpIPredicate::eq, column, index[1]);
    Value one = arith::ConstantOp::create(inner, cast<TypedAttr>(inner.getOneAttr(element)));
    Value zero = arith::ConstantOp::create(inner, inner.getZeroAttr(element));
    return arith::SelectOp::create(inner, isOn, one, zero);
  });
}

void populateIndexingToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<ConvertIndexing<nn::GatherOp>, ConvertIndexing<nn::GatherElementsOp>, ConvertIndexing<nn::GatherNDOp>,
               ConvertIndexing<nn::ScatterElementsOp>, ConvertIndexing<nn::ScatterNDOp>, ConvertIndexing<nn::ShapeOp>,
               ConvertIndexing<nn::SizeOp>, ConvertIndexing<nn::FillOp>, ConvertIndexing<nn::RangeOp>,
               ConvertIndexing<nn::OneHotOp>, ConvertIndexing<nn::EyeLikeOp>>(types, patterns.getContext());
}

} // namespace nnc
