// Nests of parallel loops: outer loops, one of them shared among threads, and
// inside a loop over vectors. What the vector loop does not change is loaded and
// computed before it.
#include "lib/Conversion/LinalgToVector/LinalgToVector.h"

#include "lib/Codegen/Loops.h"
#include "lib/Conversion/LinalgToVector/BufferAccess.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

/// Below this many elements a loop is not shared among threads.
static constexpr int64_t minElementsForThreads = 16 << 10;
/// Vectors that one thread computes at a time in a nest of one loop.
static constexpr int64_t vectorsPerBlock = 512;

SmallVector<Value> LoopEmission::readArguments(OpBuilder &builder, int64_t width, bool invariants) {
  SmallVector<Value> arguments;
  for (auto [argument, operand] : llvm::zip(nest.body->getArguments(), nest.getOperands())) {
    bool isInvariant = dimension.loop >= 0 && getAccess(*operand, dimension.loop) == Access::Invariant;
    bool isNeeded = !argument.use_empty() && isInvariant == invariants;
    arguments.push_back(isNeeded ? readAlong(builder, nest.loc, *operand, position, dimension.loop, width) : Value());
  }
  return arguments;
}

void LoopEmission::write(OpBuilder &builder, ValueRange results, int64_t width) {
  for (auto [result, output] : llvm::zip(results, nest.outputs))
    writeAlong(builder, nest.loc, result, output, position, dimension.loop, width);
}

bool isWorthThreads(OpBuilder &builder, const LoopNest &nest) {
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  if (isa<scf::ParallelOp>(parent) || parent->getParentOfType<scf::ParallelOp>() || callsFunctions(nest))
    return false;
  int64_t elements = 1;
  for (int64_t loop = 0; loop < nest.getNumLoops(); ++loop) {
    std::optional<int64_t> extent = nest.getStaticExtent(loop);
    if (!extent)
      return true;
    elements *= *extent;
  }
  return elements >= minElementsForThreads;
}

/// The loop that threads share: the first of at least eight iterations, else the longest.
static int64_t chooseSharedLoop(const LoopNest &nest, ArrayRef<int64_t> loops) {
  int64_t best = 0, bestExtent = 0;
  for (auto [i, loop] : llvm::enumerate(loops)) {
    int64_t extent = nest.getStaticExtent(loop).value_or(8);
    if (extent >= 8)
      return i;
    if (extent > bestExtent) {
      best = i;
      bestExtent = extent;
    }
  }
  return best;
}

void emitOuterLoops(OpBuilder &builder, LoopEmission &emission, ArrayRef<int64_t> loops,
                    llvm::function_ref<void(OpBuilder &)> body) {
  LoopNest &nest = emission.nest;
  SmallVector<int64_t> order(loops);
  bool isShared = isWorthThreads(builder, nest);
  if (isShared && order.size() > 1) {
    int64_t shared = chooseSharedLoop(nest, order);
    std::rotate(order.begin(), order.begin() + shared, order.begin() + shared + 1);
  }
  auto recurse = [&](auto &self, OpBuilder &nested, size_t depth) -> void {
    if (depth == order.size())
      return body(nested);
    auto inner = [&](OpBuilder &deeper, Value at) {
      emission.position[order[depth]] = at;
      self(self, deeper, depth + 1);
    };
    OpFoldResult extent = nest.extents[order[depth]];
    if (depth == 0 && isShared)
      parallelForEach(nested, nest.loc, extent, inner);
    else
      forEach(nested, nest.loc, nested.getIndexAttr(0), extent, 1, inner);
    emission.position[order[depth]] = {};
  };
  recurse(recurse, builder, 0);
}

void emitVectorLoop(OpBuilder &builder, LoopEmission &emission, OpFoldResult lower, OpFoldResult count) {
  LoopNest &nest = emission.nest;
  int64_t loop = emission.dimension.loop;
  emission.position[loop] = {};
  SmallVector<Value> invariants = emission.readArguments(builder, 1, /*invariants=*/true);
  emission.body.computeInvariants(builder, invariants, emission.position,
                                  /*mayLoad=*/nest.getStaticExtent(loop).has_value());
  forEachVector(builder, nest.loc, count, emission.dimension.lanes, [&](OpBuilder &nested, Value offset, int64_t width) {
    Index inner(nested, nest.loc);
    emission.position[loop] = inner.get(inner.add(lower, offset));
    SmallVector<Value> arguments = emission.readArguments(nested, width);
    for (auto [argument, invariant] : llvm::zip(arguments, invariants))
      argument = argument ? argument : invariant;
    emission.write(nested, emission.body.evaluate(nested, arguments, emission.position, width), width);
  });
  emission.position[loop] = {};
}

/// One loop alone: threads share blocks of it.
static void emitBlocks(OpBuilder &builder, LoopEmission &emission) {
  Location loc = emission.nest.loc;
  Index index(builder, loc);
  OpFoldResult extent = emission.nest.extents[emission.dimension.loop];
  OpFoldResult block = index.fold(emission.dimension.lanes * vectorsPerBlock);
  OpFoldResult blocks = index.quotient(extent, block);
  parallelForEach(builder, loc, blocks, [&](OpBuilder &nested, Value at) {
    emitVectorLoop(nested, emission, Index(nested, loc).mul(at, block), block);
  });
  OpFoldResult done = index.mul(blocks, block);
  emitVectorLoop(builder, emission, done, index.sub(extent, done));
}

void emitParallelNest(OpBuilder &builder, LoopEmission &emission) {
  LoopNest &nest = emission.nest;
  SmallVector<int64_t> outer;
  for (int64_t loop = 0; loop < nest.getNumLoops(); ++loop)
    if (loop != emission.dimension.loop)
      outer.push_back(loop);
  if (emission.dimension.loop >= 0 && outer.empty() && isWorthThreads(builder, nest))
    return emitBlocks(builder, emission);
  emitOuterLoops(builder, emission, outer, [&](OpBuilder &nested) {
    if (emission.dimension.loop >= 0)
      return emitVectorLoop(nested, emission, nested.getIndexAttr(0), nest.extents[emission.dimension.loop]);
    SmallVector<Value> arguments = emission.readArguments(nested, 1);
    emission.write(nested, emission.body.evaluate(nested, arguments, emission.position, 1), 1);
  });
}

} // namespace nnc
