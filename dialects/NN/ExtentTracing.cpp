// Traces an unknown extent back through the operations that keep it, to the
// function argument (and its symbol) or the operation that made it.
#include "dialects/NN/ExtentTracing.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc::nn {

static StringRef getSymbol(Extent extent) {
  auto argument = dyn_cast<BlockArgument>(extent.value);
  // A block whose signature is being converted has no function.
  Operation *parent = argument ? argument.getOwner()->getParentOp() : nullptr;
  auto function = dyn_cast_if_present<FunctionOpInterface>(parent);
  if (!function)
    return {};
  auto symbols = function.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "nn.symbols");
  if (!symbols || extent.axis >= static_cast<int64_t>(symbols.size()))
    return {};
  auto symbol = dyn_cast<StringAttr>(symbols[extent.axis]);
  return symbol ? symbol.getValue() : StringRef();
}

static bool isSame(Extent a, Extent b) {
  if (a == b)
    return true;
  StringRef symbol = getSymbol(a);
  return !symbol.empty() && symbol == getSymbol(b);
}

using Extents = SmallVector<Extent, 2>;

//===----------------------------------------------------------------------===//
// One step back: the extents that this one equals; several must agree. Nothing
// where the operation is where the extent comes from.
//===----------------------------------------------------------------------===//

static Extents stepOfBroadcast(ValueRange operands, Extent extent) {
  Extents result;
  int64_t rank = getRanked(extent.value).getRank();
  for (Value operand : operands) {
    int64_t local = extent.axis - rank + getRanked(operand).getRank();
    if (local >= 0 && getRanked(operand).getDimSize(local) != 1)
      result.push_back({operand, local});
  }
  return result;
}

/// A shape given by an operand: an entry may be an extent of some value.
static Extents stepOfShape(Value shape, int64_t axis) {
  std::optional<SmallVector<KnownInt>> known = getKnownInts(shape);
  if (!known || axis < 0 || axis >= static_cast<int64_t>(known->size()) || !(*known)[axis].tensor)
    return {};
  return {{(*known)[axis].tensor, (*known)[axis].axis}};
}

static Extents stepOfReshape(ReshapeOp op, Extent extent) {
  std::optional<SmallVector<KnownInt>> shape = getKnownInts(op.getShape());
  if (!shape)
    return {};
  const KnownInt &entry = (*shape)[extent.axis];
  if (!entry.value && entry.tensor)
    return {{entry.tensor, entry.axis}};
  if (entry.value == 0 && !op.getAllowZero())
    return {{op.getInput(), extent.axis}};
  // The one unknown extent of the input, where the rest has the same number of elements.
  RankedTensorType input = getRanked(op.getInput()), result = op.getType();
  if (entry.value != -1 || input.getNumDynamicDims() != 1 || result.getNumDynamicDims() != 1)
    return {};
  auto product = [](RankedTensorType type) {
    int64_t product = 1;
    for (int64_t i : type.getShape())
      product *= ShapedType::isDynamic(i) ? 1 : i;
    return product;
  };
  if (product(input) != product(result) || product(input) == 0)
    return {};
  return {{op.getInput(), llvm::find_if(input.getShape(), ShapedType::isDynamic) - input.getShape().begin()}};
}

static Extents stepOfUnsqueeze(UnsqueezeOp op, Extent extent) {
  int64_t inserted = llvm::count_if(op.getAxes(), [&](int64_t axis) { return axis < extent.axis; });
  return {{op.getInput(), extent.axis - inserted}};
}

/// Skips the axes that are not there any more.
static Extents stepOfRemoval(Value input, ArrayRef<int64_t> axes, Extent extent) {
  SmallVector<int64_t> removed(axes);
  llvm::sort(removed);
  int64_t axis = extent.axis;
  for (int64_t i : removed)
    axis += i <= axis ? 1 : 0;
  return {{input, axis}};
}

static Extents stepOfReduce(ReduceOp op, Extent extent) {
  if (op.getKeepdims())
    return {{op.getInput(), extent.axis}};
  return stepOfRemoval(op.getInput(), op.getAxes(), extent);
}

static Extents stepOfFlatten(FlattenOp op, Extent extent) {
  int64_t axis = op.getAxis(), rank = getRanked(op.getInput()).getRank();
  if (extent.axis == 0 && axis == 1)
    return {{op.getInput(), 0}};
  if (extent.axis == 1 && axis == rank - 1)
    return {{op.getInput(), axis}};
  return {};
}

static Extents stepOfGather(GatherOp op, Extent extent) {
  int64_t axis = op.getAxis(), rank = getRanked(op.getIndices()).getRank();
  if (extent.axis < axis)
    return {{op.getData(), extent.axis}};
  if (extent.axis < axis + rank)
    return {{op.getIndices(), extent.axis - axis}};
  return {{op.getData(), extent.axis - rank + 1}};
}

/// As many as there are tuples; the data's axes behind those that a tuple chooses.
static Extents stepOfGatherND(GatherNDOp op, Extent extent) {
  RankedTensorType indices = getRanked(op.getIndices());
  int64_t outer = indices.getRank() - 1;
  if (extent.axis < outer)
    return {{op.getIndices(), extent.axis}};
  return {{op.getData(), extent.axis - outer + indices.getShape().back() + static_cast<int64_t>(op.getBatchDims())}};
}

static Extents stepOfMatmul(MatmulOp op, Extent extent) {
  int64_t rank = getRanked(extent.value).getRank();
  RankedTensorType lhs = getRanked(op.getLhs()), rhs = getRanked(op.getRhs());
  if (lhs.getRank() < 2 || rhs.getRank() < 2)
    return {};
  if (extent.axis == rank - 2)
    return {{op.getLhs(), lhs.getRank() - (op.getTransposeLhs() ? 1 : 2)}};
  if (extent.axis == rank - 1)
    return {{op.getRhs(), rhs.getRank() - (op.getTransposeRhs() ? 2 : 1)}};
  return stepOfBroadcast({op.getLhs(), op.getRhs()}, extent);
}

static Extents stepOfBroadcastTo(BroadcastToOp op, Extent extent) {
  std::optional<SmallVector<KnownInt>> shape = getKnownInts(op.getShape());
  if (!shape)
    return {};
  int64_t rank = getRanked(extent.value).getRank(), entry = extent.axis - rank + shape->size();
  Extents result = stepOfBroadcast(op.getInput(), extent);
  if (entry < 0 || (*shape)[entry].value == 1)
    return result;
  Extents other = stepOfShape(op.getShape(), entry);
  if (other.empty())
    return {};
  result.append(other);
  return result;
}

/// 0, 1, ... up to an extent.
static Extents stepOfRange(RangeOp op) {
  std::optional<SmallVector<int64_t>> start = getConstantInts(op.getStart()), delta = getConstantInts(op.getDelta());
  bool counts = start && delta && *start == SmallVector<int64_t>{0} && *delta == SmallVector<int64_t>{1};
  return counts ? stepOfShape(op.getLimit(), 0) : Extents();
}

/// A spatial operation (with a layout) keeps the batch of its first operand.
static Extents stepOfOther(Operation *op, Extent extent) {
  if (op->hasTrait<ElementwiseTrait>())
    return stepOfBroadcast(op->getOperands(), extent);
  if (op->hasAttr("layout") && extent.axis == 0 && isa<NNDialect>(op->getDialect()))
    return {{op->getOperand(0), 0}};
  return {};
}

/// What a loop carries keeps its shape.
static Extents stepOfArgument(BlockArgument argument, Extent extent) {
  auto loop = dyn_cast_if_present<LoopOp>(argument.getOwner()->getParentOp());
  if (!loop || argument.getArgNumber() == 0)
    return {};
  return {{loop.getInitial()[argument.getArgNumber() - 1], extent.axis}};
}

bool isInside(Value value, Region &region) {
  for (Region *around = value.getParentRegion(); around;) {
    if (around == &region)
      return true;
    Operation *parent = around->getParentOp();
    around = parent ? parent->getParentRegion() : nullptr;
  }
  return false;
}

static bool isTrue(Value condition) {
  std::optional<SmallVector<int64_t>> known = getConstantInts(condition);
  return known && known->size() == 1 && known->front() != 0;
}

/// What a loop collects has an entry for each iteration, each of the shape of the element.
static Extents stepOfLoop(LoopOp op, Extent extent) {
  unsigned number = cast<OpResult>(extent.value).getResultNumber();
  if (number < op.getNumCarried())
    return {{op.getInitial()[number], extent.axis}};
  auto yield = op.getBody().empty() ? YieldOp() : dyn_cast<YieldOp>(op.getBody().front().getTerminator());
  if (!yield)
    return {}; // is being converted
  bool isCounted = op.getTrips() && (!op.getCondition() || isTrue(op.getCondition())) && isTrue(yield.getValues()[0]);
  if (extent.axis == 0)
    return isCounted ? stepOfShape(op.getTrips(), 0) : Extents();
  return {{yield.getValues()[number + 1], extent.axis - 1}};
}

/// Both branches only agree on an extent from around them.
static Extents stepOfBranches(IfOp op, Extent extent) {
  Extents result;
  for (Region &region : op->getRegions()) {
    auto yield = region.empty() ? YieldOp() : dyn_cast<YieldOp>(region.front().getTerminator());
    if (!yield)
      return {}; // is being converted
    result.push_back({yield.getValues()[cast<OpResult>(extent.value).getResultNumber()], extent.axis});
  }
  return result;
}

/// The sequence has the input's steps and batch; so have the states.
static Extents stepOfRecurrent(Operation *op, Extent extent) {
  bool isSequence = cast<OpResult>(extent.value).getResultNumber() == 0;
  int64_t hiddenAxis = isSequence ? 2 : 1;
  if (extent.axis == hiddenAxis)
    return {{op->getOperand(2), 1}};
  return {{op->getOperand(0), isSequence ? extent.axis : 1}};
}

static Extents step(Extent extent) {
  Operation *op = extent.value.getDefiningOp();
  if (!op)
    return stepOfArgument(cast<BlockArgument>(extent.value), extent);
  auto keepUnless = [&](Value input, bool changed) { return changed ? Extents() : Extents{{input, extent.axis}}; };
  return TypeSwitch<Operation *, Extents>(op)
      .Case([&](ReshapeOp reshape) { return stepOfReshape(reshape, extent); })
      .Case([&](SqueezeOp squeeze) { return stepOfRemoval(squeeze.getInput(), squeeze.getAxes(), extent); })
      .Case([&](UnsqueezeOp unsqueeze) { return stepOfUnsqueeze(unsqueeze, extent); })
      .Case([&](FlattenOp flatten) { return stepOfFlatten(flatten, extent); })
      .Case([&](TransposeOp transpose) {
        return Extents{{transpose.getInput(), transpose.getPermutation()[extent.axis]}};
      })
      .Case([&](GatherOp gather) { return stepOfGather(gather, extent); })
      .Case([&](GatherNDOp gather) { return stepOfGatherND(gather, extent); })
      .Case([&](MatmulOp matmul) { return stepOfMatmul(matmul, extent); })
      .Case([&](ReduceOp reduce) { return stepOfReduce(reduce, extent); })
      .Case([&](BroadcastToOp broadcast) { return stepOfBroadcastTo(broadcast, extent); })
      .Case([&](ConcatOp concat) {
        bool isJoined = extent.axis == static_cast<int64_t>(concat.getAxis()) && concat.getInputs().size() > 1;
        return keepUnless(concat.getInputs().front(), isJoined);
      })
      .Case([&](SliceOp slice) {
        return keepUnless(slice.getInput(), llvm::is_contained(slice.getAxes(), extent.axis));
      })
      .Case([&](PadOp pad) { return keepUnless(pad.getInput(), llvm::is_contained(pad.getAxes(), extent.axis)); })
      .Case([&](RangeOp range) { return stepOfRange(range); })
      .Case([&](FillOp fill) { return stepOfShape(fill.getShape(), extent.axis); })
      .Case<ReverseOp, TriluOp, EyeLikeOp, CumSumOp, SoftmaxOp, LogSoftmaxOp, BatchNormOp, LayerNormOp, RmsNormOp,
            InstanceNormOp, LrnOp, ScatterElementsOp, ScatterNDOp>(
          [&](Operation *kept) { return Extents{{kept->getOperand(0), extent.axis}}; })
      .Case([&](IfOp choice) { return stepOfBranches(choice, extent); })
      .Case([&](LoopOp loop) { return stepOfLoop(loop, extent); })
      .Case<RnnOp, GruOp, LstmOp>([&](Operation *layer) { return stepOfRecurrent(layer, extent); })
      .Default([&](Operation *other) { return stepOfOther(other, extent); });
}

/// Iterative, and each extent once: networks are deep, and residual connections would make the number of paths exponential.
std::pair<Value, int64_t> ExtentOrigins::trace(Value value, int64_t axis) {
  auto find = [&](Extent extent) { return origins.find({extent.value, extent.axis}); };
  auto get = [&](Extent extent) { return Extent{find(extent)->second.first, find(extent)->second.second}; };
  SmallVector<Extent> open{{value, axis}};
  while (!open.empty()) {
    Extent extent = open.back();
    Extents before = find(extent) == origins.end() && extent.isDynamic() ? step(extent) : Extents();
    auto *unknown = llvm::find_if(before, [&](Extent e) { return find(e) == origins.end(); });
    if (unknown != before.end()) {
      open.push_back(*unknown);
      continue;
    }
    open.pop_back();
    Extent origin = extent;
    if (!before.empty()) {
      Extent first = get(before.front());
      if (llvm::all_of(before, [&](Extent e) { return isSame(get(e), first); }))
        origin = first;
      // Nothing outside sees what is inside of a loop.
      if (auto loop = extent.value.getDefiningOp<LoopOp>(); loop && isInside(origin.value, loop.getBody()))
        origin = extent;
    }
    origins.try_emplace({extent.value, extent.axis}, origin.value, origin.axis);
  }
  return find({value, axis})->second;
}

bool ExtentOrigins::haveSame(Value value, int64_t axis, Value other, int64_t otherAxis) {
  int64_t extent = getRanked(value).getDimSize(axis), otherExtent = getRanked(other).getDimSize(otherAxis);
  if (!ShapedType::isDynamic(extent) || !ShapedType::isDynamic(otherExtent))
    return extent == otherExtent;
  auto [origin, originAxis] = trace(value, axis);
  auto [otherOrigin, otherOriginAxis] = trace(other, otherAxis);
  return isSame({origin, originAxis}, {otherOrigin, otherOriginAxis});
}

std::pair<Value, int64_t> traceExtent(Value value, int64_t axis) { return ExtentOrigins().trace(value, axis); }

bool haveSameExtent(Value value, int64_t axis, Value other, int64_t otherAxis) {
  return ExtentOrigins().haveSame(value, axis, other, otherAxis);
}

} // namespace nnc::nn
