// Imports a TFLite graph operator by operator.
#include "lib/Frontend/TFLite/GraphImporter.h"

#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc::tflite {

GraphImporter::GraphImporter(MLIRContext *context, const ModelReader &reader, const frontend::ImportOptions &options)
    : builder(context), reader(reader), graph(reader.getGraph()), options(options),
      values(graph.tensors() ? graph.tensors()->size() : 0) {}

//===--- Refusing ---===//

/// The name of an operator: that of its first result. Where the converter made one operator of several, it has all
/// their names, the first of which is enough.
static std::string getOpName(const format::SubGraph &graph, unsigned position, const format::Operator &op) {
  ArrayRef<int32_t> outputs = getElements(op.outputs());
  StringRef name = outputs.empty() ? StringRef() : getText(graph.tensors()->Get(outputs.front())->name());
  name = name.split(';').first;
  return name.empty() ? ("operator_" + Twine(position)).str() : name.str();
}

void GraphImporter::block(unsigned position, const format::Operator &op, const Twine &reason) {
  const format::OperatorCode &code = reader.getCode(op);
  format::BuiltinOperator number = ModelReader::getOperator(code);
  std::string kind = format::EnumNameBuiltinOperator(number);
  if (kind.empty())
    kind = "operator number " + std::to_string(static_cast<int>(number));
  if (StringRef custom = getText(code.custom_code()); number == format::BuiltinOperator::CUSTOM && !custom.empty())
    kind += " " + custom.str();
  blockers.add(getOpName(graph, position, op),
               Twine(kind) + ", version " + Twine(code.version()) + ", at position " + Twine(position), reason);
}

void GraphImporter::findUnsupported() {
  if (!graph.operators())
    return;
  for (auto [position, op] : llvm::enumerate(*graph.operators()))
    if (format::BuiltinOperator number = ModelReader::getOperator(reader.getCode(*op)); !findOp(number))
      block(position, *op, getRefusal(number));
}

//===--- Inputs and outputs of @main ---===//

/// A name that no tensor before has, made of the tensor's own or of its place.
static std::string makeUnique(llvm::StringSet<> &taken, StringRef name, const Twine &otherwise) {
  std::string base = name.empty() ? otherwise.str() : name.str(), unique = base;
  for (unsigned i = 1; !taken.insert(unique).second; ++i)
    unique = (base + "_" + Twine(i)).str();
  return unique;
}

RankedTensorType GraphImporter::getInputType(const format::Tensor &tensor, StringRef name,
                                             SmallVectorImpl<std::string> &symbols) {
  auto fail = [&](const Twine &reason) {
    blockers.addToModel("input '" + name + "' " + reason);
    return RankedTensorType();
  };
  Type elementType = getElementType(builder.getContext(), tensor.type());
  if (!elementType)
    return fail("has elements of type " + Twine(format::EnumNameTensorType(tensor.type())) +
                ", which are not supported");
  SmallVector<int64_t> shape = ModelReader::getShape(tensor);
  symbols.assign(shape.size(), "");
  if (auto error = frontend::overrideShape(options.shapes, name, symbols, shape))
    return fail(llvm::toString(std::move(error)));
  SmallVector<int64_t> known;
  llvm::copy_if(shape, std::back_inserter(known), [](int64_t extent) { return !ShapedType::isDynamic(extent); });
  if (!frontend::countElements(known))
    return fail("has extents that are negative or too large");
  return RankedTensorType::get(shape, elementType);
}

bool GraphImporter::addInputs(frontend::ModelBuilder &main) {
  bool ok = true;
  llvm::StringSet<> names;
  Metadata metadata = reader.getMetadata();
  for (auto [place, index] : llvm::enumerate(getElements(graph.inputs()))) {
    if (values[index]) {
      blockers.addToModel("tensor '" + getName(index) + "' is an input twice");
      return false;
    }
    std::string name = makeUnique(names, getName(index), "input_" + Twine(place));
    SmallVector<std::string> symbols;
    RankedTensorType type = getInputType(*graph.tensors()->Get(index), name, symbols);
    if (type)
      values[index] = main.addInput(name, type, symbols);
    if (auto preprocessing = type ? metadata.getPreprocessing(place, type) : std::nullopt)
      main.setPreprocessing(values[index], *preprocessing);
    ok &= static_cast<bool>(type);
  }
  return ok;
}

bool GraphImporter::addOutputs(frontend::ModelBuilder &main) {
  ArrayRef<int32_t> outputs = getElements(graph.outputs());
  if (outputs.empty())
    blockers.addToModel("the graph has no outputs");
  llvm::StringSet<> names;
  Metadata metadata = reader.getMetadata();
  for (auto [place, index] : llvm::enumerate(outputs)) {
    Value value = lookup(index);
    if (!value) {
      if (!poisoned.contains(index))
        blockers.addToModel("output '" + getName(index) + "' is not produced by any operator");
      return false; // otherwise its producer's blocker tells why
    }
    main.addOutput(makeUnique(names, getName(index), "output_" + Twine(place)), value, metadata.getLabels(place));
  }
  return !outputs.empty();
}

//===--- Operators ---===//

Value GraphImporter::lookup(int32_t index) {
  if (values[index] || poisoned.contains(index))
    return values[index];
  const format::Tensor &tensor = *graph.tensors()->Get(index);
  if (!reader.isConstant(tensor))
    return {};
  auto elements = reader.read(builder.getContext(), tensor);
  if (!elements) {
    blockers.addToModel(llvm::toString(elements.takeError()));
    poisoned.insert(index);
    return {};
  }
  Location loc = NameLoc::get(builder.getStringAttr(getName(index)));
  return values[index] = arith::ConstantOp::create(builder, loc, cast<TypedAttr>(*elements));
}

/// Whether an operator has floats as operands and results, and no quantised numbers but constants: its weights. (Biases
/// are floats then.)
bool GraphImporter::hasQuantizedWeights(ArrayRef<const format::Tensor *> operands,
                                        ArrayRef<const format::Tensor *> results) const {
  auto isFloat = [](const format::Tensor *tensor) { return tensor && tensor->type() == format::TensorType::FLOAT32; };
  auto fits = [&](const format::Tensor *tensor) {
    return !tensor || !isQuantized(*tensor) || reader.isConstant(*tensor);
  };
  return !results.empty() && llvm::all_of(results, isFloat) && llvm::any_of(operands, isFloat) &&
         llvm::all_of(operands, fits);
}

bool GraphImporter::importOp(unsigned position, const format::Operator &op) {
  ArrayRef<int32_t> outputs = getElements(op.outputs());
  auto poison = [&] {
    poisoned.insert(outputs.begin(), outputs.end());
    return false;
  };
  SmallVector<Value> operands;
  SmallVector<const format::Tensor *> operandTensors, resultTensors;
  const OpEntry &entry = *findOp(ModelReader::getOperator(reader.getCode(op)));
  bool hasAll = true;
  for (int32_t index : getElements(op.inputs())) {
    operandTensors.push_back(index < 0 ? nullptr : graph.tensors()->Get(index));
    operands.push_back(index < 0 ? Value() : lookup(index));
    if (operands.back() || index < 0 || (entry.hasState && operandTensors.back()->is_variable()))
      continue;
    if (operandTensors.back()->is_variable())
      block(position, op, "the state of operators between two calls ('" + getName(index) + "') is not supported");
    else if (!poisoned.contains(index))
      block(position, op, "its operand '" + getName(index) + "' is not produced by any operator before it");
    hasAll = false;
  }
  if (!hasAll)
    return poison();
  for (int32_t index : outputs) {
    resultTensors.push_back(graph.tensors()->Get(index));
    if (values[index] || poisoned.contains(index)) {
      block(position, op, "its result '" + getName(index) + "' has a value already");
      return poison();
    }
  }
  auto isNumber = [](const format::Tensor *tensor) { return tensor && isQuantized(*tensor); };
  bool isQuantizedOp = llvm::any_of(operandTensors, isNumber) || llvm::any_of(resultTensors, isNumber);
  bool isHybrid = isQuantizedOp && hasQuantizedWeights(operandTensors, resultTensors);
  ImportFunction import = isQuantizedOp && !isHybrid ? entry.importQuantized : entry.import;
  if (!import) {
    block(position, op, "it is not supported on quantised numbers");
    return poison();
  }
  Location loc = NameLoc::get(builder.getStringAttr(getOpName(graph, position, op)));
  OpBinder binder(builder, loc, op, operands, operandTensors, resultTensors);
  if (isHybrid)
    dequantizeWeights(binder);
  if (failed(import(binder)) || binder.failed()) {
    block(position, op, binder.failed() ? binder.getReason() : StringRef("it cannot be imported"));
    return poison();
  }
  if (binder.getResults().size() != outputs.size()) {
    block(position, op,
          "it has " + Twine(outputs.size()) + " results where " + Twine(binder.getResults().size()) + " are computed");
    return poison();
  }
  for (auto [index, value] : llvm::zip(outputs, binder.getResults()))
    values[index] = value;
  return true;
}

OwningOpRef<ModuleOp> GraphImporter::import(StringRef modelName) {
  findUnsupported();
  if (!blockers.empty())
    return {};
  frontend::ModelBuilder main(builder, modelName);
  if (!addInputs(main))
    return {};
  bool ok = true;
  if (graph.operators())
    for (auto [position, op] : llvm::enumerate(*graph.operators()))
      ok &= importOp(position, *op);
  if (!ok || !addOutputs(main))
    return {};
  return main.finish();
}

} // namespace nnc::tflite
