// Rows of an input as bytes, with a scale for each block.
#include "lib/Conversion/KernelToVector/KernelToVector.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;

namespace nnc {

namespace {

class BlockQuantization {
public:
  BlockQuantization(kernel::QuantizeBlocksOp op)
      : loc(op.getLoc()), source(op.getSource()), init(op.getInit()), blocks(op.getBlocks()),
        floats(VectorType::get({std::min<int64_t>(16, kernel::getTarget(op).getLanes(getElementTypeOrSelf(source)))},
                               getElementTypeOrSelf(source))) {}

  void expand(OpBuilder &builder);

private:
  void quantizeBlock(OpBuilder &builder, Value row, Value block);
  Value findLargest(OpBuilder &builder, Value row, OpFoldResult first) const;
  Value storeBytes(OpBuilder &builder, Value row, OpFoldResult first, OpFoldResult word, Value inverse) const;

  Location loc;
  Value source, init;
  kernel::WeightBlocksAttr blocks;
  VectorType floats; ///< what is computed at once
};

} // namespace

/// The largest magnitude of the block that begins at `first`; NaN where one is NaN.
Value BlockQuantization::findLargest(OpBuilder &builder, Value row, OpFoldResult first) const {
  Index index(builder, loc);
  int64_t lanes = floats.getNumElements();
  Value zeros = createConstant(builder, loc, floats, 0);
  auto step = [&](OpBuilder &nested, Value at, ValueRange carried) {
    Index inner(nested, loc);
    Value x = loadWide(nested, loc, source, {row, inner.get(inner.add(first, at))}, lanes);
    return SmallVector<Value>{createMax(nested, loc, math::AbsFOp::create(nested, loc, x), carried[0])};
  };
  Value largest = forEachCarrying(builder, loc, index.fold(0), index.fold(blocks.getSize()), lanes, zeros, step)[0];
  return vector::ReductionOp::create(builder, loc, vector::CombiningKind::MAXIMUMF, largest);
}

/// Stores the block's bytes from word `word` on; their sum.
Value BlockQuantization::storeBytes(OpBuilder &builder, Value row, OpFoldResult first, OpFoldResult word,
                                    Value inverse) const {
  constexpr double most = 127;
  Index index(builder, loc);
  int64_t lanes = floats.getNumElements();
  VectorType integers = VectorType::get(floats.getShape(), builder.getI32Type());
  Value factor = broadcastTo(builder, loc, inverse, lanes);
  Value low = createConstant(builder, loc, floats, -most), high = createConstant(builder, loc, floats, most);
  auto step = [&](OpBuilder &nested, Value at, ValueRange carried) {
    Index inner(nested, loc);
    Value x = loadWide(nested, loc, source, {row, inner.get(inner.add(first, at))}, lanes);
    x = math::RoundEvenOp::create(nested, loc, createMul(nested, loc, x, factor));
    // Chosen so that NaN becomes an integer; the scale is NaN then.
    Value isAbove = arith::CmpFOp::create(nested, loc, arith::CmpFPredicate::OGT, x, low);
    x = arith::SelectOp::create(nested, loc, isAbove, x, low);
    Value isBelow = arith::CmpFOp::create(nested, loc, arith::CmpFPredicate::OLT, x, high);
    x = arith::SelectOp::create(nested, loc, isBelow, x, high);
    Value wide = arith::FPToSIOp::create(nested, loc, integers, x);
    Value bytes = arith::TruncIOp::create(nested, loc, VectorType::get(floats.getShape(), nested.getI8Type()), wide);
    auto words = VectorType::get({lanes / 4}, nested.getI32Type());
    Value to = inner.get(inner.add(word, inner.div(at, 4)));
    vector::StoreOp::create(nested, loc, vector::BitCastOp::create(nested, loc, words, bytes), init, ValueRange{row, to});
    return SmallVector<Value>{arith::AddIOp::create(nested, loc, carried[0], wide)};
  };
  Value sums = forEachCarrying(builder, loc, index.fold(0), index.fold(blocks.getSize()), lanes,
                               createConstant(builder, loc, integers, 0), step)[0];
  return vector::ReductionOp::create(builder, loc, vector::CombiningKind::ADD, sums);
}

void BlockQuantization::quantizeBlock(OpBuilder &builder, Value row, Value block) {
  Index index(builder, loc);
  Type f32 = builder.getF32Type();
  OpFoldResult first = index.mul(block, index.fold(blocks.getSize()));
  OpFoldResult word = index.mul(block, index.fold(blocks.getInputWords()));
  constexpr double mostFinite = std::numeric_limits<float>::max();
  Value largest = findLargest(builder, row, first), one = createConstant(builder, loc, f32, 1);
  // Infinity times 0 is NaN: bytes have no infinity.
  Value nothing = arith::MulFOp::create(builder, loc, largest, createConstant(builder, loc, f32, 0));
  Value known = arith::AddFOp::create(builder, loc, largest, nothing);
  Value scale = arith::DivFOp::create(builder, loc, known, createConstant(builder, loc, f32, 127));
  // Of tiny numbers and zeros it would be infinite, and 0 times that NaN.
  Value quotient = arith::DivFOp::create(builder, loc, one, scale), finite = createConstant(builder, loc, f32, mostFinite);
  Value isFinite = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, quotient, finite);
  Value inverse = arith::SelectOp::create(builder, loc, isFinite, quotient, finite);
  Value sum = storeBytes(builder, row, first, word, inverse);
  auto store = [&](Value number, int64_t place) {
    Value to = index.get(index.add(word, index.fold(place)));
    memref::StoreOp::create(builder, loc, number, init, ValueRange{row, to});
  };
  store(arith::BitcastOp::create(builder, loc, builder.getI32Type(), scale), blocks.getInputScale());
  store(sum, blocks.getInputSum());
}

void BlockQuantization::expand(OpBuilder &builder) {
  OpFoldResult rows = getBufferExtent(builder, loc, source, 0);
  int64_t numBlocks = cast<MemRefType>(init.getType()).getDimSize(1) / blocks.getInputWords();
  parallelForEach(builder, loc, rows, [&](OpBuilder &nested, Value row) {
    Index index(nested, loc);
    forEach(nested, loc, index.fold(0), index.fold(numBlocks), 1,
            [&](OpBuilder &body, Value block) { quantizeBlock(body, row, block); });
  });
}

void expandQuantizeBlocks(RewriterBase &rewriter, kernel::QuantizeBlocksOp op) { BlockQuantization(op).expand(rewriter); }

} // namespace nnc
