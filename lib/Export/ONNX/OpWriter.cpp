// Nodes, constants and refusals of one operation.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Builders.h"

using namespace mlir;

namespace nnc::onnx_export {

OpWriter::OpWriter(GraphWriter &graph, Operation *op) : graph(graph), op(op) {
  auto location = dyn_cast<NameLoc>(op->getLoc());
  layer = location && !location.getName().empty() ? location.getName().str() : op->getName().stripDialect().str();
}

SmallVector<std::string> OpWriter::operands() {
  return llvm::map_to_vector(op->getOperands(), [&](Value value) { return name(value); });
}

std::string OpWriter::add(StringRef type, Names inputs, Attributes attributes) {
  return addAll(type, inputs, attributes, 1).front();
}

SmallVector<std::string> OpWriter::addAll(StringRef type, Names inputs, Attributes attributes, unsigned numOutputs) {
  SmallVector<std::string> outputs;
  for (unsigned i = 0; i < numOutputs; ++i)
    outputs.push_back(graph.makeUnique(layer + "/" + type.str()));
  graph.addNode(type, layer, inputs, outputs, attributes);
  return outputs;
}

std::string OpWriter::addOf(StringRef domain, int64_t version, StringRef type, Names inputs, Attributes attributes) {
  std::string output = makeName(type);
  graph.addNode(type, layer, inputs, {output}, attributes, domain, version);
  return output;
}

void OpWriter::finishResult(unsigned index, StringRef type, Names inputs, Attributes attributes) {
  graph.addNode(type, layer, inputs, {name(op->getResult(index))}, attributes);
}

void OpWriter::finish(StringRef type, Names inputs, Attributes attributes, unsigned numUnused) {
  SmallVector<std::string> outputs;
  for (unsigned i = 0; i < numUnused; ++i)
    outputs.push_back(graph.makeUnique(layer + "/unused"));
  for (Value result : op->getResults())
    outputs.push_back(name(result));
  graph.addNode(type, layer, inputs, outputs, attributes);
}

std::string OpWriter::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Builder builder(op->getContext());
  ::mlir::Attribute element = isa<FloatType>(elementType)
                                  ? ::mlir::Attribute(builder.getFloatAttr(elementType, value))
                                  : builder.getIntegerAttr(elementType, static_cast<int64_t>(value));
  return constant(DenseElementsAttr::get(type, element));
}

std::string OpWriter::floats(ArrayRef<int64_t> shape, ArrayRef<float> values) {
  return constant(DenseElementsAttr::get(RankedTensorType::get(shape, Float32Type::get(op->getContext())), values));
}

std::string OpWriter::asScalar(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 0)
    return name(value);
  if (DenseElementsAttr dense = nn::getDenseConstant(value))
    return constant(DenseElementsAttr::get(RankedTensorType::get({}, type.getElementType()),
                                           *dense.getValues<::mlir::Attribute>().begin()));
  return add("Squeeze", {name(value)});
}

std::string OpWriter::transpose(const std::string &input, ArrayRef<int64_t> permutation) {
  return add("Transpose", {input}, {{"perm", permutation}});
}

void OpWriter::refuse(const Twine &reason) {
  if (!failed)
    op->emitError("cannot be written as ONNX: ") << reason;
  failed = true;
}

bool OpWriter::needsOpset(int64_t least) {
  if (getOpset() < least)
    refuse("needs --opset=" + Twine(least) + " or later");
  return getOpset() >= least;
}

static SmallVector<int64_t> getToFirst(int64_t rank) {
  SmallVector<int64_t> permutation{0, rank - 1};
  for (int64_t i = 1; i < rank - 1; ++i)
    permutation.push_back(i);
  return permutation;
}

ChannelsFirst::ChannelsFirst(OpWriter &writer, Value data, nn::Layout layout)
    : writer(writer), isLast(layout == nn::Layout::ChannelsLast), input(writer.name(data)),
      shape(cast<RankedTensorType>(data.getType()).getShape()) {
  isLast &= shape.size() > 2;
  if (!isLast)
    return;
  input = writer.transpose(input, getToFirst(shape.size()));
  shape = applyPermutation(shape, getToFirst(shape.size()));
}

void ChannelsFirst::finish(StringRef type, Names inputs, Attributes attributes) {
  if (!isLast)
    return writer.finish(type, inputs, attributes);
  std::string first = writer.add(type, inputs, attributes);
  writer.finish("Transpose", {first}, {{"perm", invertPermutationVector(getToFirst(shape.size()))}});
}

} // namespace nnc::onnx_export
