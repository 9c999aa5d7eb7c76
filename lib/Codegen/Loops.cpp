// Loops and index arithmetic.
#include "lib/Codegen/Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace nnc {

std::optional<int64_t> getStatic(OpFoldResult value) { return getConstantIntValue(value); }

//===--- Index ---===//

Value Index::constant(int64_t value) const { return arith::ConstantIndexOp::create(builder, loc, value); }

OpFoldResult Index::fold(int64_t value) const { return builder.getIndexAttr(value); }

Value Index::get(OpFoldResult value) const {
  if (auto known = getStatic(value))
    return constant(*known);
  return cast<Value>(value);
}

OpFoldResult Index::add(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y)
    return fold(*x + *y);
  if (y == 0)
    return lhs;
  if (x == 0)
    return rhs;
  return arith::AddIOp::create(builder, loc, get(lhs), get(rhs)).getResult();
}

OpFoldResult Index::sub(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y)
    return fold(*x - *y);
  if (y == 0)
    return lhs;
  return arith::SubIOp::create(builder, loc, get(lhs), get(rhs)).getResult();
}

OpFoldResult Index::mul(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y)
    return fold(*x * *y);
  if (y == 1)
    return lhs;
  if (x == 1)
    return rhs;
  if (x == 0 || y == 0)
    return fold(0);
  return arith::MulIOp::create(builder, loc, get(lhs), get(rhs)).getResult();
}

OpFoldResult Index::div(OpFoldResult lhs, int64_t rhs) const { return quotient(lhs, fold(rhs)); }

OpFoldResult Index::ceilDiv(OpFoldResult lhs, int64_t rhs) const { return div(add(lhs, fold(rhs - 1)), rhs); }

OpFoldResult Index::ceilDiv(OpFoldResult lhs, OpFoldResult rhs) const {
  return quotient(sub(add(lhs, rhs), fold(1)), rhs);
}

OpFoldResult Index::quotient(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y && *y != 0)
    return fold(*x / *y);
  if (y == 1)
    return lhs;
  return arith::DivUIOp::create(builder, loc, get(lhs), get(rhs)).getResult();
}

OpFoldResult Index::rem(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y && *y != 0)
    return fold(*x % *y);
  if (y == 1)
    return fold(0);
  return arith::RemUIOp::create(builder, loc, get(lhs), get(rhs)).getResult();
}

OpFoldResult Index::max(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y)
    return fold(std::max(*x, *y));
  return arith::MaxSIOp::create(builder, loc, get(lhs), get(rhs)).getResult();
}

OpFoldResult Index::min(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y)
    return fold(std::min(*x, *y));
  return arith::MinSIOp::create(builder, loc, get(lhs), get(rhs)).getResult();
}

OpFoldResult Index::isEqual(OpFoldResult lhs, OpFoldResult rhs) const {
  auto x = getStatic(lhs), y = getStatic(rhs);
  if (x && y)
    return fold(*x == *y ? 1 : 0);
  Value equal = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, get(lhs), get(rhs));
  return arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(), equal).getResult();
}

OpFoldResult getBufferExtent(OpBuilder &builder, Location loc, Value memref, int64_t dim) {
  return memref::getMixedSize(builder, loc, memref, dim);
}

//===--- Loops ---===//

void forEach(OpBuilder &builder, Location loc, OpFoldResult lower, OpFoldResult upper, int64_t step, LoopBody body) {
  auto first = getStatic(lower), end = getStatic(upper);
  Index index(builder, loc);
  if (first && end && *first >= *end)
    return;
  if (first && end && *end - *first <= step) {
    body(builder, index.get(lower));
    return;
  }
  auto loop = scf::ForOp::create(builder, loc, index.get(lower), index.get(upper), index.constant(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(builder, loop.getInductionVar());
}

void parallelForEach(OpBuilder &builder, Location loc, OpFoldResult upper, LoopBody body) {
  auto end = getStatic(upper);
  if (end && *end <= 1)
    return forEach(builder, loc, builder.getIndexAttr(0), upper, 1, body);
  Index index(builder, loc);
  auto loop = scf::ParallelOp::create(builder, loc, ValueRange{index.constant(0)}, ValueRange{index.get(upper)},
                                      ValueRange{index.constant(1)});
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  body(builder, loop.getInductionVars().front());
}

SmallVector<Value>
forEachCarrying(OpBuilder &builder, Location loc, OpFoldResult lower, OpFoldResult upper, int64_t step,
                ValueRange carried,
                llvm::function_ref<SmallVector<Value>(OpBuilder &, Value, ValueRange)> body) {
  auto first = getStatic(lower), end = getStatic(upper);
  Index index(builder, loc);
  if (first && end && *first >= *end)
    return SmallVector<Value>(carried);
  if (first && end && *end - *first <= step)
    return body(builder, index.get(lower), carried);
  auto loop = scf::ForOp::create(builder, loc, index.get(lower), index.get(upper), index.constant(step), carried);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(builder, loop.getInductionVar(), loop.getRegionIterArgs());
  if (!carried.empty()) // a loop that carries nothing has its end already
    scf::YieldOp::create(builder, loc, next);
  return SmallVector<Value>(loop.getResults());
}

SmallVector<int64_t> splitIntoPowersOfTwo(int64_t count, int64_t limit) {
  SmallVector<int64_t> pieces;
  for (int64_t piece = limit; count > 0; piece /= 2)
    for (; count >= piece; count -= piece)
      pieces.push_back(piece);
  return pieces;
}

void forEachVector(OpBuilder &builder, Location loc, OpFoldResult extent, int64_t lanes,
                   llvm::function_ref<void(OpBuilder &, Value, int64_t)> body) {
  Index index(builder, loc);
  if (auto known = getStatic(extent)) {
    int64_t full = *known / lanes * lanes;
    forEach(builder, loc, index.fold(0), index.fold(full), lanes,
            [&](OpBuilder &nested, Value at) { body(nested, at, lanes); });
    int64_t at = full;
    for (int64_t piece : splitIntoPowersOfTwo(*known - full, std::max<int64_t>(1, lanes / 2))) {
      body(builder, index.constant(at), piece);
      at += piece;
    }
    return;
  }
  OpFoldResult full = index.mul(index.div(extent, lanes), index.fold(lanes));
  forEach(builder, loc, index.fold(0), full, lanes,
          [&](OpBuilder &nested, Value at) { body(nested, at, lanes); });
  if (lanes > 1)
    forEach(builder, loc, full, extent, 1, [&](OpBuilder &nested, Value at) { body(nested, at, 1); });
}

BalancedTiles BalancedTiles::get(int64_t extent, int64_t limit) {
  if (extent <= 0)
    return {0, 1, 0};
  int64_t tiles = llvm::divideCeil(extent, limit), large = llvm::divideCeil(extent, tiles);
  int64_t numLarge = large > 1 ? extent - tiles * (large - 1) : tiles;
  return {numLarge, large, tiles - numLarge};
}

int64_t TileSizes::getLargestRest() const { return std::min(limit - 1, std::max(fast, (limit + 1) / 2)); }

void forEachTileSize(OpBuilder &builder, Location loc, OpFoldResult begin, OpFoldResult end, TileSizes sizes,
                     llvm::function_ref<void(OpBuilder &, Value, int64_t)> body) {
  Index index(builder, loc);
  int64_t limit = sizes.limit;
  auto run = [&](OpFoldResult from, OpFoldResult to, int64_t size) {
    forEach(builder, loc, from, to, size, [&](OpBuilder &nested, Value at) { body(nested, at, size); });
  };
  OpFoldResult length = index.sub(end, begin), full = index.div(length, limit);
  int64_t largest = sizes.getLargestRest();
  // Two tiles for what is left and one full tile are better than a tile that is not fast.
  if (int64_t most = std::min(sizes.fast - 1, 2 * largest - limit); most > 0) {
    OpFoldResult rest = index.sub(length, index.mul(full, index.fold(limit)));
    OpFoldResult isSlow = index.isEqual(index.min(index.max(rest, index.fold(1)), index.fold(most)), rest);
    full = index.sub(full, index.mul(isSlow, index.min(full, index.fold(1))));
  }
  OpFoldResult at = index.add(begin, index.mul(full, index.fold(limit)));
  run(begin, at, limit);
  if (largest == 0)
    return;
  // One tile of `large`, or two of which the second may be one smaller.
  OpFoldResult rest = index.sub(end, at);
  OpFoldResult isOne = index.isEqual(index.min(rest, index.fold(largest)), rest);
  OpFoldResult small = index.mul(index.sub(index.fold(1), isOne), index.div(rest, 2)), large = index.sub(rest, small);
  for (int64_t size = largest; size > 0; --size) {
    OpFoldResult count = index.add(index.isEqual(large, index.fold(size)), index.isEqual(small, index.fold(size)));
    OpFoldResult next = index.add(at, index.mul(count, index.fold(size)));
    run(at, next, size);
    at = next;
  }
}

} // namespace nnc
