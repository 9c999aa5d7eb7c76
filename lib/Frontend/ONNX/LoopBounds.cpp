// Looks for a counter in the condition of a loop that is imported, before its operation is made.
#include "lib/Frontend/ONNX/LoopBounds.h"

#include "dialects/NN/ExtentTracing.h"
#include "dialects/NN/NN.h"
#include "lib/Frontend/Import/Expression.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// The number that `value`, of one element, is a view of, or a wider type of.
static Value getNumber(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    bool isWider = isa<nn::CastOp>(op) && getElementTypeOrSelf(op->getOperand(0)).isSignlessInteger(32) &&
                   getElementTypeOrSelf(value).isSignlessInteger(64);
    if (!isWider && !isa<nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

static bool isOne(Value value) {
  auto ints = nn::getConstantInts(value);
  return ints && ints->size() == 1 && ints->front() == 1;
}

bool isMadeIn(Value value, Block &body) { return nn::isInside(value, *body.getParent()); }

static bool isFalse(Value value) {
  auto ints = nn::getConstantInts(value);
  return ints && ints->size() == 1 && ints->front() == 0;
}

/// What a branch yields for `result`.
static Value getYielded(Region &branch, Value result) {
  return branch.front().getTerminator()->getOperand(cast<OpResult>(result).getResultNumber());
}

namespace {

/// What a condition compares: number < limit, or with `isInclusive` number <= limit.
struct Comparison {
  Value number, limit;
  bool isInclusive;
};

/// Finds limits among the conditions that all have to hold.
class LimitFinder {
public:
  LimitFinder(frontend::NodeBuilder &node, Block &body, ValueRange yielded, ValueRange initial)
      : node(node), body(body), carriedOn(yielded.drop_front().take_front(initial.size())), initial(initial) {}

  Value find(Value condition);

private:
  Value findTrips(const Comparison &comparison);
  Value getOutside(Value value);
  std::optional<unsigned> getPlace(Value value);
  bool counts(unsigned place);
  bool isSmall(Value value);

  frontend::NodeBuilder &node;
  Block &body;
  ValueRange carriedOn, initial;
};

} // namespace

static std::optional<Comparison> getComparison(Value condition) {
  auto compare = condition.getDefiningOp<nn::CompareOp>();
  if (!compare || !getElementTypeOrSelf(compare.getLhs()).isSignlessInteger())
    return std::nullopt;
  Value lhs = compare.getLhs(), rhs = compare.getRhs();
  switch (compare.getPredicate()) {
  case nn::ComparePredicate::Less:
    return Comparison{lhs, rhs, false};
  case nn::ComparePredicate::LessEqual:
    return Comparison{lhs, rhs, true};
  case nn::ComparePredicate::Greater:
    return Comparison{rhs, lhs, false};
  case nn::ComparePredicate::GreaterEqual:
    return Comparison{rhs, lhs, true};
  default:
    return std::nullopt;
  }
}

Value LimitFinder::find(Value condition) {
  constexpr size_t mostConditions = 64;
  SmallVector<Value> open{condition};
  for (size_t i = 0; i < open.size() && i < mostConditions; ++i) {
    Value each = getNumber(open[i]);
    if (auto both = each.getDefiningOp<nn::AndOp>()) {
      open.append({both.getLhs(), both.getRhs()});
      continue;
    }
    if (auto branches = each.getDefiningOp<nn::IfOp>()) { // "a and b" of scripts: b where a holds, else no
      Value yes = getYielded(branches.getThenRegion(), each), no = getYielded(branches.getElseRegion(), each);
      if (isFalse(yes) || isFalse(no))
        open.append({isFalse(yes) ? no : yes});
      continue;
    }
    std::optional<Comparison> comparison = getComparison(each);
    if (Value trips = comparison ? findTrips(*comparison) : Value())
      return trips;
  }
  return {};
}

/// The value before the loop that `value` is in each iteration; null where it is none.
Value LimitFinder::getOutside(Value value) {
  value = getNumber(value);
  for (auto [argument, next, first] : llvm::zip(body.getArguments().drop_front(), carriedOn, initial))
    if (value == argument)
      return getNumber(next) == argument ? first : Value();
  return isMadeIn(value, body) ? Value() : value;
}

/// The place among what is carried of the argument that `value` is.
std::optional<unsigned> LimitFinder::getPlace(Value value) {
  auto argument = dyn_cast<BlockArgument>(getNumber(value));
  if (!argument || argument.getOwner() != &body || argument.getArgNumber() == 0)
    return std::nullopt;
  return argument.getArgNumber() - 1;
}

/// Whether what is carried at `place` grows by one in each iteration.
bool LimitFinder::counts(unsigned place) {
  auto sum = getNumber(carriedOn[place]).getDefiningOp<nn::AddOp>();
  if (!sum)
    return false;
  return (getPlace(sum.getLhs()) == place && isOne(sum.getRhs())) ||
         (getPlace(sum.getRhs()) == place && isOne(sum.getLhs()));
}

/// Whether sums and differences with `value` do not wrap around: it is of 32 bits, or a constant of no more.
bool LimitFinder::isSmall(Value value) {
  if (getElementTypeOrSelf(value).isSignlessInteger(32))
    return true;
  auto ints = nn::getConstantInts(value);
  return ints && ints->size() == 1 && llvm::isInt<33>(ints->front());
}

Value LimitFinder::findTrips(const Comparison &comparison) {
  // The first comparison that ends the loop is that of an iteration, which ran.
  int64_t more = comparison.isInclusive ? 1 : 0;
  std::optional<unsigned> place = getPlace(comparison.number);
  if (place) {
    ++more; // the number of this iteration, not of the next one
  } else {
    for (auto [i, next] : llvm::enumerate(carriedOn))
      if (getNumber(next) == getNumber(comparison.number))
        place = i;
  }
  Value limit = getOutside(comparison.limit);
  if (!place || !counts(*place) || !limit || !isSmall(initial[*place]))
    return {};
  auto toOne = [&](Value value) {
    return Expression(node, value).reshape({1}).cast(node.getBuilder().getI64Type());
  };
  constexpr int64_t most = int64_t(1) << 40; // above all sensible numbers of iterations
  Expression last = toOne(limit).min(Expression::ints(node, {most})).max(Expression::ints(node, {-most}));
  return (last - toOne(initial[*place]) + Expression::ints(node, {more})).max(Expression::ints(node, {1}));
}

Value findMostTrips(frontend::NodeBuilder &node, Block &body, ValueRange yielded, ValueRange initial) {
  return LimitFinder(node, body, yielded, initial).find(yielded.front());
}

} // namespace nnc::onnx
