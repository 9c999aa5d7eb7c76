// Operands, attributes and results of one ONNX node.
#include "lib/Frontend/ONNX/NodeBinder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace nnc::onnx {

NodeBinder::NodeBinder(OpBuilder &builder, const ::onnx::NodeProto &node, int64_t opset, Location loc,
                       ArrayRef<Value> operands, TensorReader &tensors)
    : builder(builder), node(node), opset(opset), loc(loc), operands(operands), tensors(tensors) {}

LogicalResult NodeBinder::reject(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return failure();
}

//===--- Operands ---===//

Value NodeBinder::operand(unsigned index) {
  if (Value value = optionalOperand(index))
    return value;
  (void)reject("operand " + Twine(index) + " is missing");
  return {};
}

Value NodeBinder::optionalOperand(unsigned index) const {
  return index < operands.size() ? operands[index] : Value();
}

SmallVector<Value> NodeBinder::allOperands() {
  SmallVector<Value> all;
  for (unsigned i = 0; i < operands.size(); ++i)
    if (Value value = operand(i))
      all.push_back(value);
  return all;
}

RankedTensorType NodeBinder::getType(Value value) {
  return value ? cast<RankedTensorType>(value.getType()) : RankedTensorType();
}

int64_t NodeBinder::getRank(Value value) { return value ? getType(value).getRank() : 0; }

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
  auto elements = tensors.read(attribute->t());
  if (!elements) {
    (void)reject("attribute '" + name + "': " + llvm::toString(elements.takeError()));
    return {};
  }
  return arith::ConstantOp::create(builder, loc, cast<TypedAttr>(*elements));
}

int64_t NodeBinder::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  (void)reject("axis " + Twine(axis) + " is out of range for " + Twine(rank) + " dimensions");
  return 0;
}

int64_t NodeBinder::axisAttr(StringRef name, int64_t otherwise, Value of) {
  int64_t axis = intAttr(name, otherwise);
  return of ? normalizeAxis(axis, getRank(of)) : 0;
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

//===--- Building ---===//

SmallVector<Value> NodeBinder::finish(OperationState &state, Infer infer) {
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  SmallVector<Type> types;
  if (::failed(infer(builder.getContext(), loc, state, types))) {
    (void)reject(message.empty() ? Twine("shapes or types do not fit") : Twine(message));
    return {};
  }
  for (Type type : types) {
    SmallVector<int64_t> known;
    for (int64_t extent : cast<RankedTensorType>(type).getShape())
      if (!ShapedType::isDynamic(extent))
        known.push_back(extent);
    if (!countElements(known)) {
      (void)reject("a result is too large");
      return {};
    }
  }
  state.types.assign(types.begin(), types.end());
  Operation *op = builder.create(state);
  if (::failed(verify(op, /*verifyRecursively=*/false))) {
    (void)reject(message.empty() ? Twine("invalid operation") : Twine(message));
    op->erase();
    return {};
  }
  SmallVector<Value> folded;
  // Folded in place, an operation has no values to take its place.
  if (succeeded(builder.tryFold(op, folded)) && !folded.empty()) {
    op->erase();
    return folded;
  }
  return SmallVector<Value>(op->getResults());
}

Value NodeBinder::ints(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getI64Type());
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, values));
}

Value NodeBinder::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute element;
  if (isa<FloatType>(elementType))
    element = builder.getFloatAttr(elementType, value);
  else
    element = builder.getIntegerAttr(elementType, static_cast<int64_t>(value));
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, element));
}

LogicalResult NodeBinder::result(Value value) {
  if (!value || failed())
    return failure();
  results.push_back(value);
  return success();
}

} // namespace nnc::onnx
