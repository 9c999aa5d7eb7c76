// Names, types, weights and nodes of an ONNX graph.
#include "lib/Export/ONNX/GraphWriter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc::onnx_export {

using ::onnx::AttributeProto;
using ::onnx::TensorProto;

int32_t getDataType(Type type) {
  if (type.isF32())
    return TensorProto::FLOAT;
  if (type.isF64())
    return TensorProto::DOUBLE;
  if (type.isF16())
    return TensorProto::FLOAT16;
  if (type.isBF16())
    return TensorProto::BFLOAT16;
  if (type.isIndex())
    return TensorProto::STRING;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return TensorProto::UNDEFINED;
  switch (integer.getWidth()) {
  case 1:
    return TensorProto::BOOL;
  case 8:
    return integer.isUnsigned() ? TensorProto::UINT8 : TensorProto::INT8;
  case 16:
    return integer.isUnsigned() ? TensorProto::UINT16 : TensorProto::INT16;
  case 32:
    return integer.isUnsigned() ? TensorProto::UINT32 : TensorProto::INT32;
  case 64:
    return integer.isUnsigned() ? TensorProto::UINT64 : TensorProto::INT64;
  default:
    return TensorProto::UNDEFINED;
  }
}

std::string getRawData(ElementsAttr elements) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
    ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
    return std::string(data.begin(), data.end());
  }
  auto dense = cast<DenseElementsAttr>(elements);
  if (dense.getElementType().isInteger(1)) {
    std::string bytes;
    for (bool bit : dense.getValues<bool>())
      bytes.push_back(bit ? 1 : 0);
    return bytes;
  }
  ArrayRef<char> data = dense.getRawData();
  std::string bytes(data.begin(), data.end());
  if (!dense.isSplat())
    return bytes;
  std::string all;
  for (int64_t i = 0; i < dense.getNumElements(); ++i)
    all += bytes;
  return all;
}

static std::string getLayerName(Location loc, StringRef otherwise) {
  auto name = dyn_cast<NameLoc>(loc);
  return name && !name.getName().empty() ? name.getName().str() : otherwise.str();
}

std::string GraphWriter::makeUnique(StringRef wanted) {
  unsigned &count = used[wanted];
  if (count++ == 0)
    return wanted.str();
  return makeUnique((wanted + "_" + Twine(count)).str());
}

static void setType(::onnx::ValueInfoProto &info, RankedTensorType type, ArrayAttr symbols) {
  auto &tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(getDataType(type.getElementType()));
  tensor.mutable_shape();
  for (auto [i, extent] : llvm::enumerate(type.getShape())) {
    auto &dim = *tensor.mutable_shape()->add_dim();
    if (!ShapedType::isDynamic(extent))
      dim.set_dim_value(extent);
    else if (symbols && i < symbols.size() && !cast<StringAttr>(symbols[i]).empty())
      dim.set_dim_param(cast<StringAttr>(symbols[i]).str());
  }
}

LogicalResult GraphWriter::declare(func::FuncOp main) {
  auto declareValue = [&](::onnx::ValueInfoProto &info, Type type, StringAttr name, ArrayAttr symbols) {
    info.set_name(name.str());
    used[name.getValue()] = 1;
    setType(info, cast<RankedTensorType>(type), symbols);
    if (getDataType(getElementTypeOrSelf(type)))
      return success();
    return LogicalResult(main.emitError("ONNX has no element type for '") << name.getValue() << "' of type " << type);
  };
  for (BlockArgument argument : main.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name");
    names[argument] = name.str();
    if (failed(declareValue(*graph->add_input(), argument.getType(), name, main.getArgAttrOfType<ArrayAttr>(i, "nn.symbols"))))
      return failure();
  }
  Operation *terminator = main.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    auto name = main.getResultAttrOfType<StringAttr>(i, "nn.name");
    if (failed(declareValue(*graph->add_output(), value.getType(), name, {})))
      return failure();
    bool hasNode = value.getDefiningOp() && !matchPattern(value, m_Constant());
    if (hasNode)
      names.try_emplace(value, name.str());
  }
  return success();
}

void GraphWriter::passThrough(func::FuncOp main) {
  Operation *terminator = main.getBody().front().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    std::string output = main.getResultAttrOfType<StringAttr>(i, "nn.name").str(), name = getName(value);
    if (name != output)
      addNode("Identity", output, {name}, {output}, {});
  }
}

std::string GraphWriter::getName(Value value) {
  if (!value)
    return "";
  auto found = names.find(value);
  if (found != names.end())
    return found->second;
  ElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)))
    return names[value] = addConstant(getLayerName(value.getLoc(), "constant"), elements);
  auto result = cast<OpResult>(value);
  std::string wanted = getLayerName(value.getLoc(), result.getOwner()->getName().stripDialect());
  if (result.getResultNumber())
    wanted += "_" + std::to_string(result.getResultNumber());
  return names[value] = makeUnique(wanted);
}

std::string GraphWriter::addBytes(StringRef name, RankedTensorType type, std::string bytes) {
  std::string unique = makeUnique(name);
  TensorProto &tensor = *root.add_initializer();
  tensor.set_name(unique);
  tensor.set_data_type(getDataType(type.getElementType()));
  for (int64_t extent : type.getShape())
    tensor.add_dims(extent);
  tensor.set_raw_data(std::move(bytes));
  return unique;
}

std::string GraphWriter::addConstant(StringRef name, ElementsAttr elements) {
  return addBytes(name, cast<RankedTensorType>(elements.getShapedType()), getRawData(elements));
}

bool GraphWriter::defineConstant(Value value, RankedTensorType type, std::string bytes) {
  if (names.contains(value))
    return false;
  names[value] = addBytes(getLayerName(value.getLoc(), "constant"), type, std::move(bytes));
  return true;
}

std::string GraphWriter::addInput(StringRef name, RankedTensorType type, Value value) {
  std::string unique = makeUnique(name);
  ::onnx::ValueInfoProto &info = *graph->add_input();
  info.set_name(unique);
  setType(info, type, {});
  if (value)
    names[value] = unique;
  return unique;
}

void GraphWriter::addOutput(StringRef name, RankedTensorType type) {
  ::onnx::ValueInfoProto &info = *graph->add_output();
  info.set_name(name.str());
  setType(info, type, {});
}

std::string GraphWriter::addInts(StringRef name, ArrayRef<int64_t> values) {
  std::string unique = makeUnique(name);
  TensorProto &tensor = *root.add_initializer();
  tensor.set_name(unique);
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_dims(values.size());
  tensor.set_raw_data(values.data(), values.size() * sizeof(int64_t));
  return unique;
}

static void setValue(AttributeProto &proto, const Attribute &attribute) {
  if (auto *number = std::get_if<int64_t>(&attribute.data)) {
    proto.set_type(AttributeProto::INT);
    proto.set_i(*number);
  } else if (auto *real = std::get_if<float>(&attribute.data)) {
    proto.set_type(AttributeProto::FLOAT);
    proto.set_f(*real);
  } else if (auto *text = std::get_if<std::string>(&attribute.data)) {
    proto.set_type(AttributeProto::STRING);
    proto.set_s(*text);
  } else if (auto *reals = std::get_if<std::vector<float>>(&attribute.data)) {
    proto.set_type(AttributeProto::FLOATS);
    proto.mutable_floats()->Add(reals->begin(), reals->end());
  } else if (auto *texts = std::get_if<std::vector<std::string>>(&attribute.data)) {
    proto.set_type(AttributeProto::STRINGS);
    for (const std::string &value : *texts)
      proto.add_strings(value);
  } else if (auto *inner = std::get_if<std::shared_ptr<::onnx::GraphProto>>(&attribute.data)) {
    proto.set_type(AttributeProto::GRAPH);
    *proto.mutable_g() = std::move(**inner);
  } else if (auto *tensor = std::get_if<std::shared_ptr<TensorProto>>(&attribute.data)) {
    proto.set_type(AttributeProto::TENSOR);
    *proto.mutable_t() = std::move(**tensor);
  } else {
    proto.set_type(AttributeProto::INTS);
    const auto &values = std::get<std::vector<int64_t>>(attribute.data);
    proto.mutable_ints()->Add(values.begin(), values.end());
  }
}

/// Makes the model import a domain of operators.
static void importDomain(::onnx::ModelProto &model, StringRef domain, int64_t version) {
  for (const auto &opset : model.opset_import())
    if (opset.domain() == domain)
      return;
  auto &opset = *model.add_opset_import();
  opset.set_domain(domain.str());
  opset.set_version(version);
}

void GraphWriter::addNode(StringRef type, StringRef name, Names inputs, Names outputs, Attributes attributes,
                          StringRef domain, int64_t domainVersion) {
  ::onnx::NodeProto &node = *graph->add_node();
  unsigned count = usedNodes[name]++;
  node.set_op_type(type.str());
  if (!domain.empty()) {
    node.set_domain(domain.str());
    importDomain(model, domain, domainVersion);
  }
  node.set_name(count ? (name + "/" + type + "_" + Twine(count)).str() : name.str());
  for (const std::string &input : inputs)
    node.add_input(input);
  while (node.input_size() && node.input(node.input_size() - 1).empty())
    node.mutable_input()->RemoveLast();
  for (const std::string &output : outputs)
    node.add_output(output);
  for (const Attribute &attribute : attributes) {
    AttributeProto &proto = *node.add_attribute();
    proto.set_name(attribute.name.str());
    setValue(proto, attribute);
  }
}

} // namespace nnc::onnx_export
