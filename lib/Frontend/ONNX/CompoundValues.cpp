// Inputs and outputs of a model that are sequences or optionals: as many inputs and
// outputs of @main as they have elements. A map is a row of its values.
#include "lib/Frontend/ONNX/GraphImporter.h"

#include "lib/Frontend/ONNX/SequenceEdits.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static std::string getElementName(StringRef name, int64_t element) {
  return (name + "_" + Twine(element)).str();
}

bool GraphImporter::checkElementCounts() {
  bool ok = true;
  for (const auto &given : elementCounts) {
    const auto &inputs = model->graph().input();
    if (llvm::none_of(inputs, [&](const ::onnx::ValueInfoProto &input) {
          return input.name() == given.first() &&
                 (input.type().has_sequence_type() || input.type().has_optional_type());
        })) {
      blockModel("--elements: there is no input '" + given.first() + "' that is a sequence or an optional");
      ok = false;
    }
  }
  return ok;
}

/// An optional sequence comes twice.
void GraphImporter::addCompound(StringRef name) {
  if (!llvm::is_contained(compounds, name))
    compounds.push_back(name.str());
}

/// One tensor, of rank one more than its elements.
static ::onnx::TypeProto stackType(const ::onnx::TypeProto &element) {
  ::onnx::TypeProto type;
  auto *tensor = type.mutable_tensor_type();
  tensor->set_elem_type(element.tensor_type().elem_type());
  if (element.tensor_type().has_shape()) {
    tensor->mutable_shape()->add_dim();
    for (const auto &dim : element.tensor_type().shape().dim())
      *tensor->mutable_shape()->add_dim() = dim;
  }
  return type;
}

/// The keys, as text, by which a DictVectorizer reads the map `name`; empty where there is none.
static std::vector<std::string> findVocabulary(const ::onnx::GraphProto &graph, StringRef name) {
  std::vector<std::string> keys;
  for (const ::onnx::NodeProto &node : graph.node()) {
    if (!keys.empty() || node.domain() != "ai.onnx.ml" || node.op_type() != "DictVectorizer" ||
        !llvm::is_contained(node.input(), name))
      continue;
    for (const ::onnx::AttributeProto &attribute : node.attribute()) {
      llvm::append_range(keys, attribute.strings());
      for (int64_t key : attribute.ints())
        keys.push_back(std::to_string(key));
    }
  }
  return keys;
}

GraphValue GraphImporter::addMapInput(frontend::ModelBuilder &main, const ::onnx::ValueInfoProto &input) {
  std::vector<std::string> keys = findVocabulary(model->graph(), input.name());
  if (keys.empty()) {
    blockModel("input '" + input.name() + "' is a map that no DictVectorizer reads: nothing tells its keys");
    return {};
  }
  ::onnx::TypeProto type;
  auto *row = type.mutable_tensor_type();
  row->set_elem_type(input.type().map_type().value_type().tensor_type().elem_type());
  row->mutable_shape()->add_dim()->set_dim_value(1);
  row->mutable_shape()->add_dim()->set_dim_value(static_cast<int64_t>(keys.size()));
  SmallVector<std::string> symbols;
  RankedTensorType tensor = getInputType(input.name(), type, symbols);
  if (!tensor)
    return {};
  GraphValue value = main.addInput(input.name(), tensor, symbols);
  value.keys = std::move(keys);
  return value;
}

GraphValue GraphImporter::addCompoundInput(frontend::ModelBuilder &main, const ::onnx::ValueInfoProto &input) {
  if (input.type().has_map_type())
    return addMapInput(main, input);
  const std::string &name = input.name();
  addCompound(name);
  auto fail = [&](const Twine &reason) {
    blockModel("input '" + name + "' " + reason);
    return GraphValue();
  };
  auto given = elementCounts.find(name);
  std::optional<int64_t> count;
  if (given != elementCounts.end())
    count = given->second;
  bool isOptional = input.type().has_optional_type();
  if (count == frontend::noElement)
    return isOptional ? GraphValue::absent() : fail("is a sequence, which may have 0 elements, but not none");
  const ::onnx::TypeProto &type = isOptional ? input.type().optional_type().elem_type() : input.type();
  // Equal symbols of elements are not one extent: each element has a shape of its own.
  auto add = [&](const std::string &name, const ::onnx::TypeProto &type) {
    SmallVector<std::string> symbols;
    RankedTensorType tensor = getInputType(name, type, symbols);
    return tensor ? main.addInput(name, tensor, SmallVector<std::string>(tensor.getRank())) : Value();
  };
  if (isOptional && !type.has_sequence_type()) {
    if (count)
      return fail("is an optional tensor; --elements can only say that it has none");
    return add(name, type);
  }
  const ::onnx::TypeProto &element = type.sequence_type().elem_type();
  if (!count)
    return fail("is a sequence; give the number of its elements with --elements " + name + "=N");
  if (count == frontend::anyNumber) {
    Value stack = element.has_tensor_type() ? add(name, stackType(element)) : add(name, element);
    if (!stack || cast<RankedTensorType>(stack.getType()).getRank() < 1)
      return {};
    return Sequence(getElementTypeOrSelf(stack.getType()), stack);
  }
  if (*count > maxListedElements)
    return fail("cannot have more than " + Twine(maxListedElements) + " elements");
  Sequence sequence(getElementType(builder.getContext(), element.tensor_type().elem_type()));
  for (int64_t i = 0; i < *count; ++i) {
    std::string elementName = getElementName(name, i);
    if (llvm::any_of(model->graph().input(), [&](const auto &other) { return other.name() == elementName; }))
      return fail("has an element of which the name, '" + elementName + "', is that of another input");
    Value value = add(elementName, element);
    if (!value)
      return {};
    sequence.elements.push_back(value);
  }
  return sequence;
}

bool GraphImporter::addCompoundOutput(frontend::ModelBuilder &main, StringRef name, const GraphValue &value) {
  addCompound(name);
  auto fail = [&](const Twine &reason) {
    blockModel("output '" + name + "' " + reason);
    return false;
  };
  auto isTaken = [&](StringRef name) {
    return llvm::any_of(model->graph().output(), [&](const auto &other) { return other.name() == name; });
  };
  if (value.hasElement) {
    GraphValue element = value;
    element.hasElement = {};
    std::string flag = (name + "_has_element").str();
    if (isTaken(flag))
      return fail("is an optional of which the boolean, '" + flag + "', has the name of another output");
    if (element.isTensor())
      main.addOutput(name, element.getTensor());
    else if (!addCompoundOutput(main, name, element))
      return false;
    main.addOutput(flag, value.hasElement);
    return true;
  }
  if (value.isAbsent())
    return true;
  const Sequence &sequence = value.getSequence();
  if (!sequence.isListed()) {
    frontend::NodeBuilder node(builder, NameLoc::get(builder.getStringAttr(name)));
    Expression stack(node, sequence.stack);
    if (sequence.length)
      stack = stack.slice(0, Expression::ints(node, {0}), Expression(node, sequence.length));
    if (node.failed())
      return fail(node.getReason());
    main.addOutput(name, stack);
    return true;
  }
  for (auto [i, element] : llvm::enumerate(sequence.elements)) {
    std::string elementName = getElementName(name, i);
    if (isTaken(elementName))
      return fail("has an element of which the name, '" + elementName + "', is that of another output");
    main.addOutput(elementName, element);
  }
  return true;
}

} // namespace nnc::onnx
