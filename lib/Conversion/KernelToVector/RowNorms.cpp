// Normalisation along rows, and local response normalisation.
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/RowSpace.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

//===--- Normalisation ---===//

static Value getReciprocalLength(OpBuilder &builder, Location loc, const RowSpace &rows) {
  Type type = rows.getElementType();
  if (auto known = getStatic(rows.getRowLength()))
    return createConstant(builder, loc, type, 1.0 / static_cast<double>(std::max<int64_t>(1, *known)));
  Value integer = arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                             Index(builder, loc).get(rows.getRowLength()));
  Value length = arith::SIToFPOp::create(builder, loc, type, integer);
  return arith::DivFOp::create(builder, loc, createConstant(builder, loc, type, 1), length);
}

static void emitNormalizedRow(OpBuilder &builder, kernel::NormalizeOp op, const RowSpace &rows) {
  Location loc = op.getLoc();
  int64_t rowWidth = rows.getRowWidth();
  Value reciprocal = broadcastTo(builder, loc, getReciprocalLength(builder, loc, rows), rowWidth);
  Value mean;
  if (op.getCenter())
    mean = createMul(builder, loc, rows.reduce(builder, rows.getSum()), reciprocal);
  auto center = [&](OpBuilder &b, Value x) {
    int64_t width = isa<VectorType>(x.getType()) ? cast<VectorType>(x.getType()).getDimSize(0) : 1;
    return mean ? createSub(b, loc, x, broadcastTo(b, loc, mean, width)) : x;
  };
  RowReduction squares = rows.getSum();
  squares.transform = [&](OpBuilder &b, Value x) {
    Value centered = center(b, x);
    return createMul(b, loc, centered, centered);
  };
  Value variance = createMul(builder, loc, rows.reduce(builder, squares), reciprocal);
  Value epsilon = createConstant(builder, loc, variance.getType(), op.getEpsilon().convertToDouble());
  Value deviation = math::SqrtOp::create(builder, loc, createAdd(builder, loc, variance, epsilon));
  Value scale = arith::DivFOp::create(builder, loc, createConstant(builder, loc, variance.getType(), 1), deviation);
  rows.forEachElement(builder, op.getInput(), [&](OpBuilder &nested, Value x, ValueRange at, int64_t width) {
    Value result = createMul(nested, loc, center(nested, x), rows.widen(nested, scale, width));
    storeThroughEpilogue(nested, cast<kernel::EpilogueOpInterface>(op.getOperation()), result, at, width,
                         rows.getAlong());
  });
}

void expandNormalize(RewriterBase &rewriter, kernel::NormalizeOp op) {
  RowSpace rows(rewriter, op, op.getInput());
  rows.forEachRow(rewriter, [&](OpBuilder &builder) { emitNormalizedRow(builder, op, rows); });
}

//===--- Local response normalisation ---===//

/// x / denominator^beta; the common exponents need no power function.
static Value divideByPower(OpBuilder &builder, Location loc, Value x, Value denominator, double beta) {
  auto root = [&](Value value) -> Value { return math::SqrtOp::create(builder, loc, value); };
  Value power;
  if (beta == 0.75)
    power = createMul(builder, loc, root(denominator), root(root(denominator)));
  else if (beta == 0.5)
    power = root(denominator);
  else if (beta == 1.0)
    power = denominator;
  else
    power = math::PowFOp::create(builder, loc, denominator, createConstant(builder, loc, x.getType(), beta));
  return arith::DivFOp::create(builder, loc, x, power);
}

namespace {

class LrnExpansion {
public:
  LrnExpansion(OpBuilder &builder, kernel::LrnOp op)
      : op(op), loc(op.getLoc()), input(op.getInput()), before((op.getSize() - 1) / 2),
        after(op.getSize() - 1 - before), channels(getBufferExtent(builder, loc, input, 1)) {
    type = getAccumulatorType(op.getEpilogue().front().getArgument(0).getType());
    lanes = kernel::getTarget(op).getLanes(type);
  }

  void emitPixel(OpBuilder &builder, Value pixel);

private:
  Value load(OpBuilder &builder, Value pixel, Value channel, int64_t width) {
    return convertElements(builder, loc, loadWide(builder, loc, input, {pixel, channel}, width), type);
  }
  void store(OpBuilder &builder, Value pixel, Value channel, Value sum, int64_t width);
  void emitPixelDynamic(OpBuilder &builder, Value pixel);

  kernel::LrnOp op;
  Location loc;
  Value input;
  int64_t before, after, lanes;
  OpFoldResult channels;
  Type type;
};

} // namespace

void LrnExpansion::store(OpBuilder &builder, Value pixel, Value channel, Value sum, int64_t width) {
  double alpha = op.getAlpha().convertToDouble() / static_cast<double>(op.getSize());
  Value scaled = createMul(builder, loc, sum, createConstant(builder, loc, sum.getType(), alpha));
  Value bias = createConstant(builder, loc, sum.getType(), op.getBias().convertToDouble());
  Value result = divideByPower(builder, loc, load(builder, pixel, channel, width), createAdd(builder, loc, scaled, bias),
                               op.getBeta().convertToDouble());
  storeThroughEpilogue(builder, cast<kernel::EpilogueOpInterface>(op.getOperation()), result, {pixel, channel}, width);
}

/// The squares of one pixel go to a small buffer with zeros before and after, so that every window is whole.
void LrnExpansion::emitPixel(OpBuilder &builder, Value pixel) {
  auto count = getStatic(channels);
  if (!count || *count > (1 << 14))
    return emitPixelDynamic(builder, pixel);
  Index index(builder, loc);
  auto bufferType = MemRefType::get({*count + before + after}, type);
  Value squares = memref::AllocaOp::create(builder, loc, bufferType, builder.getI64IntegerAttr(64));
  Value zero = createConstant(builder, loc, type, 0);
  for (int64_t i = 0; i < before; ++i)
    storeWide(builder, loc, zero, squares, index.constant(i), 1);
  for (int64_t i = 0; i < after; ++i)
    storeWide(builder, loc, zero, squares, index.constant(*count + before + i), 1);
  forEachVector(builder, loc, channels, lanes, [&](OpBuilder &nested, Value channel, int64_t width) {
    Index inner(nested, loc);
    Value x = load(nested, pixel, channel, width);
    storeWide(nested, loc, createMul(nested, loc, x, x), squares, inner.get(inner.add(channel, inner.fold(before))),
              width);
  });
  forEachVector(builder, loc, channels, lanes, [&](OpBuilder &nested, Value channel, int64_t width) {
    Index inner(nested, loc);
    Value sum;
    for (int64_t i = 0; i <= before + after; ++i) {
      Value square = loadWide(nested, loc, squares, inner.get(inner.add(channel, inner.fold(i))), width);
      sum = sum ? createAdd(nested, loc, sum, square) : square;
    }
    store(nested, pixel, channel, sum, width);
  });
}

/// A number of channels that is not known is not known to fit a buffer: each window is summed by itself.
void LrnExpansion::emitPixelDynamic(OpBuilder &builder, Value pixel) {
  Index index(builder, loc);
  forEach(builder, loc, index.fold(0), channels, 1, [&](OpBuilder &nested, Value channel) {
    Index inner(nested, loc);
    OpFoldResult lower = inner.max(inner.sub(channel, inner.fold(before)), inner.fold(0));
    OpFoldResult upper = inner.min(inner.add(channel, inner.fold(after + 1)), channels);
    Value zero = createConstant(nested, loc, type, 0);
    Value sum = forEachCarrying(nested, loc, lower, upper, 1, zero,
                                [&](OpBuilder &b, Value at, ValueRange carried) -> SmallVector<Value> {
                                  Value x = load(b, pixel, at, 1);
                                  return {createAdd(b, loc, carried.front(), createMul(b, loc, x, x))};
                                })
                    .front();
    store(nested, pixel, channel, sum, 1);
  });
}

void expandLrn(RewriterBase &rewriter, kernel::LrnOp op) {
  LrnExpansion expansion(rewriter, op);
  parallelForEach(rewriter, op.getLoc(), getBufferExtent(rewriter, op.getLoc(), op.getInput(), 0),
                  [&](OpBuilder &nested, Value pixel) { expansion.emitPixel(nested, pixel); });
}

} // namespace nnc
