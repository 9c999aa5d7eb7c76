// ONNX operators on sequences, optionals and maps. Nothing of them is left in the module:
// they arrange values.
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/SequenceEdits.h"
#include "lib/Frontend/ONNX/Strings.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// Operand `index`, a tensor; null where it is left out.
static Value bindTensor(NodeBinder &node, unsigned index) {
  return node.anyOperand(index) ? node.operand(index) : Value();
}

/// Operand `index` as a position; nullopt where it is left out.
static std::optional<Position> bindPosition(NodeBinder &node, unsigned index) {
  Expression value(node, bindTensor(node, index));
  if (!value)
    return std::nullopt;
  if (auto ints = nn::getConstantInts(value); ints && ints->size() == 1)
    return Position{ints->front(), {}};
  bool isInteger = value.getElementType().isInteger(32) || value.getElementType().isInteger(64);
  if (!isInteger || llvm::any_of(NodeBinder::getShape(value), [](int64_t extent) { return extent != 1; })) {
    (void)node.reject("a position must be one integer");
    return std::nullopt;
  }
  return Position{std::nullopt, value.cast(node.getBuilder().getI64Type()).reshape({1})};
}

//===--- Making sequences ---===//

static LogicalResult importSequenceEmpty(NodeBinder &node) {
  int64_t dataType = node.intAttr("dtype", ::onnx::TensorProto::FLOAT);
  Type type = isStringType(dataType) ? node.getBuilder().getIndexType() : node.elementType(dataType);
  return type ? node.result(Sequence(type)) : failure();
}

static LogicalResult importSequenceConstruct(NodeBinder &node) {
  Sequence sequence;
  for (Value element : node.allOperands())
    sequence = insertElement(node, sequence, element, std::nullopt);
  if (!node.failed() && sequence.elements.empty())
    return node.reject("it has no operands");
  return node.result(sequence);
}

/// Parts of an axis, each from where the one before ends; `sizes` are known.
static Sequence cut(NodeBinder &node, Expression x, int64_t axis, ArrayRef<int64_t> sizes, bool keepsAxis) {
  Sequence sequence(x.getElementType());
  int64_t start = 0;
  for (int64_t size : sizes) {
    Expression part = x.slice(axis, start, start + size);
    sequence.elements.push_back(keepsAxis ? part : part.squeeze({axis}));
    start += size;
  }
  return sequence;
}

/// All elements of an axis, of which the number is not known, each an element.
static Sequence cutIntoOnes(NodeBinder &node, Expression x, int64_t axis, bool keepsAxis) {
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, x.getRank()));
  permutation.erase(permutation.begin() + axis);
  permutation.insert(permutation.begin(), axis);
  Expression stack = axis ? x.transpose(permutation) : x;
  return Sequence(x.getElementType(), keepsAxis ? stack.unsqueeze({axis + 1}) : stack);
}

/// Parts of sizes that only a run knows; that these come out is required.
static Sequence cutAtRunTime(NodeBinder &node, Expression x, int64_t axis, Expression sizes) {
  Sequence sequence(x.getElementType());
  Expression zero = Expression::ints(node, {0}), start = zero, isFitting;
  for (int64_t i = 0; i < sizes.getExtent(0); ++i) {
    Expression size = sizes.slice(0, i, i + 1), isSize = size >= zero;
    isFitting = isFitting ? isFitting & isSize : isSize;
    start = start + size;
  }
  x = {node, require(node, x, isFitting & start.equals(x.extent(axis)))};
  start = zero;
  for (int64_t i = 0; i < sizes.getExtent(0) && !node.failed(); ++i) {
    Expression end = start + sizes.slice(0, i, i + 1);
    sequence.elements.push_back(x.slice(axis, start, end));
    start = end;
  }
  return sequence;
}

static LogicalResult importSplitToSequence(NodeBinder &node) {
  Expression x(node, node.operand(0)), split(node, bindTensor(node, 1));
  int64_t axis = node.axisAttr("axis", 0, x);
  bool keepsAxis = node.intAttr("keepdims", 1) || split;
  if (node.failed())
    return failure();
  int64_t extent = x.getExtent(axis);
  bool isExtentKnown = !ShapedType::isDynamic(extent), isList = split && split.getRank() == 1;
  auto known = split ? nn::getConstantInts(split) : std::optional(SmallVector<int64_t>{1});
  if (split && split.getRank() > 1)
    return node.reject("the sizes of the parts must be a number or a list");
  if (!known) {
    if (!isList || ShapedType::isDynamic(split.getExtent(0)) || split.getExtent(0) < 1 || split.getExtent(0) > maxListedElements)
      return node.reject("into how many parts it cuts must be known at compile time");
    return node.result(cutAtRunTime(node, x, axis, split.cast(node.getBuilder().getI64Type())));
  }
  if (!isList) {
    if (known->front() < 1)
      return node.reject("the size of the parts must be positive");
    if (!isExtentKnown && known->front() == 1)
      return node.result(cutIntoOnes(node, x, axis, keepsAxis));
    if (!isExtentKnown)
      return node.reject("the extent that it cuts must be known at compile time");
    int64_t size = known->front(), rest = extent % size;
    if (extent / size > maxListedElements)
      return node.reject("it cuts into more than " + Twine(maxListedElements) + " parts");
    known->assign(extent / size, size);
    if (rest)
      known->push_back(rest);
    return node.result(cut(node, x, axis, *known, keepsAxis));
  }
  int64_t sum = 0;
  for (int64_t size : *known) {
    if (size < 0 || size > (int64_t(1) << 40) || known->size() > static_cast<size_t>(maxListedElements))
      return node.reject("the sizes of the parts are negative, or too large");
    sum += size;
  }
  if (isExtentKnown && sum != extent)
    return node.reject("the sizes of the parts do not sum to the extent " + Twine(extent));
  if (!isExtentKnown)
    x = {node, require(node, x, x.extent(axis).equals(Expression::ints(node, {sum})))};
  return node.result(cut(node, x, axis, *known, keepsAxis));
}

//===--- Elements ---===//

static LogicalResult importSequenceAt(NodeBinder &node) {
  Sequence sequence = node.sequenceOperand(0);
  (void)node.operand(1);
  std::optional<Position> position = bindPosition(node, 1);
  if (node.failed())
    return failure();
  return node.result(selectElement(node, sequence, *position));
}

static LogicalResult importSequenceInsert(NodeBinder &node) {
  std::optional<Position> position = bindPosition(node, 2);
  GraphValue given = node.anyOperand(0);
  // What a loop collects may be behind an open end.
  bool isCollected = given.isSequence() && given.getSequence().collectedFor && !position;
  Sequence sequence = isCollected ? given.getSequence() : node.sequenceOperand(0);
  Value element = node.operand(1);
  if (node.failed())
    return failure();
  return node.result(insertElement(node, sequence, element, position));
}

static LogicalResult importSequenceErase(NodeBinder &node) {
  Sequence sequence = node.sequenceOperand(0);
  std::optional<Position> position = bindPosition(node, 1);
  return node.result(eraseElement(node, sequence, position));
}

static LogicalResult importSequenceLength(NodeBinder &node) {
  Expression size = countElements(node, node.sequenceOperand(0));
  return node.failed() ? failure() : node.result(size.reshape(ArrayRef<int64_t>{}));
}

static LogicalResult importConcatFromSequence(NodeBinder &node) {
  Sequence sequence = node.sequenceOperand(0);
  int64_t axis = node.intAttr("axis", 0), isNewAxis = node.intAttr("new_axis", 0);
  if (!node.hasAttr("axis"))
    return node.reject("it has no axis");
  return node.result(concatElements(node, sequence, axis, isNewAxis != 0));
}

//===--- Optionals ---===//

static LogicalResult importIdentity(NodeBinder &node) {
  GraphValue value = node.anyOperand(0);
  return value ? node.result(value) : node.reject("operand 0 is missing");
}

static LogicalResult importOptional(NodeBinder &node) {
  const ::onnx::TypeProto *type = node.typeAttr("type");
  if (GraphValue value = node.anyOperand(0))
    return node.result(value);
  return type ? node.result(GraphValue::absent()) : node.reject("it has neither an element nor a type");
}

static LogicalResult importOptionalHasElement(NodeBinder &node) {
  GraphValue value = node.anyOperand(0);
  if (value.hasElement)
    return node.result(value.hasElement);
  auto type = RankedTensorType::get({}, node.getBuilder().getI1Type());
  return node.result(node.constant(DenseElementsAttr::get(type, value && !value.isAbsent())));
}

static LogicalResult importOptionalGetElement(NodeBinder &node) {
  GraphValue value = node.anyOperand(0);
  if (!value || value.isAbsent())
    return node.reject("the optional has no element");
  if (!value.hasElement)
    return node.result(value);
  Expression hasElement(node, value.hasElement);
  value.hasElement = {};
  // A run goes on with zeros, and ends with an error.
  requireOfData(node, hasElement, "an optional has an element where it is read");
  return node.failed() ? failure() : node.result(value);
}

//===--- Maps ---===//

/// The values of a map in the order of the vocabulary: what a map is here.
static LogicalResult importDictVectorizer(NodeBinder &node) {
  GraphValue map = node.anyOperand(0);
  SmallVector<std::string> keys = node.stringsAttr("string_vocabulary");
  for (int64_t key : node.intsAttr("int64_vocabulary"))
    keys.push_back(std::to_string(key));
  if (node.failed())
    return failure();
  if (map.keys.empty())
    return node.reject("it reads what is no map");
  if (ArrayRef<std::string>(map.keys) != ArrayRef<std::string>(keys))
    return node.reject("two of them read one map by different vocabularies");
  return node.result(map.getTensor());
}

static const OpEntry table[] = {
    {"ConcatFromSequence", 11, importConcatFromSequence},
    {"DictVectorizer", 1, importDictVectorizer, "ai.onnx.ml"},
    {"Identity", 1, importIdentity},
    {"Optional", 15, importOptional},
    {"OptionalGetElement", 15, importOptionalGetElement},
    {"OptionalHasElement", 15, importOptionalHasElement},
    {"SequenceAt", 11, importSequenceAt},
    {"SequenceConstruct", 11, importSequenceConstruct},
    {"SequenceEmpty", 11, importSequenceEmpty},
    {"SequenceErase", 11, importSequenceErase},
    {"SequenceInsert", 11, importSequenceInsert},
    {"SequenceLength", 11, importSequenceLength},
    {"SplitToSequence", 11, importSplitToSequence},
};

ArrayRef<OpEntry> getSequenceOps() { return table; }

} // namespace nnc::onnx
