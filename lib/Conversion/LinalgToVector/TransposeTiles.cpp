// Inputs that are contiguous along another loop than the outputs: square tiles are
// read along the one, transposed in registers, and written along the other.
// Remainders take smaller squares, down to single elements.
#include "lib/Conversion/LinalgToVector/LinalgToVector.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Transpose.h"
#include "lib/Conversion/LinalgToVector/BufferAccess.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc {

/// Of a cache line.
static constexpr int64_t lineBytes = 64;

namespace {

/// `across` is the loop along which the transposed inputs are contiguous, `along` that of the outputs.
class TileEmitter {
public:
  TileEmitter(LoopEmission &emission)
      : emission(emission), nest(emission.nest), along(emission.dimension.loop), across(emission.dimension.tileLoop) {}

  int64_t getSize() const;
  /// Loops between the squares' own: the elements that they write lie beside those of a square.
  SmallVector<int64_t> getNearLoops() const;
  /// Computes `size` rows (steps of `across`) over all columns (steps of `along`), for all steps of the near loops.
  void emitRows(OpBuilder &builder, Value row, int64_t size);

private:
  void emitNear(OpBuilder &builder, Value row, int64_t size, ArrayRef<int64_t> loops);
  void emitColumns(OpBuilder &builder, Value row, int64_t size);
  void emitTile(OpBuilder &builder, Value row, Value column, int64_t size);
  bool isTransposed(const LoopOperand &operand) const {
    return getAccess(operand, along) == Access::Scattered && getAccess(operand, across) == Access::Contiguous;
  }

  LoopEmission &emission;
  LoopNest &nest;
  int64_t along, across;
};

} // namespace

/// Side of the largest square: one vector, or less where an extent is shorter. More rows than 16 do not fit into
/// registers.
int64_t TileEmitter::getSize() const {
  int64_t size = std::min<int64_t>(emission.dimension.lanes, 16);
  for (int64_t loop : {along, across})
    if (auto extent = nest.getStaticExtent(loop))
      size = std::min<int64_t>(size, llvm::bit_floor(static_cast<uint64_t>(*extent)));
  return size;
}

SmallVector<int64_t> TileEmitter::getNearLoops() const {
  // Rows that fill a line need no company.
  std::optional<int64_t> columns = nest.getStaticExtent(along);
  Type element = getElementTypeOrSelf(nest.outputs[0].value.getType());
  if (!columns || !element.isIntOrFloat() || *columns * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8) >= lineBytes)
    return {};
  // Of loops in the order of the outputs' dimensions.
  auto isInOrder = [](const LoopOperand &output) {
    return llvm::all_of(llvm::enumerate(output.indices), [](auto index) {
      auto loop = dyn_cast<AffineDimExpr>(index.value());
      return loop && loop.getPosition() == index.index();
    });
  };
  if (across > along || !llvm::all_of(nest.outputs, isInOrder))
    return {};
  return llvm::to_vector(llvm::seq(across + 1, along));
}

void TileEmitter::emitRows(OpBuilder &builder, Value row, int64_t size) {
  emitNear(builder, row, size, getNearLoops());
}

void TileEmitter::emitNear(OpBuilder &builder, Value row, int64_t size, ArrayRef<int64_t> loops) {
  if (loops.empty())
    return emitColumns(builder, row, size);
  forEach(builder, nest.loc, builder.getIndexAttr(0), nest.extents[loops.front()], 1, [&](OpBuilder &nested, Value at) {
    emission.position[loops.front()] = at;
    emitNear(nested, row, size, loops.drop_front());
  });
  emission.position[loops.front()] = {};
}

void TileEmitter::emitColumns(OpBuilder &builder, Value row, int64_t size) {
  if (size == 1) {
    emission.position[across] = row;
    emitVectorLoop(builder, emission, builder.getIndexAttr(0), nest.extents[along]);
    return;
  }
  forEachVector(builder, nest.loc, nest.extents[along], size, [&](OpBuilder &nested, Value column, int64_t width) {
    forEach(nested, nest.loc, nested.getIndexAttr(0), nested.getIndexAttr(size), width,
            [&](OpBuilder &inner, Value offset) {
              Index index(inner, nest.loc);
              emitTile(inner, index.get(index.add(row, offset)), column, width);
            });
  });
}

void TileEmitter::emitTile(OpBuilder &builder, Value row, Value column, int64_t size) {
  Location loc = nest.loc;
  Index index(builder, loc);
  emission.body.forgetInvariants();
  auto shift = [&](Value from, int64_t by) { return index.get(index.add(from, index.fold(by))); };
  // Per input: the transposed rows, empty for an input that is read as it is.
  SmallVector<SmallVector<Value>> tiles(nest.inputs.size());
  for (auto [tile, input] : llvm::zip(tiles, nest.inputs)) {
    if (!isTransposed(input))
      continue;
    for (int64_t i = 0; i < size; ++i) {
      emission.position[across] = row;
      emission.position[along] = shift(column, i);
      tile.push_back(readAlong(builder, loc, input, emission.position, across, size));
    }
    if (size > 1)
      tile = transposeSquare(builder, loc, tile);
  }
  emission.position[along] = column;
  for (int64_t i = 0; i < size; ++i) {
    emission.position[across] = shift(row, i);
    SmallVector<Value> arguments;
    for (auto [number, operand] : llvm::enumerate(nest.getOperands())) {
      bool isTile = number < tiles.size() && !tiles[number].empty();
      if (nest.body->getArgument(number).use_empty())
        arguments.push_back({});
      else if (isTile)
        arguments.push_back(tiles[number][i]);
      else
        arguments.push_back(readAlong(builder, loc, *operand, emission.position, along, size));
    }
    emission.write(builder, emission.body.evaluate(builder, arguments, emission.position, size), size);
  }
}

void emitTransposeTiles(OpBuilder &builder, LoopEmission &emission) {
  LoopNest &nest = emission.nest;
  int64_t along = emission.dimension.loop, across = emission.dimension.tileLoop;
  TileEmitter emitter(emission);
  int64_t size = emitter.getSize();
  SmallVector<int64_t> outer, near = emitter.getNearLoops();
  for (int64_t loop = 0; loop < nest.getNumLoops(); ++loop)
    if (loop != along && loop != across && !llvm::is_contained(near, loop))
      outer.push_back(loop);
  if (!outer.empty() || !isWorthThreads(builder, nest))
    return emitOuterLoops(builder, emission, outer, [&](OpBuilder &nested) {
      forEachVector(nested, nest.loc, nest.extents[across], size,
                    [&](OpBuilder &inner, Value row, int64_t width) { emitter.emitRows(inner, row, width); });
    });
  // Threads share the rows of squares.
  Index index(builder, nest.loc);
  OpFoldResult blocks = index.div(nest.extents[across], size), done = index.mul(blocks, index.fold(size));
  parallelForEach(builder, nest.loc, blocks, [&](OpBuilder &nested, Value block) {
    Index inner(nested, nest.loc);
    emitter.emitRows(nested, inner.get(inner.mul(block, inner.fold(size))), size);
  });
  forEachVector(builder, nest.loc, index.sub(nest.extents[across], done), size,
                [&](OpBuilder &nested, Value offset, int64_t width) {
                  Index inner(nested, nest.loc);
                  emitter.emitRows(nested, inner.get(inner.add(done, offset)), width);
                });
}

} // namespace nnc
