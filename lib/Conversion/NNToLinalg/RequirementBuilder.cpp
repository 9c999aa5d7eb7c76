// The run-time side of the NN dialect's shape inference: each rule that a verifier
// checks on static extents becomes a condition on the dynamic ones.
#include "lib/Conversion/NNToLinalg/RequirementBuilder.h"

#include "lib/Conversion/NNToLinalg/ReshapeExtents.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;

namespace nnc {

using nn::Extent;

//===----------------------------------------------------------------------===//
// Relations
//===----------------------------------------------------------------------===//

/// A relation that equal extents are in.
void RequirementBuilder::requireRelation(arith::CmpIPredicate predicate, Extent a, Extent b, StringRef what) {
  if ((a.isDynamic() || b.isDynamic()) && !origins.haveSame(a.value, a.axis, b.value, b.axis))
    add(compare(predicate, get(a), get(b)), what);
}

/// An axis that elements are picked from has some, or none are picked: `picked`, where given, has no elements.
void RequirementBuilder::requireElements(Extent extent, Value picked) {
  auto [origin, axis] = origins.trace(extent.value, extent.axis);
  auto argument = dyn_cast<BlockArgument>(origin);
  Operation *parent = argument ? argument.getOwner()->getParentOp() : nullptr;
  if (!extent.isDynamic() || (parent && !isa<FunctionOpInterface>(parent))) // what loops carry has its elements
    return;
  Value holds = compare(arith::CmpIPredicate::sge, get(extent), getIndex(builder, 1));
  for (int64_t i = 0; picked && i < getRanked(picked).getRank(); ++i)
    holds = either(holds, isEqual(get({picked, i}), getIndex(builder, 0)));
  add(holds, "an axis that elements are picked from has some");
}

void RequirementBuilder::requireElementsAlong(Value input, int64_t axis) {
  Extent along{input, axis};
  if (getRanked(input).getDimSize(axis) > 0)
    return;
  Value holds = compare(arith::CmpIPredicate::sge, get(along), getIndex(builder, 1));
  for (int64_t i = 0; i < getRanked(input).getRank(); ++i)
    if (i != axis)
      holds = either(holds, isEqual(get({input, i}), getIndex(builder, 0)));
  add(holds, "an axis that elements are picked from has some");
}

/// Each extent is 1 or that of the broadcast; the last `skipLast` axes are not broadcast.
void RequirementBuilder::requireBroadcast(ValueRange operands, int64_t skipLast) {
  int64_t rank = 0;
  for (Value operand : operands)
    rank = std::max(rank, getRanked(operand).getRank());
  for (int64_t fromEnd = skipLast + 1; fromEnd <= rank; ++fromEnd) {
    SmallVector<Extent> extents; // that differ, as far as can be seen
    for (Value operand : operands) {
      Extent extent{operand, getRanked(operand).getRank() - fromEnd};
      if (extent.axis < 0 || extent.isStatically(1))
        continue;
      if (llvm::none_of(extents, [&](Extent other) {
            return origins.haveSame(extent.value, extent.axis, other.value, other.axis);
          }))
        extents.push_back(extent);
    }
    if (extents.size() < 2)
      continue;
    Value target = get(extents.front());
    for (Extent extent : ArrayRef(extents).drop_front())
      target = builder.createOrFold<arith::SelectOp>(isOne(target), get(extent), target);
    for (Extent extent : extents)
      add(either(isOne(get(extent)), isEqual(get(extent), target)), "extents broadcast");
  }
}

/// Each extent of a parameter is 1 or that of the target.
void RequirementBuilder::requireBroadcastTo(Value target, ValueRange parameters) {
  for (Value parameter : parameters)
    for (int64_t axis = 0; axis < getRanked(parameter).getRank(); ++axis) {
      Extent own{parameter, axis}, its{target, axis + getRanked(target).getRank() - getRanked(parameter).getRank()};
      bool isClear = own.isStatically(1) || (!own.isDynamic() && !its.isDynamic());
      if (!isClear && !origins.haveSame(own.value, own.axis, its.value, its.axis))
        add(either(isOne(get(own)), isEqual(get(own), get(its))), "a parameter broadcasts to the input");
    }
}

void RequirementBuilder::requireChannels(Value input, nn::Layout layout, ValueRange parameters) {
  int64_t axis = layout == nn::Layout::ChannelsFirst ? 1 : getRanked(input).getRank() - 1;
  for (Value parameter : parameters)
    requireEqual({parameter, 0}, {input, axis}, "a parameter has one element per channel");
}

void RequirementBuilder::requireWindow(Extent extent, const nn::Window &window) {
  if (extent.isDynamic())
    requireAtLeast(get(extent), window.getReach() - window.padBegin - window.padEnd, "the window fits the image");
}

/// An entry of a shape that is computed from extents is an extent.
void RequirementBuilder::requireEntry(Value shape, int64_t i, StringRef what) {
  Value entry = findEntry(builder, shape, i);
  if (!entry)
    return;
  requireAtLeast(entry, 0, what);
  requireSmall(entry);
}

void RequirementBuilder::requireSmall(Value entry) {
  if (!isMadeOfValues(entry))
    return;
  requireAtLeast(entry, INT32_MIN, "a size is at least -2147483648");
  add(compare(arith::CmpIPredicate::sle, entry, getIndex(builder, INT32_MAX)), "a size is at most 2147483647");
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

void RequirementBuilder::ofMatmul(Value lhs, int64_t lhsAxis, Value rhs, int64_t rhsAxis) {
  requireEqual({lhs, lhsAxis}, {rhs, rhsAxis}, "the summed extents are equal");
  if (getRanked(lhs).getRank() > 2 && getRanked(rhs).getRank() > 2)
    requireBroadcast({lhs, rhs}, /*skipLast=*/2);
}

void RequirementBuilder::requireConstant(Extent extent, int64_t constant, StringRef what) {
  if (extent.isDynamic())
    add(isEqual(get(extent), getIndex(builder, constant)), what);
}

/// What convolutions have in common; returns the input's first spatial axis.
int64_t RequirementBuilder::ofChannels(Value input, nn::Layout layout, int64_t channels, Value bias, int64_t filters) {
  bool isFirst = layout == nn::Layout::ChannelsFirst;
  requireConstant({input, isFirst ? 1 : getRanked(input).getRank() - 1}, channels,
                  "the filter is for the input's channels");
  if (bias)
    requireConstant({bias, 0}, filters, "the bias has one element per filter");
  return isFirst ? 2 : 1;
}

template <typename OpTy> void RequirementBuilder::ofConv(OpTy conv) {
  RankedTensorType filter = getRanked(conv.getFilter());
  Value bias;
  if constexpr (std::is_same_v<OpTy, nn::ConvOp>)
    bias = conv.getBias();
  int64_t first = ofChannels(conv.getInput(), conv.getLayout(), filter.getDimSize(1) * conv.getGroups(), bias,
                             filter.getDimSize(0));
  for (int64_t i = 0; i < filter.getRank() - 2; ++i)
    requireWindow({conv.getInput(), i + first}, {filter.getDimSize(i + 2), conv.getStrides()[i], conv.getDilations()[i],
                                                 conv.getPadsBegin()[i], conv.getPadsEnd()[i]});
}

void RequirementBuilder::ofConvTranspose(nn::ConvTransposeOp conv) {
  RankedTensorType filter = getRanked(conv.getFilter());
  int64_t first = ofChannels(conv.getInput(), conv.getLayout(), filter.getDimSize(0), conv.getBias(),
                             filter.getDimSize(1) * conv.getGroups());
  for (int64_t i = 0; i < filter.getRank() - 2; ++i) {
    Extent extent{conv.getInput(), i + first};
    if (!extent.isDynamic())
      continue;
    nn::Window window{filter.getDimSize(i + 2), 1, conv.getDilations()[i], 0, 0};
    int64_t fixed = conv.getOutputPadding()[i] + window.getReach() - conv.getPadsBegin()[i] - conv.getPadsEnd()[i];
    Value spread =
        mul(builder, sub(builder, get(extent), getIndex(builder, 1)), getIndex(builder, conv.getStrides()[i]));
    requireAtLeast(get(extent), 1, "the image has elements");
    requireAtLeast(spread, -fixed, "the pads leave something of the image");
  }
}

template <typename OpTy> void RequirementBuilder::ofPool(OpTy pool) {
  int64_t first = pool.getLayout() == nn::Layout::ChannelsFirst ? 2 : 1;
  for (int64_t i = 0; i < static_cast<int64_t>(pool.getWindow().size()); ++i) {
    // Pads alone hold no value; where they hold no window, the image has elements if one fits.
    if (pool.getPadsBegin()[i] + pool.getPadsEnd()[i] > (pool.getWindow()[i] - 1) * pool.getDilations()[i])
      requireElements({pool.getInput(), i + first});
    // With `ceil` a window may end up to a stride behind the image.
    int64_t behind = pool.getPadsEnd()[i] + (pool.getCeil() ? pool.getStrides()[i] - 1 : 0);
    requireWindow({pool.getInput(), i + first}, {pool.getWindow()[i], pool.getStrides()[i], pool.getDilations()[i],
                                                 pool.getPadsBegin()[i], behind});
  }
}

void RequirementBuilder::ofReshape(nn::ReshapeOp reshape) {
  RankedTensorType input = getRanked(reshape.getInput()), result = reshape.getType();
  if (input.hasStaticShape() && result.hasStaticShape())
    return;
  SmallVector<Value> entries, extents;
  for (int64_t i = 0; i < result.getRank(); ++i) {
    entries.push_back(findEntry(builder, reshape.getShape(), i));
    if (!entries.back())
      return; // the extents depend on data
    requireAtLeast(entries.back(), -1, "extents are not negative");
    requireSmall(entries.back());
  }
  for (int64_t axis = 0; axis < input.getRank(); ++axis)
    extents.push_back(get({reshape.getInput(), axis}));
  ReshapeExtents parts = getReshapeExtents(builder, reshape, extents, entries);
  Value no = arith::ConstantIntOp::create(builder, 0, 1), hasRemaining = no;
  bool isOfValues = false;
  for (int64_t i = 0; i < result.getRank(); ++i) {
    isOfValues |= isMadeOfValues(entries[i]);
    Value remains = parts.isRemaining[i];
    if (!result.isDynamicDim(i))
      add(either(remains, isEqual(parts.entries[i], getIndex(builder, result.getDimSize(i)))), "extents are those of its type");
    if (isOfValues) // products of any values would wrap around
      add(compare(arith::CmpIPredicate::ule, parts.products[i],
                  builder.createOrFold<arith::MaxSIOp>(parts.total, getIndex(builder, INT32_MAX))),
          "the number of elements stays the same");
    if (isOfValues)
      add(isEqual(builder.createOrFold<arith::AndIOp>(hasRemaining, remains), no), "one extent is -1");
    hasRemaining = either(hasRemaining, remains);
  }
  add(parts.isAsInferred, "extents that the shape names are not 0");
  add(parts.keepsElements(builder), "the number of elements stays the same");
}

void RequirementBuilder::ofConcat(nn::ConcatOp concat) {
  int64_t joined = concat.getAxis();
  Value first = concat.getInputs().front();
  for (Value input : concat.getInputs().drop_front())
    for (int64_t axis = 0; axis < getRanked(first).getRank(); ++axis)
      if (axis != joined)
        requireEqual({input, axis}, {first, axis}, "extents beside the axis are equal");
}

void RequirementBuilder::ofPad(nn::PadOp pad) {
  int64_t count = pad.getAxes().size();
  for (auto [i, axis] : llvm::enumerate(pad.getAxes())) {
    Value before = findEntry(builder, pad.getPads(), i), after = findEntry(builder, pad.getPads(), i + count);
    Extent extent{pad.getInput(), axis};
    bool isStatic = !extent.isDynamic() && !pad.getType().isDynamicDim(axis);
    if (!before || !after || isStatic || (isZeroInteger(before) && isZeroInteger(after)))
      continue;
    requireSmall(before);
    requireSmall(after);
    // What negative pads remove is there.
    Value zero = getIndex(builder, 0), removed = builder.createOrFold<arith::MinSIOp>(before, zero);
    removed = nnc::add(builder, removed, builder.createOrFold<arith::MinSIOp>(after, zero));
    int64_t least = pad.getMode() == nn::PadMode::Constant ? 0 : 1; // of which the others are repeated
    Value kept = nnc::add(builder, get(extent), removed);
    requireAtLeast(kept, least, "pads remove no more than there is");
    if (pad.getMode() != nn::PadMode::Reflect)
      continue;
    for (Value added : {before, after})
      this->add(compare(arith::CmpIPredicate::sgt, kept, added), "there are elements to reflect for all pads");
  }
}

void RequirementBuilder::ofBroadcastTo(nn::BroadcastToOp broadcast) {
  int64_t rank = getRanked(broadcast.getInput()).getRank(), length = getRanked(broadcast.getShape()).getDimSize(0);
  for (int64_t i = 0; i < length; ++i) {
    requireEntry(broadcast.getShape(), i, "extents are not negative");
    int64_t axis = i - length + rank;
    Value entry = axis < 0 ? Value() : findEntry(builder, broadcast.getShape(), i);
    if (!entry)
      continue;
    Value extent = get({broadcast.getInput(), axis});
    add(either(either(isOne(extent), isOne(entry)), isEqual(extent, entry)), "extents broadcast");
  }
}

void RequirementBuilder::ofBlocks(Value input, int64_t block, nn::Layout layout, bool grow) {
  bool isFirst = layout == nn::Layout::ChannelsFirst;
  auto requireMultiple = [&](int64_t axis, int64_t of) {
    Extent extent{input, axis};
    if (extent.isDynamic())
      add(isEqual(builder.createOrFold<arith::RemSIOp>(get(extent), getIndex(builder, of)), getIndex(builder, 0)),
          "an extent is a multiple of the block");
  };
  if (grow)
    return requireMultiple(isFirst ? 1 : 3, block * block);
  requireMultiple(isFirst ? 2 : 1, block);
  requireMultiple(isFirst ? 3 : 2, block);
}

void RequirementBuilder::ofIndicesBeside(Value indices, Value data, int64_t axis) {
  for (int64_t i = 0; i < getRanked(data).getRank(); ++i)
    if (i != axis)
      requireAtMost({indices, i}, {data, i}, "no more indices than data beside the axis");
  requireElements({data, axis}, indices);
}

void RequirementBuilder::ofGatherND(nn::GatherNDOp gather) {
  for (int64_t axis = 0; axis < static_cast<int64_t>(gather.getBatchDims()); ++axis)
    requireEqual({gather.getIndices(), axis}, {gather.getData(), axis}, "batch extents are equal");
  int64_t length = getRanked(gather.getIndices()).getShape().back();
  for (int64_t i = 0; i < length; ++i)
    requireElements({gather.getData(), static_cast<int64_t>(gather.getBatchDims()) + i}, gather.getIndices());
}

void RequirementBuilder::ofScatterElements(nn::ScatterElementsOp scatter) {
  for (int64_t axis = 0; axis < getRanked(scatter.getIndices()).getRank(); ++axis)
    requireEqual({scatter.getUpdates(), axis}, {scatter.getIndices(), axis}, "as many updates as indices");
  ofIndicesBeside(scatter.getIndices(), scatter.getData(), scatter.getAxis());
}

void RequirementBuilder::ofScatterND(nn::ScatterNDOp scatter) {
  int64_t outer = getRanked(scatter.getIndices()).getRank() - 1;
  int64_t length = getRanked(scatter.getIndices()).getShape().back();
  for (int64_t axis = 0; axis < getRanked(scatter.getUpdates()).getRank(); ++axis)
    requireEqual({scatter.getUpdates(), axis},
                 axis < outer ? Extent{scatter.getIndices(), axis} : Extent{scatter.getData(), axis - outer + length},
                 "updates have the shape of what they update");
  for (int64_t i = 0; i < length; ++i)
    requireElements({scatter.getData(), i}, scatter.getIndices());
}

void RequirementBuilder::ofTopK(nn::TopKOp top) {
  Value k = findEntry(builder, top.getK(), 0), extent = get({top.getInput(), static_cast<int64_t>(top.getAxis())});
  if (!k)
    return;
  requireAtLeast(k, 0, "k is not negative");
  add(compare(arith::CmpIPredicate::sle, k, extent), "k is at most the extent");
}

void RequirementBuilder::ofResize(nn::ResizeOp resize) {
  for (auto [i, axis] : llvm::enumerate(resize.getAxes())) {
    if (resize.getSizes())
      requireEntry(resize.getSizes(), i, "sizes are not negative");
    requireElements({resize.getInput(), axis});
    if (resize.getScales())
      requireScale(findEntry(builder, resize.getScales(), i), {resize.getInput(), axis});
  }
}

/// A scale of an axis that is made of values of inputs gives it some extent.
void RequirementBuilder::requireScale(Value scale, Extent extent) {
  if (!scale || !isMadeOfValues(scale))
    return;
  auto constant = [&](float value) { return arith::ConstantOp::create(builder, builder.getF32FloatAttr(value)); };
  Value integer = builder.createOrFold<arith::IndexCastOp>(builder.getI32Type(), get(extent));
  Value scaled = arith::MulFOp::create(builder, arith::SIToFPOp::create(builder, builder.getF32Type(), integer), scale);
  add(arith::CmpFOp::create(builder, arith::CmpFPredicate::OGT, scale, constant(0)), "a scale is positive");
  add(arith::CmpFOp::create(builder, arith::CmpFPredicate::OLE, scaled, constant(1 << 30)),
      "a scaled extent is at most 2^30");
}

/// Unlike others these may not be dropped: buffers are of what the first iteration is given.
void RequirementBuilder::ofCarried(nn::LoopOp loop, nn::YieldOp yield) {
  unsigned count = loop.getNumCarried();
  for (auto [value, argument] : llvm::zip(yield.getValues().drop_front().take_front(count),
                                          loop.getBody().getArguments().drop_front()))
    for (int64_t axis = 0; axis < getRanked(value).getRank(); ++axis) {
      if (!(getRanked(value).isDynamicDim(axis) || getRanked(argument).isDynamicDim(axis)) ||
          origins.haveSame(value, axis, argument, axis))
        continue;
      auto check = cf::AssertOp::create(builder, isEqual(get({value, axis}), get({argument, axis})),
                                        "the shape of a value that it carries changes from iteration to iteration");
      check->setAttr("nn.indispensable", builder.getUnitAttr());
    }
}

template <typename OpTy> void RequirementBuilder::ofRecurrent(OpTy layer, int64_t gates) {
  Value input = layer.getInput(), recurrent = layer.getRecurrentWeights();
  auto requireStacked = [&](Value parameter, int64_t count) {
    if (!parameter || (!getRanked(parameter).isDynamicDim(0) && !getRanked(recurrent).isDynamicDim(1)))
      return;
    Value stacked = mul(builder, get({recurrent, 1}), getIndex(builder, count));
    add(isEqual(get({parameter, 0}), stacked), "parameters have the hidden extent for each gate");
  };
  auto requireState = [&](Value state) {
    if (!state)
      return;
    requireEqual({state, 0}, {input, 1}, "a state has the input's batch");
    requireEqual({state, 1}, {recurrent, 1}, "a state has the hidden extent");
  };
  requireStacked(layer.getWeights(), gates);
  requireStacked(recurrent, gates);
  requireStacked(layer.getBias(), gates);
  requireStacked(layer.getRecurrentBias(), gates);
  requireEqual({layer.getWeights(), 1}, {input, 2}, "weights are for the input's features");
  if (layer.getLengths())
    requireEqual({layer.getLengths(), 0}, {input, 1}, "there is one length per batch entry");
  requireState(layer.getInitialHidden());
  if constexpr (std::is_same_v<OpTy, nn::LstmOp>) {
    requireState(layer.getInitialCell());
    requireStacked(layer.getPeephole(), 3);
  }
}

template void RequirementBuilder::ofConv(nn::ConvOp);
template void RequirementBuilder::ofConv(nn::IntegerConvOp);
template void RequirementBuilder::ofPool(nn::MaxPoolOp);
template void RequirementBuilder::ofPool(nn::AvgPoolOp);
template void RequirementBuilder::ofPool(nn::SumPoolOp);
template void RequirementBuilder::ofRecurrent(nn::RnnOp, int64_t);
template void RequirementBuilder::ofRecurrent(nn::GruOp, int64_t);
template void RequirementBuilder::ofRecurrent(nn::LstmOp, int64_t);

} // namespace nnc
