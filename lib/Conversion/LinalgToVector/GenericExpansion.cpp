// Loops of a linalg.generic at exactly one hardware vector.
//
// One parallel loop becomes the vector dimension: the one along which most
// operands, the result first, are contiguous. Where an input is contiguous along
// another loop (a transpose), both are cut into square tiles that are transposed
// in registers. Reductions run inside, carried in registers.
#include "lib/Conversion/LinalgToVector/GenericExpansion.h"

#include "dialects/Kernel/Kernel.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Transpose.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

/// Elements from which on a loop is worth sharing between threads.
static constexpr int64_t worthThreads = 16 << 10;

namespace {

class GenericExpansion {
public:
  GenericExpansion(OpBuilder &builder, linalg::GenericOp op);

  void expand(OpBuilder &builder);

private:
  int64_t chooseVectorLoop() const;
  int64_t findTransposedLoop() const;
  int64_t chooseLanes() const;
  bool isContiguousAlong(OpOperand &operand, int64_t loop) const;
  Value computeIndex(OpBuilder &builder, AffineExpr expr, ValueRange loops) const;
  Value loadOperand(OpBuilder &builder, OpOperand &operand, ValueRange loops, int64_t width) const;
  void emitOuter(OpBuilder &builder, unsigned loop, SmallVector<Value> loops, bool isFirst);
  void emitVectorLoop(OpBuilder &builder, SmallVector<Value> loops);
  void emitPoint(OpBuilder &builder, SmallVector<Value> loops, int64_t width);
  SmallVector<Value> emitReductions(OpBuilder &builder, unsigned loop, SmallVector<Value> loops, ValueRange carried,
                                    int64_t width);
  void emitTiles(OpBuilder &builder, SmallVector<Value> loops);
  void emitTile(OpBuilder &builder, SmallVector<Value> loops);
  void storeResults(OpBuilder &builder, ArrayRef<Value> values, ValueRange loops, int64_t width) const;

  linalg::GenericOp op;
  Location loc;
  SmallVector<OpFoldResult> extents;
  SmallVector<utils::IteratorType> iterators;
  int64_t along = -1, transposed = -1, lanes = 1;
};

} // namespace

GenericExpansion::GenericExpansion(OpBuilder &builder, linalg::GenericOp op)
    : op(op), loc(op.getLoc()), iterators(op.getIteratorTypesArray()) {
  for (Range range : cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(builder, loc))
    extents.push_back(range.size);
  along = chooseVectorLoop();
  lanes = chooseLanes();
  transposed = lanes > 1 ? findTransposedLoop() : -1;
}

bool GenericExpansion::isContiguousAlong(OpOperand &operand, int64_t loop) const {
  auto type = dyn_cast<MemRefType>(operand.get().getType());
  linalg::GenericOp generic = op;
  AffineMap map = generic.getMatchingIndexingMap(&operand);
  if (!type || map.getNumResults() == 0 || !type.isLastDimUnitStride())
    return false;
  if (map.getResults().back() != getAffineDimExpr(loop, map.getContext()))
    return false;
  return llvm::none_of(map.getResults().drop_back(), [&](AffineExpr expr) { return expr.isFunctionOfDim(loop); });
}

/// The parallel loop along which most operands are contiguous, results counting most; short loops count little.
int64_t GenericExpansion::chooseVectorLoop() const {
  int64_t best = -1;
  double bestScore = -1;
  linalg::GenericOp generic = op;
  for (int64_t loop = 0, count = iterators.size(); loop < count; ++loop) {
    if (iterators[loop] != utils::IteratorType::parallel)
      continue;
    double score = 0;
    for (OpOperand &operand : generic->getOpOperands())
      if (isContiguousAlong(operand, loop))
        score += generic.isDpsInit(&operand) ? 4 : 2;
    if (auto extent = getStatic(extents[loop]); extent && *extent < 8)
      score *= static_cast<double>(*extent) / 16;
    if (score >= bestScore) {
      best = loop;
      bestScore = score;
    }
  }
  return best;
}

int64_t GenericExpansion::chooseLanes() const {
  linalg::GenericOp generic = op;
  if (along < 0 || !isVectorizable(generic))
    return 1;
  int64_t result = std::numeric_limits<int64_t>::max();
  for (Value operand : generic->getOperands())
    if (auto type = dyn_cast<MemRefType>(operand.getType()))
      result = std::min(result, kernel::getTarget(generic).getLanes(type.getElementType()));
  return result;
}

/// A loop along which an input is contiguous that is not along the vector loop.
int64_t GenericExpansion::findTransposedLoop() const {
  linalg::GenericOp generic = op;
  if (generic.getNumReductionLoops() > 0)
    return -1;
  for (OpOperand *input : generic.getDpsInputOperands()) {
    AffineMap map = generic.getMatchingIndexingMap(input);
    auto last = map.getNumResults() ? dyn_cast<AffineDimExpr>(map.getResults().back()) : AffineDimExpr(nullptr);
    if (!last || static_cast<int64_t>(last.getPosition()) == along || !map.isFunctionOfDim(along))
      continue;
    if (map.isProjectedPermutation(true) && isContiguousAlong(*input, last.getPosition()))
      return last.getPosition();
  }
  return -1;
}

void GenericExpansion::expand(OpBuilder &builder) {
  emitOuter(builder, 0, SmallVector<Value>(iterators.size()), /*isFirst=*/true);
}

/// Loops but the vector loop, the transposed loop and reductions, outermost first.
void GenericExpansion::emitOuter(OpBuilder &builder, unsigned loop, SmallVector<Value> loops, bool isFirst) {
  while (loop < iterators.size() && (iterators[loop] != utils::IteratorType::parallel ||
                                     static_cast<int64_t>(loop) == along || static_cast<int64_t>(loop) == transposed))
    ++loop;
  if (loop == iterators.size()) {
    if (transposed >= 0)
      return emitTiles(builder, loops);
    return emitVectorLoop(builder, loops);
  }
  auto body = [&](OpBuilder &nested, Value at) {
    loops[loop] = at;
    emitOuter(nested, loop + 1, loops, /*isFirst=*/false);
  };
  int64_t work = 1;
  for (OpFoldResult extent : extents)
    work *= std::min<int64_t>(getStatic(extent).value_or(worthThreads), worthThreads);
  if (isFirst && work >= worthThreads)
    return parallelForEach(builder, loc, extents[loop], body);
  forEach(builder, loc, builder.getIndexAttr(0), extents[loop], 1, body);
}

void GenericExpansion::emitVectorLoop(OpBuilder &builder, SmallVector<Value> loops) {
  if (along < 0)
    return emitPoint(builder, loops, 1);
  auto body = [&](OpBuilder &nested, Value at, int64_t width) {
    loops[along] = at;
    emitPoint(nested, loops, width);
  };
  // A single long loop is shared between threads in chunks.
  auto extent = getStatic(extents[along]);
  int64_t chunk = lanes * 256;
  if (iterators.size() > 1 || !extent || *extent < worthThreads)
    return forEachVector(builder, loc, extents[along], lanes, body);
  int64_t chunks = *extent / chunk, rest = *extent - chunks * chunk;
  Index index(builder, loc);
  parallelForEach(builder, loc, index.fold(chunks), [&](OpBuilder &nested, Value number) {
    forEachVector(nested, loc, nested.getIndexAttr(chunk), lanes, [&](OpBuilder &inner, Value at, int64_t width) {
      Index deep(inner, loc);
      body(inner, deep.get(deep.add(deep.mul(number, deep.fold(chunk)), at)), width);
    });
  });
  forEachVector(builder, loc, index.fold(rest), lanes, [&](OpBuilder &inner, Value at, int64_t width) {
    Index deep(inner, loc);
    body(inner, deep.get(deep.add(at, deep.fold(chunks * chunk))), width);
  });
}

Value GenericExpansion::computeIndex(OpBuilder &builder, AffineExpr expr, ValueRange loops) const {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return loops[dim.getPosition()];
  AffineMap map = AffineMap::get(loops.size(), 0, expr);
  SmallVector<OpFoldResult> operands;
  for (Value loop : loops) // loops that are not open yet do not occur in the expression
    operands.push_back(loop ? OpFoldResult(loop) : OpFoldResult(builder.getIndexAttr(0)));
  OpFoldResult result = affine::makeComposedFoldedAffineApply(builder, loc, map, operands);
  return Index(builder, loc).get(result);
}

/// The operand's elements at the current point: a scalar where they do not depend on the vector loop.
Value GenericExpansion::loadOperand(OpBuilder &builder, OpOperand &operand, ValueRange loops, int64_t width) const {
  linalg::GenericOp generic = op;
  if (!isa<MemRefType>(operand.get().getType()))
    return operand.get();
  AffineMap map = generic.getMatchingIndexingMap(&operand);
  auto indicesAt = [&](ValueRange at) {
    SmallVector<Value> indices;
    for (AffineExpr expr : map.getResults())
      indices.push_back(computeIndex(builder, expr, at));
    return indices;
  };
  if (width == 1 || !map.isFunctionOfDim(along))
    return memref::LoadOp::create(builder, loc, operand.get(), indicesAt(loops));
  if (isContiguousAlong(operand, along))
    return loadWide(builder, loc, operand.get(), indicesAt(loops), width);
  SmallVector<Value> elements;
  Index index(builder, loc);
  for (int64_t lane = 0; lane < width; ++lane) {
    SmallVector<Value> at(loops);
    at[along] = index.get(index.add(loops[along], index.fold(lane)));
    elements.push_back(memref::LoadOp::create(builder, loc, operand.get(), indicesAt(at)));
  }
  auto type = VectorType::get({width}, getElementTypeOrSelf(operand.get().getType()));
  return vector::FromElementsOp::create(builder, loc, type, elements);
}

void GenericExpansion::storeResults(OpBuilder &builder, ArrayRef<Value> values, ValueRange loops,
                                    int64_t width) const {
  linalg::GenericOp generic = op;
  Index index(builder, loc);
  for (auto [value, operand] : llvm::zip(values, generic.getDpsInitsMutable())) {
    AffineMap map = generic.getMatchingIndexingMap(&operand);
    auto indicesAt = [&](ValueRange at) {
      SmallVector<Value> indices;
      for (AffineExpr expr : map.getResults())
        indices.push_back(computeIndex(builder, expr, at));
      return indices;
    };
    Value wide = broadcastTo(builder, loc, value, width);
    if (width == 1 || isContiguousAlong(operand, along)) {
      storeWide(builder, loc, wide, operand.get(), indicesAt(loops), width);
      continue;
    }
    for (int64_t lane = 0; lane < width; ++lane) {
      SmallVector<Value> at(loops);
      at[along] = index.get(index.add(loops[along], index.fold(lane)));
      Value element = vector::ExtractOp::create(builder, loc, wide, lane);
      memref::StoreOp::create(builder, loc, element, operand.get(), indicesAt(at));
    }
  }
}

void GenericExpansion::emitPoint(OpBuilder &builder, SmallVector<Value> loops, int64_t width) {
  SmallVector<Value> carried;
  for (auto [operand, argument] : llvm::zip(op.getDpsInitsMutable(), op.getRegionOutputArgs())) {
    // A result that the body does not read need not be loaded.
    bool isRead = !argument.use_empty() || op.getNumReductionLoops() > 0;
    Type wide = getWideType(argument.getType(), width);
    carried.push_back(isRead ? broadcastTo(builder, loc, loadOperand(builder, operand, loops, width), width)
                             : createConstant(builder, loc, wide, 0));
  }
  SmallVector<Value> results = emitReductions(builder, 0, loops, carried, width);
  storeResults(builder, results, loops, width);
}

SmallVector<Value> GenericExpansion::emitReductions(OpBuilder &builder, unsigned loop, SmallVector<Value> loops,
                                                    ValueRange carried, int64_t width) {
  while (loop < iterators.size() && iterators[loop] == utils::IteratorType::parallel)
    ++loop;
  if (loop < iterators.size())
    return forEachCarrying(builder, loc, builder.getIndexAttr(0), extents[loop], 1, carried,
                           [&](OpBuilder &nested, Value at, ValueRange inner) {
                             loops[loop] = at;
                             return emitReductions(nested, loop + 1, loops, inner, width);
                           });
  IRMapping mapping;
  for (auto [operand, argument] : llvm::zip(op.getDpsInputOperands(), op.getRegionInputArgs()))
    if (!argument.use_empty())
      mapping.map(argument, loadOperand(builder, *operand, loops, width));
  mapping.map(op.getRegionOutputArgs(), carried);
  SmallVector<Value> results = widenGenericBody(builder, op, mapping, loops, along, width);
  if (op.getNumReductionLoops() > 0)
    for (Value &result : results)
      result = broadcastTo(builder, loc, result, width);
  return results;
}

/// The vector loop and the transposed loop, in squares; what is left over element by element.
void GenericExpansion::emitTiles(OpBuilder &builder, SmallVector<Value> loops) {
  Index index(builder, loc);
  int64_t size = std::min<int64_t>(lanes, 8);
  auto roundDown = [&](OpFoldResult extent) { return index.mul(index.div(extent, size), index.fold(size)); };
  OpFoldResult fullAlong = roundDown(extents[along]), fullTransposed = roundDown(extents[transposed]);
  auto run = [&](OpBuilder &b, OpFoldResult fromT, OpFoldResult toT, int64_t stepT, OpFoldResult fromA, OpFoldResult toA,
                 int64_t stepA) {
    forEach(b, loc, fromT, toT, stepT, [&](OpBuilder &nested, Value t) {
      forEach(nested, loc, fromA, toA, stepA, [&](OpBuilder &inner, Value a) {
        loops[transposed] = t;
        loops[along] = a;
        if (stepT > 1)
          emitTile(inner, loops);
        else
          emitPoint(inner, loops, 1);
      });
    });
  };
  OpFoldResult zero = index.fold(0);
  run(builder, zero, fullTransposed, size, zero, fullAlong, size);
  run(builder, zero, fullTransposed, 1, fullAlong, extents[along], 1);
  run(builder, fullTransposed, extents[transposed], 1, zero, extents[along], 1);
}

/// One square: inputs along the transposed loop are transposed in registers, then each row is computed along the vector
/// loop.
void GenericExpansion::emitTile(OpBuilder &builder, SmallVector<Value> loops) {
  int64_t size = std::min<int64_t>(lanes, 8);
  Index index(builder, loc);
  auto shifted = [&](int64_t loop, int64_t by) {
    SmallVector<Value> at(loops);
    at[loop] = index.get(index.add(loops[loop], index.fold(by)));
    return at;
  };
  DenseMap<unsigned, SmallVector<Value>> squares;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    if (!isa<MemRefType>(input->get().getType()) || !isContiguousAlong(*input, transposed) ||
        !map.isFunctionOfDim(along))
      continue;
    SmallVector<Value> rows;
    for (int64_t i = 0; i < size; ++i) {
      SmallVector<Value> indices, at = shifted(along, i);
      for (AffineExpr expr : map.getResults())
        indices.push_back(computeIndex(builder, expr, at));
      rows.push_back(loadWide(builder, loc, input->get(), indices, size));
    }
    squares[input->getOperandNumber()] = transposeSquare(builder, loc, rows);
  }
  for (int64_t i = 0; i < size; ++i) {
    SmallVector<Value> at = shifted(transposed, i);
    IRMapping mapping;
    for (auto [operand, argument] : llvm::zip(op.getDpsInputOperands(), op.getRegionInputArgs())) {
      auto square = squares.find(operand->getOperandNumber());
      mapping.map(argument, square != squares.end() ? square->second[i] : loadOperand(builder, *operand, at, size));
    }
    for (auto [operand, argument] : llvm::zip(op.getDpsInitsMutable(), op.getRegionOutputArgs()))
      if (!argument.use_empty())
        mapping.map(argument, loadOperand(builder, operand, at, size));
    storeResults(builder, widenGenericBody(builder, op, mapping, at, along, size), at, size);
  }
}

void expandGeneric(RewriterBase &rewriter, linalg::GenericOp op) { GenericExpansion(rewriter, op).expand(rewriter); }

} // namespace nnc
