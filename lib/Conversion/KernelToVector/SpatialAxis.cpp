// Windows along one spatial dimension.
#include "lib/Conversion/KernelToVector/SpatialAxis.h"

#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;

namespace nnc {

SpatialAxis SpatialAxis::getWindow(OpFoldResult extent, OpFoldResult outputs, int64_t size, int64_t stride,
                                   int64_t dilation, int64_t padBegin) {
  SpatialAxis axis;
  axis.extent = extent;
  axis.count = outputs;
  axis.inStride = stride;
  axis.base = -padBegin;
  axis.taps = size;
  axis.tapStep = dilation;
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
  return isInterior || position ? forEachStaticTap(builder, loc, axis, carried, body)
                                : forEachEdgeTap(builder, loc, axis, carried, body);
}

/// Input index of each pixel that `exists` at one tap.
SmallVector<Value> PixelTile::getInputs(const Index &index, const SpatialAxis &axis, OpFoldResult tap,
                                        llvm::function_ref<bool(int64_t)> exists) const {
  SmallVector<Value> inputs(pixels);
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    if (exists(pixel))
      inputs[pixel] = index.get(axis.getInput(index, index.add(first, index.fold(pixel)), tap));
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

/// Each pixel's taps before those at which all pixels exist, these together, then each pixel's rest.
SmallVector<Value> PixelTile::forEachEdgeTap(OpBuilder &builder, Location loc, const SpatialAxis &axis,
                                             ValueRange carried, TapBody body) const {
  Index index(builder, loc);
  auto run = [&](OpFoldResult lower, OpFoldResult upper, ValueRange values, llvm::function_ref<bool(int64_t)> exists) {
    return forEachCarrying(builder, loc, lower, upper, 1, values,
                           [&](OpBuilder &nested, Value tap, ValueRange inner) {
                             return body(nested, tap, getInputs(Index(nested, loc), axis, tap, exists), inner);
                           });
  };
  SmallVector<std::pair<OpFoldResult, OpFoldResult>> taps;
  for (int64_t pixel = 0; pixel < pixels; ++pixel)
    taps.push_back(axis.getValidTaps(index, index.add(first, index.fold(pixel))));
  auto [lower, upper] = taps.front();
  for (auto [begin, end] : llvm::drop_begin(taps)) {
    lower = index.max(lower, begin);
    upper = index.min(upper, end);
  }
  upper = index.max(lower, upper);
  SmallVector<Value> values(carried);
  auto isThis = [](int64_t pixel) { return [pixel](int64_t other) { return other == pixel; }; };
  if (pixels > 1)
    for (auto [pixel, range] : llvm::enumerate(taps))
      values = run(range.first, index.min(range.second, lower), values, isThis(pixel));
  values = run(lower, upper, values, [](int64_t) { return true; });
  if (pixels > 1)
    for (auto [pixel, range] : llvm::enumerate(taps))
      values = run(index.max(range.first, upper), range.second, values, isThis(pixel));
  return values;
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

/// Tiles whose positions are found at run time; those at the edges have one pixel, where the edges are narrow.
static void forEachDynamicTile(OpBuilder &builder, Location loc, const SpatialAxis &axis, int64_t limit, TileBody body) {
  Index index(builder, loc);
  int64_t edge = (axis.taps - 1) * std::abs(axis.tapStep) / axis.inStride;
  auto run = [&](OpFoldResult begin, OpFoldResult end, int64_t most, bool isInterior) {
    forEachTileSize(builder, loc, begin, end, most, [&](OpBuilder &nested, Value at, int64_t size) {
      body(nested, {at, std::nullopt, size, isInterior});
    });
  };
  auto [first, end] = axis.getInterior(index);
  run(index.fold(0), first, edge > limit ? limit : 1, /*isInterior=*/false);
  run(first, end, limit, /*isInterior=*/true);
  run(end, axis.count, edge > limit ? limit : 1, /*isInterior=*/false);
}

void forEachTile(OpBuilder &builder, Location loc, const SpatialAxis &axis, int64_t limit, TileBody body) {
  if (getStatic(axis.count) && getStatic(axis.extent)) {
    auto [first, end] = axis.getInterior(Index(builder, loc));
    if (*getStatic(axis.count) - (*getStatic(end) - *getStatic(first)) <= maxEdgeTiles * limit)
      return forEachStaticTile(builder, loc, axis, limit, body);
  }
  forEachDynamicTile(builder, loc, axis, limit, body);
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
