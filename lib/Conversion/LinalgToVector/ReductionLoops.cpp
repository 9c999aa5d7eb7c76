// Nests with reductions. Where the reduction runs along memory, each lane
// accumulates on its own and the lanes are combined at the end; else a vector of
// parallel iterations accumulates side by side, with the reduction inside.
#include "lib/Conversion/LinalgToVector/LinalgToVector.h"

#include "lib/Codegen/Accumulators.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"
#include "lib/Conversion/LinalgToVector/BufferAccess.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <numeric>

using namespace mlir;

namespace nnc {

namespace {

/// Vectors whose accumulators do not wait for each other: as many as hide the latency of a combination.
constexpr int64_t numChains = 4;

/// Emits one nest; `loops` of the reductions are entered with the accumulators carried along.
class ReductionEmitter {
public:
  ReductionEmitter(LoopEmission &emission) : emission(emission), nest(emission.nest), loop(emission.dimension.loop) {}

  void emitVectorsAcross(OpBuilder &builder, bool isShared);
  void emitAcross(OpBuilder &builder, ArrayRef<int64_t> vectors);
  void emitAlong(OpBuilder &builder);

private:
  using Carry = llvm::function_ref<SmallVector<Value>(OpBuilder &, ValueRange)>;

  SmallVector<Value> emitReductions(OpBuilder &builder, ArrayRef<int64_t> loops, ValueRange carried, Carry body);
  SmallVector<int64_t> getReductions() const;
  int64_t chooseNumAcross() const;
  SmallVector<Value> compute(OpBuilder &builder, ValueRange accumulators, int64_t width);
  void chooseAccumulators();
  SmallVector<Value> emitVectors(OpBuilder &builder, ValueRange carried);
  SmallVector<Value> emitFullVectors(OpBuilder &builder, OpFoldResult full, ValueRange carried);
  Value getNeutral(OpBuilder &builder, const Combiner &combiner, int64_t width);
  Value combine(OpBuilder &builder, const Combiner &combiner, Value lhs, Value rhs);

  LoopEmission &emission;
  LoopNest &nest;
  int64_t loop;
  SmallVector<Combiner> combiners;
  /// Along the vector: the widths of each output's accumulators, full vectors first, then remainders, which shrink.
  SmallVector<int64_t> widths;
};

} // namespace

/// All reductions but the vector loop.
SmallVector<int64_t> ReductionEmitter::getReductions() const {
  SmallVector<int64_t> loops;
  for (int64_t i = 0; i < nest.getNumLoops(); ++i)
    if (nest.isReduction[i] && i != loop)
      loops.push_back(i);
  return loops;
}

SmallVector<Value> ReductionEmitter::emitReductions(OpBuilder &builder, ArrayRef<int64_t> loops, ValueRange carried,
                                                    Carry body) {
  if (loops.empty())
    return body(builder, carried);
  return forEachCarrying(builder, nest.loc, builder.getIndexAttr(0), nest.extents[loops.front()], 1, carried,
                         [&](OpBuilder &nested, Value at, ValueRange inner) {
                           emission.position[loops.front()] = at;
                           return emitReductions(nested, loops.drop_front(), inner, body);
                         });
}

/// The body for `width` iterations, with the outputs' arguments replaced by `accumulators`.
SmallVector<Value> ReductionEmitter::compute(OpBuilder &builder, ValueRange accumulators, int64_t width) {
  SmallVector<Value> arguments;
  for (auto [argument, input] : llvm::zip(nest.body->getArguments(), nest.inputs))
    arguments.push_back(
        argument.use_empty() ? Value() : readAlong(builder, nest.loc, input, emission.position, loop, width));
  llvm::append_range(arguments, accumulators);
  SmallVector<Value> results = emission.body.evaluate(builder, arguments, emission.position, width);
  for (Value &result : results)
    result = broadcastTo(builder, nest.loc, result, width);
  return results;
}

/// Neighbouring vectors of the given widths of a parallel loop side by side (or one iteration, where there is no vector loop).
void ReductionEmitter::emitAcross(OpBuilder &builder, ArrayRef<int64_t> vectors) {
  Index index(builder, nest.loc);
  SmallVector<Value> positions, accumulators;
  int64_t offset = 0;
  for (int64_t width : vectors) {
    positions.push_back(loop < 0 ? Value() : index.get(index.add(emission.position[loop], index.fold(offset))));
    offset += width;
  }
  auto forEachOutput = [&](llvm::function_ref<void(LoopOperand &, int64_t)> body) {
    for (auto [position, width] : llvm::zip(positions, vectors)) {
      if (position)
        emission.position[loop] = position;
      for (LoopOperand &output : nest.outputs)
        body(output, width);
    }
  };
  forEachOutput([&](LoopOperand &output, int64_t width) {
    accumulators.push_back(broadcastTo(
        builder, nest.loc, readAlong(builder, nest.loc, output, emission.position, loop, width), width));
  });
  accumulators = emitReductions(builder, getReductions(), accumulators, [&](OpBuilder &nested, ValueRange carried) {
    SmallVector<Value> results;
    for (auto [position, width] : llvm::zip(positions, vectors)) {
      if (position)
        emission.position[loop] = position;
      llvm::append_range(results, compute(nested, carried.slice(results.size(), nest.outputs.size()), width));
    }
    return results;
  });
  auto result = accumulators.begin();
  forEachOutput([&](LoopOperand &output, int64_t width) {
    writeAlong(builder, nest.loc, *result++, output, emission.position, loop, width);
  });
}

/// How many vectors of the parallel loop accumulate side by side.
int64_t ReductionEmitter::chooseNumAcross() const {
  constexpr int64_t largestBody = 12, mostOutputs = 2; // the registers must hold what several bodies compute
  if (llvm::range_size(*nest.body) > largestBody || nest.outputs.size() > mostOutputs)
    return 1;
  return numChains;
}

/// All iterations of the parallel vector loop: several vectors at a time, which threads may share, then what is left, where
/// that is known also several vectors at a time.
void ReductionEmitter::emitVectorsAcross(OpBuilder &builder, bool isShared) {
  Index index(builder, nest.loc);
  int64_t lanes = emission.dimension.lanes, numVectors = chooseNumAcross(), step = numVectors * lanes;
  OpFoldResult extent = nest.extents[loop], groups = index.div(extent, step);
  OpFoldResult grouped = index.mul(groups, index.fold(step));
  if (isShared) {
    parallelForEach(builder, nest.loc, groups, [&](OpBuilder &nested, Value at) {
      Index inner(nested, nest.loc);
      emission.position[loop] = inner.get(inner.mul(at, inner.fold(step)));
      emitAcross(nested, SmallVector<int64_t>(numVectors, lanes));
    });
  } else {
    forEach(builder, nest.loc, index.fold(0), grouped, step, [&](OpBuilder &nested, Value at) {
      emission.position[loop] = at;
      emitAcross(nested, SmallVector<int64_t>(numVectors, lanes));
    });
  }
  if (auto known = nest.getStaticExtent(loop)) {
    int64_t at = *known / step * step;
    SmallVector<int64_t> left = splitIntoPowersOfTwo(*known - at, lanes);
    for (ArrayRef<int64_t> rest = left; !rest.empty();) {
      ArrayRef<int64_t> vectors = rest.take_front(numVectors);
      emission.position[loop] = index.constant(at);
      emitAcross(builder, vectors);
      at += std::accumulate(vectors.begin(), vectors.end(), int64_t{0});
      rest = rest.drop_front(vectors.size());
    }
    return;
  }
  forEachVector(builder, nest.loc, index.sub(extent, grouped), lanes, [&](OpBuilder &nested, Value at, int64_t width) {
    Index inner(nested, nest.loc);
    emission.position[loop] = inner.get(inner.add(grouped, at));
    emitAcross(nested, {width});
  });
}

//===----------------------------------------------------------------------===//
// Reductions along the vector
//===----------------------------------------------------------------------===//

Value ReductionEmitter::getNeutral(OpBuilder &builder, const Combiner &combiner, int64_t width) {
  if (width == 1)
    return arith::ConstantOp::create(builder, nest.loc, combiner.neutral);
  auto type = VectorType::get({width}, combiner.neutral.getType());
  return arith::ConstantOp::create(builder, nest.loc, DenseElementsAttr::get(type, Attribute(combiner.neutral)));
}

Value ReductionEmitter::combine(OpBuilder &builder, const Combiner &combiner, Value lhs, Value rhs) {
  Operation *clone = builder.clone(*combiner.op);
  clone->setOperands({lhs, rhs});
  clone->getResult(0).setType(lhs.getType());
  return clone->getResult(0);
}

/// Several full vectors at a time where there are many; for a remainder that is known, a vector for each power of two.
void ReductionEmitter::chooseAccumulators() {
  int64_t lanes = emission.dimension.lanes;
  std::optional<int64_t> extent = nest.getStaticExtent(loop);
  bool isLong = !extent || *extent / lanes >= 2 * numChains;
  widths.assign(isLong && combiners.size() == 1 ? numChains : 1, lanes);
  if (extent)
    llvm::append_range(widths, splitIntoPowersOfTwo(*extent % lanes, std::max<int64_t>(1, lanes / 2)));
  else
    widths.push_back(1);
}

/// The vectors before `full`; `carried` are the accumulators of full width, of one vector after the other.
SmallVector<Value> ReductionEmitter::emitFullVectors(OpBuilder &builder, OpFoldResult full, ValueRange carried) {
  int64_t lanes = emission.dimension.lanes, outputs = combiners.size();
  int64_t step = carried.size() / outputs * lanes;
  Index index(builder, nest.loc);
  OpFoldResult grouped = index.mul(index.div(full, step), index.fold(step));
  SmallVector<Value> vectors = forEachCarrying(
      builder, nest.loc, index.fold(0), grouped, step, carried, [&](OpBuilder &nested, Value at, ValueRange inner) {
        Index position(nested, nest.loc);
        SmallVector<Value> results;
        for (int64_t i = 0; i < step; i += lanes) {
          emission.position[loop] = position.get(position.add(at, position.fold(i)));
          llvm::append_range(results, compute(nested, inner.slice(results.size(), outputs), lanes));
        }
        return results;
      });
  SmallVector<Value> first = forEachCarrying(builder, nest.loc, grouped, full, lanes,
                                             ValueRange(vectors).take_front(outputs),
                                             [&](OpBuilder &nested, Value at, ValueRange inner) {
                                               emission.position[loop] = at;
                                               return compute(nested, inner, lanes);
                                             });
  llvm::copy(first, vectors.begin());
  return vectors;
}

/// One run of the vector loop, with the accumulators of `widths`, each of all outputs.
SmallVector<Value> ReductionEmitter::emitVectors(OpBuilder &builder, ValueRange carried) {
  int64_t lanes = emission.dimension.lanes, outputs = combiners.size();
  Index index(builder, nest.loc);
  OpFoldResult extent = nest.extents[loop];
  OpFoldResult full = index.mul(index.div(extent, lanes), index.fold(lanes));
  int64_t numFull = llvm::count(widths, lanes) * outputs;
  SmallVector<Value> results = emitFullVectors(builder, full, carried.take_front(numFull));
  if (auto known = getStatic(full)) {
    int64_t at = *known;
    for (int64_t width : ArrayRef(widths).drop_front(numFull / outputs)) {
      emission.position[loop] = index.constant(at);
      llvm::append_range(results, compute(builder, carried.slice(results.size(), outputs), width));
      at += width;
    }
  } else {
    llvm::append_range(results, forEachCarrying(builder, nest.loc, full, extent, 1, carried.drop_front(numFull),
                                                [&](OpBuilder &nested, Value at, ValueRange inner) {
                                                  emission.position[loop] = at;
                                                  return compute(nested, inner, 1);
                                                }));
  }
  return results;
}

void ReductionEmitter::emitAlong(OpBuilder &builder) {
  for (unsigned i = 0; i < nest.outputs.size(); ++i)
    combiners.push_back(*getCombiner(nest, i));
  chooseAccumulators();
  SmallVector<Value> carried;
  for (int64_t width : widths)
    for (const Combiner &combiner : combiners)
      carried.push_back(getNeutral(builder, combiner, width));
  carried = emitReductions(builder, getReductions(), carried,
                           [&](OpBuilder &nested, ValueRange inner) { return emitVectors(nested, inner); });
  for (auto [i, output] : llvm::enumerate(nest.outputs)) {
    SmallVector<Value> accumulators;
    for (size_t k = i; k < carried.size(); k += combiners.size())
      accumulators.push_back(carried[k]);
    const Combiner &combiner = combiners[i];
    auto combineTwo = [&](OpBuilder &nested, Value lhs, Value rhs) { return combine(nested, combiner, lhs, rhs); };
    Value result = combineAccumulators(builder, nest.loc, accumulators, combineTwo, combiner.kind);
    Value initial = readAlong(builder, nest.loc, output, emission.position, loop, 1);
    writeAlong(builder, nest.loc, combineTwo(builder, initial, result), output, emission.position, loop, 1);
  }
}

void emitReductionNest(OpBuilder &builder, LoopEmission &emission) {
  LoopNest &nest = emission.nest;
  int64_t loop = emission.dimension.loop;
  SmallVector<int64_t> outer;
  for (int64_t i = 0; i < nest.getNumLoops(); ++i)
    if (!nest.isReduction[i] && i != loop)
      outer.push_back(i);
  ReductionEmitter emitter(emission);
  bool isAlong = loop >= 0 && nest.isReduction[loop];
  if (!isAlong && outer.empty() && loop >= 0 && isWorthThreads(builder, nest))
    return emitter.emitVectorsAcross(builder, /*isShared=*/true);
  emitOuterLoops(builder, emission, outer, [&](OpBuilder &nested) {
    if (isAlong)
      return emitter.emitAlong(nested);
    if (loop < 0)
      return emitter.emitAcross(nested, {1});
    emitter.emitVectorsAcross(nested, /*isShared=*/false);
  });
}

} // namespace nnc
