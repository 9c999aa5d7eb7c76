// Windows along one spatial dimension.
#include "lib/Conversion/KernelToVector/SpatialAxis.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;

namespace nnc {

SpatialAxis SpatialAxis::getWindow(OpFoldResult extent, OpFoldResult outputs, int64_t size, int64_t stride,
                                   int64_t dilation, int64_t padBegin, int64_t overhang) {
  SpatialAxis axis;
  axis.extent = extent;
  axis.count = outputs;
  axis.inStride = stride;
  axis.base = -padBegin;
  axis.taps = size;
  axis.tapStep = dilation;
  axis.overhang = overhang;
  return axis;
}

/// Output o with o + padBegin = stride * p + r reads input p + (r - k * dilation) / stride for every filter index k that
/// makes the division exact; these k are an arithmetic progression.
std::vector<SpatialAxis> SpatialAxis::getPhases(const Index &index, OpFoldResult extent, OpFoldResult outputs,
                                                int64_t size, int64_t stride, int64_t dilation, int64_t padBegin) {
  std::vector<SpatialAxis> phases;
  int64_t step = stride / std::gcd(stride, dilation);
  for (int64_t residue = 0; residue < stride; ++residue) {
    // Outputs are o = offset + stride * q.
    int64_t offset = ((residue - padBegin) % stride + stride) % stride;
    int64_t p0 = (offset + padBegin - residue) / stride;
    SpatialAxis axis;
    axis.extent = extent;
    axis.outStride = stride;
    axis.outOffset = offset;
    axis.count = index.max(index.fold(0), index.ceilDiv(index.max(index.sub(outputs, index.fold(offset)), index.fold(0)),
                                                        stride));
    int64_t first = 0;
    while (first < size && ((residue - first * dilation) % stride) != 0)
      ++first;
    axis.taps = first < size ? llvm::divideCeil(size - first, step) : 0;
    axis.filterBase = first;
    axis.filterStep = step;
    axis.base = p0 + (residue - first * dilation) / stride;
    axis.tapStep = -(step * dilation / stride);
    phases.push_back(axis);
  }
  return phases;
}

OpFoldResult SpatialAxis::getInput(const Index &index, OpFoldResult q, OpFoldResult t) const {
  OpFoldResult start = index.add(index.mul(q, index.fold(inStride)), index.fold(base));
  return index.add(start, index.mul(t, index.fold(tapStep)));
}

OpFoldResult SpatialAxis::getOutput(const Index &index, OpFoldResult q) const {
  return index.add(index.mul(q, index.fold(outStride)), index.fold(outOffset));
}

OpFoldResult SpatialAxis::getFilter(const Index &index, OpFoldResult t) const {
  return index.add(index.mul(t, index.fold(filterStep)), index.fold(filterBase));
}

std::pair<OpFoldResult, OpFoldResult> SpatialAxis::getValidTaps(const Index &index, OpFoldResult q) const {
  OpFoldResult start = index.add(index.mul(q, index.fold(inStride)), index.fold(base));
  OpFoldResult zero = index.fold(0), all = index.fold(taps);
  OpFoldResult lower, upper;
  if (tapStep > 0) {
    // start + t * step in [0, extent)
    lower = index.ceilDiv(index.max(zero, index.sub(zero, start)), tapStep);
    upper = index.ceilDiv(index.max(zero, index.sub(extent, start)), tapStep);
  } else {
    // start - t * step in [0, extent)
    int64_t step = -tapStep;
    OpFoldResult beyond = index.max(zero, index.add(index.sub(start, extent), index.fold(1)));
    lower = index.ceilDiv(beyond, step);
    OpFoldResult room = index.max(zero, index.add(start, index.fold(1)));
    upper = index.ceilDiv(room, step);
  }
  lower = index.min(lower, all);
  return {lower, index.max(lower, index.min(upper, all))};
}

bool SpatialAxis::isValid(int64_t q, int64_t t) const {
  int64_t input = q * inStride + base + t * tapStep;
  return input >= 0 && input < *getStatic(extent);
}

/// The pixel is at position `pixel` or later, and has `pixels - 1 - pixel` positions behind it.
bool SpatialAxis::mayMiss(int64_t pixel, int64_t pixels, int64_t t) const {
  int64_t lowest = pixel * inStride + base + t * tapStep;
  int64_t beyond = *overhang - (pixels - 1 - pixel) * inStride - (taps - 1 - t) * tapStep;
  return lowest < 0 || beyond > 0;
}

std::pair<OpFoldResult, OpFoldResult> SpatialAxis::getInterior(const Index &index) const {
  int64_t lastTap = (std::max<int64_t>(taps, 1) - 1) * tapStep;
  int64_t lowest = base + std::min<int64_t>(0, lastTap), highest = base + std::max<int64_t>(0, lastTap);
  OpFoldResult first = index.fold(std::max<int64_t>(0, llvm::divideCeilSigned(-lowest, inStride)));
  // q * inStride + highest < extent
  OpFoldResult room = index.max(index.fold(0), index.sub(extent, index.fold(highest)));
  OpFoldResult end = index.ceilDiv(room, inStride);
  first = index.min(first, count);
  return {first, index.max(first, index.min(end, count))};
}

//===--- Tiles ---===//

/// Where more tiles than this touch an edge they share a loop that finds their taps at run time.
static constexpr int64_t maxEdgeTiles = 8;

SmallVector<Value> PixelTile::forEachTap(OpBuilder &builder, Location loc, const SpatialAxis &axis, ValueRange carried,
                                         TapBody body) const {
  if (isGuarded)
    return forEachGuardedTap(builder, loc, axis, carried, body);
  return isInterior || position ? forEachStaticTap(builder, loc, axis, carried, body)
                                : forEachEdgeTap(builder, loc, axis, carried, body);
}

/// Input index of each pixel that `exists` at one tap.
SmallVector<Value> PixelTile::getInputs(const Index &index, const SpatialAxis &axis, OpFoldResult tap,
                                        llvm::function_ref<bool(int64_t)> exists) const {
  SmallVector<Value> inputs(pixels);
  // Constants are added last: the pixels' addresses share a register.
  OpFoldResult start = axis.getInput(index, first, tap);
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    if (exists(pixel))
      inputs[pixel] = index.get(index.add(start, index.fold(pixel * axis.inStride)));
  return inputs;
}

/// The taps fall into runs at which the same pixels exist.
SmallVector<Value> PixelTile::forEachStaticTap(OpBuilder &builder, Location loc, const SpatialAxis &axis,
                                               ValueRange carried, TapBody body) const {
  auto exists = [&](int64_t pixel, int64_t tap) { return isInterior || axis.isValid(*position + pixel, tap); };
  SmallVector<Value> values(carried);
  for (int64_t begin = 0, end; begin < axis.taps; begin = end) {
    auto existsHere = [&](int64_t pixel) { return exists(pixel, begin); };
    auto isSame = [&](int64_t tap) {
      return llvm::all_of(llvm::seq(pixels), [&](int64_t pixel) { return exists(pixel, tap) == existsHere(pixel); });
    };
    for (end = begin + 1; end < axis.taps && isSame(end);)
      ++end;
    if (llvm::none_of(llvm::seq(pixels), existsHere))
      continue;
    auto take = [&](OpBuilder &nested, OpFoldResult tap, ValueRange inner) {
      return body(nested, tap, getInputs(Index(nested, loc), axis, tap, existsHere), inner);
    };
    Index index(builder, loc);
    if (end - begin > axis.unrolledTaps)
      values = forEachCarrying(builder, loc, index.fold(begin), index.fold(end), 1, values, take);
    else
      for (int64_t tap = begin; tap < end; ++tap)
        values = take(builder, index.fold(tap), values);
  }
  return values;
}

bool PixelTile::isComplete(const SpatialAxis &axis, int64_t pixel) const {
  return isInterior || (isGuarded && llvm::none_of(llvm::seq(axis.taps), [&](int64_t tap) {
                          return axis.mayMiss(pixel, pixels, tap);
                        }));
}

/// At each tap the pixels that have it in any case together, then each of the others if it has. Where a tap is a loop, all
/// pixels together first, if all have it: those of a first and of a last tile alone may not.
SmallVector<Value> PixelTile::forEachGuardedTap(OpBuilder &builder, Location loc, const SpatialAxis &axis,
                                                ValueRange carried, TapBody body) const {
  SmallVector<Value> values(carried);
  Index index(builder, loc);
  for (int64_t tap = 0; tap < axis.taps; ++tap) {
    SmallVector<Value> inputs = getInputs(index, axis, index.fold(tap), [](int64_t) { return true; });
    SmallVector<Value> exist(pixels);
    Value all;
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      if (!axis.mayMiss(pixel, pixels, tap))
        continue;
      exist[pixel] = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult, inputs[pixel], index.get(axis.extent));
      all = all ? arith::AndIOp::create(builder, loc, all, exist[pixel]).getResult() : exist[pixel];
    }
    if (!all || !axis.areTapsLoops) {
      values = takeExisting(builder, loc, index.fold(tap), inputs, exist, values, body);
      continue;
    }
    auto choice = scf::IfOp::create(
        builder, loc, all,
        [&](OpBuilder &nested, Location) { scf::YieldOp::create(nested, loc, body(nested, index.fold(tap), inputs, values)); },
        [&](OpBuilder &nested, Location) {
          scf::YieldOp::create(nested, loc, takeExisting(nested, loc, index.fold(tap), inputs, exist, values, body));
        });
    values.assign(choice.result_begin(), choice.result_end());
  }
  return values;
}

/// One tap of the pixels that have it: null in `exist` where they have it in any case.
SmallVector<Value> PixelTile::takeExisting(OpBuilder &builder, Location loc, OpFoldResult tap, ArrayRef<Value> inputs,
                                           ArrayRef<Value> exist, ValueRange carried, TapBody body) const {
  SmallVector<Value> values(carried), sure(inputs);
  int64_t perPixel = carried.size() / pixels;
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    if (exist[pixel])
      sure[pixel] = {};
  if (llvm::any_of(sure, [](Value input) { return input; }))
    values = body(builder, tap, sure, values);
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    if (!exist[pixel])
      continue;
    SmallVector<Value> one(pixels);
    one[pixel] = inputs[pixel];
    MutableArrayRef<Value> own = MutableArrayRef(values).slice(pixel * perPixel, perPixel);
    auto take = [&](OpBuilder &nested, Location) {
      SmallVector<Value> next = body(nested, tap, one, values);
      scf::YieldOp::create(nested, loc, ArrayRef(next).slice(pixel * perPixel, perPixel));
    };
    auto leave = [&](OpBuilder &nested, Location) { scf::YieldOp::create(nested, loc, own); };
    auto choice = scf::IfOp::create(builder, loc, exist[pixel], take, leave);
    llvm::copy(choice.getResults(), own.begin());
  }
  return values;
}

/// One loop over the taps that any pixel has. A pixel without a tap keeps its sums, whatever another position gives: code
/// for each pixel alone would be many times as long, and not faster.
SmallVector<Value> PixelTile::forEachEdgeTap(OpBuilder &builder, Location loc, const SpatialAxis &axis,
                                             ValueRange carried, TapBody body) const {
  Index index(builder, loc);
  SmallVector<std::pair<OpFoldResult, OpFoldResult>> taps;
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    taps.push_back(axis.getValidTaps(index, index.add(first, index.fold(pixel))));
  auto [lower, upper] = taps.front();
  for (auto [begin, end] : llvm::drop_begin(taps)) {
    lower = index.min(lower, begin);
    upper = index.max(upper, end);
  }
  // Where there are no inputs at all, nothing may be read either.
  upper = index.min(upper, index.mul(axis.extent, index.fold(axis.taps)));
  int64_t perPixel = carried.size() / pixels;
  return forEachCarrying(builder, loc, lower, upper, 1, carried, [&](OpBuilder &nested, Value tap, ValueRange sums) {
    Index inner(nested, loc);
    SmallVector<Value> inputs = getInputs(inner, axis, tap, [](int64_t) { return true; }), exist;
    if (pixels == 1)
      return body(nested, tap, inputs, sums);
    OpFoldResult last = inner.sub(axis.extent, inner.fold(1));
    for (Value &input : inputs) {
      exist.push_back(arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ult, input, inner.get(axis.extent)));
      input = inner.get(inner.max(inner.fold(0), inner.min(input, last)));
    }
    SmallVector<Value> next = body(nested, tap, inputs, sums);
    for (auto [i, sum] : llvm::enumerate(next))
      sum = arith::SelectOp::create(nested, loc, exist[i / perPixel], sum, sums[i]);
    return next;
  });
}

using TileBody = llvm::function_ref<void(OpBuilder &, const PixelTile &)>;

static void forEachStaticTile(OpBuilder &builder, Location loc, const SpatialAxis &axis, int64_t limit, TileBody body) {
  Index index(builder, loc);
  int64_t count = *getStatic(axis.count);
  BalancedTiles tiles = BalancedTiles::get(count, limit);
  auto [first, end] = axis.getInterior(index);
  int64_t lower = *getStatic(first), upper = *getStatic(end), split = tiles.numLarge * tiles.large;
  for (int64_t begin = 0; begin < count;) {
    int64_t size = begin < split ? tiles.large : tiles.large - 1;
    if (begin < lower || begin + size > upper) {
      body(builder, {index.constant(begin), begin, size, false});
      begin += size;
      continue;
    }
    int64_t run = (std::min(begin < split ? split : count, upper) - begin) / size * size;
    forEach(builder, loc, index.fold(begin), index.fold(begin + run), size,
            [&](OpBuilder &nested, Value at) { body(nested, {at, std::nullopt, size, true}); });
    begin += run;
  }
}

/// Whether few pixels at the edges have taps that do not exist.
static bool hasNarrowEdges(const SpatialAxis &axis) {
  constexpr int64_t mostTaps = 16, widest = 4;
  int64_t window = (axis.taps - 1) * axis.tapStep;
  return axis.overhang && axis.tapStep > 0 && axis.taps <= mostTaps && window / axis.inStride <= widest &&
         -axis.base <= window && *axis.overhang <= window + axis.inStride - 1;
}

/// Tiles whose positions are found at run time. Most full ones are inside; the others test what may not exist.
static void forEachGuardedTile(OpBuilder &builder, Location loc, const SpatialAxis &axis, TileSizes sizes,
                               TileBody body) {
  Index index(builder, loc);
  std::pair<OpFoldResult, OpFoldResult> interior = axis.getInterior(index);
  forEachTileSize(builder, loc, index.fold(0), axis.count, sizes, [&](OpBuilder &nested, Value at, int64_t size) {
    PixelTile guarded{at, std::nullopt, size, /*isInterior=*/false, /*isGuarded=*/true};
    PixelTile whole{at, std::nullopt, size, /*isInterior=*/true};
    if (llvm::all_of(llvm::seq(size), [&](int64_t pixel) { return guarded.isComplete(axis, pixel); }))
      return body(nested, whole);
    if (size < sizes.limit)
      return body(nested, guarded);
    Index inner(nested, loc);
    auto isAtMost = [&](OpFoldResult low, OpFoldResult high) -> Value {
      return arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::sle, inner.get(low), inner.get(high));
    };
    Value isInside = arith::AndIOp::create(nested, loc, isAtMost(interior.first, at),
                                           isAtMost(inner.add(at, inner.fold(size)), interior.second));
    auto emit = [&](const PixelTile &tile) {
      return [&, tile](OpBuilder &branch, Location) {
        body(branch, tile);
        scf::YieldOp::create(branch, loc);
      };
    };
    scf::IfOp::create(nested, loc, isInside, emit(whole), emit(guarded));
  });
}

/// Tiles whose positions are found at run time; those at the edges have one pixel, where the edges are narrow.
static void forEachDynamicTile(OpBuilder &builder, Location loc, const SpatialAxis &axis, TileSizes sizes,
                               TileBody body) {
  Index index(builder, loc);
  int64_t edge = (axis.taps - 1) * std::abs(axis.tapStep) / axis.inStride;
  auto run = [&](OpFoldResult begin, OpFoldResult end, TileSizes these, bool isInterior) {
    forEachTileSize(builder, loc, begin, end, these, [&](OpBuilder &nested, Value at, int64_t size) {
      body(nested, {at, std::nullopt, size, isInterior});
    });
  };
  auto [first, end] = axis.getInterior(index);
  TileSizes atEdge = edge > sizes.limit ? sizes : TileSizes{1, 1};
  run(index.fold(0), first, atEdge, /*isInterior=*/false);
  run(first, end, sizes, /*isInterior=*/true);
  run(end, axis.count, atEdge, /*isInterior=*/false);
}

void forEachTile(OpBuilder &builder, Location loc, const SpatialAxis &axis, TileSizes sizes, TileBody body,
                 bool guards) {
  if (getStatic(axis.count) && getStatic(axis.extent)) {
    auto [first, end] = axis.getInterior(Index(builder, loc));
    if (*getStatic(axis.count) - (*getStatic(end) - *getStatic(first)) <= maxEdgeTiles * sizes.limit)
      return forEachStaticTile(builder, loc, axis, sizes.limit, body);
  }
  if (guards && hasNarrowEdges(axis))
    return forEachGuardedTile(builder, loc, axis, sizes, body);
  forEachDynamicTile(builder, loc, axis, sizes, body);
}

namespace {
using OuterBody = llvm::function_ref<SmallVector<Value>(OpBuilder &, Taps, Taps, ValueRange)>;
} // namespace

static SmallVector<Value> forEachOuterTapFrom(OpBuilder &builder, Location loc, ArrayRef<SpatialAxis> axes,
                                              ArrayRef<Value> positions, SmallVector<Value> inputs,
                                              SmallVector<Value> filters, ValueRange carried, OuterBody body) {
  size_t axis = inputs.size();
  if (axis == axes.size())
    return body(builder, inputs, filters, carried);
  Index index(builder, loc);
  auto [lower, upper] = axes[axis].getValidTaps(index, positions[axis]);
  return forEachCarrying(builder, loc, lower, upper, 1, carried, [&](OpBuilder &nested, Value tap, ValueRange inner) {
    Index at(nested, loc);
    SmallVector<Value> nextInputs(inputs), nextFilters(filters);
    nextInputs.push_back(at.get(axes[axis].getInput(at, positions[axis], tap)));
    nextFilters.push_back(at.get(axes[axis].getFilter(at, tap)));
    return forEachOuterTapFrom(nested, loc, axes, positions, nextInputs, nextFilters, inner, body);
  });
}

SmallVector<Value> forEachOuterTap(OpBuilder &builder, Location loc, ArrayRef<SpatialAxis> axes,
                                   ArrayRef<Value> positions, ValueRange carried, OuterBody body) {
  return forEachOuterTapFrom(builder, loc, axes, positions, {}, {}, carried, body);
}

} // namespace nnc
