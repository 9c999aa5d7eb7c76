// Evaluation of bodies, operation by operation: what is the same in all lanes stays
// scalar, indices stay arithmetic sequences as long as they can, addresses are
// computed by scalar instructions, the rest by vector instructions.
#include "lib/Conversion/LinalgToVector/BodyEvaluation.h"

#include "lib/Codegen/Division.h"
#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"
#include "lib/Support/Decision.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nnc {

/// How many operations of `body` compute addresses of what it reads elsewhere, or of floats; 0 where positions alone decide those.
static int64_t countOperationsOnData(ValueRange addresses, Block *body) {
  SmallVector<Value> worklist(addresses);
  llvm::DenseSet<Value> seen;
  int64_t count = 0;
  bool isMadeOfData = false;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    Operation *op = next.getDefiningOp();
    if (next.getParentBlock() != body || !seen.insert(next).second)
      continue;
    isMadeOfData |= !op || isa<memref::LoadOp>(op) || isa<FloatType>(next.getType());
    if (!op || isa<memref::LoadOp>(op))
      continue;
    count += !isa<linalg::IndexOp, arith::IndexCastOp>(op);
    llvm::append_range(worklist, op->getOperands());
  }
  return isMadeOfData ? count : 0;
}

/// Whether only the last index of `load` can change along `loop`.
static bool staysInRow(memref::LoadOp load, int64_t loop) {
  return llvm::all_of(load.getIndices().drop_back(), [&](Value value) {
    auto index = value.getDefiningOp<linalg::IndexOp>();
    return index ? static_cast<int64_t>(index.getDim()) != loop : value.getParentBlock() != load->getBlock();
  });
}

bool BodyEvaluation::isGathered(memref::LoadOp load) const {
  constexpr int64_t mostElements = int64_t{1} << 31; // offsets have 32 bits, and so have extents
  MemRefType type = load.getMemRefType();
  Type element = type.getElementType();
  bool isSmall = type.hasStaticShape() && type.getNumElements() < mostElements;
  bool fits = type.getLayout().isIdentity() && (isSmall || (type.getRank() > 0 && staysInRow(load, loop)));
  bool isWord = element.isIntOrFloat() && (element.getIntOrFloatBitWidth() == 32 || element.getIntOrFloatBitWidth() == 64);
  return fits && isWord && load->getBlock() == nest.body &&
         countOperationsOnData(load.getIndices(), nest.body) >= leastGatherOperations;
}

BodyEvaluation::BodyEvaluation(LoopNest &nest, int64_t loop, int64_t leastGatherOperations)
    : nest(nest), loop(loop), leastGatherOperations(leastGatherOperations) {
  // linalg.index inside nested regions would be cloned as it is: move it to the front.
  SmallVector<linalg::IndexOp> indices;
  nest.body->walk([&](linalg::IndexOp op) { indices.push_back(op); });
  for (linalg::IndexOp op : indices)
    if (op->getBlock() != nest.body)
      op->moveBefore(nest.body, nest.body->begin());
  SmallVector<Operation *> worklist;
  auto visit = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (op && op->getBlock() == nest.body && !isa<memref::LoadOp, linalg::IndexOp>(op) && addresses.insert(op).second)
      worklist.push_back(op);
  };
  nest.body->walk([&](memref::LoadOp op) {
    if (!isGathered(op)) // else the addresses are a vector, too
      llvm::for_each(op.getIndices(), visit);
  });
  while (!worklist.empty())
    llvm::for_each(worklist.pop_back_val()->getOperands(), visit);
}

BodyLanes BodyEvaluation::lookup(Value value) {
  auto found = values.find(value);
  return found == values.end() ? BodyLanes::uniform(value) : found->second;
}

/// Values from outside `op`, and from outside its regions, that it reads.
static SmallVector<Value> getReadValues(Operation *op) {
  llvm::SetVector<Value> read;
  op->walk([&](Operation *nested) {
    for (Value operand : nested->getOperands())
      if (nested == op || !op->isAncestor(operand.getParentBlock()->getParentOp()))
        read.insert(operand);
  });
  return read.takeVector();
}

void BodyEvaluation::computeInvariants(OpBuilder &builder, ValueRange arguments, ValueRange position, bool mayLoad) {
  values.clear();
  for (auto [argument, value] : llvm::zip(nest.body->getArguments(), arguments))
    if (value)
      values[argument] = BodyLanes::uniform(value);
  for (Operation &op : nest.body->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      AffineExpr expr = nest.sourceIndices[index.getDim()];
      auto dim = dyn_cast<AffineDimExpr>(expr);
      if (!dim || position[dim.getPosition()])
        evaluateIndex(builder, index, position, 1);
      continue;
    }
    bool isKnown = llvm::all_of(getReadValues(&op), [&](Value value) {
      bool isOutside = value.getParentBlock() != nest.body;
      return isOutside || values.contains(value);
    });
    if (isKnown && (mayLoad || isMemoryEffectFree(&op)))
      evaluateUniform(builder, &op);
  }
  invariants = values;
}

SmallVector<Value> BodyEvaluation::evaluate(OpBuilder &builder, ValueRange arguments, ValueRange position,
                                            int64_t width) {
  values = invariants;
  for (auto [argument, value] : llvm::zip(nest.body->getArguments(), arguments))
    if (value)
      values[argument] =
          isa<VectorType>(value.getType()) ? BodyLanes::fromVector(value) : BodyLanes::uniform(value);
  for (Operation &op : nest.body->without_terminator()) {
    if (op.getNumResults() && values.contains(op.getResult(0)))
      continue;
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      evaluateIndex(builder, index, position, width);
      continue;
    }
    if (evaluateUniform(builder, &op) || evaluateSequence(builder, &op) || evaluateLoad(builder, &op, width))
      continue;
    if (op.getNumRegions() || addresses.contains(&op) || !OpTrait::hasElementwiseMappableTraits(&op))
      evaluateLaneByLane(builder, &op, width);
    else
      evaluateVector(builder, &op, width);
  }
  SmallVector<Value> yielded;
  for (Value value : nest.body->getTerminator()->getOperands()) {
    BodyLanes lanes = lookup(value);
    yielded.push_back(lanes.isUniform() ? lanes.getFirst() : lanes.getVector(builder, nest.loc, width));
  }
  return yielded;
}

void BodyEvaluation::evaluateIndex(OpBuilder &builder, linalg::IndexOp op, ValueRange position, int64_t width) {
  auto dim = dyn_cast<AffineDimExpr>(nest.sourceIndices[op.getDim()]);
  if (!dim)
    values[op.getResult()] = BodyLanes::uniform(createConstant(builder, op.getLoc(), op.getType(), 0));
  else if (static_cast<int64_t>(dim.getPosition()) == loop && width > 1)
    values[op.getResult()] = BodyLanes::sequence(position[loop], 1);
  else
    values[op.getResult()] = BodyLanes::uniform(position[dim.getPosition()]);
}

bool BodyEvaluation::evaluateUniform(OpBuilder &builder, Operation *op) {
  IRMapping mapping;
  for (Value value : getReadValues(op)) {
    BodyLanes lanes = lookup(value);
    if (!lanes.isUniform())
      return false;
    mapping.map(value, lanes.getFirst());
  }
  Operation *clone = builder.clone(*op, mapping);
  for (auto [original, result] : llvm::zip(op->getResults(), clone->getResults()))
    values[original] = BodyLanes::uniform(result);
  return true;
}

/// Sums of sequences, multiples of them, casts, and a choice between two that does not depend on the lane.
bool BodyEvaluation::evaluateSequence(OpBuilder &builder, Operation *op) {
  if (op->getNumResults() != 1 || !op->getResult(0).getType().isIntOrIndex() || op->getNumRegions())
    return false;
  SmallVector<BodyLanes> operands = llvm::map_to_vector(op->getOperands(), [&](Value v) { return lookup(v); });
  if (!llvm::all_of(operands, [](const BodyLanes &lanes) { return lanes.isSequence(); }))
    return false;
  std::optional<int64_t> step;
  Value condition;
  for (const BodyLanes &operand : operands)
    if (operand.getCondition())
      condition = operand.getCondition();
  APInt factor;
  if (isa<arith::AddIOp, arith::SubIOp>(op)) {
    if (condition && !operands[0].isUniform() && !operands[1].isUniform())
      return false;
    int64_t sign = isa<arith::AddIOp>(op) ? 1 : -1;
    step = operands[0].getStep() + sign * operands[1].getStep();
  } else if (isa<arith::MulIOp>(op) && matchPattern(op->getOperand(1), m_ConstantInt(&factor))) {
    step = operands[0].getStep() * factor.getSExtValue();
  } else if (isa<arith::IndexCastOp>(op)) {
    step = operands[0].getStep();
  } else if (isa<arith::SelectOp>(op) && operands[0].isUniform() && !condition) {
    int64_t whenTrue = operands[1].getStep(), whenFalse = operands[2].getStep();
    if (whenTrue == whenFalse) {
      step = whenTrue;
    } else if (whenTrue == 0 || whenFalse == 0) {
      step = whenTrue + whenFalse;
      condition = operands[0].getFirst();
      if (whenTrue == 0) {
        Value one = createConstant(builder, op->getLoc(), condition.getType(), 1);
        condition = arith::XOrIOp::create(builder, op->getLoc(), condition, one);
      }
    }
  }
  if (!step)
    return false;
  IRMapping mapping;
  for (auto [original, lanes] : llvm::zip(op->getOperands(), operands))
    mapping.map(original, lanes.getFirst());
  values[op->getResult(0)] = BodyLanes::sequence(builder.clone(*op, mapping)->getResult(0), *step, condition);
  return true;
}

/// The vector of `width` elements along a dimension that ends in the one at `indices`, the last element first.
static Value loadBackwards(OpBuilder &builder, Location loc, Value memref, SmallVector<Value> indices, int64_t width,
                           int64_t along) {
  Value distance = createConstant(builder, loc, builder.getIndexType(), width - 1);
  indices[along] = arith::SubIOp::create(builder, loc, indices[along], distance);
  Value vector = loadWide(builder, loc, memref, indices, width, along);
  SmallVector<int64_t> order;
  for (int64_t lane = width - 1; lane >= 0; --lane)
    order.push_back(lane);
  return vector::ShuffleOp::create(builder, loc, vector, vector, order);
}

/// The only dimension of a load's indices that differs between the lanes, as a sequence, where what is behind it is of
/// extent 1; -1 where there is none.
static int64_t findMovingDimension(memref::LoadOp load, ArrayRef<BodyLanes> indices) {
  MemRefType type = load.getMemRefType();
  int64_t along = type.getRank() - 1;
  while (along > 0 && indices[along].isUniform() && type.getDimSize(along) == 1 && type.getLayout().isIdentity())
    --along;
  bool isAlone = llvm::all_of(indices.take_front(along), [](const BodyLanes &lanes) { return lanes.isUniform(); });
  return isAlone && indices[along].isSequence() ? along : -1;
}

/// A load whose index is a sequence of step 1 is one vector load, of step -1 one that is reversed.
bool BodyEvaluation::evaluateLoad(OpBuilder &builder, Operation *op, int64_t width) {
  auto load = dyn_cast<memref::LoadOp>(op);
  if (!load || load.getIndices().empty())
    return false;
  SmallVector<BodyLanes> lanes = llvm::map_to_vector(load.getIndices(), [&](Value index) { return lookup(index); });
  int64_t along = isContiguous(load.getMemRef()) ? findMovingDimension(load, lanes) : -1;
  if (along < 0)
    return evaluateGather(builder, load, width);
  BodyLanes moving = lanes[along];
  bool isBackwards = moving.getStep() == -1 && !moving.getCondition();
  if (moving.getStep() != 1 && !isBackwards)
    return evaluateGather(builder, load, width);
  SmallVector<Value> indices;
  for (const BodyLanes &index : lanes)
    indices.push_back(index.getFirst());
  Location loc = op->getLoc();
  if (isBackwards) {
    values[load.getResult()] = BodyLanes::fromVector(loadBackwards(builder, loc, load.getMemRef(), indices, width, along));
    return true;
  }
  auto type = VectorType::get({width}, load.getType());
  if (!moving.getCondition()) {
    values[load.getResult()] = BodyLanes::fromVector(loadWide(builder, loc, load.getMemRef(), indices, width, along));
    return true;
  }
  auto choice = scf::IfOp::create(
      builder, loc, moving.getCondition(),
      [&](OpBuilder &nested, Location loc) {
        scf::YieldOp::create(nested, loc, loadWide(nested, loc, load.getMemRef(), indices, width, along));
      },
      [&](OpBuilder &nested, Location loc) {
        Value element = memref::LoadOp::create(nested, loc, load.getMemRef(), indices);
        scf::YieldOp::create(nested, loc, vector::BroadcastOp::create(nested, loc, type, element).getResult());
      });
  values[load.getResult()] = BodyLanes::fromVector(choice.getResult(0));
  return true;
}

/// Indices as integers of 32 bits, which they were converted from, or are small enough for.
static Value getNarrowIndices(OpBuilder &builder, Location loc, Value indices) {
  auto type = cast<VectorType>(indices.getType()).clone(builder.getI32Type());
  auto cast = indices.getDefiningOp<arith::IndexCastOp>();
  if (cast && cast.getIn().getType() == type)
    return cast.getIn();
  return arith::IndexCastOp::create(builder, loc, type, indices);
}

/// A load from places that data decide: a vector of offsets from one address.
bool BodyEvaluation::evaluateGather(OpBuilder &builder, memref::LoadOp load, int64_t width) {
  constexpr int64_t fewest = 4;
  if (width < fewest || !isGathered(load))
    return false;
  Location loc = load.getLoc();
  MemRefType type = load.getMemRefType();
  Index index(builder, loc);
  OpFoldResult base = index.fold(0);
  Value offsets;
  SmallVector<Value> row; // of a buffer whose rows have run-time lengths
  int64_t stride = type.hasStaticShape() ? type.getNumElements() : 1;
  for (auto [number, extent, value] : llvm::enumerate(type.getShape(), load.getIndices())) {
    stride /= type.hasStaticShape() ? std::max<int64_t>(extent, 1) : 1;
    BodyLanes lanes = lookup(value);
    if (!type.hasStaticShape() && static_cast<int64_t>(number) < type.getRank() - 1) {
      if (!lanes.isUniform())
        return false;
      row.push_back(index.get(lanes.getFirst()));
      continue;
    }
    if (lanes.isUniform()) {
      base = index.add(base, index.mul(lanes.getFirst(), index.fold(stride)));
      continue;
    }
    Value part = getNarrowIndices(builder, loc, lanes.getVector(builder, loc, width));
    if (stride != 1)
      part = arith::MulIOp::create(builder, loc, part, createConstant(builder, loc, part.getType(), stride));
    offsets = offsets ? arith::AddIOp::create(builder, loc, offsets, part).getResult() : part;
  }
  if (!offsets)
    return false;
  row.push_back(index.get(base));
  Value flat = load.getMemRef();
  if (type.getRank() > static_cast<int64_t>(row.size()))
    flat = memref::CollapseShapeOp::create(builder, loc, flat, {llvm::to_vector<2>(llvm::seq<int64_t>(0, type.getRank()))});
  auto vector = VectorType::get({width}, type.getElementType());
  Value all = createConstant(builder, loc, vector.clone(builder.getI1Type()), 1);
  Value none = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(vector));
  values[load.getResult()] = BodyLanes::fromVector(
      vector::GatherOp::create(builder, loc, vector, flat, row, offsets, all, none));
  return true;
}

void BodyEvaluation::evaluateLaneByLane(OpBuilder &builder, Operation *op, int64_t width) {
  if (width > 1 && isa<memref::LoadOp>(op))
    remark::missed(nest.loc, about::vectors) << "scattered elements are loaded one by one";
  else if (width > 1 && !addresses.contains(op))
    remark::missed(nest.loc, about::vectors)
        << remark::add("'{0}' is computed lane by lane: it has no form for vectors", op->getName());
  SmallVector<Value> read = getReadValues(op);
  SmallVector<SmallVector<Value>> results(op->getNumResults());
  for (int64_t lane = 0; lane < width; ++lane) {
    IRMapping mapping;
    for (Value value : read)
      mapping.map(value, lookup(value).getLane(builder, op->getLoc(), lane));
    Operation *clone = builder.clone(*op, mapping);
    for (auto [list, result] : llvm::zip(results, clone->getResults()))
      list.push_back(result);
  }
  for (auto [original, list] : llvm::zip(op->getResults(), results))
    values[original] = BodyLanes::fromElements(list);
}

/// Quotients and remainders of integers by what is not constant, where vectors of them can be computed.
bool BodyEvaluation::evaluateDivision(OpBuilder &builder, Operation *op, int64_t width) {
  if (!isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op))
    return false;
  BodyLanes dividend = lookup(op->getOperand(0)), divisor = lookup(op->getOperand(1));
  if (divisor.isUniform() && matchPattern(divisor.getFirst(), m_Constant()))
    return false; // multiplications
  Value quotient = divideThroughFloats(builder, op->getLoc(), dividend.getVector(builder, op->getLoc(), width),
                                       divisor.getVector(builder, op->getLoc(), width),
                                       isa<arith::DivUIOp, arith::RemUIOp>(op), isa<arith::RemSIOp, arith::RemUIOp>(op));
  if (quotient)
    values[op->getResult(0)] = BodyLanes::fromVector(quotient);
  return static_cast<bool>(quotient);
}

void BodyEvaluation::evaluateVector(OpBuilder &builder, Operation *op, int64_t width) {
  if (evaluateDivision(builder, op, width))
    return;
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    BodyLanes lanes = lookup(operand);
    mapping.map(operand, lanes.getVector(builder, op->getLoc(), width));
    values[operand] = lanes; // keeps the vector for the next user
  }
  Operation *clone = builder.clone(*op, mapping);
  for (auto [original, result] : llvm::zip(op->getResults(), clone->getResults())) {
    result.setType(VectorType::get({width}, result.getType()));
    values[original] = BodyLanes::fromVector(result);
  }
}

} // namespace nnc
