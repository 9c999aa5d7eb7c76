// What is known of a value at compile time. Constants may be stored inline or in
// a resource blob; shapes are followed through the operations that frontends
// compute them with, so that an unknown batch extent does not hide the rest.
#include "dialects/NN/ConstantFolding.h"

#include "dialects/NN/ElementTracing.h"
#include "dialects/NN/NN.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc::nn {

DenseElementsAttr getDenseConstant(Attribute attribute, int64_t maxElements) {
  auto elements = dyn_cast_if_present<ElementsAttr>(attribute);
  if (!elements || elements.getNumElements() > maxElements)
    return {};
  if (auto dense = dyn_cast<DenseElementsAttr>(attribute))
    return dense;
  auto resource = dyn_cast<DenseResourceElementsAttr>(attribute);
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  bool isSplat;
  if (!blob || !DenseElementsAttr::isValidRawBuffer(resource.getType(), blob->getData(), isSplat))
    return {};
  return DenseElementsAttr::getFromRawBuffer(resource.getType(), blob->getData());
}

DenseElementsAttr getDenseConstant(Value value, int64_t maxElements) {
  Attribute attribute;
  return matchPattern(value, m_Constant(&attribute)) ? getDenseConstant(attribute, maxElements) : DenseElementsAttr();
}

std::optional<SmallVector<int64_t>> getConstantInts(Value value) {
  DenseElementsAttr dense = value ? getDenseConstant(value) : DenseElementsAttr();
  if (!dense || !dense.getElementType().isIntOrIndex())
    return std::nullopt;
  Type type = dense.getElementType();
  bool isUnsigned = type.isUnsignedInteger() || type.isInteger(1);
  SmallVector<int64_t> result;
  for (const APInt &element : dense.getValues<APInt>())
    result.push_back(isUnsigned ? element.getZExtValue() : element.getSExtValue());
  return result;
}

std::optional<SmallVector<double>> getConstantFloats(Value value) {
  DenseElementsAttr dense = value ? getDenseConstant(value) : DenseElementsAttr();
  if (!dense || !isa<FloatType>(dense.getElementType()))
    return std::nullopt;
  SmallVector<double> result;
  for (APFloat element : dense.getValues<APFloat>()) {
    bool losesInfo;
    element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &losesInfo);
    result.push_back(element.convertToDouble());
  }
  return result;
}

ConstantElements::ConstantElements(Attribute attribute) : dense(getDenseConstant(attribute)) {}

Attribute ConstantElements::at(ArrayRef<int64_t> index) const {
  int64_t position = 0;
  for (auto [i, extent] : llvm::zip(index, dense.getType().getShape()))
    position = position * extent + i;
  return dense.getValues<Attribute>()[position];
}

Attribute buildConstant(RankedTensorType type, function_ref<Attribute(ArrayRef<int64_t>)> element) {
  if (!type.hasStaticShape() || type.getNumElements() > maxFoldedElements)
    return {};
  SmallVector<Attribute> elements;
  SmallVector<int64_t> index(type.getRank());
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    elements.push_back(element(index));
    for (int64_t axis = type.getRank() - 1; axis >= 0 && ++index[axis] == type.getDimSize(axis); --axis)
      index[axis] = 0;
  }
  return DenseElementsAttr::get(type, elements);
}

//===----------------------------------------------------------------------===//
// Single elements
//===----------------------------------------------------------------------===//

bool KnownInt::operator==(const KnownInt &other) const {
  if (value || other.value)
    return value == other.value;
  return tensor && tensor == other.tensor && axis == other.axis;
}

using KnownInts = SmallVector<KnownInt>;

static std::optional<KnownInts> getKnownIntsOfShape(ShapeOp op) {
  auto type = cast<RankedTensorType>(op.getInput().getType());
  KnownInts result;
  for (int64_t i = op.getStart(); i < static_cast<int64_t>(op.getEnd()); ++i) {
    if (type.isDynamicDim(i))
      result.push_back({std::nullopt, op.getInput(), i});
    else
      result.push_back({type.getDimSize(i), {}, 0});
  }
  return result;
}

static std::optional<KnownInts> getKnownIntsOfConcat(ConcatOp op) {
  KnownInts result;
  for (Value input : op.getInputs()) {
    std::optional<KnownInts> part = getKnownInts(input);
    if (!part)
      return std::nullopt;
    result.append(*part);
  }
  return result;
}

static std::optional<KnownInts> getKnownIntsOfGather(GatherOp op) {
  std::optional<KnownInts> data = getKnownInts(op.getData());
  std::optional<SmallVector<int64_t>> indices = getConstantInts(op.getIndices());
  if (!data || !indices)
    return std::nullopt;
  KnownInts result;
  for (int64_t index : *indices) {
    index += index < 0 ? data->size() : 0;
    if (index < 0 || index >= static_cast<int64_t>(data->size()))
      return std::nullopt;
    result.push_back((*data)[index]);
  }
  return result;
}

static std::optional<KnownInts> getKnownIntsOfSlice(SliceOp op) {
  std::optional<KnownInts> input = getKnownInts(op.getInput());
  std::optional<SmallVector<int64_t>> starts = getConstantInts(op.getStarts()), ends = getConstantInts(op.getEnds());
  std::optional<SmallVector<int64_t>> steps =
      op.getSteps() ? getConstantInts(op.getSteps()) : SmallVector<int64_t>{1};
  if (!input || !starts || !ends || !steps || starts->size() != 1 || steps->front() == 0)
    return std::nullopt;
  SliceBounds bounds = clampSlice(input->size(), starts->front(), ends->front(), steps->front());
  KnownInts result;
  for (int64_t i = 0; i < bounds.size; ++i)
    result.push_back((*input)[bounds.start + i * steps->front()]);
  return result;
}

/// Arithmetic on known values; an unknown operand makes an unknown element.
static KnownInt combine(Operation *op, KnownInt lhs, KnownInt rhs) {
  if (isa<MulOp>(op) && lhs.value == 1)
    return rhs;
  if ((isa<MulOp, DivOp>(op) && rhs.value == 1) || (isa<AddOp, SubOp>(op) && rhs.value == 0))
    return lhs;
  if (isa<AddOp>(op) && lhs.value == 0)
    return rhs;
  if (!lhs.value || !rhs.value)
    return {};
  int64_t x = *lhs.value, y = *rhs.value, result;
  if (isa<AddOp>(op) && !llvm::AddOverflow(x, y, result))
    return {result, {}, 0};
  if (isa<SubOp>(op) && !llvm::SubOverflow(x, y, result))
    return {result, {}, 0};
  if (isa<MulOp>(op) && !llvm::MulOverflow(x, y, result))
    return {result, {}, 0};
  if (isa<DivOp>(op) && y > 0)
    return {x / y, {}, 0};
  if (isa<MaxOp, MinOp>(op))
    return {isa<MaxOp>(op) ? std::max(x, y) : std::min(x, y), {}, 0};
  return {};
}

static std::optional<KnownInts> getKnownIntsOfBinary(Operation *op) {
  std::optional<KnownInts> lhs = getKnownInts(op->getOperand(0)), rhs = getKnownInts(op->getOperand(1));
  if (!lhs || !rhs || lhs->empty() || rhs->empty())
    return std::nullopt;
  size_t size = lhs->size() == 1 ? rhs->size() : lhs->size();
  if (rhs->size() != 1 && rhs->size() != size)
    return std::nullopt;
  KnownInts result;
  for (size_t i = 0; i < size; ++i)
    result.push_back(combine(op, (*lhs)[lhs->size() == 1 ? 0 : i], (*rhs)[rhs->size() == 1 ? 0 : i]));
  return result;
}

/// Whether a comparison for equality holds, where that is known. An extent is
/// never negative.
static std::optional<bool> isEqual(const KnownInt &lhs, const KnownInt &rhs) {
  if (lhs.value && rhs.value)
    return *lhs.value == *rhs.value;
  const KnownInt &constant = lhs.value ? lhs : rhs, &extent = lhs.value ? rhs : lhs;
  if (constant.value && *constant.value < 0 && extent.tensor)
    return false;
  return lhs == rhs ? std::optional<bool>(true) : std::nullopt;
}

static std::optional<KnownInts> getKnownIntsOfCompare(CompareOp op) {
  std::optional<KnownInts> lhs = getKnownInts(op.getLhs()), rhs = getKnownInts(op.getRhs());
  if (op.getPredicate() != ComparePredicate::Equal || !lhs || !rhs)
    return std::nullopt;
  size_t size = lhs->size() == 1 ? rhs->size() : lhs->size();
  if (rhs->size() != 1 && rhs->size() != size)
    return std::nullopt;
  KnownInts result;
  for (size_t i = 0; i < size; ++i) {
    std::optional<bool> equal = isEqual((*lhs)[lhs->size() == 1 ? 0 : i], (*rhs)[rhs->size() == 1 ? 0 : i]);
    result.push_back(equal ? KnownInt{*equal, {}, 0} : KnownInt());
  }
  return result;
}

static std::optional<KnownInts> getKnownIntsOfWhere(WhereOp op) {
  std::optional<KnownInts> condition = getKnownInts(op.getCondition());
  std::optional<KnownInts> lhs = getKnownInts(op.getLhs()), rhs = getKnownInts(op.getRhs());
  if (!condition || !lhs || !rhs || condition->empty() || lhs->empty() || rhs->empty())
    return std::nullopt;
  size_t size = std::max({condition->size(), lhs->size(), rhs->size()});
  for (const KnownInts *ints : {&*condition, &*lhs, &*rhs})
    if (ints->size() != 1 && ints->size() != size)
      return std::nullopt;
  auto at = [](const KnownInts &ints, size_t i) { return ints[ints.size() == 1 ? 0 : i]; };
  KnownInts result;
  for (size_t i = 0; i < size; ++i) {
    KnownInt x = at(*lhs, i), y = at(*rhs, i), test = at(*condition, i);
    result.push_back(test.value ? (*test.value ? x : y) : x == y ? x : KnownInt());
  }
  return result;
}

/// Elements keep their order, but in matrices may have been reordered before.
static std::optional<KnownInts> getKnownIntsOfReshape(Operation *op) {
  if (cast<RankedTensorType>(op->getOperand(0).getType()).getRank() <= 1)
    return getKnownInts(op->getOperand(0));
  std::optional<MovedElements> moved = traceMovedElements(op->getOperand(0));
  std::optional<KnownInts> source = moved ? getKnownInts(moved->source) : std::nullopt;
  if (!source)
    return std::nullopt;
  return llvm::map_to_vector(moved->places, [&](int64_t place) { return (*source)[place]; });
}

static std::optional<KnownInts> getKnownIntsOfResult(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<KnownInts>>(op)
      .Case(getKnownIntsOfShape)
      .Case(getKnownIntsOfConcat)
      .Case(getKnownIntsOfGather)
      .Case(getKnownIntsOfSlice)
      .Case(getKnownIntsOfCompare)
      .Case(getKnownIntsOfWhere)
      .Case<AddOp, SubOp, MulOp, DivOp, MaxOp, MinOp>([](Operation *binary) { return getKnownIntsOfBinary(binary); })
      .Case<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp>(getKnownIntsOfReshape)
      .Case([](CastOp cast) -> std::optional<KnownInts> {
        Type to = cast.getTo();
        return to.isSignlessInteger(64) || to.isSignlessInteger(32) ? getKnownInts(cast.getInput()) : std::nullopt;
      })
      .Default(std::nullopt);
}

namespace {

/// What was found while one outermost call of getKnownInts lasts: arithmetic that uses a value twice at each step would
/// otherwise take a number of steps exponential in its length. Chains longer than the limit count as unknown.
struct KnownIntsSearch {
  static constexpr unsigned maxDepth = 64;

  KnownIntsSearch() : outer(current) {
    if (!outer)
      current = this;
    ++current->depth;
  }
  ~KnownIntsSearch() {
    --current->depth;
    current = outer ? current : nullptr;
  }

  static thread_local KnownIntsSearch *current;
  KnownIntsSearch *outer;
  unsigned depth = 0;
  DenseMap<Operation *, std::optional<KnownInts>> found;
};

thread_local KnownIntsSearch *KnownIntsSearch::current = nullptr;

} // namespace

static std::optional<KnownInts> searchKnownInts(Operation *op) {
  KnownIntsSearch search;
  KnownIntsSearch &shared = *KnownIntsSearch::current;
  if (shared.depth > KnownIntsSearch::maxDepth)
    return std::nullopt;
  if (auto found = shared.found.find(op); found != shared.found.end())
    return found->second;
  std::optional<KnownInts> known = getKnownIntsOfResult(op);
  shared.found[op] = known;
  return known;
}

std::optional<SmallVector<KnownInt>> getKnownInts(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() > 1 || !type.getElementType().isInteger())
    return std::nullopt;
  if (std::optional<SmallVector<int64_t>> ints = getConstantInts(value))
    return llvm::map_to_vector(*ints, [](int64_t i) { return KnownInt{i, {}, 0}; });
  if (Operation *op = value.getDefiningOp())
    if (std::optional<KnownInts> known = searchKnownInts(op))
      return known;
  if (!type.hasStaticShape() || type.getNumElements() > maxFoldedElements)
    return std::nullopt;
  return KnownInts(type.getNumElements());
}

std::optional<SmallVector<int64_t>> getKnownShape(Value shape) {
  std::optional<KnownInts> known = getKnownInts(shape);
  if (!known)
    return std::nullopt;
  return llvm::map_to_vector(*known, [](const KnownInt &i) { return i.value.value_or(ShapedType::kDynamic); });
}

OpFoldResult foldKnownInts(Operation *op) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.getRank() > 1 || !type.hasStaticShape() || !type.getElementType().isInteger())
    return {};
  std::optional<KnownInts> known = getKnownIntsOfResult(op);
  if (!known || static_cast<int64_t>(known->size()) != type.getNumElements() ||
      llvm::any_of(*known, [](const KnownInt &i) { return !i.value; }))
    return {};
  unsigned width = type.getElementTypeBitWidth();
  return DenseElementsAttr::get(type, llvm::map_to_vector(*known, [&](const KnownInt &i) {
                                  return APInt(64, *i.value, /*isSigned=*/true).trunc(width);
                                }));
}

} // namespace nnc::nn
