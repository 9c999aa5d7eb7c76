// Direct convolution of channels-last images with packed filters.
//
// One parallel loop over batch, blocks of output rows, panels of output channels and the rows of a block: as many as
// read what half of the L2 cache holds, so that the next panels find it there. Rows run along the last spatial
// dimension, or along another one where the last is too short for register tiles (a signal stored as an image of width
// 1). A row is cut into register tiles of neighbouring pixels: those whose taps all exist run in a loop; the few at the
// left and right edges are emitted one by one, without the taps that fall outside (where extents are known at run time
// only, with a test for each). Rows outside are skipped by clamping the loop over the filter's rows. Nothing is padded
// or copied. A transposed convolution is the same per residue of its strides (see SpatialAxis).
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/MicroKernel.h"
#include "lib/Conversion/KernelToVector/SpatialAxis.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

/// Whether the filter is of pairs of bf16.
static bool hasPairs(Value input, MemRefType filter) {
  auto image = cast<MemRefType>(input.getType());
  int64_t channels = image.getShape().back();
  return kernel::isPaired(image.getElementType(),
                          ShapedType::isDynamic(channels) ? channels : channels / filter.getDimSize(0),
                          filter.getDimSize(filter.getRank() - 2));
}

/// Filters of at most this many input channels (a network's first layer) are unrolled over them.
static constexpr int64_t unrolledChannels = 4;
/// Enough for sums and for inputs that several pixels read.
static constexpr int64_t manyRegisters = 32;

namespace {

/// Which output channels a tile computes.
struct Panel {
  Value batch, group, number;
  int64_t columns; ///< that exist
  /// Pixels of the block of rows that the panel is for, and how many of those there are before the row (or part of a
  /// row), less the position where that begins.
  OpFoldResult pixels, before;
};

class ConvExpansion {
public:
  ConvExpansion(OpBuilder &builder, kernel::ConvOp op)
      : op(op), loc(op.getLoc()), input(op.getInput()), filter(op.getFilter()), init(op.getInit()),
        filterType(cast<MemRefType>(filter.getType())), spatial(cast<MemRefType>(input.getType()).getRank() - 2),
        inputChannels(filterType.getDimSize(spatial + 2)), isPaired(hasPairs(input, filterType)),
        tile(op, cast<MemRefType>(input.getType()).getElementType(), filterType.getShape().back(), isPaired),
        panelWidth(tile.getPanelWidth()) {}

  void expand(OpBuilder &builder);

private:
  using Axes = std::vector<SpatialAxis>;
  /// How a row of pixels is shared among threads: in so many parts of so many pixels (0: not at all).
  struct RowParts {
    OpFoldResult count;
    int64_t pixels;
  };
  int64_t getChannelsPerGroup() const;
  bool sharesInputs(const SpatialAxis &axis) const;
  int64_t getMaxPixels(const SpatialAxis &axis, int64_t vectors) const;
  RowParts getRowParts(const Index &index, const Axes &axes, int64_t limit) const;
  OpFoldResult getRowsPerBlock(const Index &index, const Axes &axes, OpFoldResult rows, RowParts parts) const;
  SmallVector<int64_t> chooseOrder() const;
  SmallVector<Value> arrange(ArrayRef<Value> rows, Value column) const;
  std::vector<Axes> getAllAxes(OpBuilder &builder);
  void emitAxes(OpBuilder &builder, const Axes &axes);
  void emitPanels(OpBuilder &builder, const Axes &axes, OpFoldResult firstPanel, int64_t numPanels, int64_t columns);
  void emitTile(OpBuilder &builder, const Axes &axes, const Panel &panel, ArrayRef<Value> rows,
                const PixelTile &pixels);
  void emitRow(OpBuilder &builder, const Axes &axes, Panel panel, OpFoldResult row, RowParts parts, TileSizes sizes);
  PanelAhead getPanelAhead(OpBuilder &builder, const Panel &panel, const PixelTile &pixels) const;
  OpFoldResult getFirstStep(OpBuilder &builder, ArrayRef<Value> tap) const;
  Accumulators accumulateTap(OpBuilder &builder, const Panel &panel, const PanelAhead &ahead, ArrayRef<Value> inputRows,
                             ArrayRef<Value> filterRows, Value filterColumn, ArrayRef<Value> pixels,
                             ValueRange sums) const;

  kernel::ConvOp op;
  Location loc;
  Value input, filter, init;
  MemRefType filterType;
  int64_t spatial;
  int64_t inputChannels; ///< steps over them: groups of channels for integers of 8 bits and pairs of bf16
  bool isPaired;
  MicroKernel tile;
  int64_t panelWidth;
  SmallVector<int64_t> order; ///< of the spatial dimensions; rows run along the last
};

} // namespace

int64_t ConvExpansion::getChannelsPerGroup() const {
  if (isPaired)
    return cast<MemRefType>(input.getType()).getShape().back() / filterType.getDimSize(0);
  return inputChannels * tile.getGroup();
}

SmallVector<int64_t> ConvExpansion::chooseOrder() const {
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, spatial));
  ArrayRef<int64_t> extents = cast<MemRefType>(init.getType()).getShape().slice(1, spatial);
  int64_t limit = tile.getMaxRows(tile.getPanelVectors());
  auto getTileSize = [&](int64_t dim) { return BalancedTiles::get(extents[dim], limit).large; };
  if (ShapedType::isDynamicShape(extents) || 2 * getTileSize(spatial - 1) > limit)
    return dims;
  auto longest = std::max_element(dims.rbegin(), dims.rend(),
                                  [&](int64_t a, int64_t b) { return getTileSize(a) < getTileSize(b); });
  std::rotate(longest.base() - 1, longest.base(), dims.end());
  return dims;
}

/// Positions along all dimensions but the rows' own, and along the rows, in the order of the dimensions.
SmallVector<Value> ConvExpansion::arrange(ArrayRef<Value> rows, Value column) const {
  SmallVector<Value> positions(spatial, column);
  for (auto [dim, row] : llvm::zip(order, rows))
    positions[dim] = row;
  return positions;
}

/// One list of axes for an ordinary convolution; for a transposed one, one for each combination of phases.
std::vector<ConvExpansion::Axes> ConvExpansion::getAllAxes(OpBuilder &builder) {
  Index index(builder, loc);
  std::vector<Axes> all{Axes()};
  for (int64_t dim : order) {
    OpFoldResult extent = getBufferExtent(builder, loc, input, dim + 1),
                 outputs = getBufferExtent(builder, loc, init, dim + 1);
    int64_t size = filterType.getDimSize(dim + 2), stride = op.getStrides()[dim], dilation = op.getDilations()[dim];
    int64_t pad = op.getPadsBegin()[dim];
    std::vector<SpatialAxis> phases;
    if (op.getTransposed())
      phases = SpatialAxis::getPhases(index, extent, outputs, size, stride, dilation, pad);
    else
      phases = {SpatialAxis::getWindow(extent, outputs, size, stride, dilation, pad, op.getPadsEnd()[dim])};
    std::vector<Axes> extended;
    for (const Axes &axes : all)
      for (SpatialAxis phase : phases) {
        phase.areTapsLoops = inputChannels > unrolledChannels;
        // Unrolled, LLVM would load each shared input once and keep it in memory.
        if (sharesInputs(phase) && kernel::getTarget(op).getVectorRegisters() < manyRegisters)
          phase.unrolledTaps = 1;
        extended.push_back(axes);
        extended.back().push_back(phase);
      }
    all = std::move(extended);
  }
  return all;
}

void ConvExpansion::expand(OpBuilder &builder) {
  order = chooseOrder();
  for (const Axes &axes : getAllAxes(builder))
    emitAxes(builder, axes);
}

void ConvExpansion::emitAxes(OpBuilder &builder, const Axes &axes) {
  int64_t outputs = cast<MemRefType>(init.getType()).getDimSize(spatial + 1) / filterType.getDimSize(0);
  int64_t full = outputs / panelWidth;
  Index index(builder, loc);
  if (full)
    emitPanels(builder, axes, index.fold(0), full, panelWidth);
  if (full * panelWidth < outputs)
    emitPanels(builder, axes, index.fold(full), 1, outputs - full * panelWidth);
}

/// Where channels are unrolled, neighbouring pixels read the same inputs at different taps.
bool ConvExpansion::sharesInputs(const SpatialAxis &axis) const {
  return inputChannels <= unrolledChannels && axis.taps > 1;
}

/// Shared inputs stay in registers beside the sums. With few registers the sums need them more, and taps are a loop.
int64_t ConvExpansion::getMaxPixels(const SpatialAxis &axis, int64_t vectors) const {
  int64_t limit = tile.getMaxRows(vectors), registers = kernel::getTarget(op).getVectorRegisters();
  if (!sharesInputs(axis) || registers < manyRegisters)
    return limit;
  return std::min(limit, (registers - vectors) / (vectors + inputChannels));
}

/// All pixels of an image in one row (see mergePixels) are shared among threads in parts of several tiles.
ConvExpansion::RowParts ConvExpansion::getRowParts(const Index &index, const Axes &axes, int64_t limit) const {
  constexpr int64_t tilesPerPart = 8;
  const SpatialAxis &axis = axes.back();
  bool readsOne = axis.taps == 1 && axis.inStride == 1 && axis.base == 0 && axis.overhang == 0;
  if (axes.size() > 1 || !readsOne || getStatic(axis.count))
    return {index.fold(1), 0};
  return {index.ceilDiv(axis.count, tilesPerPart * limit), tilesPerPart * limit};
}

/// How many of `rows` rows (or parts of them) a panel takes before the next panel takes the same.
OpFoldResult ConvExpansion::getRowsPerBlock(const Index &index, const Axes &axes, OpFoldResult rows,
                                            RowParts parts) const {
  int64_t pixelBytes = getChannelsPerGroup() * cast<MemRefType>(input.getType()).getElementTypeBitWidth() / 8;
  int64_t cached = kernel::getTarget(op).getL2Bytes() / 2;
  for (const SpatialAxis &axis : ArrayRef(axes).drop_back().take_back())
    pixelBytes *= axis.inStride;
  OpFoldResult pixels = parts.pixels ? index.fold(parts.pixels) : axes.back().extent;
  OpFoldResult bytes = index.max(index.fold(1), index.mul(pixels, index.fold(pixelBytes)));
  OpFoldResult most = index.max(index.fold(1), index.quotient(index.fold(cached), bytes));
  OpFoldResult blocks = index.max(index.fold(1), index.ceilDiv(rows, most));
  return index.max(index.fold(1), index.ceilDiv(rows, blocks));
}

void ConvExpansion::emitPanels(OpBuilder &builder, const Axes &axes, OpFoldResult firstPanel, int64_t numPanels,
                               int64_t columns) {
  Index index(builder, loc);
  int64_t vectors = tile.getNumVectors(columns), groups = filterType.getDimSize(0);
  TileSizes sizes = tile.getTileSizes(getMaxPixels(axes.back(), vectors), vectors);
  RowParts parts = getRowParts(index, axes, sizes.limit);
  OpFoldResult rows = parts.count;
  for (const SpatialAxis &axis : ArrayRef(axes).drop_back())
    rows = index.mul(rows, axis.count);
  OpFoldResult perBlock = numPanels == 1 ? rows : getRowsPerBlock(index, axes, rows, parts);
  OpFoldResult blocks = numPanels == 1 ? index.fold(1) : index.ceilDiv(rows, perBlock);
  OpFoldResult total = index.mul(getBufferExtent(builder, loc, input, 0), index.fold(groups * numPanels));
  parallelForEach(builder, loc, index.mul(index.mul(total, blocks), perBlock), [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    OpFoldResult inBlock = inner.rem(linear, perBlock), rest = inner.quotient(linear, perBlock);
    Panel panel;
    panel.columns = columns;
    panel.number = inner.get(inner.add(inner.rem(rest, inner.fold(numPanels)), firstPanel));
    rest = inner.div(rest, numPanels);
    OpFoldResult row = inner.add(inner.mul(inner.rem(rest, blocks), perBlock), inBlock);
    rest = inner.quotient(rest, blocks);
    panel.group = inner.get(inner.rem(rest, inner.fold(groups)));
    panel.batch = inner.get(inner.div(rest, groups));
    OpFoldResult perRow = parts.pixels ? inner.fold(parts.pixels) : axes.back().count;
    panel.pixels = inner.mul(perBlock, perRow);
    panel.before = inner.mul(inBlock, perRow);
    auto known = getStatic(rows), size = getStatic(perBlock);
    if (getStatic(blocks) == 1 || (known && size && *known % *size == 0))
      return emitRow(nested, axes, panel, row, parts, sizes);
    Value exists = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::slt, inner.get(row), inner.get(rows));
    scf::IfOp::create(nested, loc, exists, [&](OpBuilder &innermost, Location) {
      emitRow(innermost, axes, panel, row, parts, sizes);
      scf::YieldOp::create(innermost, loc);
    });
  });
}

/// One row of pixels, or a part of it; `row` counts both.
void ConvExpansion::emitRow(OpBuilder &builder, const Axes &axes, Panel panel, OpFoldResult row, RowParts parts,
                            TileSizes sizes) {
  Index index(builder, loc);
  OpFoldResult part = index.rem(row, parts.count), rest = index.quotient(row, parts.count);
  SmallVector<Value> rows(spatial - 1);
  for (int64_t dim = spatial - 2; dim >= 0; --dim) {
    rows[dim] = index.get(index.rem(rest, axes[dim].count));
    rest = index.quotient(rest, axes[dim].count);
  }
  if (!parts.pixels)
    return forEachTile(
        builder, loc, axes.back(), sizes,
        [&](OpBuilder &nested, const PixelTile &pixels) { emitTile(nested, axes, panel, rows, pixels); },
        /*guards=*/true);
  OpFoldResult begin = index.mul(part, index.fold(parts.pixels));
  OpFoldResult end = index.min(index.add(begin, index.fold(parts.pixels)), axes.back().count);
  panel.before = index.sub(panel.before, begin);
  forEachTileSize(builder, loc, begin, end, sizes, [&](OpBuilder &nested, Value at, int64_t size) {
    emitTile(nested, axes, panel, rows, {at, std::nullopt, size, /*isInterior=*/true});
  });
}

/// What the tile of `pixels` brings of the next panel. Few channels are unrolled: their filters are small.
PanelAhead ConvExpansion::getPanelAhead(OpBuilder &builder, const Panel &panel, const PixelTile &pixels) const {
  if (inputChannels <= unrolledChannels)
    return {};
  OpFoldResult first = Index(builder, loc).add(panel.before, pixels.first);
  return tile.getPanelAhead(builder, filter, panel.group, panel.number, first, pixels.pixels, panel.pixels);
}

/// The number of the first step of a tap, in the order of the packed filter.
OpFoldResult ConvExpansion::getFirstStep(OpBuilder &builder, ArrayRef<Value> tap) const {
  Index index(builder, loc);
  OpFoldResult number = index.fold(0);
  for (auto [at, size] : llvm::zip(tap, filterType.getShape().drop_front(2)))
    number = index.add(index.mul(number, index.fold(size)), at);
  return index.mul(number, index.fold(inputChannels));
}

/// All input channels of one tap; `pixels` are input columns, null where a pixel's tap does not exist.
Accumulators ConvExpansion::accumulateTap(OpBuilder &builder, const Panel &panel, const PanelAhead &ahead,
                                          ArrayRef<Value> inputRows, ArrayRef<Value> filterRows, Value filterColumn,
                                          ArrayRef<Value> pixels, ValueRange sums) const {
  Index index(builder, loc);
  int64_t vectors = sums.size() / pixels.size();
  bool isOdd = isPaired && getChannelsPerGroup() % 2 != 0;
  OpFoldResult firstChannel = index.mul(panel.group, index.fold(getChannelsPerGroup()));
  OpFoldResult firstStep = getFirstStep(builder, arrange(filterRows, filterColumn));
  auto step = [&](OpBuilder &nested, Value channel, ValueRange carried, bool isLast) {
    Index inner(nested, loc);
    SmallVector<Value> weights, inputs, at = arrange(filterRows, filterColumn);
    at.push_back(channel);
    tile.prefetch(nested, ahead, inner.add(firstStep, channel));
    for (int64_t i = 0; i < vectors; ++i)
      weights.push_back(tile.loadWeights(nested, filter, panel.group, panel.number, at, i, panel.columns));
    Value inputChannel = inner.get(inner.add(firstChannel, inner.mul(channel, inner.fold(tile.getGroup()))));
    for (Value pixel : pixels) {
      SmallVector<Value> from{panel.batch};
      llvm::append_range(from, arrange(inputRows, pixel));
      from.push_back(inputChannel);
      inputs.push_back(pixel ? tile.loadInput(nested, input, from, isLast) : Value());
    }
    return tile.step(nested, inputs, weights, carried);
  };
  int64_t whole = inputChannels - (isOdd ? 1 : 0);
  Accumulators next(sums);
  if (inputChannels > unrolledChannels)
    next = forEachCarrying(
        builder, loc, index.fold(0), index.fold(whole), 1, sums,
        [&](OpBuilder &nested, Value channel, ValueRange carried) { return step(nested, channel, carried, false); });
  else
    for (int64_t channel = 0; channel < whole; ++channel)
      next = step(builder, index.constant(channel), next, false);
  return isOdd ? step(builder, index.constant(whole), next, /*isLast=*/true) : next;
}

void ConvExpansion::emitTile(OpBuilder &builder, const Axes &axes, const Panel &panel, ArrayRef<Value> rows,
                             const PixelTile &pixels) {
  const SpatialAxis &axis = axes.back();
  PanelAhead ahead = getPanelAhead(builder, panel, pixels);
  Accumulators sums = forEachOuterTap(
      builder, loc, ArrayRef(axes).drop_back(), rows, tile.createZeros(builder, pixels.pixels, panel.columns),
      [&](OpBuilder &nested, Taps inputRows, Taps filterRows, ValueRange outer) {
        return pixels.forEachTap(nested, loc, axis, outer,
                                 [&](OpBuilder &innermost, OpFoldResult tap, ArrayRef<Value> inputs, ValueRange inner) {
                                   Index index(innermost, loc);
                                   return accumulateTap(innermost, panel, ahead, inputRows, filterRows,
                                                        index.get(axis.getFilter(index, tap)), inputs, inner);
                                 });
      });

  Index index(builder, loc);
  OpFoldResult perGroup =
      index.fold(cast<MemRefType>(init.getType()).getDimSize(spatial + 1) / filterType.getDimSize(0));
  Value column =
      index.get(index.add(index.mul(panel.group, perGroup), index.mul(panel.number, index.fold(panelWidth))));
  SmallVector<SmallVector<Value>> outputs;
  for (int64_t pixel = 0; pixel < pixels.pixels; ++pixel) {
    SmallVector<Value> at{panel.batch}, outputRows;
    for (auto [row, rowAxis] : llvm::zip(rows, axes))
      outputRows.push_back(index.get(rowAxis.getOutput(index, row)));
    Value outputColumn = index.get(axis.getOutput(index, index.add(pixels.first, index.fold(pixel))));
    llvm::append_range(at, arrange(outputRows, outputColumn));
    at.push_back(column);
    outputs.push_back(at);
  }
  storeTile(builder, cast<kernel::EpilogueOpInterface>(op.getOperation()), sums, outputs, tile.getLanes(),
            panel.columns);
}

void expandConv(RewriterBase &rewriter, kernel::ConvOp op, bool threads) {
  kernel::ConvOp merged = mergePixels(rewriter, op, isTiled(op));
  kernel::ConvOp conv = merged ? merged : op;
  if (isTiled(conv))
    expandTiledConv(rewriter, conv, threads);
  else
    ConvExpansion(rewriter, conv).expand(rewriter);
  if (merged)
    rewriter.eraseOp(merged);
}

} // namespace nnc
