// A heap of places, as loops that carry the tensor they are in.
#include "lib/Conversion/NNToLinalg/Heap.h"

#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

static Value isLess(ImplicitLocOpBuilder &builder, Value a, Value b) {
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::slt, a, b);
}

Value readPlace(ImplicitLocOpBuilder &builder, Value places, Value at) {
  return arith::IndexCastOp::create(builder, builder.getIndexType(), tensor::ExtractOp::create(builder, places, at));
}

Value writePlace(ImplicitLocOpBuilder &builder, Value places, Value at, Value place) {
  Value stored = arith::IndexCastOp::create(builder, builder.getI64Type(), place);
  return tensor::InsertOp::create(builder, stored, places, at);
}

/// The place at the root sinks; those on its way rise by one level each.
Value siftDown(ImplicitLocOpBuilder &builder, Value heap, Value root, Value end, PlaceOrder isBefore) {
  Value one = getIndex(builder, 1), two = getIndex(builder, 2), sinking = readPlace(builder, heap, root);
  auto getChild = [&](ImplicitLocOpBuilder &inner, Value of) { return add(inner, mul(inner, of, two), one); };
  auto before = [&](OpBuilder &nested, Location loc, ValueRange values) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value hasChild = isLess(inner, getChild(inner, values[1]), end);
    scf::ConditionOp::create(inner, arith::AndIOp::create(inner, hasChild, values[2]), values);
  };
  auto after = [&](OpBuilder &nested, Location loc, ValueRange values) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value places = values[0], parent = values[1], left = getChild(inner, parent), right = add(inner, left, one);
    right = arith::SelectOp::create(inner, isLess(inner, right, end), right, left);
    Value low = readPlace(inner, places, left), high = readPlace(inner, places, right);
    Value isRight = isBefore(inner, low, high);
    Value child = arith::SelectOp::create(inner, isRight, right, left);
    Value place = arith::SelectOp::create(inner, isRight, high, low);
    Value sinks = isBefore(inner, sinking, place);
    places = writePlace(inner, places, parent, arith::SelectOp::create(inner, sinks, place, sinking));
    parent = arith::SelectOp::create(inner, sinks, child, parent);
    scf::YieldOp::create(inner, ValueRange{places, parent, sinks});
  };
  SmallVector<Value> initial{heap, root, arith::ConstantIntOp::create(builder, 1, 1)};
  auto loop = scf::WhileOp::create(builder, ValueRange(initial).getTypes(), initial, before, after);
  return writePlace(builder, loop.getResult(0), loop.getResult(1), sinking);
}

Value buildHeap(ImplicitLocOpBuilder &builder, Value places, Value end, PlaceOrder isBefore) {
  Value one = getIndex(builder, 1), half = arith::DivUIOp::create(builder, end, getIndex(builder, 2));
  auto body = [&](OpBuilder &nested, Location loc, Value step, ValueRange heap) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value root = sub(inner, sub(inner, half, one), step);
    scf::YieldOp::create(inner, siftDown(inner, heap[0], root, end, isBefore));
  };
  return scf::ForOp::create(builder, getIndex(builder, 0), half, one, places, body).getResult(0);
}

Value sortHeap(ImplicitLocOpBuilder &builder, Value places, Value end, PlaceOrder isBefore) {
  Value zero = getIndex(builder, 0), last = sub(builder, end, getIndex(builder, 1));
  auto body = [&](ImplicitLocOpBuilder &inner, ValueRange step, ValueRange heap) {
    Value rest = sub(inner, last, step[0]);
    Value first = readPlace(inner, heap[0], zero), other = readPlace(inner, heap[0], rest);
    Value swapped = writePlace(inner, writePlace(inner, heap[0], zero, other), rest, first);
    return SmallVector<Value>{siftDown(inner, swapped, zero, rest, isBefore)};
  };
  return forEachIndex(builder, arith::MaxSIOp::create(builder, last, zero).getResult(), places, body).front();
}

} // namespace nnc
