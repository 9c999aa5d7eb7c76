// Shape arithmetic as index arithmetic. Frontends compute shapes with small
// tensors of integers, some by way of floats; an entry of one is built again from
// scalars, back to the extents it comes from, so that sizes never depend on what
// is in memory.
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/ConstantFolding.h"
#include "dialects/NN/ElementTracing.h"
#include "dialects/NN/NN.h"
#include "dialects/NN/ShapeInference.h"
#include "lib/Analysis/ValueRanges.h"
#include "lib/Conversion/NNToLinalg/EntryArithmetic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;

namespace nnc {

/// Longer chains of arithmetic are read from memory.
static constexpr unsigned maxDepth = 32;

namespace {

/// Builds entries of tensors of rank 0 and 1, each once: integers as index values, booleans as 0 or 1, floats as they
/// are.
class EntryBuilder {
public:
  /// With `takesRanges` what data decide is an entry too, where it is known to be between 0 and some bound.
  explicit EntryBuilder(ImplicitLocOpBuilder &builder, bool takesRanges = false)
      : builder(builder), takesRanges(takesRanges) {}

  /// Entry `i` of `tensor`; null where it is not made of extents and constants.
  Value build(Value tensor, int64_t i);

private:
  Value readInput(BlockArgument input, int64_t i);
  Value readConstant(Value tensor, int64_t i);
  Value buildResult(Operation *op, int64_t i);
  Value buildOfConcat(nn::ConcatOp op, int64_t i);
  Value buildOfGather(nn::GatherOp op, int64_t i);
  Value buildOfSlice(nn::SliceOp op, int64_t i);
  Value buildOfReduce(nn::ReduceOp op);
  Value buildOfSize(nn::SizeOp op);
  bool buildOperands(Operation *op, int64_t i, SmallVectorImpl<Value> &operands);
  Value buildOfBinary(Operation *op, int64_t i);
  Value buildOfPower(nn::PowOp op, int64_t i);
  Value buildOfNegation(nn::NegOp op, int64_t i);
  Value buildOfFloats(Operation *op, int64_t i);
  Value buildOfCast(nn::CastOp op, int64_t i);
  Value buildOfCondition(Operation *op, int64_t i);
  Value buildOfChoice(nn::WhereOp op, int64_t i);
  Value getExtentOf(Value tensor, int64_t axis);
  Value buildOfRange(Value tensor, int64_t i);
  Value findBound(Value tensor, std::optional<int64_t> i);

  ImplicitLocOpBuilder &builder;
  bool takesRanges;
  DenseMap<std::pair<Value, int64_t>, Value> built;
  unsigned depth = 0;
};

} // namespace

/// The floats that sizes may be made of.
static bool isCommonFloat(Type type) { return isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(type); }

/// Number of elements of a tensor of rank 0 or 1; -1 where it is not known.
static int64_t getLength(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.getRank() <= 1 && type.hasStaticShape() ? type.getNumElements() : -1;
}

/// An extent of a value of the source model.
Value EntryBuilder::getExtentOf(Value tensor, int64_t axis) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(axis))
    return getIndex(builder, type.getDimSize(axis));
  return builder.createOrFold<tensor::DimOp>(tensor, axis);
}

Value EntryBuilder::build(Value tensor, int64_t i) {
  auto [place, isNew] = built.try_emplace({tensor, i});
  if (!isNew)
    return place->second;
  std::optional<SmallVector<nn::KnownInt>> known = nn::getKnownInts(tensor);
  Value entry;
  if (known && i < static_cast<int64_t>(known->size()) && (*known)[i].value)
    entry = getIndex(builder, *(*known)[i].value);
  else if (known && i < static_cast<int64_t>(known->size()) && (*known)[i].tensor)
    entry = getExtentOf((*known)[i].tensor, (*known)[i].axis);
  Operation *op = tensor.getDefiningOp();
  if (!entry && op)
    entry = readConstant(tensor, i);
  if (!entry && !op)
    entry = readInput(cast<BlockArgument>(tensor), i);
  if (!entry && op && depth < maxDepth) {
    ++depth;
    entry = buildResult(op, i);
    --depth;
  }
  if (!entry && op && takesRanges)
    entry = buildOfRange(tensor, i);
  return built[{tensor, i}] = entry;
}

/// What an entry that data decide is at most, as it is not negative; null where nothing is known. Numbers above 2^31 are no
/// bound.
Value EntryBuilder::findBound(Value tensor, std::optional<int64_t> i) {
  constexpr double most = int64_t{1} << 31, mostOfSum = 1 << 20;
  NumberRange range = findValueRange(tensor, i);
  if (range.lower >= 0 && range.upper < most)
    return getIndex(builder, static_cast<int64_t>(std::floor(range.upper)));
  Operation *op = tensor.getDefiningOp();
  if (isa_and_present<nn::CastOp, nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp, nn::GatherOp, nn::SliceOp>(op))
    return isa<IntegerType>(getElementTypeOrSelf(op->getOperand(0))) ? findBound(op->getOperand(0), std::nullopt) : Value();
  auto reduce = dyn_cast_if_present<nn::ReduceOp>(op);
  if (reduce && reduce.getKind() == nn::ReductionKind::Max)
    return findBound(reduce.getInput(), std::nullopt);
  // A sum counts what is 0 or 1.
  NumberRange each = reduce ? findValueRange(reduce.getInput()) : NumberRange();
  if (!reduce || reduce.getKind() != nn::ReductionKind::Sum || !(each.lower >= 0) || !(each.upper <= mostOfSum))
    return {};
  Value bound = getIndex(builder, static_cast<int64_t>(std::ceil(each.upper)));
  for (int64_t axis : reduce.getAxes())
    bound = mul(builder, bound, getExtentOf(reduce.getInput(), axis));
  return bound;
}

/// Whatever is known of it, the run requires.
Value EntryBuilder::buildOfRange(Value tensor, int64_t i) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!(type.getElementType().isSignlessInteger(32) || type.getElementType().isSignlessInteger(64)) || i >= getLength(tensor))
    return {};
  Value bound = findBound(tensor, i);
  if (!bound)
    return {};
  SmallVector<Value> index(type.getRank(), getIndex(builder, i));
  Value element = tensor::ExtractOp::create(builder, tensor, index);
  Value entry = arith::IndexCastOp::create(builder, builder.getIndexType(), element);
  require(builder, arith::CmpIOp::create(builder, arith::CmpIPredicate::ule, entry, bound),
          "a number that data decide is one that it can be");
  return kernel::BoundedOp::create(builder, entry, bound);
}

/// An element of an input of the model: the caller knows it before the run.
Value EntryBuilder::readInput(BlockArgument input, int64_t i) {
  auto type = cast<RankedTensorType>(input.getType());
  Type elementType = type.getElementType();
  bool isFloat = isCommonFloat(elementType);
  bool isShape = elementType.isSignlessInteger(32) || elementType.isSignlessInteger(64) || isFloat;
  Operation *parent = input.getOwner()->getParentOp(); // none of a block whose signature is being converted
  if (!isShape || i >= getLength(input) || (parent && !isa<FunctionOpInterface>(parent)))
    return {};
  SmallVector<Value> index(type.getRank(), getIndex(builder, i));
  Value element = tensor::ExtractOp::create(builder, input, index);
  return isFloat ? element : arith::IndexCastOp::create(builder, builder.getIndexType(), element).getResult();
}

/// An element of a constant of floats.
Value EntryBuilder::readConstant(Value tensor, int64_t i) {
  auto type = cast<RankedTensorType>(tensor.getType());
  DenseElementsAttr dense = isCommonFloat(type.getElementType()) ? nn::getDenseConstant(tensor) : DenseElementsAttr();
  if (!dense || i >= getLength(tensor))
    return {};
  return arith::ConstantOp::create(builder, cast<TypedAttr>(dense.getValues<Attribute>()[i]));
}

Value EntryBuilder::buildResult(Operation *op, int64_t i) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](nn::ConcatOp concat) { return buildOfConcat(concat, i); })
      .Case([&](nn::GatherOp gather) { return buildOfGather(gather, i); })
      .Case([&](nn::SliceOp slice) { return buildOfSlice(slice, i); })
      .Case([&](nn::ReduceOp reduce) { return buildOfReduce(reduce); })
      .Case([&](nn::SizeOp size) { return buildOfSize(size); })
      .Case<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp, nn::ModOp, nn::MaxOp, nn::MinOp>(
          [&](Operation *binary) {
            bool isFloat = isa<FloatType>(getElementTypeOrSelf(binary->getResult(0)));
            return isFloat ? buildOfFloats(binary, i) : buildOfBinary(binary, i);
          })
      .Case([&](nn::PowOp pow) { return buildOfPower(pow, i); })
      .Case<nn::CompareOp, nn::AndOp, nn::OrOp, nn::NotOp>(
          [&](Operation *condition) { return buildOfCondition(condition, i); })
      .Case([&](nn::WhereOp choice) { return buildOfChoice(choice, i); })
      .Case<nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp, nn::FlattenOp>([&](Operation *reshape) {
        std::optional<nn::MovedElements> moved = nn::traceMovedElements(reshape->getOperand(0));
        return moved && i < static_cast<int64_t>(moved->places.size()) ? build(moved->source, moved->places[i]) : Value();
      })
      .Case([&](nn::NegOp neg) { return isCommonFloat(neg.getType().getElementType()) ? buildOfFloats(neg, i) : buildOfNegation(neg, i); })
      .Case<nn::FloorOp, nn::CeilOp, nn::ReluOp, nn::ReciprocalOp>([&](Operation *unary) { return buildOfFloats(unary, i); })
      .Case([&](nn::CastOp cast) { return buildOfCast(cast, i); })
      .Default(Value());
}

Value EntryBuilder::buildOfConcat(nn::ConcatOp op, int64_t i) {
  for (Value input : op.getInputs()) {
    int64_t length = getLength(input);
    if (length < 0)
      return {};
    if (i < length)
      return build(input, i);
    i -= length;
  }
  return {};
}

Value EntryBuilder::buildOfGather(nn::GatherOp op, int64_t i) {
  int64_t length = getLength(op.getData());
  std::optional<SmallVector<int64_t>> indices = nn::getConstantInts(op.getIndices());
  if (length < 0 || !indices || i >= static_cast<int64_t>(indices->size()))
    return {};
  int64_t index = (*indices)[i] < 0 ? (*indices)[i] + length : (*indices)[i];
  return index < 0 || index >= length ? Value() : build(op.getData(), index);
}

Value EntryBuilder::buildOfSlice(nn::SliceOp op, int64_t i) {
  int64_t length = getLength(op.getInput());
  auto starts = nn::getConstantInts(op.getStarts()), ends = nn::getConstantInts(op.getEnds());
  auto steps = op.getSteps() ? nn::getConstantInts(op.getSteps()) : SmallVector<int64_t>{1};
  if (length < 0 || !starts || !ends || !steps || starts->size() != 1 || steps->front() == 0)
    return {};
  nn::SliceBounds bounds = nn::clampSlice(length, starts->front(), ends->front(), steps->front());
  return i < bounds.size ? build(op.getInput(), bounds.start + i * steps->front()) : Value();
}

/// The sum, product, least or largest of all entries; of floats, whose sums depend on their order, the last two.
Value EntryBuilder::buildOfReduce(nn::ReduceOp op) {
  int64_t length = getLength(op.getInput());
  auto type = cast<RankedTensorType>(op.getInput().getType());
  nn::ReductionKind kind = op.getKind();
  bool isSum = kind == nn::ReductionKind::Sum, isProduct = kind == nn::ReductionKind::Prod,
       isLeast = kind == nn::ReductionKind::Min, isExtreme = isLeast || kind == nn::ReductionKind::Max;
  bool isInteger = type.getElementType().isSignlessInteger(), isFloat = type.getElementType().isF32() || type.getElementType().isF64();
  if (length < (isExtreme ? 1 : 0) || type.getRank() != 1 || op.getAxes().size() != 1 ||
      !(isExtreme ? isInteger || isFloat : isInteger && (isSum || isProduct)))
    return {};
  Value result = length == 0 ? getIndex(builder, isProduct ? 1 : 0) : Value();
  for (int64_t i = 0; i < length; ++i) {
    Value entry = build(op.getInput(), i);
    if (!entry)
      return {};
    if (!result)
      result = entry;
    else if (isExtreme)
      result = chooseExtreme(builder, isLeast, result, entry);
    else
      result = isProduct ? mul(builder, result, entry) : add(builder, result, entry);
  }
  return result;
}

Value EntryBuilder::buildOfSize(nn::SizeOp op) {
  Value product = getIndex(builder, 1);
  for (int64_t axis = 0; axis < cast<RankedTensorType>(op.getInput().getType()).getRank(); ++axis) {
    Value extent = getExtentOf(op.getInput(), axis);
    if (!extent)
      return {};
    product = mul(builder, product, extent);
  }
  return product;
}

/// Entry `i` of each operand, or its only one; false where one is not made of extents and constants.
bool EntryBuilder::buildOperands(Operation *op, int64_t i, SmallVectorImpl<Value> &operands) {
  for (Value operand : op->getOperands()) {
    int64_t length = getLength(operand);
    operands.push_back(length < 0 ? Value() : build(operand, length == 1 ? 0 : i));
    if (!operands.back())
      return false;
  }
  return true;
}

/// A boolean, as 0 or 1.
Value EntryBuilder::buildOfCondition(Operation *op, int64_t i) {
  SmallVector<Value> operands;
  if (!getElementTypeOrSelf(op->getOperand(0)).isSignlessInteger() || !buildOperands(op, i, operands))
    return {};
  if (isa<nn::AndOp>(op))
    return builder.createOrFold<arith::AndIOp>(operands[0], operands[1]);
  if (isa<nn::OrOp>(op))
    return builder.createOrFold<arith::OrIOp>(operands[0], operands[1]);
  if (isa<nn::NotOp>(op))
    return sub(builder, getIndex(builder, 1), operands[0]);
  Value holds = builder.createOrFold<arith::CmpIOp>(getPredicate(cast<nn::CompareOp>(op).getPredicate()), operands[0],
                                                    operands[1]);
  return builder.createOrFold<arith::SelectOp>(holds, getIndex(builder, 1), getIndex(builder, 0));
}

Value EntryBuilder::buildOfChoice(nn::WhereOp op, int64_t i) {
  SmallVector<Value> operands;
  Type type = op.getType().getElementType();
  if (!(type.isSignlessInteger() || isCommonFloat(type)) || !buildOperands(op, i, operands))
    return {};
  Value isFirst =
      builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::ne, operands[0], getIndex(builder, 0));
  return builder.createOrFold<arith::SelectOp>(isFirst, operands[1], operands[2]);
}

Value EntryBuilder::buildOfBinary(Operation *op, int64_t i) {
  SmallVector<Value> operands;
  if (!buildOperands(op, i, operands))
    return {};
  Value lhs = operands[0], rhs = operands[1];
  if (auto mod = dyn_cast<nn::ModOp>(op))
    return getRemainder(builder, lhs, rhs, mod.getFmod());
  if (isa<nn::AddOp>(op))
    return add(builder, lhs, rhs);
  if (isa<nn::SubOp>(op))
    return sub(builder, lhs, rhs);
  if (isa<nn::MulOp>(op))
    return mul(builder, lhs, rhs);
  if (isa<nn::MaxOp, nn::MinOp>(op))
    return chooseExtreme(builder, isa<nn::MinOp>(op), lhs, rhs);
  return divide(builder, lhs, rhs);
}

/// A square or cube: PyTorch's exporter writes products of one extent so.
Value EntryBuilder::buildOfPower(nn::PowOp op, int64_t i) {
  constexpr int64_t most = 4;
  std::optional<SmallVector<int64_t>> exponents = nn::getConstantInts(op.getRhs());
  int64_t length = getLength(op.getLhs());
  if (!op.getType().getElementType().isSignlessInteger() || length < 0 || !exponents || exponents->size() != 1 ||
      exponents->front() < 1 || exponents->front() > most)
    return {};
  Value base = build(op.getLhs(), length == 1 ? 0 : i), power = base;
  for (int64_t factors = 1; base && factors < exponents->front(); ++factors)
    power = mul(builder, power, base);
  return power;
}

Value EntryBuilder::buildOfNegation(nn::NegOp op, int64_t i) {
  Value operand = op.getType().getElementType().isSignlessInteger() ? build(op.getInput(), i) : Value();
  return operand ? sub(builder, getIndex(builder, 0), operand) : Value();
}

/// Arithmetic of floats, each step rounded to its type.
Value EntryBuilder::buildOfFloats(Operation *op, int64_t i) {
  SmallVector<Value> operands;
  Type type = getElementTypeOrSelf(op->getResult(0));
  if (!isCommonFloat(type) || !buildOperands(op, i, operands))
    return {};
  bool isNarrow = type.getIntOrFloatBitWidth() < 32;
  Type wide = isNarrow ? builder.getF32Type() : type;
  if (isNarrow)
    for (Value &operand : operands)
      operand = arith::ExtFOp::create(builder, wide, operand);
  auto zero = [&] { return arith::ConstantOp::create(builder, builder.getFloatAttr(wide, 0)).getResult(); };
  Value result = llvm::TypeSwitch<Operation *, Value>(op)
                     .Case([&](nn::AddOp) { return builder.createOrFold<arith::AddFOp>(operands[0], operands[1]); })
                     .Case([&](nn::SubOp) { return builder.createOrFold<arith::SubFOp>(operands[0], operands[1]); })
                     .Case([&](nn::MulOp) { return builder.createOrFold<arith::MulFOp>(operands[0], operands[1]); })
                     .Case([&](nn::DivOp) { return builder.createOrFold<arith::DivFOp>(operands[0], operands[1]); })
                     .Case<nn::MinOp, nn::MaxOp>([&](Operation *) { return chooseExtreme(builder, isa<nn::MinOp>(op), operands[0], operands[1]); })
                     .Case([&](nn::FloorOp) { return builder.createOrFold<math::FloorOp>(operands[0]); })
                     .Case([&](nn::CeilOp) { return builder.createOrFold<math::CeilOp>(operands[0]); })
                     .Case([&](nn::NegOp) { return builder.createOrFold<arith::NegFOp>(operands[0]); })
                     .Case([&](nn::ReciprocalOp) {
                       Value one = arith::ConstantOp::create(builder, builder.getFloatAttr(wide, 1));
                       return builder.createOrFold<arith::DivFOp>(one, operands[0]);
                     })
                     .Case([&](nn::ReluOp) {
                       auto less = arith::CmpFPredicate::OLT;
                       Value isNegative = arith::CmpFOp::create(builder, less, operands[0], zero());
                       return arith::SelectOp::create(builder, isNegative, zero(), operands[0]).getResult();
                     })
                     .Default(Value());
  return result && isNarrow ? arith::TruncFOp::create(builder, type, result).getResult() : result;
}

Value convertToIndex(ImplicitLocOpBuilder &builder, Value value) {
  Type type = value.getType();
  if (type.getIntOrFloatBitWidth() < 32) {
    type = builder.getF32Type();
    value = arith::ExtFOp::create(builder, type, value);
  }
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  double most = std::ldexp(1, DataLayout::closest(parent).getTypeSizeInBits(builder.getIndexType()) - 2);
  auto constant = [&](double number) { return arith::ConstantOp::create(builder, builder.getFloatAttr(type, number)); };
  Value least = constant(-most);
  Value isAbove = builder.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::OGE, value, least);
  Value isBelow = builder.createOrFold<arith::CmpFOp>(arith::CmpFPredicate::OLE, value, constant(most));
  value = builder.createOrFold<arith::SelectOp>(builder.createOrFold<arith::AndIOp>(isAbove, isBelow), value, least);
  Value integer = builder.createOrFold<arith::FPToSIOp>(builder.getI64Type(), value);
  return builder.createOrFold<arith::IndexCastOp>(builder.getIndexType(), integer);
}

Value EntryBuilder::buildOfCast(nn::CastOp op, int64_t i) {
  Type from = getElementTypeOrSelf(op.getInput()), to = op.getTo();
  bool fromInteger = from.isSignlessInteger(1) || from.isSignlessInteger(32) || from.isSignlessInteger(64);
  bool toInteger = to.isSignlessInteger(32) || to.isSignlessInteger(64);
  if (!(fromInteger || isCommonFloat(from)) || !(toInteger || to.isF32() || to.isF64()))
    return {};
  Value value = build(op.getInput(), i);
  if (!value || (fromInteger && toInteger) || from == to)
    return value;
  if (toInteger)
    return convertToIndex(builder, value);
  if (fromInteger) {
    Value integer = builder.createOrFold<arith::IndexCastOp>(builder.getI64Type(), value);
    return builder.createOrFold<arith::SIToFPOp>(to, integer);
  }
  bool grows = from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth();
  return grows ? builder.createOrFold<arith::ExtFOp>(to, value) : builder.createOrFold<arith::TruncFOp>(to, value);
}

bool isMadeOfValues(Value entry) {
  SmallVector<Value> worklist{entry};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (isa_and_nonnull<tensor::ExtractOp>(op))
      return true;
    if (op && !isa<tensor::DimOp>(op) && seen.insert(op).second)
      llvm::append_range(worklist, op->getOperands());
  }
  return false;
}

Value findEntry(ImplicitLocOpBuilder &builder, Value original, int64_t i) {
  return EntryBuilder(builder).build(original, i);
}

Value getEntry(ImplicitLocOpBuilder &builder, Value original, Value tensor, int64_t i) {
  if (Value entry = findEntry(builder, original, i))
    return entry;
  SmallVector<Value> index(cast<RankedTensorType>(tensor.getType()).getRank(), getIndex(builder, i));
  Value element = tensor::ExtractOp::create(builder, tensor, index);
  return arith::IndexCastOp::create(builder, builder.getIndexType(), element);
}

Value getRangedEntry(ImplicitLocOpBuilder &builder, Value original, Value tensor, int64_t i) {
  if (Value entry = findEntry(builder, original, i))
    return entry;
  Value entry = EntryBuilder(builder, /*takesRanges=*/true).build(original, i);
  return entry ? entry : getEntry(builder, original, tensor, i);
}

Value getExtentEntry(ImplicitLocOpBuilder &builder, Value original, Value tensor, int64_t i) {
  if (Value entry = findEntry(builder, original, i))
    return entry; // it is checked before the run
  Value entry = getRangedEntry(builder, original, tensor, i);
  if (!entry.getDefiningOp<kernel::BoundedOp>())
    require(builder, builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, entry, getIndex(builder, 0)),
            "an extent that data decide is not negative");
  return entry;
}

Value getBoundedEntry(ImplicitLocOpBuilder &builder, Value original, Value tensor, int64_t i, Value bound) {
  if (Value entry = findEntry(builder, original, i))
    return entry;
  Value entry = builder.createOrFold<arith::MaxSIOp>(getEntry(builder, original, tensor, i), getIndex(builder, 0));
  return kernel::BoundedOp::create(builder, builder.createOrFold<arith::MinSIOp>(entry, bound), bound);
}

} // namespace nnc
