// Padding: with a constant the input is inserted into a destination filled with it;
// with elements of the input each element is read where it comes from, the middle
// of long rows and what lies on either side of it by loops of their own.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nnc {

/// The index into an axis of `extent` elements for an index before padding that
/// may lie outside.
static Value foldIntoExtent(ImplicitLocOpBuilder &builder, nn::PadMode mode, Value index, Value extent) {
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1), last = sub(builder, extent, one);
  auto remainder = [&](Value x, Value y) {
    Value r = builder.createOrFold<arith::RemSIOp>(x, y);
    Value negative = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, r, zero);
    return builder.createOrFold<arith::SelectOp>(negative, add(builder, r, y), r);
  };
  if (mode == nn::PadMode::Edge)
    return builder.createOrFold<arith::MaxSIOp>(builder.createOrFold<arith::MinSIOp>(index, last), zero);
  if (mode == nn::PadMode::Wrap)
    return remainder(index, extent);
  // A reflection has the period 2 * (extent - 1); an axis of one element has only that.
  Value period = builder.createOrFold<arith::MaxSIOp>(mul(builder, last, getIndex(builder, 2)), one);
  Value position = remainder(index, period);
  Value isMirrored = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sgt, position, last);
  Value mirrored = builder.createOrFold<arith::SelectOp>(isMirrored, sub(builder, period, position), position);
  return builder.createOrFold<arith::MaxSIOp>(mirrored, zero);
}

/// As foldIntoExtent, of what negative pads leave of an axis.
static Value wrapIntoRest(ImplicitLocOpBuilder &builder, Value index, Value extent, Value before, Value after) {
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1);
  auto positive = [&](Value x) { return builder.createOrFold<arith::MaxSIOp>(x, zero); };
  Value cut = positive(sub(builder, zero, before)), removed = positive(sub(builder, zero, after));
  Value rest = builder.createOrFold<arith::MaxSIOp>(sub(builder, extent, add(builder, cut, removed)), one);
  Value place = foldIntoExtent(builder, nn::PadMode::Wrap, sub(builder, index, positive(before)), rest);
  return builder.createOrFold<arith::MinSIOp>(add(builder, cut, place), sub(builder, extent, one));
}

static Value fill(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type, ArrayRef<Value> extents) {
  Value init = createEmpty(builder, builder.getLoc(), type, extents);
  return linalg::FillOp::create(builder, value, init).getResult(0);
}

/// Whether the result, which has the input as its `core`, is so large that filling all of it first would show.
static bool isWorthBorders(RankedTensorType type, RankedTensorType core) {
  constexpr int64_t leastBytes = 1 << 20, shortRow = 64;
  if (!type.hasStaticShape() || !core.hasStaticShape() || type.getRank() == 0 || !type.getElementType().isIntOrFloat())
    return false;
  return core.getShape().back() >= shortRow &&
         type.getNumElements() * type.getElementTypeBitWidth() / 8 >= leastBytes;
}

/// A tensor of `type` filled with `value` but for `core` from `before` on.
static Value fillBorders(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type, ArrayRef<int64_t> core,
                         ArrayRef<int64_t> before) {
  Value result = createEmpty(builder, builder.getLoc(), type, {});
  SmallVector<int64_t> offsets(type.getRank(), 0), sizes(type.getShape());
  SmallVector<int64_t> strides(type.getRank(), 1);
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    int64_t end = before[axis] + core[axis];
    for (auto [offset, size] : {std::pair(int64_t{0}, before[axis]), std::pair(end, type.getDimSize(axis) - end)}) {
      if (size == 0)
        continue;
      offsets[axis] = offset;
      sizes[axis] = size;
      Value border = fill(builder, value, type.clone(sizes), {});
      result = tensor::InsertSliceOp::create(builder, border, result, getAsIndexOpFoldResult(builder.getContext(), offsets),
                                             getAsIndexOpFoldResult(builder.getContext(), sizes),
                                             getAsIndexOpFoldResult(builder.getContext(), strides));
    }
    offsets[axis] = before[axis];
    sizes[axis] = core[axis];
  }
  return result;
}

/// Constant padding: the input, cut where a pad is negative, inserted into a
/// destination filled with the value.
static Value padWithConstant(ImplicitLocOpBuilder &builder, Value input, Value value, RankedTensorType type,
                             ArrayRef<Value> extents, ArrayRef<Value> before, ArrayRef<Value> after) {
  Value zero = getIndex(builder, 0);
  SmallVector<Value> cut, offsets, sizes = getExtents(builder, input), strides(type.getRank(), getIndex(builder, 1));
  auto positive = [&](Value x) { return builder.createOrFold<arith::MaxSIOp>(x, zero); };
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    cut.push_back(positive(sub(builder, zero, before[axis])));
    offsets.push_back(positive(before[axis]));
    Value removed = add(builder, cut[axis], positive(sub(builder, zero, after[axis])));
    sizes[axis] = sub(builder, sizes[axis], removed);
  }
  bool isCut = llvm::any_of(llvm::concat<const Value>(before, after), [](Value pad) {
    IntegerAttr constant;
    return !matchPattern(pad, m_Constant(&constant)) || constant.getInt() < 0;
  });
  auto fold = [](ArrayRef<Value> indices) { return getAsOpFoldResult(ValueRange(indices)); };
  if (isCut)
    input = tensor::ExtractSliceOp::create(builder, input, fold(cut), fold(sizes), fold(strides));
  std::optional<SmallVector<int64_t>> known = getConstantIntValues(fold(offsets));
  Value filled = known && isWorthBorders(type, getRanked(input))
                     ? fillBorders(builder, value, type, getRanked(input).getShape(), *known)
                     : fill(builder, value, type, extents);
  return tensor::InsertSliceOp::create(builder, input, filled, fold(offsets), fold(sizes), fold(strides));
}

namespace {

/// A pad whose elements are some of the input's.
class PadWithInput {
public:
  PadWithInput(ImplicitLocOpBuilder &builder, nn::PadMode mode, Value input, RankedTensorType type,
               ArrayRef<Value> extents, ArrayRef<Value> before, ArrayRef<Value> after)
      : builder(builder), mode(mode), input(input), type(type), inputExtents(getExtents(builder, input)),
        extents(extents), before(before), after(after) {}

  Value build() {
    if (hasParts())
      return insertParts();
    return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
      SmallVector<Value> source = getRow(inner, indices.drop_back());
      source.push_back(getSource(inner, type.getRank() - 1, indices.back()));
      return tensor::ExtractOp::create(inner, input, source);
    });
  }

private:
  bool hasParts() const;
  Value insertParts();
  Value getSource(ImplicitLocOpBuilder &inner, int64_t axis, Value index) const;
  SmallVector<Value> getRow(ImplicitLocOpBuilder &inner, ValueRange indices) const;

  ImplicitLocOpBuilder &builder;
  nn::PadMode mode;
  Value input;
  RankedTensorType type;
  SmallVector<Value> inputExtents;
  ArrayRef<Value> extents, before, after;
};

} // namespace

/// Where along `axis` the element at `index` comes from.
Value PadWithInput::getSource(ImplicitLocOpBuilder &inner, int64_t axis, Value index) const {
  if (matchPattern(before[axis], m_Zero()) && matchPattern(after[axis], m_Zero()))
    return index;
  if (mode == nn::PadMode::Wrap)
    return wrapIntoRest(inner, index, inputExtents[axis], before[axis], after[axis]);
  return foldIntoExtent(inner, mode, sub(inner, index, before[axis]), inputExtents[axis]);
}

SmallVector<Value> PadWithInput::getRow(ImplicitLocOpBuilder &inner, ValueRange indices) const {
  SmallVector<Value> row;
  for (auto [axis, index] : llvm::enumerate(indices))
    row.push_back(getSource(inner, axis, index));
  return row;
}

/// Whether rows consist of the input's, something known before that, and something behind.
bool PadWithInput::hasParts() const {
  constexpr int64_t shortRow = 16, narrowPad = 3; // of which the three parts would take longer than one loop
  if (type.getRank() == 0)
    return false;
  int64_t extent = getRanked(input).getShape().back();
  std::optional<int64_t> low = getConstantIntValue(before.back()), high = getConstantIntValue(after.back());
  if (ShapedType::isDynamic(extent) || extent < shortRow || !low || !high || std::max(*low, *high) <= narrowPad)
    return false;
  int64_t most = mode == nn::PadMode::Edge ? INT64_MAX : mode == nn::PadMode::Wrap ? extent : extent - 1;
  return llvm::all_of(ArrayRef({*low, *high}), [&](int64_t pad) { return pad >= 0 && pad <= most; });
}

/// Each part of the rows is a loop of its own, in which an element's place in its row is a sum or a difference.
Value PadWithInput::insertParts() {
  int64_t extent = getRanked(input).getShape().back(), last = type.getRank() - 1;
  int64_t low = *getConstantIntValue(before.back()), high = *getConstantIntValue(after.back());
  struct Part {
    int64_t offset, size, first, step; // in the result; in the input
  };
  SmallVector<Part> parts{{low, extent, 0, 1}};
  switch (mode) {
  case nn::PadMode::Edge:
    parts.append({{0, low, 0, 0}, {low + extent, high, extent - 1, 0}});
    break;
  case nn::PadMode::Reflect:
    parts.append({{0, low, low, -1}, {low + extent, high, extent - 2, -1}});
    break;
  case nn::PadMode::Wrap:
    parts.append({{0, low, extent - low, 1}, {low + extent, high, 0, 1}});
    break;
  case nn::PadMode::Constant:
    llvm_unreachable("has no elements of the input outside");
  }
  Value result = createEmpty(builder, builder.getLoc(), type, extents);
  for (const Part &part : parts) {
    if (part.size == 0)
      continue;
    SmallVector<int64_t> shape(type.getShape());
    shape[last] = part.size;
    SmallVector<Value> partExtents(extents);
    partExtents[last] = getIndex(builder, part.size);
    auto element = [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
      SmallVector<Value> source = getRow(inner, indices.drop_back());
      Value first = getIndex(inner, part.first), index = indices.back();
      source.push_back(part.step == 0 ? first : part.step < 0 ? sub(inner, first, index) : add(inner, index, first));
      return tensor::ExtractOp::create(inner, input, source);
    };
    Value elements = generate(builder, type.clone(shape), partExtents, element);
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
    SmallVector<OpFoldResult> strides(type.getRank(), builder.getIndexAttr(1));
    offsets[last] = builder.getIndexAttr(part.offset);
    result = tensor::InsertSliceOp::create(builder, elements, result, offsets,
                                           getAsOpFoldResult(ValueRange(partExtents)), strides);
  }
  return result;
}

template <>
Value LowerOp<nn::PadOp>::build(ImplicitLocOpBuilder &builder, nn::PadOp op, OpAdaptor adaptor,
                                        RankedTensorType type) const {
  SmallVector<Value> before(type.getRank(), getIndex(builder, 0)), after = before;
  SmallVector<Value> input = getExtents(builder, adaptor.getInput()), extents = input;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    before[axis] = getEntry(builder, op.getPads(), adaptor.getPads(), i);
    after[axis] = getEntry(builder, op.getPads(), adaptor.getPads(), i + op.getAxes().size());
    extents[axis] = add(builder, add(builder, input[axis], before[axis]), after[axis]);
  }
  if (op.getMode() == nn::PadMode::Constant) {
    Value value = op.getValue() ? extractOnlyElement(builder, adaptor.getValue())
                                : arith::ConstantOp::create(builder, builder.getZeroAttr(type.getElementType()));
    return padWithConstant(builder, adaptor.getInput(), value, type, extents, before, after);
  }
  return PadWithInput(builder, op.getMode(), adaptor.getInput(), type, extents, before, after).build();
}

void populatePaddingToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::PadOp>>(types, patterns.getContext());
}

} // namespace nnc
