// The first elements of rows side by side: each lane is a row of its own. A few are kept in registers, in order, where each
// element in turn finds its place. For more, rows are sorted by a network of comparisons that does not depend on what they
// are: Batcher's merge exchange (Knuth, The Art of Computer Programming, 5.2.2, algorithm M).
#include "lib/Conversion/KernelToVector/KernelToVector.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/OrderKeys.h"
#include "lib/Codegen/Transpose.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc {

namespace {

class TopKEmitter {
public:
  TopKEmitter(OpBuilder &builder, kernel::TopKOp op);
  void expand(OpBuilder &builder);

private:
  using KeyBody = llvm::function_ref<SmallVector<Value>(OpBuilder &, Value key, Value at, ValueRange carried)>;

  void forEachBlock(OpBuilder &builder, llvm::function_ref<void(OpBuilder &, int64_t)> body);
  Value loadElements(OpBuilder &builder, Value at, int64_t width) const;
  SmallVector<Value> forEachKey(OpBuilder &builder, int64_t width, ValueRange carried, KeyBody body) const;
  void emitFew(OpBuilder &builder, int64_t width, int64_t count) const;
  void emitSorted(OpBuilder &builder, int64_t width) const;
  void emitNetwork(OpBuilder &builder, Value keys, int64_t width) const;
  void emitExchanges(OpBuilder &builder, Value keys, int64_t width, Value power, Value distance, Value remainder) const;
  void store(OpBuilder &builder, Value keys, Value at, int64_t width) const;

  kernel::TopKOp op;
  Location loc;
  Value source, init, scratch;
  int64_t lanes;
  bool isAscending, isUnsigned;
  bool isAcross; ///< lanes are along I, else along O
  OpFoldResult length;
  Value outer, inner; ///< of the first lane
};

} // namespace

TopKEmitter::TopKEmitter(OpBuilder &builder, kernel::TopKOp op)
    : op(op), loc(op.getLoc()), source(op.getSource()), init(op.getInit()), isAscending(op.getAscending()),
      isUnsigned(op.getIsUnsigned()) {
  lanes = kernel::getTarget(op).getLanes(builder.getI64Type());
  isAcross = cast<MemRefType>(source.getType()).getDimSize(2) != 1;
  length = getBufferExtent(builder, loc, source, 1);
}

/// Blocks of one vector of rows. Where their number is known the last one begins so that it is whole: what it has in common
/// with the one before is computed again.
void TopKEmitter::forEachBlock(OpBuilder &builder, llvm::function_ref<void(OpBuilder &, int64_t)> body) {
  Index index(builder, loc);
  OpFoldResult rows = getBufferExtent(builder, loc, source, isAcross ? 2 : 0);
  OpFoldResult others = isAcross ? getBufferExtent(builder, loc, source, 0) : index.fold(1);
  forEach(builder, loc, index.fold(0), others, 1, [&](OpBuilder &nested, Value other) {
    auto visit = [&](OpBuilder &innermost, Value at, int64_t width) {
      outer = isAcross ? other : at;
      inner = isAcross ? at : other;
      body(innermost, width);
    };
    std::optional<int64_t> known = getStatic(rows);
    if (!known)
      return forEachVector(nested, loc, rows, lanes, visit);
    if (*known == 0)
      return;
    int64_t width = std::min<int64_t>(lanes, llvm::bit_floor(static_cast<uint64_t>(*known)));
    forEach(nested, loc, index.fold(0), index.fold(llvm::alignTo(*known, width)), width, [&](OpBuilder &deeper, Value at) {
      Index position(deeper, loc);
      visit(deeper, position.get(position.min(at, position.fold(*known - width))), width);
    });
  });
}

Value TopKEmitter::loadElements(OpBuilder &builder, Value at, int64_t width) const {
  return loadWide(builder, loc, source, {outer, at, inner}, width, isAcross ? 2 : 0);
}

/// The keys of all positions. Rows that are contiguous are read in squares.
SmallVector<Value> TopKEmitter::forEachKey(OpBuilder &builder, int64_t width, ValueRange carried, KeyBody body) const {
  Index index(builder, loc);
  auto visit = [&](OpBuilder &nested, Value elements, Value at, ValueRange values) {
    Value keys = createOrderKeys(nested, loc, elements, at, isAscending, isUnsigned);
    return body(nested, keys, at, values);
  };
  SmallVector<Value> results(carried);
  OpFoldResult squares = index.fold(0);
  if (!isAcross && width > 1) {
    squares = index.mul(index.div(length, width), index.fold(width));
    results = forEachCarrying(builder, loc, index.fold(0), squares, width, results,
                              [&](OpBuilder &nested, Value at, ValueRange values) {
      Index position(nested, loc);
      SmallVector<Value> rows, next(values);
      for (int64_t i = 0; i < width; ++i) {
        Value row = position.get(position.add(outer, position.fold(i)));
        rows.push_back(loadWide(nested, loc, source, {row, at, inner}, width, 1));
      }
      for (auto [i, elements] : llvm::enumerate(transposeSquare(nested, loc, rows)))
        next = visit(nested, elements, position.get(position.add(at, position.fold(i))), next);
      return next;
    });
  }
  return forEachCarrying(builder, loc, squares, length, 1, results, [&](OpBuilder &nested, Value at, ValueRange values) {
    return visit(nested, loadElements(nested, at, width), at, values);
  });
}

void TopKEmitter::store(OpBuilder &builder, Value keys, Value at, int64_t width) const {
  storeWide(builder, loc, keys, init, {outer, at, inner}, width, isAcross ? 2 : 0);
}

void TopKEmitter::emitFew(OpBuilder &builder, int64_t width, int64_t count) const {
  Value none = createConstant(builder, loc, getWideType(builder.getI64Type(), width), 0x1p63); // the largest
  SmallVector<Value> best(count, none);
  best = forEachKey(builder, width, best, [&](OpBuilder &nested, Value key, Value, ValueRange sorted) {
    SmallVector<Value> next;
    for (Value before : sorted) {
      next.push_back(arith::MinSIOp::create(nested, loc, before, key));
      key = arith::MaxSIOp::create(nested, loc, before, key);
    }
    return next;
  });
  for (auto [i, key] : llvm::enumerate(best))
    store(builder, key, arith::ConstantIndexOp::create(builder, loc, i), width);
}

void TopKEmitter::emitSorted(OpBuilder &builder, int64_t width) const {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  forEachKey(builder, width, {}, [&](OpBuilder &nested, Value key, Value at, ValueRange) {
    storeWide(nested, loc, key, scratch, {at, zero}, width);
    return SmallVector<Value>();
  });
  emitNetwork(builder, scratch, width);
  forEach(builder, loc, builder.getIndexAttr(0), getBufferExtent(builder, loc, init, 1), 1,
          [&](OpBuilder &nested, Value at) { store(nested, loadWide(nested, loc, scratch, {at, zero}, width), at, width); });
}

/// Distances between what is compared: of all powers of two below the length, from the largest on, that power itself, and
/// then what larger ones exceed it by.
void TopKEmitter::emitNetwork(OpBuilder &builder, Value keys, int64_t width) const {
  Index index(builder, loc);
  OpFoldResult levels = index.fold(llvm::Log2_64_Ceil(*getStatic(length)));
  Value one = index.constant(1);
  forEach(builder, loc, index.fold(0), levels, 1, [&](OpBuilder &nested, Value level) {
    Index at(nested, loc);
    OpFoldResult exponent = at.sub(at.sub(levels, level), at.fold(1));
    Value power = arith::ShLIOp::create(nested, loc, one, at.get(exponent));
    emitExchanges(nested, keys, width, power, power, at.constant(0));
    forEach(nested, loc, at.fold(0), level, 1, [&](OpBuilder &inner, Value step) {
      Index position(inner, loc);
      Value larger = arith::ShLIOp::create(inner, loc, one, position.get(position.sub(position.sub(levels, step), position.fold(1))));
      emitExchanges(inner, keys, width, power, position.get(position.sub(larger, power)), power);
    });
  });
}

/// Compares each i for which i & power == remainder with i + distance.
void TopKEmitter::emitExchanges(OpBuilder &builder, Value keys, int64_t width, Value power, Value distance,
                                Value remainder) const {
  Index index(builder, loc);
  Value end = index.get(index.sub(length, distance)), both = index.get(index.add(power, power));
  Value zero = index.constant(0), one = index.constant(1);
  auto outerLoop = scf::ForOp::create(builder, loc, remainder, end, both);
  OpBuilder nested = OpBuilder::atBlockTerminator(outerLoop.getBody());
  Index position(nested, loc);
  Value first = outerLoop.getInductionVar();
  Value last = position.get(position.min(position.add(first, power), end));
  auto innerLoop = scf::ForOp::create(nested, loc, first, last, one);
  OpBuilder body = OpBuilder::atBlockTerminator(innerLoop.getBody());
  Value low = innerLoop.getInductionVar(), high = arith::AddIOp::create(body, loc, low, distance);
  Value a = loadWide(body, loc, keys, {low, zero}, width), b = loadWide(body, loc, keys, {high, zero}, width);
  storeWide(body, loc, arith::MinSIOp::create(body, loc, a, b), keys, {low, zero}, width);
  storeWide(body, loc, arith::MaxSIOp::create(body, loc, a, b), keys, {high, zero}, width);
}

void TopKEmitter::expand(OpBuilder &builder) {
  std::optional<int64_t> count = getStatic(getBufferExtent(builder, loc, init, 1));
  bool isFew = count && *count <= kernel::getMostSelected(kernel::getTarget(op));
  if (!isFew) {
    auto type = MemRefType::get({*getStatic(length), lanes}, builder.getI64Type());
    scratch = memref::AllocOp::create(builder, loc, type, builder.getI64IntegerAttr(64));
  }
  forEachBlock(builder, [&](OpBuilder &nested, int64_t width) {
    isFew ? emitFew(nested, width, *count) : emitSorted(nested, width);
  });
}

void expandTopK(RewriterBase &rewriter, kernel::TopKOp op) { TopKEmitter(rewriter, op).expand(rewriter); }

} // namespace nnc
