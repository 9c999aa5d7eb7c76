// Spatial tensors in the order in which kernels read them, and the number of
// windows over an extent not known before run time.
#include "lib/Conversion/NNToLinalg/ChannelsLast.h"

#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;

namespace nnc {

static SmallVector<int64_t> getPermutation(int64_t rank) {
  SmallVector<int64_t> permutation{0};
  for (int64_t axis = 2; axis < rank; ++axis)
    permutation.push_back(axis);
  permutation.push_back(1);
  return permutation;
}

/// Ranks below 3 have no spatial axes: (N, C) either way.
static bool isLast(RankedTensorType type, nn::Layout layout) {
  return layout == nn::Layout::ChannelsLast || type.getRank() < 3;
}

RankedTensorType getChannelsLastType(RankedTensorType type, nn::Layout layout) {
  if (isLast(type, layout))
    return type;
  return type.clone(applyPermutation(type.getShape(), getPermutation(type.getRank())));
}

Value toChannelsLast(ImplicitLocOpBuilder &builder, Value value, nn::Layout layout) {
  auto type = cast<RankedTensorType>(value.getType());
  if (isLast(type, layout))
    return value;
  return transposeTo(builder, value, getChannelsLastType(type, layout), getPermutation(type.getRank()));
}

Value fromChannelsLast(ImplicitLocOpBuilder &builder, Value value, RankedTensorType type, nn::Layout layout) {
  if (isLast(type, layout))
    return castTo(builder, value, type);
  value = castTo(builder, value, getChannelsLastType(type, layout));
  return transposeTo(builder, value, type, invertPermutationVector(getPermutation(type.getRank())));
}

Value getWindowCount(ImplicitLocOpBuilder &builder, Value extent, const nn::Window &window, bool ceil) {
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1), stride = getIndex(builder, window.stride);
  int64_t slack = window.padBegin + window.padEnd - window.getReach() + window.stride;
  if (slack >= 0 && !(ceil && window.stride > 1)) { // no extent is too small, which keeps sizes simple
    Value reached = arith::AddIOp::create(builder, extent, getIndex(builder, slack));
    return arith::DivUIOp::create(builder, reached, stride);
  }
  Value padded = arith::AddIOp::create(builder, extent, getIndex(builder, window.padBegin + window.padEnd));
  Value room = arith::SubIOp::create(builder, padded, getIndex(builder, window.getReach()));
  Value least = ceil ? getIndex(builder, 1 - window.stride) : zero; // the only window may reach further than that
  Value fits = arith::CmpIOp::create(builder, arith::CmpIPredicate::sge, room, least);
  Value count = arith::AddIOp::create(builder, arith::DivSIOp::create(builder, room, stride), one);
  if (ceil && window.stride > 1) {
    // A further window counts if it starts inside the input or the padding before it.
    Value rest = arith::RemSIOp::create(builder, room, stride);
    Value isPartial = arith::CmpIOp::create(builder, arith::CmpIPredicate::sgt, rest, zero);
    Value start = arith::MulIOp::create(builder, count, stride);
    Value end = arith::AddIOp::create(builder, extent, getIndex(builder, window.padBegin));
    Value isInside = arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, start, end);
    Value counts = arith::AndIOp::create(builder, isPartial, isInside);
    count = arith::SelectOp::create(builder, counts, arith::AddIOp::create(builder, count, one), count);
  }
  return arith::SelectOp::create(builder, fits, count, zero);
}

} // namespace nnc
