// Verifies TFLite's FlatBuffers and reads their tensors.
#include "lib/Frontend/TFLite/ModelReader.h"

#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/TFLite/Sparsity.h"

#include <algorithm>

using namespace mlir;

namespace nnc::tflite {

/// Tables of a file that is still believed, and their nesting.
static constexpr unsigned maxTables = 1 << 22, maxDepth = 64;
/// A FlatBuffer's own limit; larger data lie behind it.
static constexpr size_t maxBytes = FLATBUFFERS_MAX_BUFFER_SIZE - 1;
/// The only version of the format that there is.
static constexpr uint32_t formatVersion = 3;
/// Operators and extents of one tensor that are still believed.
static constexpr size_t maxOperators = 1 << 20, maxRank = 64;

static llvm::Error makeError(const Twine &message) { return llvm::createStringError(message.str()); }

Type getElementType(MLIRContext *context, format::TensorType type) {
  auto unsignedType = [&](unsigned width) { return IntegerType::get(context, width, IntegerType::Unsigned); };
  switch (type) {
  case format::TensorType::FLOAT32:
    return Float32Type::get(context);
  case format::TensorType::FLOAT16:
    return Float16Type::get(context);
  case format::TensorType::FLOAT64:
    return Float64Type::get(context);
  case format::TensorType::BFLOAT16:
    return BFloat16Type::get(context);
  case format::TensorType::FLOAT8_E4M3FN:
    return Float8E4M3FNType::get(context);
  case format::TensorType::FLOAT8_E5M2:
    return Float8E5M2Type::get(context);
  case format::TensorType::BOOL:
    return IntegerType::get(context, 1);
  case format::TensorType::INT2:
    return IntegerType::get(context, 2);
  case format::TensorType::INT4:
    return IntegerType::get(context, 4);
  case format::TensorType::INT8:
    return IntegerType::get(context, 8);
  case format::TensorType::INT16:
    return IntegerType::get(context, 16);
  case format::TensorType::INT32:
    return IntegerType::get(context, 32);
  case format::TensorType::INT64:
    return IntegerType::get(context, 64);
  case format::TensorType::UINT4:
    return unsignedType(4);
  case format::TensorType::UINT8:
    return unsignedType(8);
  case format::TensorType::UINT16:
    return unsignedType(16);
  case format::TensorType::UINT32:
    return unsignedType(32);
  case format::TensorType::UINT64:
    return unsignedType(64);
  default:
    return {};
  }
}

bool isQuantized(const format::Tensor &tensor) {
  switch (tensor.type()) {
  case format::TensorType::INT2:
  case format::TensorType::INT4:
  case format::TensorType::INT8:
  case format::TensorType::INT16:
  case format::TensorType::UINT4:
  case format::TensorType::UINT8:
    return tensor.quantization() && !getElements(tensor.quantization()->scale()).empty();
  default:
    return false;
  }
}

//===--- The file ---===//

llvm::Expected<ModelReader> ModelReader::open(const frontend::ModelFile &file) {
  StringRef content = file.getContent();
  const auto *bytes = reinterpret_cast<const uint8_t *>(content.data());
  flatbuffers::Verifier verifier(bytes, std::min(content.size(), maxBytes), maxDepth, maxTables);
  if (!format::VerifyModelBuffer(verifier))
    return makeError("not a TFLite model, or a damaged one");
  ModelReader reader(file, format::GetModel(bytes));
  if (llvm::Error error = reader.check())
    return std::move(error);
  return reader;
}

llvm::Error ModelReader::check() const {
  if (model->version() != formatVersion)
    return makeError("version " + Twine(model->version()) + " of the format is not supported");
  if (!model->subgraphs() || !model->subgraphs()->size() || !model->operator_codes() || !model->buffers())
    return makeError("the model has no graph, no table of operators or no table of buffers");
  for (const format::SubGraph *graph : *model->subgraphs())
    if (llvm::Error error = checkGraph(*graph))
      return error;
  return llvm::Error::success();
}

/// Whether all numbers are indices of tensors, or -1 where that is allowed.
static bool areTensors(ArrayRef<int32_t> indices, const format::SubGraph &graph, bool mayLack) {
  int32_t count = graph.tensors() ? graph.tensors()->size() : 0;
  return llvm::all_of(indices, [&](int32_t index) { return index >= (mayLack ? -1 : 0) && index < count; });
}

llvm::Error ModelReader::checkGraph(const format::SubGraph &graph) const {
  if (!areTensors(getElements(graph.inputs()), graph, false) || !areTensors(getElements(graph.outputs()), graph, false))
    return makeError("a damaged TFLite model: an input or output of the graph is no tensor");
  if (graph.tensors())
    for (const format::Tensor *tensor : *graph.tensors()) {
      if (tensor->buffer() >= model->buffers()->size())
        return makeError("a damaged TFLite model: tensor '" + getText(tensor->name()) +
                         "' has a buffer that does not exist");
      if (getElements(tensor->shape()).size() > maxRank)
        return makeError("tensor '" + getText(tensor->name()) + "' has too many dimensions");
    }
  if (!graph.operators())
    return llvm::Error::success();
  if (graph.operators()->size() > maxOperators)
    return makeError("the graph has more than " + Twine(maxOperators) + " operators");
  for (const format::Operator *op : *graph.operators())
    if (op->opcode_index() >= model->operator_codes()->size() || !areTensors(getElements(op->inputs()), graph, true) ||
        !areTensors(getElements(op->outputs()), graph, false) ||
        !areTensors(getElements(op->intermediates()), graph, true))
      return makeError("a damaged TFLite model: an operator has a code, an operand or a result that does not exist");
  return llvm::Error::success();
}

format::BuiltinOperator ModelReader::getOperator(const format::OperatorCode &code) {
  // Files from before there were 128 operators have the byte only, later ones both.
  return std::max(code.builtin_code(), static_cast<format::BuiltinOperator>(code.deprecated_builtin_code()));
}

SmallVector<int64_t> ModelReader::getGraphsOf(const format::Operator &op) {
  if (const auto *options = op.builtin_options_as_IfOptions())
    return {options->then_subgraph_index(), options->else_subgraph_index()};
  if (const auto *options = op.builtin_options_as_WhileOptions())
    return {options->cond_subgraph_index(), options->body_subgraph_index()};
  if (const auto *options = op.builtin_options_as_CallOptions())
    return {options->subgraph()};
  if (const auto *options = op.builtin_options_as_CallOnceOptions())
    return {options->init_subgraph_index()};
  if (const auto *options = op.builtin_options_2_as_StableHLOCompositeOptions())
    return {options->decomposition_subgraph_index()};
  return {};
}

Metadata ModelReader::getMetadata() const {
  StringRef bytes;
  if (model->metadata())
    for (const format::Metadata *entry : *model->metadata())
      if (getText(entry->name()) == "TFLITE_METADATA" && entry->buffer() < model->buffers()->size()) {
        ArrayRef<uint8_t> data = getElements(model->buffers()->Get(entry->buffer())->data());
        bytes = StringRef(reinterpret_cast<const char *>(data.data()), data.size());
      }
  return Metadata(bytes, file.getContent());
}

//===--- Tensors ---===//

SmallVector<int64_t> ModelReader::getShape(const format::Tensor &tensor) {
  ArrayRef<int32_t> shape = getElements(tensor.shape()), signature = getElements(tensor.shape_signature());
  SmallVector<int64_t> extents(shape.begin(), shape.end());
  for (auto [extent, open] : llvm::zip(extents, signature))
    if (signature.size() == shape.size() && open < 0)
      extent = ShapedType::kDynamic;
  return extents;
}

bool ModelReader::isConstant(const format::Tensor &tensor) const {
  const format::Buffer &buffer = *model->buffers()->Get(tensor.buffer());
  if (tensor.is_variable())
    return false;
  if (getElements(buffer.data()).size() > 0 || buffer.size() > 0 || tensor.external_buffer() != 0)
    return true;
  return llvm::is_contained(getElements(tensor.shape()), 0); // nothing to store
}

llvm::Expected<StringRef> ModelReader::getBytes(const format::Tensor &tensor) const {
  const format::Buffer &buffer = *model->buffers()->Get(tensor.buffer());
  StringRef name = getText(tensor.name());
  if (tensor.external_buffer() != 0)
    return makeError("tensor '" + name + "': data in another file are not supported");
  if (buffer.size() == 0) {
    ArrayRef<uint8_t> data = getElements(buffer.data());
    return StringRef(reinterpret_cast<const char *>(data.data()), data.size());
  }
  size_t total = file.getContent().size();
  if (buffer.offset() > total || buffer.size() > total - buffer.offset())
    return makeError("tensor '" + name + "': its data lie behind the end of the file");
  return file.getContent().substr(buffer.offset(), buffer.size());
}

llvm::Expected<ElementsAttr> ModelReader::read(MLIRContext *context, const format::Tensor &tensor) const {
  StringRef name = getText(tensor.name());
  Type elementType = getElementType(context, tensor.type());
  if (!elementType)
    return makeError("tensor '" + name + "': elements of type " + format::EnumNameTensorType(tensor.type()) +
                     " are not supported");
  ArrayRef<int32_t> extents = getElements(tensor.shape());
  SmallVector<int64_t> shape(extents.begin(), extents.end());
  RankedTensorType type = frontend::getTensorType(shape, elementType);
  if (!type)
    return makeError("tensor '" + name + "': its extents are negative or too large");
  llvm::Expected<StringRef> bytes = getBytes(tensor);
  if (!bytes)
    return bytes.takeError();
  if (!tensor.sparsity())
    return frontend::makeWeights(type, *bytes, file.buffer, name);
  if (elementType.getIntOrFloatBitWidth() % 8 != 0)
    return makeError("tensor '" + name + "': sparse weights of less than a byte are not supported");
  auto dense = decodeSparse(*tensor.sparsity(), shape, *bytes, elementType.getIntOrFloatBitWidth() / 8);
  if (!dense)
    return makeError("tensor '" + name + "' is sparse, and " + llvm::toString(dense.takeError()));
  return frontend::makeWeights(type, **dense, *dense, name);
}

} // namespace nnc::tflite
