// Nests with reductions. Where the reduction runs along memory, each lane
// accumulates on its own and the lanes are combined at the end; else a vector of
// parallel iterations accumulates side by side, with the reduction inside.
#include "lib/Conversion/LinalgToVector/LinalgToVector.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"
#include "lib/Conversion/LinalgToVector/BufferAccess.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

namespace {

/// Emits one nest; `loops` of the reductions are entered with the accumulators carried along.
class ReductionEmitter {
public:
  ReductionEmitter(LoopEmission &emission) : emission(emission), nest(emission.nest), loop(emission.dimension.loop) {}

  void emitAcross(OpBuilder &builder, int64_t width);
  void emitAlong(OpBuilder &builder);

private:
  using Carry = llvm::function_ref<SmallVector<Value>(OpBuilder &, ValueRange)>;

  SmallVector<Value> emitReductions(OpBuilder &builder, ArrayRef<int64_t> loops, ValueRange carried, Carry body);
  SmallVector<int64_t> getReductions() const;
  SmallVector<Value> compute(OpBuilder &builder, ValueRange accumulators, int64_t width);
  SmallVector<Value> emitVectors(OpBuilder &builder, ValueRange carried);
  Value getNeutral(OpBuilder &builder, const Combiner &combiner, int64_t width);
  Value combine(OpBuilder &builder, const Combiner &combiner, Value lhs, Value rhs);
  Value combineLanes(OpBuilder &builder, const Combiner &combiner, Value value);

  LoopEmission &emission;
  LoopNest &nest;
  int64_t loop;
  SmallVector<Combiner> combiners;
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

/// `width` iterations of a parallel loop side by side (or one, where there is no vector loop).
void ReductionEmitter::emitAcross(OpBuilder &builder, int64_t width) {
  SmallVector<Value> accumulators;
  for (LoopOperand &output : nest.outputs)
    accumulators.push_back(broadcastTo(
        builder, nest.loc, readAlong(builder, nest.loc, output, emission.position, loop, width), width));
  accumulators = emitReductions(
      builder, getReductions(), accumulators,
      [&](OpBuilder &nested, ValueRange carried) { return compute(nested, carried, width); });
  for (auto [value, output] : llvm::zip(accumulators, nest.outputs))
    writeAlong(builder, nest.loc, value, output, emission.position, loop, width);
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

Value ReductionEmitter::combineLanes(OpBuilder &builder, const Combiner &combiner, Value value) {
  if (!isa<VectorType>(value.getType()))
    return value;
  if (!isa<FloatType>(combiner.neutral.getType()))
    return vector::ReductionOp::create(builder, nest.loc, combiner.kind, value);
  return vector::ReductionOp::create(builder, nest.loc, combiner.kind, value, arith::FastMathFlags::reassoc);
}

/// One run of the vector loop: full vectors go to the vector accumulators (the first half of `carried`),
/// the remainder to the scalar ones.
SmallVector<Value> ReductionEmitter::emitVectors(OpBuilder &builder, ValueRange carried) {
  int64_t lanes = emission.dimension.lanes, outputs = combiners.size();
  Index index(builder, nest.loc);
  OpFoldResult extent = nest.extents[loop];
  OpFoldResult full = index.mul(index.div(extent, lanes), index.fold(lanes));
  SmallVector<Value> vectors = forEachCarrying(builder, nest.loc, index.fold(0), full, lanes,
                                               carried.take_front(outputs),
                                               [&](OpBuilder &nested, Value at, ValueRange inner) {
                                                 emission.position[loop] = at;
                                                 return compute(nested, inner, lanes);
                                               });
  SmallVector<Value> scalars(carried.drop_front(outputs));
  if (auto known = getStatic(extent)) {
    int64_t at = *getStatic(full);
    for (int64_t piece : splitIntoPowersOfTwo(*known - at, std::max<int64_t>(1, lanes / 2))) {
      emission.position[loop] = index.constant(at);
      SmallVector<Value> neutral;
      for (const Combiner &combiner : combiners)
        neutral.push_back(getNeutral(builder, combiner, piece));
      SmallVector<Value> results = compute(builder, neutral, piece);
      for (auto [scalar, combiner, result] : llvm::zip(scalars, combiners, results))
        scalar = combine(builder, combiner, scalar, combineLanes(builder, combiner, result));
      at += piece;
    }
  } else {
    scalars = forEachCarrying(builder, nest.loc, full, extent, 1, scalars,
                              [&](OpBuilder &nested, Value at, ValueRange inner) {
                                emission.position[loop] = at;
                                return compute(nested, inner, 1);
                              });
  }
  llvm::append_range(vectors, scalars);
  return vectors;
}

void ReductionEmitter::emitAlong(OpBuilder &builder) {
  for (unsigned i = 0; i < nest.outputs.size(); ++i)
    combiners.push_back(*getCombiner(nest, i));
  SmallVector<Value> carried;
  for (const Combiner &combiner : combiners)
    carried.push_back(getNeutral(builder, combiner, emission.dimension.lanes));
  for (LoopOperand &output : nest.outputs)
    carried.push_back(readAlong(builder, nest.loc, output, emission.position, loop, 1));
  carried = emitReductions(builder, getReductions(), carried,
                           [&](OpBuilder &nested, ValueRange inner) { return emitVectors(nested, inner); });
  int64_t outputs = combiners.size();
  for (auto [i, output] : llvm::enumerate(nest.outputs)) {
    Value lanes = combineLanes(builder, combiners[i], carried[i]);
    Value result = combine(builder, combiners[i], carried[outputs + i], lanes);
    writeAlong(builder, nest.loc, result, output, emission.position, loop, 1);
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
  if (!isAlong && outer.empty() && loop >= 0 && isWorthThreads(builder, nest)) {
    // Threads share the vectors.
    Index index(builder, nest.loc);
    int64_t lanes = emission.dimension.lanes;
    OpFoldResult vectors = index.div(nest.extents[loop], lanes), full = index.mul(vectors, index.fold(lanes));
    parallelForEach(builder, nest.loc, vectors, [&](OpBuilder &nested, Value at) {
      Index inner(nested, nest.loc);
      emission.position[loop] = inner.get(inner.mul(at, inner.fold(lanes)));
      emitter.emitAcross(nested, lanes);
    });
    forEachVector(builder, nest.loc, index.sub(nest.extents[loop], full), lanes,
                  [&](OpBuilder &nested, Value at, int64_t width) {
                    Index inner(nested, nest.loc);
                    emission.position[loop] = inner.get(inner.add(full, at));
                    emitter.emitAcross(nested, width);
                  });
    return;
  }
  emitOuterLoops(builder, emission, outer, [&](OpBuilder &nested) {
    if (isAlong)
      return emitter.emitAlong(nested);
    if (loop < 0)
      return emitter.emitAcross(nested, 1);
    forEachVector(nested, nest.loc, nest.extents[loop], emission.dimension.lanes,
                  [&](OpBuilder &deeper, Value at, int64_t width) {
                    emission.position[loop] = at;
                    emitter.emitAcross(deeper, width);
                  });
  });
}

} // namespace nnc
