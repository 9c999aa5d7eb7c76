// Convolution by Winograd's minimal filtering, and packing of its filters.
//
// Output tiles of m x m pixels are numbered through the image and taken in
// blocks. Per block: each tile's (m + 2) x (m + 2) input pixels are transformed
// (a tile that reaches over the edge is first copied, with zeros, to where its
// result will be); (m + 2)^2 matrix products with the transformed filter by the
// same register tiles as everywhere else; the products of each tile are
// transformed back in place and stored through the epilogue. Blocks are small
// enough for the scratch to stay in the cache, large enough for the filter to be
// read seldom.
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
        size(tile + 2), channels(cast<MemRefType>(input.getType()).getDimSize(3)),
        outputs(cast<MemRefType>(init.getType()).getDimSize(3)),
        micro(op, element, cast<MemRefType>(filter.getType()).getDimSize(3)),
        panels(cast<MemRefType>(filter.getType()).getDimSize(1) * micro.getPanelParts()),
        panelWidth(micro.getPanelWidth()) {
    Index index(builder, loc);
    for (int64_t dim = 1; dim <= 2; ++dim) {
      inputExtents.push_back(getBufferExtent(builder, loc, input, dim));
      outputExtents.push_back(getBufferExtent(builder, loc, init, dim));
    }
    tilesPerRow = index.ceilDiv(outputExtents[1], tile);
    tiles = index.mul(index.ceilDiv(outputExtents[0], tile), tilesPerRow);
  }

  void expand(OpBuilder &builder);

private:
  /// One tile of a block: its place in the scratch, its image and the first output pixel.
  struct Place {
    Value local, image, row, column;
  };

  int64_t chooseBlock() const;
  void emitBlock(OpBuilder &builder, Value image, Value first);
  Place locate(OpBuilder &builder, Value image, Value first, Value local) const;
  void transformInput(OpBuilder &builder, const Place &place);
  void copyPatch(OpBuilder &builder, const Place &place, Value row, Value column);
  void transformFrom(OpBuilder &builder, const Place &place,
                     function_ref<Value(OpBuilder &, int64_t, int64_t, Value, int64_t)> load);
  void multiply(OpBuilder &builder, Value number, OpFoldResult count);
  void multiplyRows(OpBuilder &builder, Value matrix, Value panel, Value row, int64_t rows, OpFoldResult total);
  void transformOutput(OpBuilder &builder, const Place &place);
  void storePixels(OpBuilder &builder, const Place &place, Value channel, int64_t width);

  kernel::WinogradOp op;
  Location loc;
  kernel::TargetAttr target;
  Value input, filter, init;
  Type element;
  int64_t tile, size, channels, outputs;
  SmallVector<OpFoldResult> inputExtents, outputExtents; ///< spatial
  OpFoldResult tilesPerRow, tiles;
  MicroKernel micro;
  int64_t panels, panelWidth;
  int64_t block = 0;
  Value transformed, products; ///< scratch [size * size, block, channels]
};

} // namespace

/// Tiles per block: scratch of half the L2 cache, more where the filter is so large that it has to be read seldom.
int64_t WinogradExpansion::chooseBlock() const {
  int64_t perTile = size * size * (channels + panels * panelWidth) * 4;
  int64_t filterBytes = size * size * channels * panels * panelWidth * 4;
  int64_t limit = std::max<int64_t>(target.getL2Bytes() / 2, filterBytes / 4);
  int64_t most = std::max<int64_t>(limit / perTile, micro.getMaxRows(micro.getPanelVectors()));
  std::optional<int64_t> count = getStatic(tiles);
  return count ? llvm::divideCeil(*count, llvm::divideCeil(*count, most)) : most;
}

void WinogradExpansion::expand(OpBuilder &builder) {
  Index index(builder, loc);
  block = chooseBlock();
  // Rows are a vector longer than they need be: rows at multiples of 4 KiB would share cache sets.
  int64_t padding = target.getLanes(element);
  auto allocate = [&](int64_t columns) -> Value {
    auto type = MemRefType::get({size * size, block, columns + padding}, element);
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
  parallelForEach(builder, loc, index.fold(size * size * panels),
                  [&](OpBuilder &nested, Value number) { multiply(nested, number, count); });
  parallelForEach(builder, loc, count, [&](OpBuilder &nested, Value local) {
    transformOutput(nested, locate(nested, image, first, local));
  });
}

WinogradExpansion::Place WinogradExpansion::locate(OpBuilder &builder, Value image, Value first, Value local) const {
  Index index(builder, loc);
  OpFoldResult number = index.add(first, local);
  return {local, image, index.get(index.mul(index.quotient(number, tilesPerRow), index.fold(tile))),
          index.get(index.mul(index.rem(number, tilesPerRow), index.fold(tile)))};
}

/// Whether 0 <= value and value + reach <= extent.
static Value isInRange(OpBuilder &builder, Location loc, Value value, int64_t reach, OpFoldResult extent) {
  Index index(builder, loc);
  Value last = index.get(index.sub(extent, index.fold(reach)));
  Value above = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sge, value, index.constant(0));
  Value below = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::sle, value, last);
  return arith::AndIOp::create(builder, loc, above, below);
}

void WinogradExpansion::transformInput(OpBuilder &builder, const Place &place) {
  Index index(builder, loc);
  Value row = index.get(index.sub(place.row, index.fold(op.getPadsBegin()[0])));
  Value column = index.get(index.sub(place.column, index.fold(op.getPadsBegin()[1])));
  auto branch = [&](bool isInside) {
    return [&, isInside](OpBuilder &nested, Location) {
      if (!isInside)
        copyPatch(nested, place, row, column);
      transformFrom(nested, place, [&](OpBuilder &at, int64_t i, int64_t j, Value channel, int64_t width) {
        Index inner(at, loc);
        if (!isInside)
          return loadWide(at, loc, transformed, {inner.constant(i * size + j), place.local, channel}, width);
        Value y = inner.get(inner.add(row, inner.fold(i))), x = inner.get(inner.add(column, inner.fold(j)));
        return loadWide(at, loc, input, {place.image, y, x, channel}, width);
      });
      scf::YieldOp::create(nested, loc);
    };
  };
  Value rows = isInRange(builder, loc, row, size, inputExtents[0]);
  Value columns = isInRange(builder, loc, column, size, inputExtents[1]);
  scf::IfOp::create(builder, loc, arith::AndIOp::create(builder, loc, rows, columns), branch(true), branch(false));
}

/// Copies the pixels that a tile reads, zeros where there are none, to the place of the tile's transform.
void WinogradExpansion::copyPatch(OpBuilder &builder, const Place &place, Value row, Value column) {
  Index index(builder, loc);
  forEach(builder, loc, index.fold(0), index.fold(size * size), 1, [&](OpBuilder &nested, Value number) {
    Index inner(nested, loc);
    Value y = inner.get(inner.add(row, inner.div(number, size)));
    Value x = inner.get(inner.add(column, inner.rem(number, inner.fold(size))));
    Value exists = arith::AndIOp::create(nested, loc, isInRange(nested, loc, y, 1, inputExtents[0]),
                                         isInRange(nested, loc, x, 1, inputExtents[1]));
    auto fill = [&](bool copies) {
      return [&, copies](OpBuilder &body, Location) {
        forEachVector(body, loc, Index(body, loc).fold(channels), target.getLanes(element),
                      [&](OpBuilder &at, Value channel, int64_t width) {
                        Value value = copies ? loadWide(at, loc, input, {place.image, y, x, channel}, width)
                                             : createConstant(at, loc, getWideType(element, width), 0);
                        storeWide(at, loc, value, transformed, {number, place.local, channel}, width);
                      });
        scf::YieldOp::create(body, loc);
      };
    };
    scf::IfOp::create(nested, loc, exists, fill(true), fill(false));
  });
}

void WinogradExpansion::transformFrom(OpBuilder &builder, const Place &place,
                                      function_ref<Value(OpBuilder &, int64_t, int64_t, Value, int64_t)> load) {
  forEachVector(builder, loc, Index(builder, loc).fold(channels), target.getLanes(element),
                [&](OpBuilder &nested, Value channel, int64_t width) {
                  SmallVector<Value> values;
                  for (int64_t i = 0; i < size * size; ++i)
                    values.push_back(load(nested, i / size, i % size, channel, width));
                  TransformEmitter emitter(nested, loc, target.getFma());
                  Index index(nested, loc);
                  for (auto [i, value] : llvm::enumerate(emitter.multiplyBothSides(getInputTransform(tile), values)))
                    storeWide(nested, loc, value, transformed, {index.constant(i), place.local, channel}, width);
                });
}

/// One panel of one matrix product, of `count` rows where the number of tiles is known at run time only.
void WinogradExpansion::multiply(OpBuilder &builder, Value number, OpFoldResult count) {
  Index index(builder, loc);
  Value matrix = index.get(index.div(number, panels)), panel = index.get(index.rem(number, index.fold(panels)));
  int64_t limit = micro.getMaxRows(micro.getPanelVectors());
  if (!getStatic(tiles))
    return forEachTileSize(
        builder, loc, index.fold(0), count, micro.getTileSizes(limit, micro.getPanelVectors()),
        [&](OpBuilder &nested, Value row, int64_t rows) { multiplyRows(nested, matrix, panel, row, rows, count); });
  BalancedTiles rows = BalancedTiles::get(block, limit);
  OpFoldResult split = index.fold(rows.numLarge * rows.large), all = index.fold(block);
  forEach(builder, loc, index.fold(0), split, rows.large,
          [&](OpBuilder &nested, Value row) { multiplyRows(nested, matrix, panel, row, rows.large, all); });
  if (rows.numSmall)
    forEach(builder, loc, split, all, rows.large - 1,
            [&](OpBuilder &nested, Value row) { multiplyRows(nested, matrix, panel, row, rows.large - 1, all); });
}

/// `total`: the rows of all tiles.
void WinogradExpansion::multiplyRows(OpBuilder &builder, Value matrix, Value panel, Value row, int64_t rows,
                                     OpFoldResult total) {
  Index index(builder, loc);
  int64_t vectors = micro.getPanelVectors();
  SmallVector<Value> places;
  for (int64_t i = 0; i < rows; ++i)
    places.push_back(index.get(index.add(row, index.fold(i))));
  PanelAhead ahead = micro.getPanelAhead(builder, filter, matrix, panel, row, rows, total);
  Accumulators sums =
      forEachCarrying(builder, loc, index.fold(0), index.fold(channels), 1, micro.createZeros(builder, rows, panelWidth),
                      [&](OpBuilder &nested, Value channel, ValueRange carried) {
                        SmallVector<Value> weights, inputs;
                        micro.prefetch(nested, ahead, channel);
                        for (int64_t i = 0; i < vectors; ++i)
                          weights.push_back(micro.loadWeights(nested, filter, matrix, panel, channel, i, panelWidth));
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
                  for (int64_t i = 0; i < size * size; ++i)
                    values.push_back(loadWide(nested, loc, products, {index.constant(i), place.local, channel}, width));
                  TransformEmitter emitter(nested, loc, target.getFma());
                  for (auto [i, value] : llvm::enumerate(emitter.multiplyBothSides(getOutputTransform(tile), values)))
                    storeWide(nested, loc, value, products, {index.constant(i), place.local, channel}, width);
                  storePixels(nested, place, channel, width);
                });
}

/// Those of the tile's outputs that exist.
void WinogradExpansion::storePixels(OpBuilder &builder, const Place &place, Value channel, int64_t width) {
  Index index(builder, loc);
  auto limit = [&](Value first, OpFoldResult extent) {
    bool isWhole = getStatic(extent) && *getStatic(extent) % tile == 0;
    return isWhole ? index.fold(tile) : index.min(index.fold(tile), index.sub(extent, first));
  };
  OpFoldResult rows = limit(place.row, outputExtents[0]), columns = limit(place.column, outputExtents[1]);
  forEach(builder, loc, index.fold(0), rows, 1, [&](OpBuilder &nested, Value i) {
    forEach(nested, loc, Index(nested, loc).fold(0), columns, 1, [&](OpBuilder &innermost, Value j) {
      Index inner(innermost, loc);
      Value number = inner.get(inner.add(inner.mul(i, inner.fold(tile)), j));
      Value value = loadWide(innermost, loc, products, {number, place.local, channel}, width);
      Value y = inner.get(inner.add(place.row, i)), x = inner.get(inner.add(place.column, j));
      storeThroughEpilogue(innermost, cast<kernel::EpilogueOpInterface>(op.getOperation()), value,
                           {place.image, y, x, channel}, width);
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
  TransformMatrix matrix = getFilterTransform(op.getTile());
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
    for (int64_t i = 0; i < 9; ++i) {
      Value tap =
          memref::LoadOp::create(builder, loc, source, {output, channel, inner.constant(i / 3), inner.constant(i % 3)});
      taps.push_back(convertElements(builder, loc, tap, wide));
    }
    SmallVector<Value> values;
    for (Value value : TransformEmitter(builder, loc, /*fma=*/false).multiplyBothSides(matrix, taps))
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
