// Movement: reshapes become collapse_shape and expand_shape; concatenation and
// slices become slices inserted into or taken from a destination; everything else is a linalg.generic that reads each element where
// it comes from.
#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "dialects/NN/NN.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/ReshapeExtents.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nnc {

static Value compare(ImplicitLocOpBuilder &builder, arith::CmpIPredicate predicate, Value a, Value b) {
  return builder.createOrFold<arith::CmpIOp>(predicate, a, b);
}
static Value select(ImplicitLocOpBuilder &builder, Value condition, Value a, Value b) {
  return builder.createOrFold<arith::SelectOp>(condition, a, b);
}

static OpFoldResult fold(ImplicitLocOpBuilder &builder, Value index) {
  IntegerAttr constant;
  return matchPattern(index, m_Constant(&constant)) ? OpFoldResult(builder.getIndexAttr(constant.getInt()))
                                                    : OpFoldResult(index);
}

static SmallVector<OpFoldResult> fold(ImplicitLocOpBuilder &builder, ArrayRef<Value> indices) {
  return llvm::map_to_vector(indices, [&](Value index) { return fold(builder, index); });
}

/// A unit-stride (or strided) slice of `value`.
static Value takeSlice(ImplicitLocOpBuilder &builder, Value value, ArrayRef<Value> offsets, ArrayRef<Value> sizes,
                       ArrayRef<Value> strides) {
  return tensor::ExtractSliceOp::create(builder, value, fold(builder, offsets), fold(builder, sizes),
                                        fold(builder, strides));
}

//===----------------------------------------------------------------------===//
// Shape changes that keep the order of the elements
//===----------------------------------------------------------------------===//

/// The extents of a reshape, where some are known only at run time.
static SmallVector<Value> getReshapeExtents(ImplicitLocOpBuilder &builder, nn::ReshapeOp op,
                                            nn::ReshapeOp::Adaptor adaptor, RankedTensorType type) {
  SmallVector<Value> entries;
  for (int64_t i = 0; i < type.getRank(); ++i)
    entries.push_back(getRangedEntry(builder, op.getShape(), adaptor.getShape(), i));
  ReshapeExtents parts = getReshapeExtents(builder, op, getExtents(builder, adaptor.getInput()), entries);
  Value remaining, zero = getIndex(builder, 0);
  for (auto [entry, remains] : llvm::zip(parts.entries, parts.isRemaining)) {
    if (matchPattern(remains, m_Zero()))
      continue;
    if (!remaining)
      remaining = parts.getRemaining(builder);
    entry = select(builder, remains, remaining, entry);
  }
  bool isKnown = llvm::all_of(llvm::seq<int64_t>(0, type.getRank()),
                              [&](int64_t i) { return static_cast<bool>(findEntry(builder, op.getShape(), i)); });
  if (!isKnown) { // what is known is checked before the run
    Value fits = parts.isAsInferred, product = getIndex(builder, 1);
    for (Value entry : parts.entries) {
      fits = builder.createOrFold<arith::AndIOp>(fits, compare(builder, arith::CmpIPredicate::sge, entry, zero));
      product = mul(builder, product, entry);
    }
    Value keeps = compare(builder, arith::CmpIPredicate::eq, product, parts.total);
    keeps = builder.createOrFold<arith::AndIOp>(keeps, parts.keepsElements(builder));
    require(builder, builder.createOrFold<arith::AndIOp>(fits, keeps),
            "nn.reshape: the number of elements stays the same");
  }
  return parts.entries;
}

template <>
Value LowerOp<nn::ReshapeOp>::build(ImplicitLocOpBuilder &builder, nn::ReshapeOp op, OpAdaptor adaptor,
                                            RankedTensorType type) const {
  SmallVector<Value> extents;
  if (!type.hasStaticShape())
    extents = getReshapeExtents(builder, op, adaptor, type);
  return reshapeTo(builder, adaptor.getInput(), type, extents);
}

template <>
Value LowerOp<nn::SqueezeOp>::build(ImplicitLocOpBuilder &builder, nn::SqueezeOp op, OpAdaptor adaptor,
                                            RankedTensorType type) const {
  SmallVector<Value> extents;
  for (auto [axis, extent] : llvm::enumerate(getExtents(builder, adaptor.getInput())))
    if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(axis)))
      extents.push_back(extent);
  return reshapeTo(builder, adaptor.getInput(), type, extents);
}

template <>
Value LowerOp<nn::UnsqueezeOp>::build(ImplicitLocOpBuilder &builder, nn::UnsqueezeOp op, OpAdaptor adaptor,
                                              RankedTensorType type) const {
  RankedTensorType input = getRanked(adaptor.getInput());
  if (!input.hasStaticShape()) { // a part of another tensor stays one
    SmallVector<int64_t> counts(input.getRank(), 1);
    for (int64_t axis : op.getAxes())
      counts.insert(counts.begin() + axis, 0);
    return castTo(builder, mergeAxes(builder, adaptor.getInput(), counts), type);
  }
  SmallVector<Value> extents = getExtents(builder, adaptor.getInput());
  for (int64_t axis : op.getAxes())
    extents.insert(extents.begin() + axis, getIndex(builder, 1));
  return reshapeTo(builder, adaptor.getInput(), type, extents);
}

template <>
Value LowerOp<nn::FlattenOp>::build(ImplicitLocOpBuilder &builder, nn::FlattenOp op, OpAdaptor adaptor,
                                            RankedTensorType type) const {
  Value extents[] = {getIndex(builder, 1), getIndex(builder, 1)};
  for (auto [axis, extent] : llvm::enumerate(getExtents(builder, adaptor.getInput()))) {
    Value &side = extents[axis < op.getAxis() ? 0 : 1];
    side = mul(builder, side, extent);
  }
  return reshapeTo(builder, adaptor.getInput(), type, extents);
}

//===----------------------------------------------------------------------===//
// Permutation, concatenation, cutting
//===----------------------------------------------------------------------===//

template <>
Value LowerOp<nn::TransposeOp>::build(ImplicitLocOpBuilder &builder, nn::TransposeOp op, OpAdaptor adaptor,
                                              RankedTensorType type) const {
  return transposeTo(builder, adaptor.getInput(), type, op.getPermutation());
}

template <>
Value LowerOp<nn::ConcatOp>::build(ImplicitLocOpBuilder &builder, nn::ConcatOp op, OpAdaptor adaptor,
                                           RankedTensorType type) const {
  int64_t axis = op.getAxis();
  SmallVector<Value> extents = getExtents(builder, adaptor.getInputs().front());
  for (Value input : adaptor.getInputs().drop_front())
    extents[axis] = add(builder, extents[axis], getExtent(builder, builder.getLoc(), input, axis));
  Value result = createEmpty(builder, builder.getLoc(), type, extents);
  SmallVector<Value> offsets(type.getRank(), getIndex(builder, 0)), strides(type.getRank(), getIndex(builder, 1));
  for (Value input : adaptor.getInputs()) {
    SmallVector<Value> sizes = getExtents(builder, input);
    result = tensor::InsertSliceOp::create(builder, input, result, fold(builder, offsets), fold(builder, sizes),
                                           fold(builder, strides));
    offsets[axis] = add(builder, offsets[axis], sizes[axis]);
  }
  return result;
}

/// First index and number of elements of a slice, by the rules of clampSlice.
static std::pair<Value, Value> clampAtRunTime(ImplicitLocOpBuilder &builder, Value extent, Value start, Value end,
                                              Value step) {
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1);
  Value forward = compare(builder, arith::CmpIPredicate::sgt, step, zero);
  Value low = select(builder, forward, zero, getIndex(builder, -1)), high = add(builder, extent, low);
  auto clamp = [&](Value bound) {
    Value negative = compare(builder, arith::CmpIPredicate::slt, bound, zero);
    // A bound far below 0 must not wrap around.
    Value floor = builder.createOrFold<arith::MaxSIOp>(bound, sub(builder, getIndex(builder, -1), extent));
    bound = select(builder, negative, add(builder, floor, extent), bound);
    return builder.createOrFold<arith::MinSIOp>(builder.createOrFold<arith::MaxSIOp>(bound, low), high);
  };
  IntegerAttr known;
  bool isFromFirst = matchPattern(start, m_Zero()) && matchPattern(step, m_Constant(&known)) && known.getInt() > 0;
  start = isFromFirst ? zero : clamp(start);
  end = clamp(end);
  Value distance = select(builder, forward, sub(builder, end, start), sub(builder, start, end));
  Value stride = select(builder, forward, step, sub(builder, zero, step));
  stride = builder.createOrFold<arith::MaxUIOp>(stride, one); // of a step of 0 something
  distance = builder.createOrFold<arith::MaxSIOp>(distance, zero);
  // distance / stride rounded up, without an overflow where the stride is huge.
  Value positive = compare(builder, arith::CmpIPredicate::sgt, distance, zero);
  Value size = add(builder, builder.createOrFold<arith::DivUIOp>(sub(builder, distance, one), stride), one);
  return {start, select(builder, positive, size, zero)};
}

/// Whether `value`, which is converted, is made of what a loop carries or counts, as far as can be seen.
static bool isOfLoop(Value value) {
  constexpr size_t mostValues = 64;
  SmallVector<Value> values{value};
  for (size_t i = 0; i < values.size(); ++i) {
    if (i == mostValues)
      return true;
    Operation *op = values[i].getDefiningOp();
    Operation *parent = op ? nullptr : values[i].getParentBlock()->getParentOp();
    if (isa_and_present<scf::SCFDialect>(parent ? parent->getDialect() : nullptr))
      return true;
    if (op)
      llvm::append_range(values, op->getOperands());
  }
  return false;
}

/// Whether entry `i` of a slice's operand is known before the run. What a loop carries looks like an input while it is
/// converted.
static bool isKnownEntry(ImplicitLocOpBuilder &builder, Value original, Value converted, int64_t i) {
  Value entry = findEntry(builder, original, i);
  return entry && !(isMadeOfValues(entry) && isOfLoop(converted));
}

template <>
Value LowerOp<nn::SliceOp>::build(ImplicitLocOpBuilder &builder, nn::SliceOp op, OpAdaptor adaptor,
                                          RankedTensorType type) const {
  Value input = adaptor.getInput();
  SmallVector<Value> offsets(type.getRank(), getIndex(builder, 0)), strides(type.getRank(), getIndex(builder, 1));
  SmallVector<Value> sizes = getExtents(builder, input);
  bool isForward = true;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    Value start = getEntry(builder, op.getStarts(), adaptor.getStarts(), i);
    Value end = getEntry(builder, op.getEnds(), adaptor.getEnds(), i);
    Value step = op.getSteps() ? getEntry(builder, op.getSteps(), adaptor.getSteps(), i) : getIndex(builder, 1);
    if (!matchPattern(step, m_Constant()))
      require(builder, compare(builder, arith::CmpIPredicate::ne, step, getIndex(builder, 0)),
              "nn.slice: a step is not 0");
    IntegerAttr constant;
    isForward &= matchPattern(step, m_Constant(&constant)) && constant.getInt() > 0;
    Value extent = sizes[axis];
    std::tie(offsets[axis], sizes[axis]) = clampAtRunTime(builder, extent, start, end, step);
    bool isKnown = isKnownEntry(builder, op.getStarts(), adaptor.getStarts(), i) &&
                   isKnownEntry(builder, op.getEnds(), adaptor.getEnds(), i) &&
                   (!op.getSteps() || isKnownEntry(builder, op.getSteps(), adaptor.getSteps(), i));
    if (!isKnown) // data decide, but not more than there is
      sizes[axis] = kernel::BoundedOp::create(builder, sizes[axis], extent);
    strides[axis] = step;
    // What begins at the end is empty; there is no element to begin at.
    if (IntegerAttr size; matchPattern(sizes[axis], m_Constant(&size)) && size.getInt() == 0)
      offsets[axis] = getIndex(builder, 0);
  }
  if (llvm::is_contained(getRanked(input).getShape(), 0)) // nowhere to begin
    return createEmpty(builder, builder.getLoc(), type, sizes);
  if (isForward)
    return castTo(builder, takeSlice(builder, input, offsets, sizes, strides), type);
  return generate(builder, type, sizes, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    SmallVector<Value> source;
    for (auto [index, offset, stride] : llvm::zip(indices, offsets, strides))
      source.push_back(add(inner, offset, mul(inner, index, stride)));
    return tensor::ExtractOp::create(inner, input, source);
  });
}

template <>
Value LowerOp<nn::ReverseOp>::build(ImplicitLocOpBuilder &builder, nn::ReverseOp op, OpAdaptor adaptor,
                                            RankedTensorType type) const {
  SmallVector<Value> extents = getExtents(builder, adaptor.getInput());
  Value one = getIndex(builder, 1);
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    SmallVector<Value> source(indices);
    for (int64_t axis : op.getAxes())
      source[axis] = sub(inner, sub(inner, extents[axis], one), source[axis]);
    return tensor::ExtractOp::create(inner, adaptor.getInput(), source);
  });
}

//===----------------------------------------------------------------------===//
// Growth
//===----------------------------------------------------------------------===//

template <>
Value LowerOp<nn::BroadcastToOp>::build(ImplicitLocOpBuilder &builder, nn::BroadcastToOp op, OpAdaptor adaptor,
                                                RankedTensorType type) const {
  RankedTensorType input = getRanked(adaptor.getInput());
  SmallVector<Value> source = getExtents(builder, adaptor.getInput()), extents(type.getRank());
  int64_t added = type.getRank() - input.getRank(), missing = type.getRank() - getRanked(op.getShape()).getDimSize(0);
  Value one = getIndex(builder, 1);
  bool isKnown = true;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    extents[axis] = axis < missing ? one : getExtentEntry(builder, op.getShape(), adaptor.getShape(), axis - missing);
    if (axis < added)
      continue;
    Value isOne = compare(builder, arith::CmpIPredicate::eq, extents[axis], one);
    if (axis >= missing && !findEntry(builder, op.getShape(), axis - missing)) { // else it is checked before the run
      Value fits = compare(builder, arith::CmpIPredicate::eq, extents[axis], source[axis - added]);
      Value isRepeated = compare(builder, arith::CmpIPredicate::eq, source[axis - added], one);
      require(builder, builder.createOrFold<arith::OrIOp>(builder.createOrFold<arith::OrIOp>(isOne, isRepeated), fits),
              "nn.broadcast_to: extents broadcast");
    }
    extents[axis] = select(builder, isOne, source[axis - added], extents[axis]);
    isKnown &= !input.isDynamicDim(axis - added);
  }
  if (!isKnown)
    return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
      SmallVector<Value> from;
      for (auto [index, extent] : llvm::zip(indices.drop_front(added), source))
        from.push_back(select(inner, compare(inner, arith::CmpIPredicate::eq, extent, one), getIndex(inner, 0), index));
      return tensor::ExtractOp::create(inner, adaptor.getInput(), from);
    });
  AffineMap maps[] = {getBroadcastMap(builder.getContext(), input, type.getRank()),
                      builder.getMultiDimIdentityMap(type.getRank())};
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  Value init = createEmpty(builder, builder.getLoc(), type, extents);
  auto yield = [](OpBuilder &nested, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(nested, loc, arguments.front());
  };
  return linalg::GenericOp::create(builder, type, adaptor.getInput(), init, maps, iterators, yield).getResult(0);
}

/// Tiling broadcasts to (repeats, extent) for each axis and collapses the pairs.
template <>
Value LowerOp<nn::TileOp>::build(ImplicitLocOpBuilder &builder, nn::TileOp op, OpAdaptor adaptor,
                                         RankedTensorType type) const {
  RankedTensorType input = getRanked(adaptor.getInput());
  if (input.getRank() == 0)
    return adaptor.getInput();
  std::optional<SmallVector<int64_t>> known = nn::getKnownShape(op.getRepeats());
  SmallVector<int64_t> shape;
  SmallVector<Value> extents, result;
  SmallVector<AffineExpr> exprs;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    shape.append({known ? (*known)[axis] : ShapedType::kDynamic, input.getDimSize(axis)});
    extents.push_back(getEntry(builder, op.getRepeats(), adaptor.getRepeats(), axis));
    extents.push_back(getExtent(builder, builder.getLoc(), adaptor.getInput(), axis));
    result.push_back(mul(builder, extents[2 * axis], extents[2 * axis + 1]));
    exprs.push_back(builder.getAffineDimExpr(2 * axis + 1));
  }
  int64_t rank = shape.size();
  RankedTensorType pairs = type.clone(shape);
  AffineMap maps[] = {AffineMap::get(rank, 0, exprs, builder.getContext()), builder.getMultiDimIdentityMap(rank)};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  Value init = createEmpty(builder, builder.getLoc(), pairs, extents);
  auto yield = [](OpBuilder &nested, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(nested, loc, arguments.front());
  };
  Value tiled =
      linalg::GenericOp::create(builder, pairs, adaptor.getInput(), init, maps, iterators, yield).getResult(0);
  SmallVector<ReassociationIndices> groups;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    groups.push_back({2 * axis, 2 * axis + 1});
  return castTo(builder, tensor::CollapseShapeOp::create(builder, tiled, groups), type);
}

template <>
Value LowerOp<nn::TriluOp>::build(ImplicitLocOpBuilder &builder, nn::TriluOp op, OpAdaptor adaptor,
                                  RankedTensorType type) const {
  Value diagonal = getIndex(builder, 0);
  if (op.getDiagonal())
    diagonal =
        arith::IndexCastOp::create(builder, builder.getIndexType(), extractOnlyElement(builder, adaptor.getDiagonal()));
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  Value init = createEmptyLike(builder, builder.getLoc(), type, adaptor.getInput());
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value row = linalg::IndexOp::create(inner, type.getRank() - 2);
    Value column = linalg::IndexOp::create(inner, type.getRank() - 1);
    Value kept = compare(inner, op.getUpper() ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle, column,
                         add(inner, row, diagonal));
    Value zero = arith::ConstantOp::create(inner, inner.getZeroAttr(type.getElementType()));
    linalg::YieldOp::create(inner, select(inner, kept, arguments.front(), zero));
  };
  return linalg::GenericOp::create(builder, type, adaptor.getInput(), init, maps, iterators, body).getResult(0);
}

void populateMovementToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::ReshapeOp>, LowerOp<nn::SqueezeOp>, LowerOp<nn::UnsqueezeOp>, LowerOp<nn::FlattenOp>,
               LowerOp<nn::TransposeOp>, LowerOp<nn::ConcatOp>, LowerOp<nn::SliceOp>, LowerOp<nn::ReverseOp>,
               LowerOp<nn::BroadcastToOp>, LowerOp<nn::TileOp>, LowerOp<nn::TriluOp>>(types, patterns.getContext());
}

} // namespace nnc
