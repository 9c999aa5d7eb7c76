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

SmallVector<Value> PixelTile::forEachTap(
    OpBuilder &builder, Location loc, const SpatialAxis &axis, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(OpBuilder &, OpFoldResult, ArrayRef<Value>, ValueRange)> body) const {
  Index index(builder, loc);
  if (!isInterior && !position) {
    auto [lower, upper] = axis.getValidTaps(index, first);
    Value pixel = first;
    return forEachCarrying(builder, loc, lower, upper, 1, carried,
                           [&](OpBuilder &nested, Value tap, ValueRange inner) {
                             Index at(nested, loc);
                             return body(nested, tap, at.get(axis.getInput(at, pixel, tap)), inner);
                           });
  }
  SmallVector<Value> values(carried);
  for (int64_t tap = 0; tap < axis.taps; ++tap) {
    SmallVector<Value> inputs;
    for (int64_t pixel = 0; pixel < pixels; ++pixel) {
      bool exists = isInterior || axis.isValid(*position + pixel, tap);
      OpFoldResult at = index.add(first, index.fold(pixel));
      inputs.push_back(exists ? index.get(axis.getInput(index, at, index.fold(tap))) : Value());
    }
    if (llvm::any_of(inputs, [](Value input) { return static_cast<bool>(input); }))
      values = body(builder, index.fold(tap), inputs, values);
  }
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

void forEachTile(OpBuilder &builder, Location loc, const SpatialAxis &axis, int64_t limit, TileBody body) {
  if (getStatic(axis.count) && getStatic(axis.extent))
    return forEachStaticTile(builder, loc, axis, limit, body);
  Index index(builder, loc);
  auto [first, end] = axis.getInterior(index);
  OpFoldResult tiles = index.div(index.sub(end, first), limit);
  OpFoldResult split = index.add(first, index.mul(tiles, index.fold(limit)));
  auto single = [&](OpBuilder &nested, Value at) { body(nested, {at, std::nullopt, 1, false}); };
  forEach(builder, loc, index.fold(0), first, 1, single);
  forEach(builder, loc, first, split, limit,
          [&](OpBuilder &nested, Value at) { body(nested, {at, std::nullopt, limit, true}); });
  forEach(builder, loc, split, axis.count, 1, single);
}

namespace {
using OuterBody = llvm::function_ref<SmallVector<Value>(OpBuilder &, Taps, Taps, ValueRange)>;
}

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
