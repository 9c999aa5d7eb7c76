// Convolution by Winograd's minimal filtering, and packing of its filters.
//
// Output tiles of m x m' pixels are numbered through the image and taken in
// blocks. Per block: each tile's (m + r - 1) x (m' + r' - 1) input pixels are transformed
// (of a tile that reaches over the edge those that exist, and zeros); as many matrix products with the transformed
// filter by the same register tiles as everywhere else; the products of each tile are transformed back and stored
// through the epilogue: from registers where they are few, else from where the products were. Blocks are small enough
// for the scratch to stay in the cache, large enough for the filter to be read seldom.
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/MicroKernel.h"
#include "lib/Conversion/KernelToVector/WinogradTransform.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {
namespace {

class WinogradExpansion {
public:
  WinogradExpansion(OpBuilder &builder, kernel::WinogradOp op)
      : op(op), loc(op.getLoc()), target(kernel::getTarget(op)), input(op.getInput()), filter(op.getFilter()),
        init(op.getInit()), element(cast<MemRefType>(input.getType()).getElementType()), tile(op.getTile()),
        window(op.getWindow()), rows(tile[0] + window[0] - 1), columns(tile[1] + window[1] - 1), points(rows * columns),
        channels(cast<MemRefType>(input.getType()).getDimSize(3)),
        outputs(cast<MemRefType>(init.getType()).getDimSize(3)),
        micro(op, element, cast<MemRefType>(filter.getType()).getDimSize(3)),
        panelWidth(micro.getPanelWidth()), panels(llvm::divideCeil(outputs, panelWidth)) {
    Index index(builder, loc);
    for (int64_t dim = 1; dim <= 2; ++dim) {
      inputExtents.push_back(getBufferExtent(builder, loc, input, dim));
      outputExtents.push_back(getBufferExtent(builder, loc, init, dim));
    }
    tilesPerRow = index.ceilDiv(outputExtents[1], tile[1]);
    tiles = index.mul(index.ceilDiv(outputExtents[0], tile[0]), tilesPerRow);
  }

  void expand(OpBuilder &builder);

private:
  /// One tile of a block: its place in the scratch, its image and the first output pixel.
  struct Place {
    Value local, image, row, column;
  };

  /// A row or column of pixels that a tile reads: itself, and a mask of ones; or another where it does not exist, and
  /// zeros.
  struct Line {
    Value index, mask;
  };

  int64_t chooseBlock() const;
  void emitBlock(OpBuilder &builder, Value image, Value first);
  Place locate(OpBuilder &builder, Value image, Value first, Value local) const;
  void transformInput(OpBuilder &builder, const Place &place);
  SmallVector<Line> clampLines(OpBuilder &builder, Value first, int64_t count, OpFoldResult extent) const;
  Value isAnyPixel(OpBuilder &builder) const;
  Value maskPixel(OpBuilder &builder, Value value, Line row, Line column, int64_t width) const;
  void transformFrom(OpBuilder &builder, const Place &place,
                     function_ref<Value(OpBuilder &, int64_t, int64_t, Value, int64_t)> load);
  void multiply(OpBuilder &builder, Value number, OpFoldResult count);
  void multiplyPanel(OpBuilder &builder, Value matrix, Value panel, int64_t vectors, OpFoldResult count);
  void multiplyRows(OpBuilder &builder, Value matrix, Value panel, int64_t vectors, Value row, int64_t rows,
                    OpFoldResult total);
  void transformOutput(OpBuilder &builder, const Place &place);
  void storePixels(OpBuilder &builder, const Place &place, Value channel, int64_t width, ArrayRef<Value> values);
  void storeExisting(OpBuilder &builder, const Place &place, Value channel, int64_t width, ArrayRef<Value> values);
  void store(OpBuilder &builder, const Place &place, Value i, Value j, Value channel, int64_t width, Value value);
  OpFoldResult countExisting(OpBuilder &builder, const Place &place, unsigned dim) const;

  kernel::WinogradOp op;
  Location loc;
  kernel::TargetAttr target;
  Value input, filter, init;
  Type element;
  ArrayRef<int64_t> tile, window;
  int64_t rows, columns, points; ///< of the input of a tile
  int64_t channels, outputs;
  SmallVector<OpFoldResult> inputExtents, outputExtents; ///< spatial
  OpFoldResult tilesPerRow, tiles;
  MicroKernel micro;
  int64_t panelWidth, panels; ///< those that have outputs: the filter, packed for wider vectors, may have more
  int64_t block = 0;
  Value transformed, products; ///< scratch [points, block, channels]
};

} // namespace

/// Tiles per block: scratch of half the L2 cache, more where the filter is so large that it has to be read seldom; of
/// the L1 cache where the filter is little more than that itself.
int64_t WinogradExpansion::chooseBlock() const {
  int64_t perTile = points * (channels + panels * panelWidth) * 4;
  int64_t filterBytes = points * channels * panels * panelWidth * 4;
  int64_t limit = std::max<int64_t>(target.getL2Bytes() / 2, filterBytes / 4);
  if (filterBytes <= 2 * target.getL1Bytes())
    limit = target.getL1Bytes();
  int64_t most = std::max<int64_t>(limit / perTile, micro.getMaxRows(micro.getPanelVectors()));
  std::optional<int64_t> count = getStatic(tiles);
  return count ? llvm::divideCeil(*count, llvm::divideCeil(*count, most)) : most;
}

void WinogradExpansion::expand(OpBuilder &builder) {
  Index index(builder, loc);
  block = chooseBlock();
  // Rows are whole vectors, and one longer than they need be: rows at multiples of 4 KiB would share cache sets.
  int64_t lanes = target.getLanes(element);
  auto allocate = [&](int64_t columns) -> Value {
    int64_t vectors = llvm::divideCeil(columns, lanes) + 1;
    auto type = MemRefType::get({points, block, vectors * lanes}, element);
    return memref::AllocOp::create(builder, loc, type, builder.getI64IntegerAttr(64));
  };
  transformed = allocate(channels);
  products = allocate(panels * panelWidth);
  forEach(builder, loc, index.fold(0), getBufferExtent(builder, loc, input, 0), 1, [&](OpBuilder &nested, Value image) {
    Index inner(nested, loc);
    forEach(nested, loc, inner.fold(0), tiles, block,
            [&](OpBuilder &innermost, Value first) { emitBlock(innermost, image, first); });
  });
}

/// The products of a last, shorter block are computed for all its rows where the number of tiles is static; those
/// beyond are left over from the block before.
void WinogradExpansion::emitBlock(OpBuilder &builder, Value image, Value first) {
  Index index(builder, loc);
  OpFoldResult count = index.fold(block);
  if (!getStatic(tiles) || *getStatic(tiles) % block != 0)
    count = index.min(count, index.sub(tiles, first));
  parallelForEach(builder, loc, count,
                  [&](OpBuilder &nested, Value local) { transformInput(nested, locate(nested, image, first, local)); });
  parallelForEach(builder, loc, index.fold(points * panels),
                  [&](OpBuilder &nested, Value number) { multiply(nested, number, count); });
  parallelForEach(builder, loc, count, [&](OpBuilder &nested, Value local) {
    transformOutput(nested, locate(nested, image, first, local));
  });
}

WinogradExpansion::Place WinogradExpansion::locate(OpBuilder &builder, Value image, Value first, Value local) const {
  Index index(builder, loc);
  OpFoldResult number = index.add(first, local);
  return {local, image, index.get(index.mul(index.quotient(number, tilesPerRow), index.fold(tile[0]))),
          index.get(index.mul(index.rem(number, tilesPerRow), index.fold(tile[1])))};
}

/// Whether 0 <= value and value + reach <= extent.
static Value isInRange(OpBuilder &builder, Location loc, Value value, int64_t reach, OpFoldResult extent) {
  Index index(builder, loc);
  Value last = index.get(index.sub(extent, index.fold(reach)));
  Value above = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, value, index.constant(0));
  Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, value, last);
  return arith::AndIOp::create(builder, loc, above, below);
}

/// The rows or columns [first, first + count) of an image of `extent`.
SmallVector<WinogradExpansion::Line> WinogradExpansion::clampLines(OpBuilder &builder, Value first, int64_t count,
                                                                   OpFoldResult extent) const {
  Index index(builder, loc);
  SmallVector<Line> lines;
  Type bits = builder.getIntegerType(element.getIntOrFloatBitWidth());
  for (int64_t i = 0; i < count; ++i) {
    Value at = index.get(index.add(first, index.fold(i)));
    Value existing = index.get(index.max(index.fold(0), index.min(at, index.sub(extent, index.fold(1)))));
    Value exists = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, at, existing);
    lines.push_back({existing, arith::ExtSIOp::create(builder, loc, bits, exists)});
  }
  return lines;
}

/// `value`, or zero where a pixel of it does not exist.
Value WinogradExpansion::maskPixel(OpBuilder &builder, Value value, Line row, Line column, int64_t width) const {
  Value mask = arith::AndIOp::create(builder, loc, row.mask, column.mask);
  Type bits = getWideType(mask.getType(), width), type = value.getType();
  value = arith::BitcastOp::create(builder, loc, bits, value);
  value = arith::AndIOp::create(builder, loc, value, broadcastTo(builder, loc, mask, width));
  return arith::BitcastOp::create(builder, loc, type, value);
}

/// Whether an image has pixels; null where its extents say so.
Value WinogradExpansion::isAnyPixel(OpBuilder &builder) const {
  Index index(builder, loc);
  Value isAny;
  for (OpFoldResult extent : inputExtents) {
    if (getStatic(extent))
      continue;
    Value isAnyHere =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sgt, index.get(extent), index.constant(0));
    isAny = isAny ? arith::AndIOp::create(builder, loc, isAny, isAnyHere) : isAnyHere;
  }
  return isAny;
}

void WinogradExpansion::transformInput(OpBuilder &builder, const Place &place) {
  Index index(builder, loc);
  Value row = index.get(index.sub(place.row, index.fold(op.getPadsBegin()[0])));
  Value column = index.get(index.sub(place.column, index.fold(op.getPadsBegin()[1])));
  auto takeInside = [&](OpBuilder &nested, Location) {
    transformFrom(nested, place, [&](OpBuilder &at, int64_t i, int64_t j, Value channel, int64_t width) {
      Index inner(at, loc);
      Value y = inner.get(inner.add(row, inner.fold(i))), x = inner.get(inner.add(column, inner.fold(j)));
      return loadWide(at, loc, input, {place.image, y, x, channel}, width);
    });
    scf::YieldOp::create(nested, loc);
  };
  auto takeNothing = [&](OpBuilder &nested, Location) {
    transformFrom(nested, place, [&](OpBuilder &at, int64_t, int64_t, Value, int64_t width) {
      return createConstant(at, loc, getWideType(element, width), 0);
    });
    scf::YieldOp::create(nested, loc);
  };
  auto takeExisting = [&](OpBuilder &nested, Location) {
    SmallVector<Line> ys = clampLines(nested, row, rows, inputExtents[0]);
    SmallVector<Line> xs = clampLines(nested, column, columns, inputExtents[1]);
    transformFrom(nested, place, [&](OpBuilder &at, int64_t i, int64_t j, Value channel, int64_t width) {
      Value pixel = loadWide(at, loc, input, {place.image, ys[i].index, xs[j].index, channel}, width);
      return maskPixel(at, pixel, ys[i], xs[j], width);
    });
    scf::YieldOp::create(nested, loc);
  };
  Value isInside = arith::AndIOp::create(builder, loc, isInRange(builder, loc, row, rows, inputExtents[0]),
                                         isInRange(builder, loc, column, columns, inputExtents[1]));
  scf::IfOp::create(builder, loc, isInside, takeInside, [&](OpBuilder &nested, Location) {
    Value isAny = isAnyPixel(nested);
    if (!isAny)
      return takeExisting(nested, loc);
    scf::IfOp::create(nested, loc, isAny, takeExisting, takeNothing);
    scf::YieldOp::create(nested, loc);
  });
}

void WinogradExpansion::transformFrom(OpBuilder &builder, const Place &place,
                                      function_ref<Value(OpBuilder &, int64_t, int64_t, Value, int64_t)> load) {
  forEachVector(builder, loc, Index(builder, loc).fold(channels), target.getLanes(element),
                [&](OpBuilder &nested, Value channel, int64_t width) {
                  SmallVector<Value> values;
                  for (int64_t i = 0; i < points; ++i)
                    values.push_back(load(nested, i / columns, i % columns, channel, width));
                  TransformEmitter emitter(nested, loc, target.getFma());
                  Index index(nested, loc);
                  for (auto [i, value] : llvm::enumerate(emitter.multiplyBothSides(
                           getInputTransform(tile[0], window[0]), getInputTransform(tile[1], window[1]), values)))
                    storeWide(nested, loc, value, transformed, {index.constant(i), place.local, channel}, width);
                });
}

/// One panel of one matrix product. Of the last one the vectors that have outputs.
void WinogradExpansion::multiply(OpBuilder &builder, Value number, OpFoldResult count) {
  Index index(builder, loc);
  Value matrix = index.get(index.div(number, panels)), panel = index.get(index.rem(number, index.fold(panels)));
  int64_t vectors = micro.getPanelVectors(), last = micro.getNumVectors(outputs - (panels - 1) * panelWidth);
  if (last == vectors || panels == 1)
    return multiplyPanel(builder, matrix, panel, last, count);
  Value isLast = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, panel, index.constant(panels - 1));
  auto branch = [&](int64_t vectors) {
    return [&, vectors](OpBuilder &nested, Location) {
      multiplyPanel(nested, matrix, panel, vectors, count);
      scf::YieldOp::create(nested, loc);
    };
  };
  scf::IfOp::create(builder, loc, isLast, branch(last), branch(vectors));
}

/// `vectors` of a panel, by `count` rows where the number of tiles is known at run time only.
void WinogradExpansion::multiplyPanel(OpBuilder &builder, Value matrix, Value panel, int64_t vectors,
                                      OpFoldResult count) {
  Index index(builder, loc);
  int64_t limit = micro.getMaxRows(vectors);
  if (!getStatic(tiles))
    return forEachTileSize(builder, loc, index.fold(0), count, micro.getTileSizes(limit, vectors),
                           [&](OpBuilder &nested, Value row, int64_t rows) {
                             multiplyRows(nested, matrix, panel, vectors, row, rows, count);
                           });
  BalancedTiles rows = BalancedTiles::get(block, limit);
  OpFoldResult split = index.fold(rows.numLarge * rows.large), all = index.fold(block);
  forEach(builder, loc, index.fold(0), split, rows.large,
          [&](OpBuilder &nested, Value row) { multiplyRows(nested, matrix, panel, vectors, row, rows.large, all); });
  if (rows.numSmall)
    forEach(builder, loc, split, all, rows.large - 1, [&](OpBuilder &nested, Value row) {
      multiplyRows(nested, matrix, panel, vectors, row, rows.large - 1, all);
    });
}

/// `total`: the rows of all tiles.
void WinogradExpansion::multiplyRows(OpBuilder &builder, Value matrix, Value panel, int64_t vectors, Value row,
                                     int64_t rows, OpFoldResult total) {
  Index index(builder, loc);
  int64_t columns = vectors * micro.getLanes();
  SmallVector<Value> places;
  for (int64_t i = 0; i < rows; ++i)
    places.push_back(index.get(index.add(row, index.fold(i))));
  PanelAhead ahead = micro.getPanelAhead(builder, filter, matrix, panel, row, rows, total);
  Accumulators sums =
      forEachCarrying(builder, loc, index.fold(0), index.fold(channels), 1, micro.createZeros(builder, rows, columns),
                      [&](OpBuilder &nested, Value channel, ValueRange carried) {
                        SmallVector<Value> weights, inputs;
                        micro.prefetch(nested, ahead, channel);
                        for (int64_t i = 0; i < vectors; ++i)
                          weights.push_back(micro.loadWeights(nested, filter, matrix, panel, channel, i, columns));
                        for (Value at : places)
                          inputs.push_back(micro.loadInput(nested, transformed, {matrix, at, channel}));
                        return micro.step(nested, inputs, weights, carried);
                      });
  OpFoldResult first = index.mul(panel, index.fold(panelWidth));
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value column = index.get(index.add(first, index.fold(i % vectors * micro.getLanes())));
    storeWide(builder, loc, sum, products, {matrix, places[i / vectors], column}, micro.getLanes());
  }
}

void WinogradExpansion::transformOutput(OpBuilder &builder, const Place &place) {
  forEachVector(builder, loc, Index(builder, loc).fold(outputs), target.getLanes(element),
                [&](OpBuilder &nested, Value channel, int64_t width) {
                  Index index(nested, loc);
                  SmallVector<Value> values;
                  for (int64_t i = 0; i < points; ++i)
                    values.push_back(loadWide(nested, loc, products, {index.constant(i), place.local, channel}, width));
                  TransformEmitter emitter(nested, loc, target.getFma());
                  storePixels(nested, place, channel, width,
                              emitter.multiplyBothSides(getOutputTransform(tile[0], window[0]),
                                                        getOutputTransform(tile[1], window[1]), values));
                });
}

/// How many of the tile's outputs exist in one dimension.
OpFoldResult WinogradExpansion::countExisting(OpBuilder &builder, const Place &place, unsigned dim) const {
  Index index(builder, loc);
  OpFoldResult extent = outputExtents[dim];
  if (getStatic(extent) && *getStatic(extent) % tile[dim] == 0)
    return index.fold(tile[dim]);
  return index.min(index.fold(tile[dim]), index.sub(extent, dim == 0 ? place.row : place.column));
}

/// Pixel (i, j) of a tile, through the epilogue.
void WinogradExpansion::store(OpBuilder &builder, const Place &place, Value i, Value j, Value channel, int64_t width,
                              Value value) {
  Index index(builder, loc);
  Value y = index.get(index.add(place.row, i)), x = index.get(index.add(place.column, j));
  storeThroughEpilogue(builder, cast<kernel::EpilogueOpInterface>(op.getOperation()), value,
                       {place.image, y, x, channel}, width);
}

/// `values`, a tile's outputs. Of a few the code for each pixel is repeated for tiles that are whole.
void WinogradExpansion::storePixels(OpBuilder &builder, const Place &place, Value channel, int64_t width,
                                    ArrayRef<Value> values) {
  constexpr size_t mostRepeated = 4;
  if (values.size() > mostRepeated)
    return storeExisting(builder, place, channel, width, values);
  Value isWhole;
  for (unsigned dim = 0; dim < 2; ++dim) {
    OpFoldResult count = countExisting(builder, place, dim);
    if (std::optional<int64_t> known = getStatic(count)) {
      if (*known != tile[dim]) // the only tile of a narrow image
        return storeExisting(builder, place, channel, width, values);
      continue;
    }
    Index index(builder, loc);
    Value isWholeHere =
        arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, index.get(count), index.constant(tile[dim]));
    isWhole = isWhole ? arith::AndIOp::create(builder, loc, isWhole, isWholeHere) : isWholeHere;
  }
  auto storeAll = [&](OpBuilder &nested) {
    Index index(nested, loc);
    for (auto [number, value] : llvm::enumerate(values))
      store(nested, place, index.constant(number / tile[1]), index.constant(number % tile[1]), channel, width, value);
  };
  if (!isWhole)
    return storeAll(builder);
  scf::IfOp::create(
      builder, loc, isWhole,
      [&](OpBuilder &nested, Location) {
        storeAll(nested);
        scf::YieldOp::create(nested, loc);
      },
      [&](OpBuilder &nested, Location) {
        storeExisting(nested, place, channel, width, values);
        scf::YieldOp::create(nested, loc);
      });
}

/// Those of the tile's outputs that exist, from the place of its products.
void WinogradExpansion::storeExisting(OpBuilder &builder, const Place &place, Value channel, int64_t width,
                                      ArrayRef<Value> values) {
  Index index(builder, loc);
  for (auto [i, value] : llvm::enumerate(values))
    storeWide(builder, loc, value, products, {index.constant(i), place.local, channel}, width);
  OpFoldResult height = countExisting(builder, place, 0), breadth = countExisting(builder, place, 1);
  forEach(builder, loc, index.fold(0), height, 1, [&](OpBuilder &nested, Value i) {
    forEach(nested, loc, Index(nested, loc).fold(0), breadth, 1, [&](OpBuilder &innermost, Value j) {
      Index inner(innermost, loc);
      Value number = inner.get(inner.add(inner.mul(i, inner.fold(tile[1])), j));
      store(innermost, place, i, j, channel, width,
            loadWide(innermost, loc, products, {number, place.local, channel}, width));
    });
  });
}

void expandWinograd(RewriterBase &rewriter, kernel::WinogradOp op) { WinogradExpansion(rewriter, op).expand(rewriter); }

/// Filters are constants, transformed while compiling: one output and input channel at a time, in f64.
void expandPackWinograd(RewriterBase &rewriter, kernel::PackWinogradOp op) {
  Location loc = op.getLoc();
  Value source = op.getSource(), init = op.getInit();
  ArrayRef<int64_t> shape = cast<MemRefType>(init.getType()).getShape();
  int64_t outputs = cast<MemRefType>(source.getType()).getDimSize(0), panels = shape[1], channels = shape[2],
          width = shape[3];
  Type element = cast<MemRefType>(init.getType()).getElementType(), wide = rewriter.getF64Type();
  ArrayRef<int64_t> tile = op.getTile(), window = cast<MemRefType>(source.getType()).getShape().drop_front(2);
  TransformMatrix left = getFilterTransform(tile[0], window[0]), right = getFilterTransform(tile[1], window[1]);
  auto write = [&](OpBuilder &builder, Value output, Value channel, ArrayRef<Value> values) {
    Index index(builder, loc);
    Value panel = index.get(index.div(output, width)), column = index.get(index.rem(output, index.fold(width)));
    for (int64_t i = 0; i < shape[0]; ++i)
      memref::StoreOp::create(builder, loc, values[i], init, {index.constant(i), panel, channel, column});
  };
  Index index(rewriter, loc);
  parallelForEach(rewriter, loc, index.fold(outputs * channels), [&](OpBuilder &builder, Value number) {
    Index inner(builder, loc);
    Value output = inner.get(inner.div(number, channels)), channel = inner.get(inner.rem(number, inner.fold(channels)));
    SmallVector<Value> taps;
    for (int64_t i = 0; i < window[0] * window[1]; ++i) {
      Value place[] = {output, channel, inner.constant(i / window[1]), inner.constant(i % window[1])};
      Value tap = memref::LoadOp::create(builder, loc, source, place);
      taps.push_back(convertElements(builder, loc, tap, wide));
    }
    SmallVector<Value> values;
    for (Value value : TransformEmitter(builder, loc, /*fma=*/false).multiplyBothSides(left, right, taps))
      values.push_back(convertElements(builder, loc, value, element));
    write(builder, output, channel, values);
  });
  Value zero = createConstant(rewriter, loc, element, 0);
  forEach(rewriter, loc, index.fold(outputs), index.fold(panels * width), 1, [&](OpBuilder &builder, Value output) {
    forEach(
        builder, loc, Index(builder, loc).fold(0), Index(builder, loc).fold(channels), 1,
        [&](OpBuilder &nested, Value channel) { write(nested, output, channel, SmallVector<Value>(shape[0], zero)); });
  });
}

} // namespace nnc
