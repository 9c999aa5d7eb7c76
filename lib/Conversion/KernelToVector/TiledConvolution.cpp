// Convolutions and products of matrices by a unit for products of tiles (kernel.tile_dot).
//
// The images' pixels fall into tiles of up to 16 in a row; where a row is no multiple of them, the last tile begins earlier,
// and results that another one has are not stored. Rows of an image without strides follow each other in memory: where it
// takes fewer tiles, all of them are one row, with the pixels at their ends between them, whose results are not stored.
// Two tiles of pixels are multiplied by the two tiles of 16 outputs that
// are a panel of the filter: four sums for four loads. What is summed runs through the taps and, in one stretch with the
// taps along the image's last dimension, the channels, in equal steps of at most 64 bytes. Sums pass through memory to the
// epilogue. An image that is padded is copied, with its zeros: a tile has no mask.
//
// One parallel loop over blocks of tiles whose inputs half of the L2 cache holds, and over panels.
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/MicroKernel.h"

#include "lib/Analysis/TileSteps.h"
#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Widening.h"
#include "lib/Support/ViewedBuffer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

/// Rows of a tile, columns of a tile of sums, such tiles side by side and one below the other.
static constexpr int64_t mostRows = 16, tileColumns = 16, tilesAcross = 2, tilesDown = 2;
using kernel::firstLeftTile, kernel::firstRightTile;
/// A tile with less than this (rows times groups, of 256) takes the unit as long as a full one, and vectors no longer.
static constexpr int64_t leastTile = 48;

namespace {

/// What is summed, in steps of the unit.
struct Steps {
  bool mergesTaps; ///< taps along the last dimension and channels are one stretch
  int64_t count;   ///< along the stretch
  int64_t groups;  ///< of 32 bits, in each
};

class TiledConv {
public:
  explicit TiledConv(kernel::ConvOp op);

  bool isPossible();
  /// `threads`: they share the blocks, which are as short as pays.
  void expand(OpBuilder &builder, bool threads);

private:
  /// Up to 16 pixels in a row.
  struct Tile {
    Value batch;
    SmallVector<Value> outputs; ///< of its first pixel
    OpFoldResult skipped;       ///< pixels that the tile before has
  };
  /// Which output channels are computed.
  struct Panel {
    Value group, number;
    int64_t columns;    ///< that exist
    OpFoldResult pairs; ///< of tiles in a block, all of which read it
    OpFoldResult pair;  ///< the number of the current one in the block
  };
  /// How the pixels of all images fall into tiles.
  struct Tiling {
    OpFoldResult parts, rows, tiles; ///< of a row of pixels; pixels of a tile; tiles in all
  };

  bool hasPads() const {
    return llvm::any_of(llvm::concat<const int64_t>(before, after), [](int64_t pad) { return pad != 0; });
  }
  Steps chooseSteps() const;
  int64_t chooseRowDim() const;
  int64_t choosePitch() const;
  OpFoldResult getExtent(OpBuilder &builder, int64_t dim) const;
  Value pad(OpBuilder &builder) const;
  Tiling getTiling(OpBuilder &builder) const;
  void emitPanels(OpBuilder &builder, int64_t first, int64_t count, int64_t columns, bool threads);
  void emitBlock(OpBuilder &builder, Panel panel, const Tiling &tiling, OpFoldResult begin, OpFoldResult end);
  Tile locate(OpBuilder &builder, const Tiling &tiling, OpFoldResult number) const;
  void emitTiles(OpBuilder &builder, const Panel &panel, const Tiling &tiling, ArrayRef<Tile> tiles);
  void accumulate(OpBuilder &builder, const Panel &panel, ArrayRef<Tile> tiles, SmallVector<Value> taps);
  void prefetch(OpBuilder &builder, const Panel &panel, ArrayRef<Value> taps, Value group);
  void accumulateStep(OpBuilder &builder, const Panel &panel, ArrayRef<Tile> tiles, ArrayRef<Value> taps, Value step);
  void store(OpBuilder &builder, const Panel &panel, const Tile &tile, OpFoldResult rows, Value sums, int64_t number);
  int64_t getColumnTiles(const Panel &panel) const { return llvm::divideCeil(panel.columns, tileColumns); }

  kernel::ConvOp op;
  Location loc;
  Value input, filter, init;
  MemRefType inputType, filterType, initType;
  ArrayRef<int64_t> strides, dilations, before, after; ///< the last two: pads
  int64_t spatial, groups, channels; ///< of a group of channels
  bool isBF16;
  int64_t perGroup; ///< elements in 32 bits
  int64_t panelWidth, rowDim;
  int64_t pitch; ///< pixels from one row of an image to the next, where all rows are one; else 0
  Steps steps;
};

} // namespace

TiledConv::TiledConv(kernel::ConvOp op)
    : op(op), loc(op.getLoc()), input(op.getInput()), filter(op.getFilter()), init(op.getInit()),
      inputType(cast<MemRefType>(input.getType())), filterType(cast<MemRefType>(filter.getType())),
      initType(cast<MemRefType>(init.getType())), strides(op.getStrides()), dilations(op.getDilations()),
      before(op.getPadsBegin()), after(op.getPadsEnd()), spatial(inputType.getRank() - 2),
      groups(filterType.getDimSize(0)), channels(inputType.getShape().back() / groups),
      isBF16(inputType.getElementType().isBF16()), perGroup(isBF16 ? 2 : 4),
      panelWidth(filterType.getShape().back() / perGroup), rowDim(chooseRowDim()), pitch(choosePitch()),
      steps(chooseSteps()) {}

/// The most rows that tiles of the pixels along `extent` have.
static int64_t getTileRows(int64_t extent) {
  if (ShapedType::isDynamic(extent))
    return mostRows;
  return llvm::divideCeil(extent, std::max<int64_t>(1, llvm::divideCeil(extent, mostRows)));
}

/// The dimension along which tiles have the most rows; of several the last.
int64_t TiledConv::chooseRowDim() const {
  int64_t best = spatial - 1;
  ArrayRef<int64_t> extents = initType.getShape().slice(1, spatial);
  for (int64_t dim = spatial - 2; dim >= 0; --dim)
    if (!ShapedType::isDynamicShape(extents) && getTileRows(extents[dim]) > getTileRows(extents[best]))
      best = dim;
  return best;
}

int64_t TiledConv::choosePitch() const {
  if (spatial < 2)
    return 0;
  ArrayRef<int64_t> outputs = initType.getShape().slice(spatial - 1, 2), inputs = inputType.getShape().slice(spatial - 1, 3);
  SmallVector<int64_t> distances = inputType.getStridesAndOffset().first;
  bool isKnown = !ShapedType::isDynamicShape(outputs) && !ShapedType::isDynamicShape(inputs) && outputs[0] > 0;
  if (!isKnown || strides[spatial - 2] != 1 || strides[spatial - 1] != 1 ||
      (!hasPads() && (distances[spatial] != inputs[2] || distances[spatial - 1] != inputs[1] * inputs[2])))
    return 0;
  int64_t distance = inputs[1] + before.back() + after.back();
  int64_t joined = llvm::divideCeil((outputs[0] - 1) * distance + outputs[1], mostRows);
  int64_t apart = outputs[0] * llvm::divideCeil(outputs[1], mostRows);
  return rowDim == spatial - 1 && joined < apart ? distance : 0;
}

/// The extent of the results along `dim`, where rows that are one have theirs along the last.
OpFoldResult TiledConv::getExtent(OpBuilder &builder, int64_t dim) const {
  Index index(builder, loc);
  if (pitch == 0 || dim < spatial - 2)
    return getBufferExtent(builder, loc, init, dim + 1);
  int64_t rows = initType.getDimSize(spatial - 1), pixels = initType.getDimSize(spatial);
  return index.fold(dim == spatial - 2 ? 1 : (rows - 1) * pitch + pixels);
}

Steps TiledConv::chooseSteps() const {
  bool isDense = hasPads() || inputType.getStridesAndOffset().first[spatial] == inputType.getShape().back();
  Steps found;
  found.mergesTaps = groups == 1 && isDense && dilations.back() == 1;
  int64_t stretch = channels / perGroup * (found.mergesTaps ? filterType.getDimSize(spatial + 1) : 1);
  found.groups = getTileGroups(stretch);
  found.count = stretch / found.groups;
  return found;
}

/// Whether the unit has products of what `op` multiplies, and all that is summed is known.
static bool hasProducts(kernel::ConvOp op) {
  kernel::TargetAttr target = kernel::getTarget(op);
  auto input = cast<MemRefType>(op.getInput().getType()), filter = cast<MemRefType>(op.getFilter().getType());
  int64_t inputChannels = input.getShape().back();
  if (op.getTransposed() || !filter.hasStaticShape() || ShapedType::isDynamic(inputChannels) ||
      input.getStridesAndOffset().first.back() != 1)
    return false;
  int64_t channels = inputChannels / filter.getDimSize(0);
  Type sum = getAccumulatorType(op.getEpilogue().front().getArgument(0).getType());
  if (input.getElementType().isInteger(8) && sum.isInteger(32))
    return target.getByteTiles() && channels > 0 && channels % 4 == 0;
  return target.getBf16Tiles() && sum.isF32() && channels > 0 && channels % 2 == 0 &&
         kernel::isPaired(input.getElementType(), channels, filter.getDimSize(filter.getRank() - 2));
}

bool TiledConv::isPossible() {
  bool isPanel = panelWidth == tileColumns || panelWidth == tilesAcross * tileColumns;
  int64_t rows = pitch ? mostRows : getTileRows(initType.getDimSize(rowDim + 1));
  // Negative pads cut the image instead.
  bool cuts = llvm::any_of(llvm::concat<const int64_t>(before, after), [](int64_t pad) { return pad < 0; });
  return isPanel && !cuts && rows * steps.groups >= leastTile;
}

/// The input with zeros around it.
Value TiledConv::pad(OpBuilder &builder) const {
  Index index(builder, loc);
  SmallVector<OpFoldResult> sizes = memref::getMixedSizes(builder, loc, input), padded(sizes);
  SmallVector<OpFoldResult> origin(sizes.size(), index.fold(0)), ones(sizes.size(), index.fold(1)), inside(origin);
  for (int64_t dim = 0; dim < spatial; ++dim) {
    inside[dim + 1] = index.fold(before[dim]);
    padded[dim + 1] = index.add(sizes[dim + 1], index.fold(before[dim] + after[dim]));
  }
  auto [shape, dynamic] = decomposeMixedValues(padded);
  auto type = MemRefType::get(shape, inputType.getElementType());
  Value image = memref::AllocOp::create(builder, loc, type, dynamic, builder.getI64IntegerAttr(64));
  Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(type.getElementType()));
  auto fill = [&](int64_t dim, OpFoldResult from, int64_t count) {
    if (count == 0)
      return;
    SmallVector<OpFoldResult> offsets(origin), extents(padded);
    offsets[dim + 1] = from;
    extents[dim + 1] = index.fold(count);
    Value border = memref::SubViewOp::create(builder, loc, image, offsets, extents, ones);
    linalg::FillOp::create(builder, loc, zero, border);
  };
  for (int64_t dim = 0; dim < spatial; ++dim) {
    fill(dim, index.fold(0), before[dim]);
    fill(dim, index.add(index.fold(before[dim]), sizes[dim + 1]), after[dim]);
  }
  Value interior = memref::SubViewOp::create(builder, loc, image, inside, sizes, ones);
  memref::CopyOp::create(builder, loc, input, interior);
  return image;
}

TiledConv::Tiling TiledConv::getTiling(OpBuilder &builder) const {
  Index index(builder, loc);
  Tiling tiling;
  OpFoldResult row = getExtent(builder, rowDim), one = index.fold(1);
  tiling.parts = index.max(one, index.ceilDiv(row, mostRows));
  tiling.rows = index.max(one, index.ceilDiv(row, tiling.parts));
  tiling.tiles = index.mul(getBufferExtent(builder, loc, init, 0), tiling.parts);
  for (int64_t dim = 0; dim < spatial; ++dim)
    tiling.tiles = index.mul(tiling.tiles, dim == rowDim ? index.min(row, one) : getExtent(builder, dim));
  return tiling;
}

void TiledConv::expand(OpBuilder &builder, bool threads) {
  if (hasPads()) {
    input = pad(builder);
    inputType = cast<MemRefType>(input.getType());
  }
  int64_t outputs = initType.getShape().back() / groups, full = outputs / panelWidth;
  if (full)
    emitPanels(builder, 0, full, panelWidth, threads);
  if (full * panelWidth < outputs)
    emitPanels(builder, full, 1, outputs - full * panelWidth, threads);
}

void TiledConv::emitPanels(OpBuilder &builder, int64_t first, int64_t count, int64_t columns, bool threads) {
  constexpr int64_t leastDots = 512; // of what is configured for once
  Index index(builder, loc);
  Tiling tiling = getTiling(builder);
  int64_t dots = steps.count * tilesDown * llvm::divideCeil(columns, tileColumns);
  for (int64_t dim = 0; dim < spatial - (steps.mergesTaps ? 1 : 0); ++dim)
    dots *= filterType.getDimSize(dim + 2);
  int64_t bytes = channels * groups * 4 / perGroup * strides[rowDim] * tilesDown;
  OpFoldResult one = index.fold(1), pairs = index.ceilDiv(tiling.tiles, tilesDown);
  OpFoldResult cached = index.fold(kernel::getTarget(op).getL2Bytes() / 2);
  OpFoldResult most = index.max(one, index.quotient(cached, index.mul(tiling.rows, index.fold(bytes))));
  if (threads)
    most = index.min(most, index.fold(llvm::divideCeil(leastDots, dots)));
  OpFoldResult blocks = index.max(one, index.ceilDiv(pairs, most));
  OpFoldResult perBlock = index.max(one, index.ceilDiv(pairs, blocks));
  OpFoldResult atOnce = index.min(index.fold(count), index.ceilDiv(index.fold(leastDots), index.mul(perBlock, index.fold(dots))));
  OpFoldResult chunks = index.ceilDiv(index.fold(count), atOnce);
  OpFoldResult perImage = index.mul(chunks, index.fold(groups));
  parallelForEach(builder, loc, index.mul(blocks, perImage), [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    OpFoldResult block = inner.quotient(linear, perImage), rest = inner.rem(linear, perImage);
    Value group = inner.get(inner.quotient(rest, chunks));
    OpFoldResult from = inner.mul(inner.rem(rest, chunks), atOnce);
    OpFoldResult to = inner.min(inner.add(from, atOnce), inner.fold(count));
    OpFoldResult begin = inner.mul(block, perBlock), end = inner.min(inner.add(begin, perBlock), pairs);
    kernel::TileConfigureOp::create(nested, loc, inner.get(tiling.rows), steps.groups);
    forEach(nested, loc, from, to, 1, [&](OpBuilder &body, Value number) {
      Index innermost(body, loc);
      emitBlock(body, {group, innermost.get(innermost.add(number, innermost.fold(first))), columns, perBlock, {}}, tiling,
                begin, end);
    });
    kernel::TileReleaseOp::create(nested, loc);
  });
}

/// Pairs [begin, end) of tiles; the last tile may be alone.
void TiledConv::emitBlock(OpBuilder &builder, Panel panel, const Tiling &tiling, OpFoldResult begin,
                          OpFoldResult end) {
  Index index(builder, loc);
  OpFoldResult whole = index.div(tiling.tiles, tilesDown);
  auto emit = [&](OpBuilder &nested, Value pair, int64_t count) {
    SmallVector<Tile> tiles;
    Index inner(nested, loc);
    panel.pair = inner.sub(pair, begin);
    for (int64_t i = 0; i < count; ++i)
      tiles.push_back(locate(nested, tiling, inner.add(inner.mul(pair, inner.fold(tilesDown)), inner.fold(i))));
    emitTiles(nested, panel, tiling, tiles);
  };
  forEach(builder, loc, begin, index.min(whole, end), 1, [&](OpBuilder &nested, Value pair) { emit(nested, pair, tilesDown); });
  auto all = getStatic(tiling.tiles);
  if (!all || *all % tilesDown != 0)
    forEach(builder, loc, index.max(begin, whole), end, 1, [&](OpBuilder &nested, Value pair) { emit(nested, pair, 1); });
}

TiledConv::Tile TiledConv::locate(OpBuilder &builder, const Tiling &tiling, OpFoldResult number) const {
  Index index(builder, loc);
  Tile tile;
  tile.outputs.resize(spatial);
  OpFoldResult row = getExtent(builder, rowDim), first = index.mul(index.rem(number, tiling.parts), tiling.rows);
  OpFoldResult rest = index.quotient(number, tiling.parts);
  auto pixels = getStatic(row), rows = getStatic(tiling.rows);
  bool overlaps = !pixels || !rows || *pixels % *rows != 0;
  OpFoldResult begin = overlaps ? index.min(first, index.sub(row, tiling.rows)) : first;
  tile.outputs[rowDim] = index.get(begin);
  tile.skipped = overlaps ? index.sub(first, begin) : index.fold(0);
  for (int64_t dim = spatial - 1; dim >= 0; --dim) {
    if (dim == rowDim)
      continue;
    OpFoldResult extent = getExtent(builder, dim);
    tile.outputs[dim] = index.get(index.rem(rest, extent));
    rest = index.quotient(rest, extent);
  }
  tile.batch = index.get(rest);
  return tile;
}

void TiledConv::emitTiles(OpBuilder &builder, const Panel &panel, const Tiling &tiling, ArrayRef<Tile> tiles) {
  Index index(builder, loc);
  int64_t across = getColumnTiles(panel);
  for (size_t tile = 0; tile < tiles.size(); ++tile)
    for (int64_t column = 0; column < across; ++column)
      kernel::TileZeroOp::create(builder, loc, tile * tilesAcross + column);
  accumulate(builder, panel, tiles, {});
  Type element = getAccumulatorType(op.getEpilogue().front().getArgument(0).getType());
  auto type = MemRefType::get({tilesDown, mostRows, tilesAcross * tileColumns}, element);
  Value sums = memref::AllocaOp::create(builder, loc, type, builder.getI64IntegerAttr(64));
  for (auto [number, tile] : llvm::enumerate(tiles)) {
    auto place = static_cast<int64_t>(number);
    for (int64_t column = 0; column < across; ++column) {
      SmallVector<Value> at{index.constant(place), index.constant(0), index.constant(column * tileColumns)};
      kernel::TileStoreOp::create(builder, loc, place * tilesAcross + column, sums, at, 1);
    }
    store(builder, panel, tile, tiling.rows, sums, place);
  }
}

/// All taps from those in `taps` on.
void TiledConv::accumulate(OpBuilder &builder, const Panel &panel, ArrayRef<Tile> tiles, SmallVector<Value> taps) {
  Index index(builder, loc);
  auto dim = static_cast<int64_t>(taps.size());
  if (dim == spatial)
    return forEach(builder, loc, index.fold(0), index.fold(steps.count), 1,
                   [&](OpBuilder &nested, Value step) { accumulateStep(nested, panel, tiles, taps, step); });
  int64_t count = dim == spatial - 1 && steps.mergesTaps ? 1 : filterType.getDimSize(dim + 2);
  taps.emplace_back();
  forEach(builder, loc, index.fold(0), index.fold(count), 1, [&](OpBuilder &nested, Value tap) {
    taps.back() = tap;
    accumulate(nested, panel, tiles, taps);
  });
}

/// Brings a share of the next panel's weights to the cache: as much as all pairs of tiles together need for that panel. Behind
/// the last panel there are often those of the next layer. A few pairs would bring more at once than the loads beside them
/// leave time for.
void TiledConv::prefetch(OpBuilder &builder, const Panel &panel, ArrayRef<Value> taps, Value group) {
  constexpr int64_t lineBytes = 64, leastWeights = 128 << 10, linesOfUnknown = 2, leastPairs = 3;
  int64_t elementBytes = 4 / perGroup, lines = steps.groups * panelWidth * 4 / lineBytes;
  if (filterType.getNumElements() * elementBytes < leastWeights || !getViewedBuffer(filter).getDefiningOp<memref::GetGlobalOp>())
    return;
  Index index(builder, loc);
  auto pairs = getStatic(panel.pairs);
  if (pairs && *pairs < leastPairs)
    return;
  int64_t share = pairs ? llvm::divideCeil(lines, *pairs) : linesOfUnknown;
  OpFoldResult first = index.rem(index.mul(panel.pair, index.fold(share)), index.fold(lines));
  SmallVector<Value> at{panel.group, index.get(index.add(panel.number, index.fold(1)))};
  llvm::append_range(at, taps);
  at.append({group, Value()});
  for (int64_t line = 0; line < share; ++line) {
    at.back() = index.get(index.mul(index.add(first, index.fold(line)), index.fold(lineBytes / elementBytes)));
    memref::PrefetchOp::create(builder, loc, filter, at, /*isWrite=*/false, /*localityHint=*/2, /*isDataCache=*/true);
  }
}

void TiledConv::accumulateStep(OpBuilder &builder, const Panel &panel, ArrayRef<Tile> tiles, ArrayRef<Value> taps,
                               Value step) {
  Index index(builder, loc);
  OpFoldResult group = index.mul(step, index.fold(steps.groups));
  OpFoldResult channel = index.add(index.mul(panel.group, index.fold(channels)), index.mul(group, index.fold(perGroup)));
  auto loadLeft = [&](size_t number) {
    SmallVector<Value> at{tiles[number].batch};
    for (int64_t dim = 0; dim < spatial; ++dim) {
      OpFoldResult first = index.mul(tiles[number].outputs[dim], index.fold(strides[dim]));
      at.push_back(index.get(index.add(first, index.mul(taps[dim], index.fold(dilations[dim])))));
    }
    at.push_back(index.get(channel));
    kernel::TileLoadOp::create(builder, loc, firstLeftTile + number, input, at, rowDim + 1, strides[rowDim]);
  };
  auto loadRight = [&](int64_t column) {
    SmallVector<Value> at{panel.group, panel.number};
    llvm::append_range(at, taps);
    at.push_back(index.get(group));
    at.push_back(index.constant(column * tileColumns * perGroup));
    kernel::TileLoadOp::create(builder, loc, firstRightTile + column, filter, at, filterType.getRank() - 2, 1);
  };
  auto multiply = [&](size_t tile, int64_t column) {
    kernel::TileDotOp::create(builder, loc, tile * tilesAcross + column, firstLeftTile + tile, firstRightTile + column, isBF16);
  };
  prefetch(builder, panel, taps, index.get(group));
  for (size_t tile = 0; tile < tiles.size(); ++tile) {
    loadLeft(tile);
    for (int64_t column = 0; column < getColumnTiles(panel); ++column) {
      if (tile == 0)
        loadRight(column);
      multiply(tile, column);
    }
  }
}

/// Passes the tile's rows, in `sums` at `number`, through the epilogue.
void TiledConv::store(OpBuilder &builder, const Panel &panel, const Tile &tile, OpFoldResult rows, Value sums,
                      int64_t number) {
  forEach(builder, loc, tile.skipped, rows, 1, [&](OpBuilder &nested, Value row) {
    Index index(nested, loc);
    Accumulators values;
    for (int64_t column = 0; column < getColumnTiles(panel); ++column) {
      SmallVector<Value> from{index.constant(number), row, index.constant(column * tileColumns)};
      values.push_back(loadWide(nested, loc, sums, from, tileColumns));
    }
    SmallVector<Value> to{tile.batch};
    llvm::append_range(to, tile.outputs);
    to[rowDim + 1] = index.get(index.add(to[rowDim + 1], row));
    OpFoldResult outputs = index.fold(initType.getShape().back() / groups);
    to.push_back(index.get(index.add(index.mul(panel.group, outputs), index.mul(panel.number, index.fold(panelWidth)))));
    auto kernel = cast<kernel::EpilogueOpInterface>(op.getOperation());
    if (!pitch)
      return storeTile(nested, kernel, values, {to}, tileColumns, panel.columns);
    Value pixel = to[rowDim + 1];
    to[rowDim] = index.get(index.div(pixel, pitch));
    to[rowDim + 1] = index.get(index.rem(pixel, index.fold(pitch)));
    Value width = index.constant(initType.getDimSize(rowDim + 1));
    Value exists = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ult, to[rowDim + 1], width);
    scf::IfOp::create(nested, loc, exists, [&](OpBuilder &innermost, Location) {
      storeTile(innermost, kernel, values, {to}, tileColumns, panel.columns);
      scf::YieldOp::create(innermost, loc);
    });
  });
}

bool isTiled(kernel::ConvOp op) { return hasProducts(op) && TiledConv(op).isPossible(); }

void expandTiledConv(RewriterBase &rewriter, kernel::ConvOp op, bool threads) { TiledConv(op).expand(rewriter, threads); }

/// `op` as a convolution of images of one row; null where the right-hand side is not the same for the whole batch.
static kernel::ConvOp createConv(RewriterBase &rewriter, kernel::ContractOp op) {
  auto lhs = cast<MemRefType>(op.getLhs().getType()), rhs = cast<MemRefType>(op.getRhs().getType());
  int64_t rank = lhs.getRank();
  if (op.getBlocks() || rank > 3 || (rank == 3 && rhs.getDimSize(0) != 1) ||
      cast<MemRefType>(op.getInit().getType()).getRank() != rank)
    return {};
  Location loc = op.getLoc();
  auto expand = [&](Value value, ArrayRef<ReassociationIndices> groups, int64_t unit) -> Value {
    SmallVector<OpFoldResult> sizes = memref::getMixedSizes(rewriter, loc, value);
    sizes.insert(sizes.begin() + unit, rewriter.getIndexAttr(1));
    SmallVector<int64_t> shape = decomposeMixedValues(sizes).first;
    return memref::ExpandShapeOp::create(rewriter, loc, shape, value, groups, sizes);
  };
  bool isMatrix = rank == 2;
  Value input = op.getLhs(), filter = op.getRhs(), init = op.getInit();
  if (isMatrix) { // [M, K] is [1, M, K], and so on
    input = expand(input, {{0, 1}, {2}}, 0);
    init = expand(init, {{0, 1}, {2}}, 0);
    filter = expand(filter, {{0, 1}, {2}, {3}}, 0);
  }
  filter = expand(filter, {{0}, {1}, {2, 3}, {4}}, 2);
  SmallVector<Attribute> maps;
  for (AffineMap map : op.getEpilogueMaps().getAsValueRange<AffineMapAttr>())
    maps.push_back(AffineMapAttr::get(isMatrix ? map.shiftDims(1) : map));
  auto one = rewriter.getDenseI64ArrayAttr({1}), zero = rewriter.getDenseI64ArrayAttr({0});
  auto conv = kernel::ConvOp::create(rewriter, loc, TypeRange(), input, filter, op.getEpilogueInputs(), init, one, one, zero,
                                     zero, /*transposed=*/nullptr, rewriter.getArrayAttr(maps));
  rewriter.cloneRegionBefore(op.getEpilogue(), conv.getEpilogue(), conv.getEpilogue().end());
  return conv;
}

kernel::ConvOp createTiledConv(RewriterBase &rewriter, kernel::ContractOp op) {
  kernel::TargetAttr target = kernel::getTarget(op);
  if (!target.getByteTiles() && !target.getBf16Tiles())
    return {};
  kernel::ConvOp conv = createConv(rewriter, op);
  if (conv && isTiled(conv))
    return conv;
  if (conv)
    rewriter.eraseOp(conv);
  return {};
}

} // namespace nnc
