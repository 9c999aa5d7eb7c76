// Imports calls of a model's functions: their bodies, in the place of the call.
#include "lib/Frontend/ONNX/GraphImporter.h"

using namespace mlir;

namespace nnc::onnx {

/// The value that a function gives an attribute which its caller leaves out, if it does.
/// Read from the wire, because older versions of libonnx do not know the field.
static std::optional<::onnx::AttributeProto> findDefault(const ::onnx::FunctionProto &function, StringRef name) {
  static constexpr int attributeProto = 11; // FunctionProto.attribute_proto of onnx.proto, from IR version 9 on
  google::protobuf::UnknownFieldSet fields;
  if (!fields.ParseFromString(function.SerializeAsString()))
    return std::nullopt;
  for (int i = 0; i < fields.field_count(); ++i) {
    const auto &field = fields.field(i);
    ::onnx::AttributeProto attribute;
    if (field.number() == attributeProto && field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED &&
        attribute.ParseFromString(field.length_delimited()) && attribute.name() == name)
      return attribute;
  }
  return std::nullopt;
}

/// A copy of a function's node in which references to the function's attributes are replaced by the caller's values.
static bool bindAttributes(const ::onnx::NodeProto &caller, const ::onnx::FunctionProto &function,
                           ::onnx::NodeProto &node) {
  for (int i = node.attribute_size() - 1; i >= 0; --i) {
    ::onnx::AttributeProto *attribute = node.mutable_attribute(i);
    if (attribute->has_g())
      for (auto &inner : *attribute->mutable_g()->mutable_node())
        if (!bindAttributes(caller, function, inner))
          return false;
    if (attribute->ref_attr_name().empty())
      continue;
    const auto &given = caller.attribute();
    auto value = llvm::find_if(given, [&](const auto &a) { return a.name() == attribute->ref_attr_name(); });
    auto bound = value == given.end() ? findDefault(function, attribute->ref_attr_name()) : std::optional(*value);
    if (!bound) {
      node.mutable_attribute()->DeleteSubrange(i, 1); // the operator's own default
      continue;
    }
    std::string name = attribute->name();
    *attribute = *bound;
    attribute->set_name(name);
  }
  return true;
}

/// Makes the names `missing` empty among the inputs of `node` and of the nodes in its inner graphs.
static void clearInputs(::onnx::NodeProto &node, const llvm::StringSet<> &missing) {
  for (std::string &input : *node.mutable_input())
    if (missing.contains(input))
      input.clear();
  for (auto &attribute : *node.mutable_attribute()) {
    if (!attribute.has_g())
      continue;
    llvm::StringSet<> captured = missing;
    for (const auto &input : attribute.g().input())
      captured.erase(input.name());
    for (auto &inner : *attribute.mutable_g()->mutable_node())
      clearInputs(inner, captured);
  }
}

bool GraphImporter::importFunction(const ::onnx::FunctionProto &function, const ::onnx::NodeProto &node, unsigned depth,
                                   ArrayRef<GraphValue> operands, SmallVectorImpl<GraphValue> &results) {
  int64_t opset = 0;
  if (operands.size() > static_cast<size_t>(function.input_size()) || node.output_size() > function.output_size()) {
    block(node, opset, "the call does not fit its function");
    return false;
  }
  Scope scope;
  for (auto [name, value] : llvm::zip(function.input(), operands))
    if (value)
      scope.define(name, value);
  Nodes body = function.node();
  for (auto &inner : body)
    if (!bindAttributes(node, function, inner))
      return false;
  // Inputs that the caller leaves out are empty names inside.
  llvm::StringSet<> missing;
  for (const std::string &name : function.input())
    if (!scope.isDefined(name))
      missing.insert(name);
  for (auto &inner : body)
    clearInputs(inner, missing);
  if (!importNodes(body, readOpsets(function.opset_import()), scope, depth + 1))
    return false;
  for (const std::string &output : function.output()) {
    GraphValue value = lookup(scope, output);
    if (!value) {
      block(node, opset, "the function does not produce '" + output + "'");
      return false;
    }
    results.push_back(value);
  }
  return true;
}

} // namespace nnc::onnx
