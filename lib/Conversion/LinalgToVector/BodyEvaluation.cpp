// Evaluation of bodies, operation by operation: what is the same in all lanes stays
// scalar, indices stay arithmetic sequences as long as they can, addresses are
// computed by scalar instructions, the rest by vector instructions.
#include "lib/Conversion/LinalgToVector/BodyEvaluation.h"

#include "lib/Codegen/Division.h"
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

BodyEvaluation::BodyEvaluation(LoopNest &nest, int64_t loop) : nest(nest), loop(loop) {
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
  nest.body->walk([&](memref::LoadOp op) { llvm::for_each(op.getIndices(), visit); });
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

/// The vector of `width` elements that ends in the one at `indices`, the last element first.
static Value loadBackwards(OpBuilder &builder, Location loc, Value memref, SmallVector<Value> indices, int64_t width) {
  Value distance = createConstant(builder, loc, builder.getIndexType(), width - 1);
  indices.back() = arith::SubIOp::create(builder, loc, indices.back(), distance);
  Value vector = loadWide(builder, loc, memref, indices, width);
  SmallVector<int64_t> order;
  for (int64_t lane = width - 1; lane >= 0; --lane)
    order.push_back(lane);
  return vector::ShuffleOp::create(builder, loc, vector, vector, order);
}

/// A load whose last index is a sequence of step 1 is one vector load, of step -1 one that is reversed.
bool BodyEvaluation::evaluateLoad(OpBuilder &builder, Operation *op, int64_t width) {
  auto load = dyn_cast<memref::LoadOp>(op);
  if (!load || load.getIndices().empty() || !isContiguous(load.getMemRef()))
    return false;
  SmallVector<Value> indices;
  for (Value index : load.getIndices().drop_back()) {
    BodyLanes lanes = lookup(index);
    if (!lanes.isUniform())
      return false;
    indices.push_back(lanes.getFirst());
  }
  BodyLanes last = lookup(load.getIndices().back());
  bool isBackwards = last.isSequence() && last.getStep() == -1 && !last.getCondition();
  if (!last.isSequence() || (last.getStep() != 1 && !isBackwards))
    return false;
  indices.push_back(last.getFirst());
  Location loc = op->getLoc();
  if (isBackwards) {
    values[load.getResult()] = BodyLanes::fromVector(loadBackwards(builder, loc, load.getMemRef(), indices, width));
    return true;
  }
  auto type = VectorType::get({width}, load.getType());
  if (!last.getCondition()) {
    values[load.getResult()] = BodyLanes::fromVector(loadWide(builder, loc, load.getMemRef(), indices, width));
    return true;
  }
  auto choice = scf::IfOp::create(
      builder, loc, last.getCondition(),
      [&](OpBuilder &nested, Location loc) {
        scf::YieldOp::create(nested, loc, loadWide(nested, loc, load.getMemRef(), indices, width));
      },
      [&](OpBuilder &nested, Location loc) {
        Value element = memref::LoadOp::create(nested, loc, load.getMemRef(), indices);
        scf::YieldOp::create(nested, loc, vector::BroadcastOp::create(nested, loc, type, element).getResult());
      });
  values[load.getResult()] = BodyLanes::fromVector(choice.getResult(0));
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
