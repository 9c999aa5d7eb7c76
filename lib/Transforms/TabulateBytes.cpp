// Functions of one byte become tables.
//
// Expects loops and kernels on tensors, with all that they compute fused into their bodies. Quantized models are full of such
// functions: between two bytes they dequantize, compute a sigmoid, round, dequantize, multiply ... Whatever depends on one byte
// and on constants alone has 256 results, and those are folded here, operation by operation, as the loop would compute them.
// What comes before that byte, sums of products and their rounding, stays as it is. Operations that nothing uses any more are
// left to the canonicalizer.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"

#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_TABULATEBYTES
#include "lib/Transforms/Passes.h.inc"

static constexpr int64_t tableSize = 256;

/// What the operations of a body are computed from, in instructions; those of math.* are polynomials later.
static int64_t getCost(Operation *op) {
  if (isa<math::RoundEvenOp, math::FloorOp, math::CeilOp, math::TruncOp, math::AbsFOp, math::FmaOp>(op))
    return 1;
  if (isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp>(op))
    return 4;
  return isa<math::MathDialect>(op->getDialect()) ? 12 : 1;
}

/// The least cost of a function of which a table is quicker. Where vectors of bytes can be looked up, that takes some four
/// instructions; else each byte takes three, for all lanes that the function would compute at once.
static int64_t getLeastCost(kernel::TargetAttr target) {
  return target.getByteLookup().empty() ? 3 * target.getLanes(Float32Type::get(target.getContext())) : 8;
}

static bool isByte(Value value) { return value.getType().isInteger(8); }

namespace {

/// What each value of a body is computed from.
class BodyBytes {
public:
  explicit BodyBytes(Block &body);

  /// The byte of which `value` is a function: itself for a byte that is computed from more than one; null for what is
  /// neither a byte nor computed from one alone.
  Value getSource(Value value) const { return sources.lookup(value); }

  /// The operations that compute `value` from its source, in order.
  SmallVector<Operation *> getSlice(Value value) const;

  /// Bytes with a source other than themselves that the body needs for more than other functions of that source, in order.
  SmallVector<Value> getNeeded() const;

private:
  Value findSource(Operation &op) const;

  Block &body;
  llvm::DenseMap<Value, Value> sources;
};

struct TabulateBytesPass : public impl::TabulateBytesBase<TabulateBytesPass> {
  void runOnOperation() override {
    getOperation()->walk([&](Operation *op) {
      if (auto generic = dyn_cast<linalg::GenericOp>(op))
        tabulate(*generic.getBody());
      else if (auto kernel = dyn_cast<kernel::EpilogueOpInterface>(op))
        tabulate(kernel.getEpilogue().front());
    });
  }

  void tabulate(Block &body);
};

} // namespace

BodyBytes::BodyBytes(Block &body) : body(body) {
  for (BlockArgument argument : body.getArguments())
    if (isByte(argument))
      sources[argument] = argument;
  for (Operation &op : body.without_terminator())
    if (op.getNumResults() == 1)
      if (Value source = findSource(op))
        sources[op.getResult(0)] = source;
}

/// Of the result of `op`. Operands that are constants do not matter.
Value BodyBytes::findSource(Operation &op) const {
  Value result = op.getResult(0), alone = isByte(result) ? result : Value();
  if (op.getNumRegions() || !isPure(&op) || op.getNumOperands() == 0)
    return alone;
  Value source;
  for (Value operand : op.getOperands()) {
    if (matchPattern(operand, m_Constant()))
      continue;
    Value of = sources.lookup(operand);
    if (!of || (source && source != of))
      return alone;
    source = of;
  }
  return source ? source : alone;
}

SmallVector<Operation *> BodyBytes::getSlice(Value value) const {
  Value source = getSource(value);
  llvm::SetVector<Operation *> found;
  SmallVector<Value> worklist{value};
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    Operation *op = next.getDefiningOp();
    if (next != source && op && op->getBlock() == &body && !matchPattern(op, m_Constant()) && found.insert(op))
      llvm::append_range(worklist, op->getOperands());
  }
  SmallVector<Operation *> slice = found.takeVector();
  llvm::sort(slice, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return slice;
}

SmallVector<Value> BodyBytes::getNeeded() const {
  llvm::DenseSet<Value> reached;
  SmallVector<Value> worklist;
  auto reach = [&](Value value) {
    if (getSource(value) && getSource(value) != value && reached.insert(value).second)
      worklist.push_back(value);
  };
  for (Operation &op : body)
    for (Value operand : op.getOperands())
      if (op.getNumResults() != 1 || getSource(op.getResult(0)) != getSource(operand))
        reach(operand);
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    if (!isByte(value)) // its operands are what is nearest to it
      llvm::for_each(value.getDefiningOp()->getOperands(), reach);
  }
  SmallVector<Value> needed;
  for (Operation &op : body.without_terminator())
    if (op.getNumResults() == 1 && isByte(op.getResult(0)) && reached.contains(op.getResult(0)))
      needed.push_back(op.getResult(0));
  return needed;
}

/// An operation of a body, and a copy that its folder may change.
using Foldable = std::pair<Operation *, OwningOpRef<Operation *>>;

/// What `slice` makes of one value of `source`; null where an operation does not fold.
static Attribute fold(ArrayRef<Foldable> slice, Value source, Attribute input, Value result) {
  llvm::DenseMap<Value, Attribute> known;
  known[source] = input;
  auto lookup = [&](Value value) {
    Attribute attribute = known.lookup(value);
    if (!attribute)
      matchPattern(value, m_Constant(&attribute));
    return attribute;
  };
  for (const auto &[op, copy] : slice) {
    SmallVector<Attribute> operands = llvm::map_to_vector(op->getOperands(), lookup);
    if (!llvm::all_of(operands, [](Attribute attribute) { return static_cast<bool>(attribute); }))
      return {};
    SmallVector<OpFoldResult> results;
    if (failed((*copy)->fold(operands, results)) || results.empty())
      return {};
    auto value = dyn_cast<Value>(results.front());
    Attribute folded = value ? lookup(value) : cast<Attribute>(results.front());
    if (!folded)
      return {};
    known[op->getResult(0)] = folded;
  }
  return known.lookup(result);
}

/// All results of `value`, a byte, for 256 values of `source`; nullopt where the function does not fold.
static std::optional<SmallVector<int8_t>> makeTable(ArrayRef<Operation *> operations, Value source, Value value) {
  SmallVector<int8_t> table;
  SmallVector<Foldable> slice;
  for (Operation *op : operations)
    slice.emplace_back(op, op->clone());
  for (int64_t index = 0; index < tableSize; ++index) {
    APInt byte(8, static_cast<uint64_t>(index));
    auto entry = dyn_cast_or_null<IntegerAttr>(fold(slice, source, IntegerAttr::get(source.getType(), byte), value));
    if (!entry)
      return std::nullopt;
    table.push_back(static_cast<int8_t>(entry.getValue().getSExtValue()));
  }
  return table;
}

void TabulateBytesPass::tabulate(Block &body) {
  BodyBytes bytes(body);
  int64_t leastCost = getLeastCost(kernel::getTarget(body.getParentOp()));
  for (Value value : bytes.getNeeded()) {
    Value source = bytes.getSource(value);
    SmallVector<Operation *> slice = bytes.getSlice(value);
    int64_t cost = 0;
    for (Operation *part : slice)
      cost += getCost(part);
    if (cost < leastCost)
      continue;
    std::optional<SmallVector<int8_t>> table = makeTable(slice, source, value);
    if (!table)
      continue;
    OpBuilder builder(value.getDefiningOp());
    value.replaceAllUsesWith(kernel::ByteTableOp::create(builder, value.getLoc(), value.getType(), source, *table));
    remark::passed(body.getParentOp()->getLoc(), about::algorithm)
        << remark::add("{0} operations on one byte are a table", slice.size());
  }
}

} // namespace nnc
