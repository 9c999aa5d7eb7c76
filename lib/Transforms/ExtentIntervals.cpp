// Interval arithmetic on values: each rule builds the ends of the result's
// interval from those of the operands'.
#include "lib/Transforms/ExtentIntervals.h"

#include "dialects/Kernel/Kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"

using namespace mlir;

namespace nnc {

/// Deeper arithmetic counts as of unknown sign.
static constexpr unsigned maxDepth = 16;

static std::optional<int64_t> getConstant(Value value) {
  APInt constant;
  return matchPattern(value, m_ConstantInt(&constant)) ? std::optional(constant.getSExtValue()) : std::nullopt;
}

/// Whether `value`, as the model computes it, cannot be negative.
static bool isNotNegative(Value value, unsigned depth = 0) {
  if (std::optional<int64_t> constant = getConstant(value))
    return *constant >= 0;
  Operation *op = value.getDefiningOp();
  if (!op || depth == maxDepth)
    return false;
  auto isOperandNotNegative = [&](Value operand) { return isNotNegative(operand, depth + 1); };
  if (isa<kernel::BoundedOp, tensor::DimOp, memref::DimOp>(op))
    return true;
  if (isa<arith::MaxSIOp>(op))
    return llvm::any_of(op->getOperands(), isOperandNotNegative);
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return isOperandNotNegative(select.getTrueValue()) && isOperandNotNegative(select.getFalseValue());
  return isa<arith::AddIOp, arith::MulIOp, arith::MinSIOp, arith::IndexCastOp, arith::ExtSIOp, arith::DivSIOp,
             arith::DivUIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op) &&
         llvm::all_of(op->getOperands(), isOperandNotNegative);
}

/// Ends of intervals stay within plus and minus an eighth of what their type holds: more elements than any memory has.
static int64_t getEndLimit(Value end) {
  Operation *parent = end.getParentRegion()->getParentOp();
  unsigned bits = DataLayout::closest(parent).getTypeSizeInBits(end.getType());
  return int64_t(1) << (bits - 3);
}

static Value clampTo(Location loc, Value end, int64_t most, OpBuilder &builder) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(end.getType(), value));
  };
  Value below = builder.createOrFold<arith::MinSIOp>(loc, end, constant(most));
  return builder.createOrFold<arith::MaxSIOp>(loc, below, constant(-most));
}

static Value clampEnd(Location loc, Value end, OpBuilder &builder) {
  return clampTo(loc, end, getEndLimit(end), builder);
}

Value multiplySaturated(Location loc, Value a, Value b, OpBuilder &builder) {
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(builder, loc, builder.getIntegerAttr(a.getType(), value));
  };
  a = clampEnd(loc, a, builder);
  b = clampEnd(loc, b, builder);
  Value divisor = builder.createOrFold<arith::MaxSIOp>(loc, b, constant(1));
  Value most = builder.createOrFold<arith::DivSIOp>(loc, constant(getEndLimit(a)), divisor);
  return builder.createOrFold<arith::MulIOp>(loc, builder.createOrFold<arith::MinSIOp>(loc, a, most), b);
}

namespace {

/// Applies one binary operation to ends of intervals.
class EndBuilder {
public:
  EndBuilder(Operation *op, OpBuilder &builder) : op(op), builder(builder) {}

  /// `op` of other operands.
  Value apply(Value a, Value b) { return fold(a, b); }
  ExtentInterval applyToEnds(ExtentInterval a, ExtentInterval b) {
    return {fold(a.lower, b.lower), fold(a.upper, b.upper)};
  }

private:
  Value fold(Value a, Value b) {
    if (isa<arith::AddIOp, arith::SubIOp>(op)) { // ends that wrapped would be no ends
      a = clampEnd(op->getLoc(), a, builder);
      b = clampEnd(op->getLoc(), b, builder);
    }
    IRMapping mapping;
    mapping.map(op->getOperand(0), a);
    mapping.map(op->getOperand(1), b);
    // One operand twice has two ends.
    Operation *copy = builder.clone(*op, mapping);
    copy->setOperands({a, b});
    SmallVector<Value> folded;
    if (failed(builder.tryFold(copy, folded)) || folded.empty())
      return copy->getResult(0);
    copy->erase();
    return folded.front();
  }

  Operation *op;
  OpBuilder &builder;
};

} // namespace

ExtentInterval buildHull(Location loc, ExtentInterval a, ExtentInterval b, OpBuilder &builder) {
  return {builder.createOrFold<arith::MinSIOp>(loc, a.lower, b.lower),
          builder.createOrFold<arith::MaxSIOp>(loc, a.upper, b.upper)};
}

static FailureOr<ExtentInterval> buildProduct(Operation *op, ExtentInterval a, ExtentInterval b, OpBuilder &builder) {
  EndBuilder ends(op, builder);
  Location loc = op->getLoc();
  if (isNotNegative(op->getOperand(0)) && isNotNegative(op->getOperand(1)))
    return ExtentInterval(multiplySaturated(loc, a.lower, b.lower, builder), multiplySaturated(loc, a.upper, b.upper, builder));
  for (int swapped = 0; swapped < 2; ++swapped, std::swap(a, b))
    if (std::optional<int64_t> factor = b.isExact() ? getConstant(b.upper) : std::nullopt) {
      int64_t limit = getEndLimit(a.lower), size = std::abs(std::clamp(*factor, -limit, limit));
      int64_t most = std::max<int64_t>(limit / std::max<int64_t>(size, 1), 1);
      Value low = ends.apply(clampTo(loc, a.lower, most, builder), b.upper);
      Value high = ends.apply(clampTo(loc, a.upper, most, builder), b.upper);
      return *factor >= 0 ? ExtentInterval(low, high) : ExtentInterval(high, low);
    }
  return op->emitError("nothing bounds this product, of which a factor depends on data");
}

static FailureOr<ExtentInterval> buildQuotient(Operation *op, ExtentInterval a, ExtentInterval b, OpBuilder &builder) {
  if (!b.isExact() || !isNotNegative(op->getOperand(1)))
    return op->emitError("nothing bounds this quotient: its divisor depends on data");
  if (isa<arith::DivUIOp, arith::CeilDivUIOp>(op)) { // of a number that is not negative, or the quotient is not used
    Value zero = arith::ConstantIndexOp::create(builder, op->getLoc(), 0);
    a = {builder.createOrFold<arith::MaxSIOp>(op->getLoc(), a.lower, zero),
         builder.createOrFold<arith::MaxSIOp>(op->getLoc(), a.upper, zero)};
  }
  return EndBuilder(op, builder).applyToEnds(a, b);
}

/// Applies a cast, of one operand, to both ends.
static ExtentInterval buildCast(Operation *op, ExtentInterval operand, OpBuilder &builder) {
  auto apply = [&](Value end) {
    IRMapping mapping;
    mapping.map(op->getOperand(0), end);
    return builder.clone(*op, mapping)->getResult(0);
  };
  return {apply(operand.lower), apply(operand.upper)};
}

FailureOr<ExtentInterval> buildInterval(Operation *op, ArrayRef<ExtentInterval> operands, OpBuilder &builder) {
  if (auto bounded = dyn_cast<kernel::BoundedOp>(op))
    return ExtentInterval(arith::ConstantIndexOp::create(builder, op->getLoc(), 0), operands[1].upper);
  if (isa<arith::AddIOp, arith::MinSIOp, arith::MaxSIOp>(op))
    return EndBuilder(op, builder).applyToEnds(operands[0], operands[1]);
  if (isa<arith::SubIOp>(op))
    return EndBuilder(op, builder).applyToEnds(operands[0], ExtentInterval(operands[1].upper, operands[1].lower));
  if (isa<arith::MulIOp>(op))
    return buildProduct(op, operands[0], operands[1], builder);
  if (isa<arith::DivSIOp, arith::DivUIOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op))
    return buildQuotient(op, operands[0], operands[1], builder);
  if (isa<arith::IndexCastOp, arith::ExtSIOp>(op))
    return buildCast(op, operands[0], builder);
  return op->emitError("nothing bounds the size of a buffer: it depends on data by '") << op->getName() << "'";
}

} // namespace nnc
