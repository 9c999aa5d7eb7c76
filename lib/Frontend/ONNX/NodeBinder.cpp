// Operands, attributes and results of one ONNX node.
#include "lib/Frontend/ONNX/NodeBinder.h"

#include "lib/Frontend/ONNX/SparseConstants.h"
#include "lib/Frontend/ONNX/Strings.h"

using namespace mlir;

namespace nnc::onnx {

NodeBinder::NodeBinder(OpBuilder &builder, const ::onnx::NodeProto &node, int64_t opset, Location loc,
                       ArrayRef<GraphValue> operands, TensorReader &tensors,
                       const llvm::StringMap<int64_t> &declaredRanks)
    : NodeBuilder(builder, loc), node(node), opset(opset), tensors(tensors),
      declaredRanks(declaredRanks), values(operands) {
  for (const GraphValue &value : operands)
    this->operands.push_back(value.isTensor() ? value.getTensor() : Value());
}

//===--- Operands ---===//

Value NodeBinder::operand(unsigned index) {
  if (Value value = optionalOperand(index))
    return value;
  if (GraphValue value = anyOperand(index))
    (void)reject("operand " + Twine(index) + " is " + value.describe() + ", not a tensor");
  else
    (void)reject("operand " + Twine(index) + " is missing");
  return {};
}

Value NodeBinder::optionalOperand(unsigned index) const {
  return index < operands.size() ? operands[index] : Value();
}

GraphValue NodeBinder::anyOperand(unsigned index) const {
  return index < values.size() ? values[index] : GraphValue();
}

Sequence NodeBinder::sequenceOperand(unsigned index) {
  GraphValue value = anyOperand(index);
  if (value.isSequence() && value.getSequence().collectedFor) {
    (void)reject("operand " + Twine(index) + " is a sequence that its loop is about to make");
    return {};
  }
  if (value.isSequence() && !value.hasElement)
    return value.getSequence();
  (void)reject("operand " + Twine(index) + " is " + value.describe() + ", not a sequence");
  return {};
}

SmallVector<Value> NodeBinder::allOperands() {
  SmallVector<Value> all;
  for (unsigned i = 0; i < operands.size(); ++i)
    if (Value value = operand(i))
      all.push_back(value);
  return all;
}

SmallVector<int64_t> NodeBinder::constantInts(unsigned index) {
  Value value = optionalOperand(index);
  if (!value)
    return {};
  if (auto ints = nn::getConstantInts(value))
    return *ints;
  (void)reject("operand " + Twine(index) + " must be known at compile time");
  return {};
}

bool NodeBinder::wantsResult(unsigned index) const {
  return static_cast<int>(index) < node.output_size() && !node.output(index).empty();
}

std::optional<int64_t> NodeBinder::getDeclaredRank(int index) const {
  auto found = index < node.output_size() ? declaredRanks.find(node.output(index)) : declaredRanks.end();
  return found == declaredRanks.end() ? std::nullopt : std::optional(found->second);
}

//===--- Attributes ---===//

const ::onnx::AttributeProto *NodeBinder::findAttr(StringRef name, ::onnx::AttributeProto::AttributeType type) {
  understood.insert(name);
  for (const ::onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.name() != name)
      continue;
    if (!attribute.ref_attr_name().empty()) {
      (void)reject("attribute '" + name + "' refers to the attribute of a function, but the node is in none");
      return nullptr;
    }
    // Old files leave the type out.
    if (attribute.type() == type || attribute.type() == ::onnx::AttributeProto::UNDEFINED)
      return &attribute;
    (void)reject("attribute '" + name + "' has the wrong type");
    return nullptr;
  }
  return nullptr;
}

bool NodeBinder::hasAttr(StringRef name) {
  return llvm::any_of(node.attribute(), [&](const auto &attribute) { return attribute.name() == name; });
}

int64_t NodeBinder::intAttr(StringRef name, int64_t otherwise) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::INT);
  return attribute ? attribute->i() : otherwise;
}

double NodeBinder::floatAttr(StringRef name, double otherwise) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::FLOAT);
  return attribute ? attribute->f() : otherwise;
}

std::string NodeBinder::stringAttr(StringRef name, StringRef otherwise) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::STRING);
  return attribute ? attribute->s() : otherwise.str();
}

SmallVector<int64_t> NodeBinder::intsAttr(StringRef name, ArrayRef<int64_t> otherwise) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::INTS);
  if (!attribute)
    return SmallVector<int64_t>(otherwise);
  return SmallVector<int64_t>(attribute->ints().begin(), attribute->ints().end());
}

SmallVector<double> NodeBinder::floatsAttr(StringRef name, ArrayRef<double> otherwise) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::FLOATS);
  if (!attribute)
    return SmallVector<double>(otherwise);
  return SmallVector<double>(attribute->floats().begin(), attribute->floats().end());
}

SmallVector<std::string> NodeBinder::stringsAttr(StringRef name, ArrayRef<std::string> otherwise) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::STRINGS);
  if (!attribute)
    return SmallVector<std::string>(otherwise);
  return SmallVector<std::string>(attribute->strings().begin(), attribute->strings().end());
}

Value NodeBinder::tensorAttr(StringRef name) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::TENSOR);
  if (!attribute)
    return {};
  if (isStringType(attribute->t().data_type())) {
    auto strings = createStrings(builder, loc, attribute->t());
    if (strings)
      return *strings;
    (void)reject("attribute '" + name + "': " + llvm::toString(strings.takeError()));
    return {};
  }
  auto elements = tensors.read(attribute->t());
  if (!elements) {
    (void)reject("attribute '" + name + "': " + llvm::toString(elements.takeError()));
    return {};
  }
  return constant(*elements);
}

Value NodeBinder::sparseAttr(StringRef name) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::SPARSE_TENSOR);
  if (attribute)
    return createDense(*this, tensors, attribute->sparse_tensor());
  (void)reject("attribute '" + name + "' is missing");
  return {};
}

int64_t NodeBinder::axisAttr(StringRef name, int64_t otherwise, Value of) {
  int64_t axis = intAttr(name, otherwise);
  return of ? normalizeAxis(axis, getRank(of)) : 0;
}

const ::onnx::TypeProto *NodeBinder::typeAttr(StringRef name) {
  const auto *attribute = findAttr(name, ::onnx::AttributeProto::TYPE_PROTO);
  return attribute ? &attribute->tp() : nullptr;
}

void NodeBinder::ignoreAttrs(std::initializer_list<StringRef> names) {
  for (StringRef name : names)
    understood.insert(name);
}

Type NodeBinder::elementType(int64_t dataType) {
  if (Type type = getElementType(builder.getContext(), dataType))
    return type;
  (void)reject("element type " + Twine(dataType) + " is not supported");
  return {};
}

SmallVector<std::string> NodeBinder::getUnknownAttrs() const {
  SmallVector<std::string> unknown;
  for (const ::onnx::AttributeProto &attribute : node.attribute())
    if (!understood.contains(attribute.name()))
      unknown.push_back(attribute.name());
  return unknown;
}

void NodeBinder::widenHalf() {
  for (Value &operand : operands) {
    if (!operand || !getElementTypeOrSelf(operand).isF16())
      continue;
    narrow = getElementTypeOrSelf(operand);
    operand = create<nn::CastOp>(operand, getBuilder().getF32Type());
  }
}

LogicalResult NodeBinder::result(Value value) {
  if (value && narrow && getElementTypeOrSelf(value).isF32())
    value = create<nn::CastOp>(value, narrow);
  return result(GraphValue(value));
}

LogicalResult NodeBinder::result(GraphValue value) {
  if (!value || failed())
    return failure();
  results.push_back(value);
  return success();
}

} // namespace nnc::onnx
