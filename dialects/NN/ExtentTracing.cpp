// Traces an unknown extent back through the operations that keep it, to the
// function argument (and its symbol) or the operation that made it.
#include "dialects/NN/ExtentTracing.h"

#include "dialects/NN/NN.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc::nn {

namespace {
/// Extent `axis` of `value`.
struct Extent {
  Value value;
  int64_t axis;

  bool operator==(const Extent &other) const { return value == other.value && axis == other.axis; }
};
} // namespace

static RankedTensorType getRanked(Value value) { return cast<RankedTensorType>(value.getType()); }

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

static std::optional<Extent> trace(Extent extent);

/// The extent of a broadcast, where all operands that matter agree on it.
static std::optional<Extent> traceBroadcast(Operation *op, Extent extent) {
  std::optional<Extent> result;
  int64_t rank = getRanked(extent.value).getRank();
  for (Value operand : op->getOperands()) {
    int64_t local = extent.axis - rank + getRanked(operand).getRank();
    if (local < 0 || getRanked(operand).getDimSize(local) == 1)
      continue;
    std::optional<Extent> traced = trace({operand, local});
    if (!traced || (result && !isSame(*result, *traced)))
      return std::nullopt;
    result = traced;
  }
  return result;
}

static std::optional<Extent> traceReshape(ReshapeOp op, Extent extent) {
  std::optional<SmallVector<KnownInt>> shape = getKnownInts(op.getShape());
  if (!shape)
    return std::nullopt;
  const KnownInt &entry = (*shape)[extent.axis];
  if (!entry.value && entry.tensor)
    return trace({entry.tensor, entry.axis});
  if (entry.value == 0 && !op.getAllowZero())
    return trace({op.getInput(), extent.axis});
  // The one unknown extent of the input, where the rest has the same number of elements.
  RankedTensorType input = getRanked(op.getInput()), result = op.getType();
  if (entry.value != -1 || input.getNumDynamicDims() != 1 || result.getNumDynamicDims() != 1)
    return std::nullopt;
  auto product = [](RankedTensorType type) {
    int64_t product = 1;
    for (int64_t i : type.getShape())
      product *= ShapedType::isDynamic(i) ? 1 : i;
    return product;
  };
  if (product(input) != product(result) || product(input) == 0)
    return std::nullopt;
  return trace({op.getInput(), llvm::find_if(input.getShape(), ShapedType::isDynamic) - input.getShape().begin()});
}

/// Shapes given by an operand: an entry may be an extent of some value.
static std::optional<Extent> traceShapeOperand(Value shape, int64_t axis) {
  std::optional<SmallVector<KnownInt>> known = getKnownInts(shape);
  if (!known || !(*known)[axis].tensor)
    return std::nullopt;
  return trace({(*known)[axis].tensor, (*known)[axis].axis});
}

static std::optional<Extent> traceUnsqueeze(UnsqueezeOp op, Extent extent) {
  int64_t inserted = llvm::count_if(op.getAxes(), [&](int64_t axis) { return axis < extent.axis; });
  return trace({op.getInput(), extent.axis - inserted});
}

static std::optional<Extent> traceSqueeze(SqueezeOp op, Extent extent) {
  int64_t axis = extent.axis;
  for (int64_t removed : op.getAxes())
    axis += removed <= axis ? 1 : 0;
  return trace({op.getInput(), axis});
}

static std::optional<Extent> traceGather(GatherOp op, Extent extent) {
  int64_t axis = op.getAxis(), rank = getRanked(op.getIndices()).getRank();
  if (extent.axis < axis)
    return trace({op.getData(), extent.axis});
  if (extent.axis < axis + rank)
    return trace({op.getIndices(), extent.axis - axis});
  return trace({op.getData(), extent.axis - rank + 1});
}

/// Where no rule applies, an operation is where the extent comes from. A spatial
/// operation (with a layout) keeps the batch of its first operand.
static std::optional<Extent> traceOther(Operation *op, Extent extent) {
  if (op->hasAttr("layout") && extent.axis == 0 && isa<NNDialect>(op->getDialect()))
    return trace({op->getOperand(0), 0});
  return extent;
}

static std::optional<Extent> trace(Extent extent) {
  Operation *op = extent.value.getDefiningOp();
  if (!op)
    return extent;
  std::optional<Extent> traced =
      TypeSwitch<Operation *, std::optional<Extent>>(op)
          .Case([&](ReshapeOp reshape) { return traceReshape(reshape, extent); })
          .Case([&](SqueezeOp squeeze) { return traceSqueeze(squeeze, extent); })
          .Case([&](UnsqueezeOp unsqueeze) { return traceUnsqueeze(unsqueeze, extent); })
          .Case([&](TransposeOp transpose) {
            return trace({transpose.getInput(), transpose.getPermutation()[extent.axis]});
          })
          .Case([&](GatherOp gather) { return traceGather(gather, extent); })
          .Case([&](ConcatOp concat) -> std::optional<Extent> {
            if (extent.axis == static_cast<int64_t>(concat.getAxis()))
              return extent;
            return trace({concat.getInputs().front(), extent.axis});
          })
          .Case([&](SliceOp slice) -> std::optional<Extent> {
            if (llvm::is_contained(slice.getAxes(), extent.axis))
              return extent;
            return trace({slice.getInput(), extent.axis});
          })
          .Case([&](PadOp pad) -> std::optional<Extent> {
            if (llvm::is_contained(pad.getAxes(), extent.axis))
              return extent;
            return trace({pad.getInput(), extent.axis});
          })
          .Case([&](FillOp fill) { return traceShapeOperand(fill.getShape(), extent.axis); })
          .Case<ReverseOp, TriluOp, EyeLikeOp>([&](Operation *kept) { return trace({kept->getOperand(0), extent.axis}); })
          .Default([&](Operation *other) {
            return other->hasTrait<ElementwiseTrait>() ? traceBroadcast(other, extent) : traceOther(other, extent);
          });
  return traced ? traced : extent;
}

bool haveSameExtent(Value value, int64_t axis, Value other, int64_t otherAxis) {
  int64_t extent = getRanked(value).getDimSize(axis), otherExtent = getRanked(other).getDimSize(otherAxis);
  if (!ShapedType::isDynamic(extent) || !ShapedType::isDynamic(otherExtent))
    return extent == otherExtent;
  std::optional<Extent> a = trace({value, axis}), b = trace({other, otherAxis});
  return a && b && isSame(*a, *b);
}

} // namespace nnc::nn
