// Matrix products with a packed right-hand side.
//
// One parallel loop over batches and panels; inside, register tiles of balanced
// height. Few rows take several panels at once, so that there are enough
// independent sums.
//
// Weights in blocks (kernel.blocks) are widened in registers where there are few rows, which take as long as their
// weights are read. More rows would widen them again and again: for these, a panel becomes f32 in a buffer.
#include "lib/Conversion/KernelToVector/BlockWeights.h"
#include "lib/Conversion/KernelToVector/Batches.h"
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/MicroKernel.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

/// Whether `rhs` is of pairs of bf16.
static bool isPaired(Value lhs, Value rhs) {
  auto left = cast<MemRefType>(lhs.getType()), packed = cast<MemRefType>(rhs.getType());
  return kernel::isPaired(left.getElementType(), left.getShape().back(), packed.getDimSize(packed.getRank() - 2));
}

namespace {

class ContractExpansion {
public:
  ContractExpansion(OpBuilder &builder, kernel::ContractOp op, bool threads)
      : op(op), threads(threads), loc(op.getLoc()), lhs(op.getLhs()), rhs(op.getRhs()), init(op.getInit()), blocks(op.getBlocksAttr()),
        rank(cast<MemRefType>(init.getType()).getRank()),
        tile(op, blocks ? Float32Type::get(op.getContext()) : getElementTypeOrSelf(lhs.getType()), cast<MemRefType>(rhs.getType()).getShape().back(),
             isPaired(lhs, rhs)),
        panelWidth(tile.getPanelWidth()), m(getBufferExtent(builder, loc, init, rank - 2)),
        n(getBufferExtent(builder, loc, init, rank - 1)), k(getBufferExtent(builder, loc, lhs, rank - 1)) {}

  void expand(OpBuilder &builder);

private:
  /// Where a tile is: its batch, its first panel and how many panels it spans.
  struct Columns {
    SmallVector<Value> batch;
    Value panel;
    int64_t panels;
    int64_t count;      ///< columns that exist; static
    Value dynamicCount; ///< or, where not null, this many of one panel's
  };

  void emitAll(OpBuilder &builder);
  void emitPacked(OpBuilder &builder);
  void emitUnpacked(OpBuilder &builder);
  void emitPanels(OpBuilder &builder, OpFoldResult batch, OpFoldResult first, int64_t panels);
  void emitLastPanel(OpBuilder &builder, Value batch, OpFoldResult panel, OpFoldResult count);
  void emitRows(OpBuilder &builder, const Columns &columns);
  void emitTile(OpBuilder &builder, const Columns &columns, Value row, int64_t rows);
  Accumulators accumulate(OpBuilder &builder, const Columns &columns, Value row, int64_t rows);
  SmallVector<Value> getPanels(OpBuilder &builder, const Columns &columns) const;
  void storeColumns(OpBuilder &builder, const Columns &columns, ValueRange sums,
                    ArrayRef<SmallVector<Value>> rowIndices);
  int64_t getMaxRows(int64_t vectors) const;
  int64_t choosePanelsAtOnce() const;

  kernel::ContractOp op;
  bool threads;
  Location loc;
  Value lhs, rhs, init;
  kernel::WeightBlocksAttr blocks; ///< null: weights are numbers
  int64_t rank;
  MicroKernel tile;
  int64_t panelWidth;
  OpFoldResult m, n, k;
  OpFoldResult unpackedFrom; ///< where `rhs` is the buffer of unpacked panels: the first of them
};

} // namespace

int64_t ContractExpansion::choosePanelsAtOnce() const {
  auto rows = getStatic(m);
  if (!rows || *rows > 6)
    return 1;
  int64_t panels = 1, vectors = tile.getPanelVectors();
  int64_t mostVectors = kernel::getTarget(op).getVectorRegisters() / 2;
  while (panels < 4 && 2 * panels * vectors <= mostVectors && getMaxRows(2 * panels * vectors) >= *rows)
    panels *= 2;
  return panels;
}

/// The most rows of a tile. With blocks, there are the sums of one and of all, words of weights, one that is widened and an
/// input.
int64_t ContractExpansion::getMaxRows(int64_t vectors) const {
  if (!blocks || unpackedFrom)
    return tile.getMaxRows(vectors);
  return std::max<int64_t>(1, ((kernel::getTarget(op).getVectorRegisters() - 2) / vectors - 1) / 2);
}

/// A single row, as of a network with a run-time batch, is most often what comes: it has code of its own, which takes
/// several panels at once.
void ContractExpansion::expand(OpBuilder &builder) {
  if (getStatic(m))
    return emitAll(builder);
  Index index(builder, loc);
  OpFoldResult rows = m;
  Value isSingle =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, index.get(rows), index.constant(1));
  auto emit = [&](OpFoldResult number) {
    return [&, number](OpBuilder &nested, Location) {
      m = number;
      emitAll(nested);
      scf::YieldOp::create(nested, loc);
    };
  };
  scf::IfOp::create(builder, loc, isSingle, emit(index.fold(1)), emit(rows));
}

/// To widen weights in blocks for two tiles of rows takes as long as to store them for all. Products of bytes do not.
void ContractExpansion::emitAll(OpBuilder &builder) {
  if (!blocks || getElementTypeOrSelf(lhs.getType()).isInteger(32))
    return emitPacked(builder);
  int64_t few = 2 * getMaxRows(tile.getPanelVectors());
  if (auto rows = getStatic(m))
    return *rows <= few ? emitPacked(builder) : emitUnpacked(builder);
  Index index(builder, loc);
  Value areFew = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ule, index.get(m), index.constant(few));
  auto emit = [&](void (ContractExpansion::*products)(OpBuilder &)) {
    return [this, products](OpBuilder &nested, Location) {
      (this->*products)(nested);
      scf::YieldOp::create(nested, loc);
    };
  };
  scf::IfOp::create(builder, loc, areFew, emit(&ContractExpansion::emitPacked), emit(&ContractExpansion::emitUnpacked));
}

void ContractExpansion::emitPacked(OpBuilder &builder) {
  Index index(builder, loc);
  OpFoldResult batches = getBatchCount(builder, loc, init);
  OpFoldResult fullPanels = index.div(n, panelWidth);
  OpFoldResult rest = index.sub(n, index.mul(fullPanels, index.fold(panelWidth)));
  int64_t atOnce = choosePanelsAtOnce();
  OpFoldResult groups = index.div(fullPanels, atOnce);
  parallelForEach(builder, loc, index.mul(batches, groups), [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    bool isSingle = getStatic(batches) == 1;
    OpFoldResult batch = isSingle ? inner.fold(0) : inner.quotient(linear, groups);
    OpFoldResult group = isSingle ? OpFoldResult(linear) : inner.rem(linear, groups);
    emitPanels(nested, batch, inner.mul(group, inner.fold(atOnce)), atOnce);
  });
  OpFoldResult grouped = index.mul(groups, index.fold(atOnce));
  bool hasSingles = !getStatic(fullPanels) || *getStatic(fullPanels) % atOnce != 0;
  bool hasRest = getStatic(rest) != 0;
  if (!hasSingles && !hasRest)
    return;
  forEach(builder, loc, index.fold(0), batches, 1, [&](OpBuilder &nested, Value batch) {
    if (hasSingles)
      forEach(nested, loc, grouped, fullPanels, 1,
              [&](OpBuilder &inner, Value panel) { emitPanels(inner, batch, panel, 1); });
    if (hasRest)
      emitLastPanel(nested, batch, fullPanels, rest);
  });
}

/// A packed panel at a time, or so many that threads have something to share.
void ContractExpansion::emitUnpacked(OpBuilder &builder) {
  constexpr int64_t panelsForThreads = 16, bytesForThreads = 8 << 20;
  auto type = cast<MemRefType>(rhs.getType());
  int64_t numPacked = type.getDimSize(0), panelBytes = 4 * blocks.getSummed(type.getDimSize(1)) * type.getDimSize(2);
  int64_t most = std::clamp<int64_t>(bytesForThreads / panelBytes, 1, panelsForThreads);
  int64_t atOnce = threads ? std::min(most, numPacked) : 1;
  int64_t fullPanels = *getStatic(n) / panelWidth, parts = tile.getPanelParts();
  Index index(builder, loc);
  auto numbers = MemRefType::get({atOnce, blocks.getSummed(type.getDimSize(1)), type.getDimSize(2)}, builder.getF32Type());
  Value packed = std::exchange(rhs, memref::AllocOp::create(builder, loc, numbers, builder.getI64IntegerAttr(64)));
  BlockWeights weights(op, blocks);
  forEach(builder, loc, index.fold(0), index.fold(numPacked), atOnce, [&](OpBuilder &nested, Value first) {
    Index inner(nested, loc);
    OpFoldResult count = inner.fold(atOnce);
    if (numPacked % atOnce != 0)
      count = inner.min(count, inner.sub(inner.fold(numPacked), first));
    parallelForEach(nested, loc, count, [&](OpBuilder &body, Value local) {
      Index innermost(body, loc);
      weights.unpackPanel(body, packed, innermost.get(innermost.add(first, local)), rhs, local);
    });
    unpackedFrom = inner.mul(first, inner.fold(parts));
    OpFoldResult end = inner.min(inner.add(unpackedFrom, inner.mul(count, inner.fold(parts))), inner.fold(fullPanels));
    parallelForEach(nested, loc, inner.sub(end, unpackedFrom), [&](OpBuilder &body, Value local) {
      Index innermost(body, loc);
      emitPanels(body, innermost.fold(0), innermost.add(unpackedFrom, local), 1);
    });
  });
  unpackedFrom = index.fold((numPacked - 1) / atOnce * atOnce * parts);
  if (int64_t rest = *getStatic(n) % panelWidth)
    emitLastPanel(builder, index.constant(0), index.fold(fullPanels), index.fold(rest));
  rhs = packed;
  unpackedFrom = {};
}

void ContractExpansion::emitPanels(OpBuilder &builder, OpFoldResult batch, OpFoldResult first, int64_t panels) {
  Index index(builder, loc);
  emitRows(builder, {getBatch(builder, loc, init, batch), index.get(first), panels, panels * panelWidth, {}});
}

void ContractExpansion::emitLastPanel(OpBuilder &builder, Value batch, OpFoldResult panel, OpFoldResult count) {
  Index index(builder, loc);
  Columns columns{getBatch(builder, loc, init, batch), index.get(panel), 1, getStatic(count).value_or(panelWidth), {}};
  if (getStatic(count))
    return emitRows(builder, columns);
  columns.dynamicCount = index.get(count);
  OpFoldResult any = index.min(count, index.fold(1));
  forEach(builder, loc, index.fold(0), any, 1, [&](OpBuilder &nested, Value) { emitRows(nested, columns); });
}

void ContractExpansion::emitRows(OpBuilder &builder, const Columns &columns) {
  Index index(builder, loc);
  int64_t vectors = tile.getNumVectors(columns.count);
  int64_t limit = getMaxRows(vectors);
  if (auto rows = getStatic(m)) {
    BalancedTiles tiles = BalancedTiles::get(*rows, limit);
    int64_t split = tiles.numLarge * tiles.large;
    forEach(builder, loc, index.fold(0), index.fold(split), tiles.large,
            [&](OpBuilder &nested, Value row) { emitTile(nested, columns, row, tiles.large); });
    if (tiles.numSmall)
      forEach(builder, loc, index.fold(split), m, tiles.large - 1,
              [&](OpBuilder &nested, Value row) { emitTile(nested, columns, row, tiles.large - 1); });
    return;
  }
  forEachTileSize(builder, loc, index.fold(0), m, tile.getTileSizes(limit, vectors),
                  [&](OpBuilder &nested, Value row, int64_t rows) { emitTile(nested, columns, row, rows); });
}

/// The panels of `columns`, counted from the first that `rhs` has.
SmallVector<Value> ContractExpansion::getPanels(OpBuilder &builder, const Columns &columns) const {
  Index index(builder, loc);
  OpFoldResult first = unpackedFrom ? index.sub(columns.panel, unpackedFrom) : OpFoldResult(columns.panel);
  SmallVector<Value> panels;
  for (int64_t i = 0; i < columns.panels; ++i)
    panels.push_back(index.get(index.add(first, index.fold(i))));
  return panels;
}

Accumulators ContractExpansion::accumulate(OpBuilder &builder, const Columns &columns, Value row, int64_t rows) {
  if (blocks && !unpackedFrom)
    return BlockWeights(op, blocks).accumulate(builder, {tile, lhs, rhs, getPanels(builder, columns), columns.count, row, rows});
  int64_t vectors = tile.getNumVectors(columns.count);
  Index index(builder, loc);
  SmallVector<Value> rowIndices, lhsBatch = getOperandBatch(builder, loc, lhs, init, columns.batch);
  SmallVector<Value> rhsBatch = getOperandBatch(builder, loc, rhs, init, columns.batch);
  for (int64_t i = 0; i < rows; ++i)
    rowIndices.push_back(index.get(index.add(row, index.fold(i))));
  SmallVector<Value> panels = getPanels(builder, columns);
  PanelAhead ahead = tile.getPanelAhead(builder, rhs, rhsBatch, panels.back(), row, rows, m);
  auto step = [&](OpBuilder &nested, Value at, ValueRange carried, bool isLast) {
    SmallVector<Value> weights, inputs;
    tile.prefetch(nested, ahead, at);
    for (int64_t i = 0; i < vectors; ++i) {
      Value panel = panels[i / tile.getPanelVectors()];
      int64_t before = i / tile.getPanelVectors() * panelWidth;
      weights.push_back(tile.loadWeights(nested, rhs, rhsBatch, panel, at, i % tile.getPanelVectors(), columns.count - before));
    }
    Index inner(nested, loc);
    Value element = inner.get(inner.mul(at, inner.fold(tile.getGroup())));
    for (Value rowIndex : rowIndices) {
      SmallVector<Value> indices(lhsBatch);
      indices.append({rowIndex, element});
      inputs.push_back(tile.loadInput(nested, lhs, indices, isLast));
    }
    return tile.step(nested, inputs, weights, carried);
  };
  OpFoldResult steps = index.div(k, tile.getGroup());
  Accumulators sums = forEachCarrying(
      builder, loc, index.fold(0), steps, 1, tile.createZeros(builder, rows, columns.count),
      [&](OpBuilder &nested, Value at, ValueRange carried) { return step(nested, at, carried, false); });
  bool hasRest = isPaired(lhs, rhs) && *getStatic(k) % 2 != 0;
  return hasRest ? step(builder, index.get(steps), sums, /*isLast=*/true) : sums;
}

void ContractExpansion::emitTile(OpBuilder &builder, const Columns &columns, Value row, int64_t rows) {
  Accumulators sums = accumulate(builder, columns, row, rows);
  Index index(builder, loc);
  OpFoldResult column = index.mul(columns.panel, index.fold(panelWidth));
  SmallVector<SmallVector<Value>> rowIndices;
  for (int64_t i = 0; i < rows; ++i) {
    SmallVector<Value> indices(columns.batch);
    indices.push_back(index.get(index.add(row, index.fold(i))));
    indices.push_back(index.get(column));
    rowIndices.push_back(indices);
  }
  storeColumns(builder, columns, sums, rowIndices);
}

/// Stores a tile. Of a panel whose number of columns is only known at run time, the results pass through memory and are
/// stored one by one.
void ContractExpansion::storeColumns(OpBuilder &builder, const Columns &columns, ValueRange sums,
                                     ArrayRef<SmallVector<Value>> rowIndices) {
  auto kernel = cast<kernel::EpilogueOpInterface>(op.getOperation());
  if (!columns.dynamicCount)
    return storeTile(builder, kernel, sums, rowIndices, tile.getLanes(), columns.count);
  Index index(builder, loc);
  auto type = MemRefType::get({panelWidth}, tile.getAccumulatorType());
  Value buffer = memref::AllocaOp::create(builder, loc, type, builder.getI64IntegerAttr(64));
  int64_t vectors = sums.size() / rowIndices.size();
  for (size_t row = 0; row < rowIndices.size(); ++row) {
    const SmallVector<Value> &indices = rowIndices[row];
    for (int64_t i = 0; i < vectors; ++i)
      storeWide(builder, loc, sums[row * vectors + i], buffer, index.constant(i * tile.getLanes()), tile.getLanes());
    forEach(builder, loc, index.fold(0), columns.dynamicCount, 1, [&](OpBuilder &nested, Value column) {
      SmallVector<Value> at(indices);
      at.back() = arith::AddIOp::create(nested, loc, at.back(), column);
      Value sum = memref::LoadOp::create(nested, loc, buffer, column);
      storeThroughEpilogue(nested, kernel, sum, at, 1);
    });
  }
}

/// A unit for tiles takes many rows.
void expandContract(RewriterBase &rewriter, kernel::ContractOp op, bool threads) {
  kernel::ConvOp tiled = createTiledConv(rewriter, op);
  if (!tiled)
    return ContractExpansion(rewriter, op, threads).expand(rewriter);
  Location loc = op.getLoc();
  OpFoldResult rows = getBufferExtent(rewriter, loc, tiled.getInit(), 1);
  if (getStatic(rows)) {
    expandTiledConv(rewriter, tiled, threads);
  } else {
    Index index(rewriter, loc);
    Value areMany = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::sge, index.get(rows),
                                          index.constant(kernel::leastPairedRows));
    auto choice = scf::IfOp::create(rewriter, loc, areMany, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(choice.thenBlock());
    expandTiledConv(rewriter, tiled, threads);
    rewriter.setInsertionPointToStart(choice.elseBlock());
    ContractExpansion(rewriter, op, threads).expand(rewriter);
  }
  rewriter.eraseOp(tiled);
}

} // namespace nnc
