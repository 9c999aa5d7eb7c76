// The cost of computing along each loop, and the choice.
#include "lib/Conversion/LinalgToVector/VectorDimension.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc {

static std::optional<vector::CombiningKind> getKind(Operation *op) {
  using Kind = vector::CombiningKind;
  return llvm::TypeSwitch<Operation *, std::optional<Kind>>(op)
      .Case<arith::AddFOp, arith::AddIOp>([](auto) { return Kind::ADD; })
      .Case<arith::MulFOp, arith::MulIOp>([](auto) { return Kind::MUL; })
      .Case([](arith::MaximumFOp) { return Kind::MAXIMUMF; })
      .Case([](arith::MinimumFOp) { return Kind::MINIMUMF; })
      .Case([](arith::MaxNumFOp) { return Kind::MAXNUMF; })
      .Case([](arith::MinNumFOp) { return Kind::MINNUMF; })
      .Case([](arith::MaxSIOp) { return Kind::MAXSI; })
      .Case([](arith::MinSIOp) { return Kind::MINSI; })
      .Case([](arith::MaxUIOp) { return Kind::MAXUI; })
      .Case([](arith::MinUIOp) { return Kind::MINUI; })
      .Case([](arith::AndIOp) { return Kind::AND; })
      .Case([](arith::OrIOp) { return Kind::OR; })
      .Case([](arith::XOrIOp) { return Kind::XOR; })
      .Default([](Operation *) { return std::nullopt; });
}

std::optional<Combiner> getCombiner(LoopNest &nest, unsigned i) {
  BlockArgument old = nest.body->getArgument(nest.inputs.size() + i);
  Operation *op = nest.body->getTerminator()->getOperand(i).getDefiningOp();
  if (!op || !old.hasOneUse() || *old.user_begin() != op || !op->getResult(0).hasOneUse())
    return std::nullopt;
  std::optional<vector::CombiningKind> kind = getKind(op);
  std::optional<TypedAttr> neutral = kind ? arith::getNeutralElement(op) : std::nullopt;
  if (!neutral)
    return std::nullopt;
  return Combiner{op, *kind, *neutral};
}

/// Values that end up in vectors: what the results are computed from, except the addresses of loads.
static llvm::SetVector<Value> getData(LoopNest &nest) {
  llvm::SetVector<Value> data;
  data.insert(nest.body->getTerminator()->operand_begin(), nest.body->getTerminator()->operand_end());
  for (size_t i = 0; i < data.size(); ++i)
    if (Operation *op = data[i].getDefiningOp(); op && nest.body->findAncestorOpInBlock(*op) && !isa<memref::LoadOp>(op))
      op->walk([&](Operation *nested) { data.insert(nested->operand_begin(), nested->operand_end()); });
  return data;
}

int64_t getLanes(kernel::TargetAttr target, LoopNest &nest) {
  int64_t lanes = std::numeric_limits<int64_t>::max();
  auto visit = [&](Type type) {
    type = getElementTypeOrSelf(type);
    if (type.isIntOrFloat() && !type.isInteger(1))
      lanes = std::min(lanes, target.getLanes(type));
  };
  for (LoopOperand &output : nest.outputs) {
    visit(output.value.getType());
    if (getElementTypeOrSelf(output.value.getType()).isIndex()) // strings
      lanes = std::min(lanes, target.getLanes(IndexType::get(target.getContext())));
  }
  for (Value value : getData(nest))
    visit(value.getType());
  return lanes;
}

namespace {

/// Estimates instructions per element for each candidate.
class CostModel {
public:
  CostModel(LoopNest &nest, int64_t lanes) : nest(nest), lanes(lanes) {
    nest.body->walk([&](Operation *) { ++bodyOps; });
  }

  double getCost(const VectorDimension &candidate) const;
  double getWidth(int64_t loop) const;

private:
  static constexpr double scatteredCost = 1.5;
  /// Lines of the cache that stores touch are fetched, and written back, once for each element that they get.
  static constexpr double scatteredStoreCost = 3;
  static constexpr int64_t guessedExtent = 64; // of loops whose extent is known at run time only

  LoopNest &nest;
  int64_t lanes;
  double bodyOps = 0;
};

} // namespace

/// Elements per iteration on average, remainders included.
double CostModel::getWidth(int64_t loop) const {
  int64_t extent = nest.getStaticExtent(loop).value_or(guessedExtent);
  int64_t iterations = extent / lanes + llvm::popcount(static_cast<uint64_t>(extent % lanes));
  return std::max(1.0, double(extent) / std::max<int64_t>(iterations, 1));
}

double CostModel::getCost(const VectorDimension &candidate) const {
  if (candidate.loop < 0)
    return bodyOps + nest.inputs.size() + nest.outputs.size();
  double width = getWidth(candidate.loop), cost = bodyOps / width;
  for (LoopOperand *operand : nest.getOperands()) {
    bool isOutput = llvm::is_contained(llvm::make_pointer_range(nest.outputs), operand);
    switch (getAccess(*operand, candidate.loop)) {
    case Access::Invariant:
      break;
    case Access::Contiguous:
      cost += 1 / width;
      break;
    case Access::Scattered:
      bool isTransposed = candidate.tileLoop >= 0 && getAccess(*operand, candidate.tileLoop) == Access::Contiguous;
      cost += isTransposed ? 6 / std::min(width, getWidth(candidate.tileLoop)) : isOutput ? scatteredStoreCost : scatteredCost;
    }
  }
  if (nest.isReduction[candidate.loop]) // the accumulators become one value at the end
    cost += 8.0 / nest.getStaticExtent(candidate.loop).value_or(guessedExtent);
  return cost;
}

/// A parallel loop along which the inputs that are scattered along `loop` are contiguous.
static int64_t findTileLoop(LoopNest &nest, int64_t loop) {
  if (nest.getNumReductions())
    return -1;
  for (LoopOperand &output : nest.outputs)
    if (getAccess(output, loop) != Access::Contiguous)
      return -1;
  int64_t best = -1, bestCount = 0;
  for (int64_t other = 0; other < nest.getNumLoops(); ++other) {
    int64_t count = llvm::count_if(nest.inputs, [&](const LoopOperand &input) {
      return getAccess(input, loop) == Access::Scattered && getAccess(input, other) == Access::Contiguous;
    });
    if (other != loop && count > bestCount && nest.getStaticExtent(other).value_or(2) > 1) {
      best = other;
      bestCount = count;
    }
  }
  return best;
}

bool callsFunctions(const LoopNest &nest) {
  return nest.body->walk([](func::CallOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

VectorDimension chooseVectorDimension(LoopNest &nest, int64_t lanes) {
  CostModel model(nest, lanes);
  VectorDimension best;
  if (callsFunctions(nest))
    return best;
  double bestCost = model.getCost(best);
  bool canReduceAlong = llvm::all_of(llvm::seq<unsigned>(0, nest.outputs.size()),
                                     [&](unsigned i) { return getCombiner(nest, i).has_value(); });
  // Later loops are closer to the end of the output: they win where the cost is the same.
  for (int64_t loop = 0; loop < nest.getNumLoops() && lanes > 1; ++loop) {
    if (nest.isReduction[loop] && !canReduceAlong)
      continue;
    for (int64_t tileLoop : {int64_t(-1), findTileLoop(nest, loop)}) {
      VectorDimension candidate{loop, tileLoop, lanes};
      double cost = model.getCost(candidate);
      if (cost <= bestCost) {
        best = candidate;
        bestCost = cost;
      }
    }
  }
  return best;
}

} // namespace nnc
