#include "lib/Codegen/Accumulators.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc {

static int64_t getWidth(Value value) {
  auto type = dyn_cast<VectorType>(value.getType());
  return type ? type.getDimSize(0) : 1;
}

/// A vector of half the width, or a scalar.
static Value combineHalves(OpBuilder &builder, Location loc, Value value, CombineFunction combine) {
  int64_t half = getWidth(value) / 2;
  auto take = [&](int64_t first) -> Value {
    if (half == 1)
      return vector::ExtractOp::create(builder, loc, value, first);
    return vector::ShuffleOp::create(builder, loc, value, value, llvm::to_vector(llvm::seq(first, first + half)));
  };
  Value lower = take(0), upper = take(half);
  return combine(builder, lower, upper);
}

/// The extremum, or NaN where a lane holds one: LLVM would compare lane after lane for NaN's sake.
static Value reduceExtremum(OpBuilder &builder, Location loc, Value vector, bool isMax) {
  Value isNaN = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, vector, vector);
  Value hasNaN = vector::ReductionOp::create(builder, loc, vector::CombiningKind::OR, isNaN);
  auto kind = isMax ? vector::CombiningKind::MAXNUMF : vector::CombiningKind::MINNUMF;
  Value extremum = vector::ReductionOp::create(builder, loc, kind, vector, arith::FastMathFlags::nnan);
  auto type = cast<FloatType>(extremum.getType());
  auto nan = builder.getFloatAttr(type, APFloat::getQNaN(type.getFloatSemantics()));
  return arith::SelectOp::create(builder, loc, hasNaN, arith::ConstantOp::create(builder, loc, nan), extremum);
}

static Value reduceVector(OpBuilder &builder, Location loc, Value vector, vector::CombiningKind kind) {
  auto flags = arith::FastMathFlags::none;
  switch (kind) {
  case vector::CombiningKind::MAXIMUMF:
  case vector::CombiningKind::MINIMUMF:
    return reduceExtremum(builder, loc, vector, kind == vector::CombiningKind::MAXIMUMF);
  case vector::CombiningKind::MAXNUMF:
    flags = arith::FastMathFlags::nnan;
    break;
  default:
    if (isa<FloatType>(getElementTypeOrSelf(vector.getType())))
      flags = arith::FastMathFlags::reassoc;
  }
  return vector::ReductionOp::create(builder, loc, kind, vector, flags);
}

Value combineAccumulators(OpBuilder &builder, Location loc, SmallVector<Value> accumulators, CombineFunction combine,
                          vector::CombiningKind kind) {
  while (accumulators.size() > 1 || getWidth(accumulators.front()) > 1) {
    Value first = accumulators.front();
    int64_t width = getWidth(first);
    if (accumulators.size() > 1 && getWidth(accumulators[1]) == width) {
      Value combined = combine(builder, first, accumulators[1]);
      accumulators.erase(accumulators.begin(), accumulators.begin() + 2);
      auto *narrower = llvm::find_if(accumulators, [&](Value value) { return getWidth(value) < width; });
      accumulators.insert(narrower, combined); // behind the others of its width: a tree
    } else if (accumulators.size() == 1 || getWidth(accumulators[1]) == 1) {
      accumulators.front() = reduceVector(builder, loc, first, kind);
    } else {
      accumulators.front() = combineHalves(builder, loc, first, combine);
    }
  }
  return accumulators.front();
}

} // namespace nnc
