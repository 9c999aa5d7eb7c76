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

Value siftDown(ImplicitLocOpBuilder &builder, Value heap, Value root, Value end, PlaceOrder isBefore) {
  Value one = getIndex(builder, 1), two = getIndex(builder, 2);
  auto getChild = [&](ImplicitLocOpBuilder &inner, Value of) { return add(inner, mul(inner, of, two), one); };
  auto before = [&](OpBuilder &nested, Location loc, ValueRange values) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value hasChild = isLess(inner, getChild(inner, values[1]), end);
    scf::ConditionOp::create(inner, hasChild, values);
  };
  auto after = [&](OpBuilder &nested, Location loc, ValueRange values) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value places = values[0], parent = values[1], left = getChild(inner, parent), right = add(inner, left, one);
    right = arith::SelectOp::create(inner, isLess(inner, right, end), right, left);
    Value isRight = isBefore(inner, readPlace(inner, places, left), readPlace(inner, places, right));
    Value child = arith::SelectOp::create(inner, isRight, right, left);
    Value high = readPlace(inner, places, parent), low = readPlace(inner, places, child);
    Value swaps = isBefore(inner, high, low);
    places = writePlace(inner, places, parent, arith::SelectOp::create(inner, swaps, low, high));
    places = writePlace(inner, places, child, arith::SelectOp::create(inner, swaps, high, low));
    // Where nothing was swapped, the end has no children.
    scf::YieldOp::create(inner, ValueRange{places, arith::SelectOp::create(inner, swaps, child, end)});
  };
  SmallVector<Value> initial{heap, root};
  return scf::WhileOp::create(builder, ValueRange(initial).getTypes(), initial, before, after).getResult(0);
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

} // namespace nnc
