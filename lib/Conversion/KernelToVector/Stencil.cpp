// Pooling and depthwise convolution of channels-last images.
//
// One parallel loop over batch and output rows; a row is cut into tiles of
// neighbouring pixels, as in Convolution.cpp; innermost a loop over channels, one
// vector at a time, with one accumulator per pixel.
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/SpatialAxis.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {
namespace {

/// What distinguishes the operations: how accumulators start, take an element and end.
class StencilExpansion {
public:
  StencilExpansion(OpBuilder &builder, Operation *op, Value input, Value init, ArrayRef<int64_t> window,
                   ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations, ArrayRef<int64_t> padsBegin,
                   ArrayRef<int64_t> padsEnd)
      : op(op), loc(op->getLoc()), target(kernel::getTarget(op)), input(input), init(init),
        spatial(window.size()) {
    auto epilogue = cast<kernel::EpilogueOpInterface>(op);
    accumulatorType = getAccumulatorType(epilogue.getEpilogue().front().getArgument(0).getType());
    // A pool whose extents were rounded up reads up to a stride further than its padding.
    for (int64_t dim = 0; dim < spatial; ++dim)
      axes.push_back(SpatialAxis::getWindow(
          getBufferExtent(builder, loc, input, dim + 1), getBufferExtent(builder, loc, init, dim + 1), window[dim],
          strides[dim], dilations[dim], padsBegin[dim],
          /*overhang=*/padsEnd[dim] + (isa<kernel::PoolOp>(op) ? strides[dim] - 1 : 0)));
  }
  virtual ~StencilExpansion() = default;

  void expand(OpBuilder &builder);

protected:
  /// Where a tile is.
  struct Place {
    Value batch;
    ArrayRef<Value> rows;
    const PixelTile *pixels;
    Value channel;
    int64_t width;
  };

  virtual Value start(OpBuilder &builder, Type type) = 0;
  /// `element` at filter position `filter` taken into `accumulator`.
  virtual Value take(OpBuilder &builder, Value accumulator, Value element, ArrayRef<Value> filter,
                     const Place &place) = 0;
  virtual Value finish(OpBuilder &builder, Value accumulator, int64_t pixel, const Place &place) { return accumulator; }

  Operation *op;
  Location loc;
  kernel::TargetAttr target;
  Value input, init;
  int64_t spatial;
  Type accumulatorType;
  std::vector<SpatialAxis> axes;

private:
  void emitTile(OpBuilder &builder, const Place &place);
};

} // namespace

void StencilExpansion::expand(OpBuilder &builder) {
  Index index(builder, loc);
  OpFoldResult total = getBufferExtent(builder, loc, input, 0);
  for (const SpatialAxis &axis : ArrayRef(axes).drop_back())
    total = index.mul(total, axis.count);
  // An accumulator per pixel, and room for the filter and the elements.
  TileSizes sizes{target.getVectorRegisters() >= 32 ? 10 : 5, /*fast=*/4};
  parallelForEach(builder, loc, total, [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    OpFoldResult rest = linear;
    SmallVector<Value> rows(spatial - 1);
    for (int64_t dim = spatial - 2; dim >= 0; --dim) {
      rows[dim] = inner.get(inner.rem(rest, axes[dim].count));
      rest = inner.quotient(rest, axes[dim].count);
    }
    Value batch = inner.get(rest);
    auto emitPixels = [&](OpBuilder &tiled, const PixelTile &pixels) {
      forEachVector(tiled, loc, getBufferExtent(tiled, loc, input, spatial + 1), target.getLanes(accumulatorType),
                    [&](OpBuilder &innermost, Value channel, int64_t width) {
                      emitTile(innermost, {batch, rows, &pixels, channel, width});
                    });
    };
    forEachTile(nested, loc, axes.back(), sizes, emitPixels, /*guards=*/true);
  });
}

void StencilExpansion::emitTile(OpBuilder &builder, const Place &place) {
  const SpatialAxis &axis = axes.back();
  Type type = getWideType(accumulatorType, place.width);
  SmallVector<Value> accumulators(place.pixels->pixels, start(builder, type));
  accumulators = forEachOuterTap(
      builder, loc, ArrayRef(axes).drop_back(), place.rows, accumulators,
      [&](OpBuilder &nested, Taps inputRows, Taps filterRows, ValueRange outer) {
        return place.pixels->forEachTap(
            nested, loc, axis, outer,
            [&](OpBuilder &innermost, OpFoldResult tap, ArrayRef<Value> inputs, ValueRange inner) {
              Index index(innermost, loc);
              SmallVector<Value> filter(filterRows), next(inner);
              filter.push_back(index.get(axis.getFilter(index, tap)));
              for (auto [accumulator, column] : llvm::zip(next, inputs)) {
                if (!column)
                  continue;
                SmallVector<Value> at{place.batch};
                llvm::append_range(at, inputRows);
                at.append({column, place.channel});
                Value element = convertElements(innermost, loc, loadWide(innermost, loc, input, at, place.width),
                                                accumulatorType);
                accumulator = take(innermost, accumulator, element, filter, place);
              }
              return next;
            });
      });
  Index index(builder, loc);
  for (auto [pixel, accumulator] : llvm::enumerate(accumulators)) {
    SmallVector<Value> at{place.batch};
    llvm::append_range(at, place.rows);
    at.append({index.get(index.add(place.pixels->first, index.fold(pixel))), place.channel});
    storeThroughEpilogue(builder, cast<kernel::EpilogueOpInterface>(op), finish(builder, accumulator, pixel, place), at,
                         place.width);
  }
}

namespace {

class DepthwiseExpansion : public StencilExpansion {
public:
  DepthwiseExpansion(OpBuilder &builder, kernel::DepthwiseOp op)
      : StencilExpansion(builder, op, op.getInput(), op.getInit(),
                         cast<MemRefType>(op.getFilter().getType()).getShape().drop_back(), op.getStrides(),
                         op.getDilations(), op.getPadsBegin(), op.getPadsEnd()),
        filter(op.getFilter()) {}

private:
  Value start(OpBuilder &builder, Type type) override { return createConstant(builder, loc, type, 0); }

  Value take(OpBuilder &builder, Value accumulator, Value element, ArrayRef<Value> position,
             const Place &place) override {
    SmallVector<Value> at(position);
    at.push_back(place.channel);
    Value weight = convertElements(builder, loc, loadWide(builder, loc, filter, at, place.width), accumulatorType);
    return multiplyAdd(builder, loc, element, weight, accumulator, target.getFma());
  }

  Value filter;
};

class PoolExpansion : public StencilExpansion {
public:
  PoolExpansion(OpBuilder &builder, kernel::PoolOp op)
      : StencilExpansion(builder, op, op.getInput(), op.getInit(), op.getWindow(), op.getStrides(), op.getDilations(),
                         op.getPadsBegin(), op.getPadsEnd()),
        kind(op.getKind()), isUnsigned(op.getIsUnsigned()), padsEnd(op.getPadsEnd()) {}

private:
  Value start(OpBuilder &builder, Type type) override;
  Value take(OpBuilder &builder, Value accumulator, Value element, ArrayRef<Value>, const Place &) override;
  Value finish(OpBuilder &builder, Value accumulator, int64_t pixel, const Place &place) override;
  OpFoldResult countTaps(const Index &index, int64_t dim, OpFoldResult position) const;

  kernel::PoolKind kind;
  bool isUnsigned;
  ArrayRef<int64_t> padsEnd;
};

} // namespace

Value PoolExpansion::start(OpBuilder &builder, Type type) {
  if (kind != kernel::PoolKind::Max)
    return createConstant(builder, loc, type, 0);
  if (isa<FloatType>(accumulatorType))
    return createConstant(builder, loc, type, -std::numeric_limits<double>::infinity());
  unsigned bits = accumulatorType.getIntOrFloatBitWidth();
  return createConstant(builder, loc, type, isUnsigned ? 0.0 : -std::ldexp(1.0, bits - 1));
}

Value PoolExpansion::take(OpBuilder &builder, Value accumulator, Value element, ArrayRef<Value>, const Place &) {
  if (kind != kernel::PoolKind::Max)
    return createAdd(builder, loc, accumulator, element);
  // A NaN is never larger: it is ignored, as by ONNX Runtime. One instruction on x86.
  Value isLarger;
  if (isa<FloatType>(accumulatorType))
    isLarger = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OGT, element, accumulator);
  else
    isLarger = arith::CmpIOp::create(builder, loc, isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt,
                                     element, accumulator);
  return arith::SelectOp::create(builder, loc, isLarger, element, accumulator);
}

/// Number of the window's elements along one dimension that the average counts.
OpFoldResult PoolExpansion::countTaps(const Index &index, int64_t dim, OpFoldResult position) const {
  const SpatialAxis &axis = axes[dim];
  if (kind == kernel::PoolKind::Average) {
    auto [lower, upper] = axis.getValidTaps(index, position);
    return index.sub(upper, lower);
  }
  OpFoldResult start = index.add(index.mul(position, index.fold(axis.inStride)), index.fold(axis.base));
  OpFoldResult room = index.sub(index.add(axis.extent, index.fold(padsEnd[dim])), start);
  return index.min(index.fold(axis.taps), index.ceilDiv(index.max(room, index.fold(0)), axis.tapStep));
}

Value PoolExpansion::finish(OpBuilder &builder, Value accumulator, int64_t pixel, const Place &place) {
  if (kind == kernel::PoolKind::Max || kind == kernel::PoolKind::Sum)
    return accumulator;
  Index index(builder, loc);
  OpFoldResult first = place.pixels->position ? index.fold(*place.pixels->position) : OpFoldResult(place.pixels->first);
  OpFoldResult count;
  if (place.pixels->isComplete(axes.back(), pixel) && kind == kernel::PoolKind::Average)
    count = index.fold(axes.back().taps);
  else
    count = countTaps(index, spatial - 1, index.add(first, index.fold(pixel)));
  for (int64_t dim = 0; dim + 1 < spatial; ++dim)
    count = index.mul(count, countTaps(index, dim, place.rows[dim]));
  Value divisor;
  if (auto known = getStatic(count)) {
    divisor = createConstant(builder, loc, accumulatorType, static_cast<double>(*known));
  } else {
    Value integer = arith::IndexCastOp::create(builder, loc, builder.getI64Type(), index.get(count));
    divisor = arith::SIToFPOp::create(builder, loc, accumulatorType, integer);
  }
  return arith::DivFOp::create(builder, loc, accumulator, broadcastTo(builder, loc, divisor, place.width));
}

void expandDepthwise(RewriterBase &rewriter, kernel::DepthwiseOp op) {
  DepthwiseExpansion(rewriter, op).expand(rewriter);
}

void expandPool(RewriterBase &rewriter, kernel::PoolOp op) { PoolExpansion(rewriter, op).expand(rewriter); }

} // namespace nnc
