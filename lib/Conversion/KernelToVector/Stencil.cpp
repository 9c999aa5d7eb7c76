// Pooling and depthwise convolution of channels-last images, and of planes, images of one channel.
//
// One parallel loop over batch and output rows; a row is cut into tiles of
// neighbouring pixels, as in Convolution.cpp; innermost a loop over channels, one
// vector at a time, with one accumulator per pixel. Of planes a vector holds
// neighbouring pixels; those at the edges are computed one by one.
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/SpatialAxis.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include <numeric>

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
  /// An element of the input in the type of the sums.
  virtual Value convert(OpBuilder &builder, Value element) { return convertElements(builder, loc, element, accumulatorType); }

  Operation *op;
  Location loc;
  kernel::TargetAttr target;
  Value input, init;
  int64_t spatial;
  Type accumulatorType;
  std::vector<SpatialAxis> axes;

private:
  bool isOfPlanes() const;
  void emitTile(OpBuilder &builder, const Place &place);
  void emitPlaneRow(OpBuilder &builder, Value batch, ArrayRef<Value> rows);
  void emitPlaneTile(OpBuilder &builder, Value batch, ArrayRef<Value> rows, Value first, ArrayRef<int64_t> widths);
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
    if (isOfPlanes())
      return emitPlaneRow(nested, batch, rows);
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
                Value element = convert(innermost, loadWide(innermost, loc, input, at, place.width));
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

/// Whether there are neighbours in a row only.
bool StencilExpansion::isOfPlanes() const {
  constexpr int64_t mostStride = 4;
  auto type = cast<MemRefType>(input.getType());
  return type.getDimSize(spatial + 1) == 1 && getStatic(axes.back().count) && getStatic(axes.back().extent) &&
         axes.back().inStride <= mostStride && target.getLanes(accumulatorType) > 1;
}

void StencilExpansion::emitPlaneRow(OpBuilder &builder, Value batch, ArrayRef<Value> rows) {
  constexpr int64_t vectorsAtOnce = 4;
  const SpatialAxis &axis = axes.back();
  Index index(builder, loc);
  auto [first, end] = axis.getInterior(index);
  int64_t lower = *getStatic(first), upper = std::max(lower, *getStatic(end)), lanes = target.getLanes(accumulatorType);
  auto emitEdge = [&](int64_t from, int64_t to) {
    forEach(builder, loc, index.fold(from), index.fold(to), 1, [&](OpBuilder &nested, Value at) {
      PixelTile pixel{at, std::nullopt, 1, /*isInterior=*/false};
      emitTile(nested, {batch, rows, &pixel, Index(nested, loc).constant(0), 1});
    });
  };
  emitEdge(0, lower);
  int64_t size = vectorsAtOnce * lanes, rest = lower + (upper - lower) / size * size;
  forEach(builder, loc, index.fold(lower), index.fold(rest), size, [&](OpBuilder &nested, Value at) {
    emitPlaneTile(nested, batch, rows, at, SmallVector<int64_t>(vectorsAtOnce, lanes));
  });
  if (rest < upper)
    emitPlaneTile(builder, batch, rows, index.constant(rest), splitIntoPowersOfTwo(upper - rest, lanes));
  emitEdge(upper, *getStatic(axis.count));
}

/// Neighbouring pixels from `first` on, all of whose taps exist along the row, as vectors of `widths`.
void StencilExpansion::emitPlaneTile(OpBuilder &builder, Value batch, ArrayRef<Value> rows, Value first,
                                     ArrayRef<int64_t> widths) {
  const SpatialAxis &axis = axes.back();
  Index index(builder, loc);
  PixelTile pixels{first, std::nullopt, std::accumulate(widths.begin(), widths.end(), int64_t(0)), /*isInterior=*/true};
  Value channel = index.constant(0);
  SmallVector<Value> sums;
  for (int64_t width : widths)
    sums.push_back(start(builder, getWideType(accumulatorType, width)));
  auto takeTap = [&](OpBuilder &nested, Taps inputRows, Taps filterRows, OpFoldResult tap, ValueRange carried) {
    Index inner(nested, loc);
    SmallVector<Value> filter(filterRows), next(carried);
    filter.push_back(inner.get(axis.getFilter(inner, tap)));
    OpFoldResult column = axis.getInput(inner, first, tap);
    for (auto [sum, width] : llvm::zip(next, widths)) {
      SmallVector<Value> at{batch};
      llvm::append_range(at, inputRows);
      at.append({inner.get(column), channel});
      Value element = convert(nested, loadEvery(nested, loc, input, at, width, spatial, axis.inStride));
      sum = take(nested, sum, element, filter, {batch, rows, &pixels, channel, width});
      column = inner.add(column, inner.fold(width * axis.inStride));
    }
    return next;
  };
  sums = forEachOuterTap(builder, loc, ArrayRef(axes).drop_back(), rows, sums,
                         [&](OpBuilder &nested, Taps inputRows, Taps filterRows, ValueRange outer) {
                           SmallVector<Value> values(outer);
                           if (axis.taps > axis.unrolledTaps)
                             return forEachCarrying(nested, loc, index.fold(0), index.fold(axis.taps), 1, values,
                                                    [&](OpBuilder &inner, Value tap, ValueRange carried) {
                                                      return takeTap(inner, inputRows, filterRows, tap, carried);
                                                    });
                           for (int64_t tap = 0; tap < axis.taps; ++tap)
                             values = takeTap(nested, inputRows, filterRows, index.fold(tap), values);
                           return values;
                         });
  int64_t offset = 0;
  for (auto [sum, width] : llvm::zip(sums, widths)) {
    SmallVector<Value> at{batch};
    llvm::append_range(at, rows);
    at.append({index.get(index.add(first, index.fold(offset))), channel});
    storeThroughEpilogue(builder, cast<kernel::EpilogueOpInterface>(op),
                         finish(builder, sum, offset, {batch, rows, &pixels, channel, width}), at, width, spatial);
    offset += width;
  }
}

namespace {

class DepthwiseExpansion : public StencilExpansion {
public:
  DepthwiseExpansion(OpBuilder &builder, kernel::DepthwiseOp op)
      : StencilExpansion(builder, op, op.getInput(), op.getInit(),
                         cast<MemRefType>(op.getFilter().getType()).getShape().drop_back(), op.getStrides(),
                         op.getDilations(), op.getPadsBegin(), op.getPadsEnd()),
        filter(op.getFilter()), isUnsigned(op.getIsUnsigned()) {}

private:
  Value start(OpBuilder &builder, Type type) override { return createConstant(builder, loc, type, 0); }

  Value convert(OpBuilder &builder, Value element) override {
    if (isUnsigned) {
      auto vector = dyn_cast<VectorType>(element.getType());
      Type wide = getWideType(builder.getI32Type(), vector ? vector.getDimSize(0) : 1);
      element = arith::ExtUIOp::create(builder, loc, wide, element);
    }
    return convertElements(builder, loc, element, accumulatorType);
  }

  Value take(OpBuilder &builder, Value accumulator, Value element, ArrayRef<Value> position,
             const Place &place) override {
    SmallVector<Value> at(position);
    bool isOfPlane = cast<MemRefType>(input.getType()).getDimSize(spatial + 1) == 1 &&
                     cast<MemRefType>(filter.getType()).getDimSize(spatial) != 1;
    at.push_back(isOfPlane ? place.batch : place.channel);
    bool isOne = isOfPlane || cast<MemRefType>(filter.getType()).getDimSize(spatial) == 1;
    Value weight = convertElements(builder, loc, loadWide(builder, loc, filter, at, isOne ? 1 : place.width), accumulatorType);
    return multiplyAdd(builder, loc, element, broadcastTo(builder, loc, weight, place.width), accumulator, target.getFma());
  }

  Value filter;
  bool isUnsigned;
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
