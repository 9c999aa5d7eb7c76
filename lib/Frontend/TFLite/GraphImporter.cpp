// Imports a TFLite graph operator by operator.
#include "lib/Frontend/TFLite/GraphImporter.h"

#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc::tflite {

/// Operators that are still believed, those of a graph as often as it is imported.
static constexpr size_t maxImported = 1 << 14;

GraphImporter::GraphImporter(ModelState &model, unsigned number, unsigned depth)
    : model(model), number(number), depth(depth), builder(model.builder), reader(model.reader),
      graph(reader.getGraph(number)), meanings(graph.tensors() ? graph.tensors()->size() : 0) {}

//===--- Refusing ---===//

/// The name of an operator: that of its first result. Where the converter made one operator of several, it has all
/// their names, the first of which is enough.
std::string GraphImporter::getOpName(unsigned position, const format::Operator &op) const {
  ArrayRef<int32_t> outputs = getElements(op.outputs());
  StringRef name = outputs.empty() ? StringRef() : getName(outputs.front());
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
  std::string place = depth ? " of graph '" + getText(graph.name()).str() + "'" : "";
  model.blockers.add(getOpName(position, op),
                     Twine(kind) + ", version " + Twine(code.version()) + ", at position " + Twine(position) + place,
                     reason);
}

void GraphImporter::findUnsupported(llvm::DenseSet<unsigned> &seen, bool &assignsVariables) {
  if (!graph.operators() || !seen.insert(number).second)
    return;
  for (auto [position, op] : llvm::enumerate(*graph.operators())) {
    format::BuiltinOperator kind = ModelReader::getOperator(reader.getCode(*op));
    StringRef custom = getText(reader.getCode(*op).custom_code());
    if (!findOp(kind, custom, reader.getCode(*op).version()))
      block(position, *op, getRefusal(kind, custom));
    bool initialises = kind == format::BuiltinOperator::CALL_ONCE, ignored = false;
    assignsVariables |= kind == format::BuiltinOperator::ASSIGN_VARIABLE;
    for (int64_t inner : ModelReader::getGraphsOf(*op))
      if (reader.hasGraph(inner) && !seen.contains(inner))
        GraphImporter(model, inner, depth + 1).findUnsupported(seen, initialises ? ignored : assignsVariables);
  }
}

//===--- Tensors ---===//

bool GraphImporter::define(int32_t tensor, Meaning meaning) {
  if (meanings[tensor])
    return false;
  meanings[tensor] = meaning;
  return true;
}

Meaning GraphImporter::lookup(int32_t tensor) {
  if (meanings[tensor] || poisoned.contains(tensor) || !reader.isConstant(getTensor(tensor)))
    return meanings[tensor];
  auto elements = reader.read(builder.getContext(), getTensor(tensor));
  if (!elements) {
    model.blockers.addToModel(llvm::toString(elements.takeError()));
    poisoned.insert(tensor);
    return {};
  }
  Location loc = NameLoc::get(builder.getStringAttr(getName(tensor)));
  meanings[tensor].value = arith::ConstantOp::create(builder, loc, cast<TypedAttr>(*elements));
  return meanings[tensor];
}

/// Whether a tensor keeps what an operator leaves there.
bool GraphImporter::isState(int32_t tensor) const {
  return tensor >= 0 && getTensor(tensor).is_variable() && !meanings[tensor];
}

unsigned GraphImporter::findState(int32_t tensor) {
  StringRef name = getName(tensor);
  std::string key = ("tensor " + Twine(number) + " " + Twine(tensor)).str();
  unsigned variable = model.variables.find(key, name.empty() ? StringRef("state") : name.split(';').first);
  // Before the first call it stands for zeros.
  RankedTensorType type = getType(tensor);
  SmallVector<int64_t> zeroPoints;
  if (isQuantized(getTensor(tensor)))
    zeroPoints = getElements(getTensor(tensor).quantization()->zero_point());
  if (type && type.hasStaticShape() && zeroPoints.size() == 1 && zeroPoints.front() != 0)
    model.variables[variable].initial =
        DenseElementsAttr::get(type, builder.getIntegerAttr(type.getElementType(), zeroPoints.front()));
  return variable;
}

RankedTensorType GraphImporter::getType(int32_t tensor) const {
  Type elementType = getElementType(builder.getContext(), getTensor(tensor).type());
  SmallVector<int64_t> shape = ModelReader::getShape(getTensor(tensor)), known;
  llvm::copy_if(shape, std::back_inserter(known), [](int64_t extent) { return !ShapedType::isDynamic(extent); });
  if (!elementType || !frontend::countElements(known))
    return {};
  return RankedTensorType::get(shape, elementType);
}

//===--- Operators ---===//

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

bool GraphImporter::bindOperands(unsigned position, const format::Operator &op, SmallVectorImpl<Meaning> &operands) {
  bool hasAll = true;
  for (int32_t index : getElements(op.inputs())) {
    operands.push_back(index < 0 ? Meaning() : lookup(index));
    if (operands.back() || index < 0)
      continue;
    if (isState(index)) {
      RankedTensorType type = getType(index);
      if (type)
        operands.back().value = model.variables.read(findState(index), type);
      else
        block(position, op, "its state '" + getName(index) + "' has a type or shape that is not supported");
    } else if (!poisoned.contains(index)) {
      block(position, op, "its operand '" + getName(index) + "' is not produced by any operator before it");
    }
    hasAll &= static_cast<bool>(operands.back());
  }
  return hasAll;
}

bool GraphImporter::checkResults(unsigned position, const format::Operator &op) {
  for (int32_t index : getElements(op.outputs()))
    if (meanings[index] || poisoned.contains(index)) {
      block(position, op, "its result '" + getName(index) + "' has a value already");
      return false;
    }
  return true;
}

bool GraphImporter::importOp(unsigned position, const format::Operator &op, const OpEntry &entry,
                             ArrayRef<Meaning> operands) {
  ArrayRef<int32_t> inputs = getElements(op.inputs()), outputs = getElements(op.outputs());
  SmallVector<Value> values;
  SmallVector<const format::Tensor *> operandTensors, resultTensors, intermediates;
  for (auto [index, operand] : llvm::zip(inputs, operands)) {
    operandTensors.push_back(index < 0 ? nullptr : &getTensor(index));
    values.push_back(operand.value);
    if (operand.variable) {
      block(position, op, "it takes a handle of a variable");
      return false;
    }
  }
  for (int32_t index : outputs)
    resultTensors.push_back(&getTensor(index));
  for (int32_t index : getElements(op.intermediates()))
    intermediates.push_back(index < 0 ? nullptr : &getTensor(index));
  auto isNumber = [](const format::Tensor *tensor) { return tensor && isQuantized(*tensor); };
  bool isQuantizedOp = llvm::any_of(operandTensors, isNumber) || llvm::any_of(resultTensors, isNumber);
  bool isHybrid = isQuantizedOp && hasQuantizedWeights(operandTensors, resultTensors);
  bool isInFloats = model.dequantizes && isQuantizedOp && !isHybrid && entry.importQuantized &&
                    canComputeInFloats(ModelReader::getOperator(reader.getCode(op)), entry,
                                       llvm::any_of(resultTensors, [](const format::Tensor *tensor) {
                                         return tensor->type() == format::TensorType::INT16;
                                       }));
  ImportFunction import = isQuantizedOp && !isHybrid && !isInFloats ? entry.importQuantized : entry.import;
  auto isComplex = [](const format::Tensor *tensor) { return tensor && tensor->type() == format::TensorType::COMPLEX64; };
  bool isComplexOp = llvm::any_of(operandTensors, isComplex);
  if (isComplexOp)
    import = isComplex(operandTensors.front()) && llvm::count_if(operandTensors, isComplex) == 1 ? findComplexOp(entry.op) : nullptr;
  if (!import) {
    block(position, op, isComplexOp ? "it is not supported on complex numbers" : "it is not supported on quantised numbers");
    return false;
  }
  Location loc = NameLoc::get(builder.getStringAttr(getOpName(position, op)));
  OpBinder binder(builder, loc, op, values, {operandTensors, resultTensors, intermediates});
  if (isHybrid)
    dequantizeWeights(binder);
  if (isInFloats)
    dequantizeOperands(binder, ModelReader::getOperator(reader.getCode(op)));
  model.hasDequantized |= isInFloats;
  if (failed(import(binder)) || binder.failed()) {
    block(position, op, binder.failed() ? binder.getReason() : StringRef("it cannot be imported"));
    return false;
  }
  if (binder.getResults().size() != outputs.size()) {
    block(position, op,
          "it has " + Twine(outputs.size()) + " results where " + Twine(binder.getResults().size()) + " are computed");
    return false;
  }
  for (auto [index, value] : llvm::zip(outputs, binder.getResults()))
    meanings[index].value = value;
  for (auto [place, value] : binder.getStates()) {
    if (!isState(inputs[place])) {
      block(position, op, "its state '" + getName(inputs[place]) + "' is no variable");
      return false;
    }
    model.variables.assign(findState(inputs[place]), value);
  }
  return true;
}

bool GraphImporter::hasComplexTensors(const format::Operator &op) const {
  auto isComplex = [&](int32_t index) {
    return index >= 0 && getTensor(index).type() == format::TensorType::COMPLEX64;
  };
  return llvm::any_of(getElements(op.inputs()), isComplex) || llvm::any_of(getElements(op.outputs()), isComplex);
}

bool GraphImporter::importOperator(unsigned position, const format::Operator &op) {
  SmallVector<Meaning> operands;
  format::BuiltinOperator kind = ModelReader::getOperator(reader.getCode(op));
  const format::OperatorCode &code = reader.getCode(op);
  const OpEntry &entry = *findOp(kind, getText(code.custom_code()), code.version());
  bool isFine = bindOperands(position, op, operands) && checkResults(position, op);
  if (isFine && entry.import)
    isFine = importOp(position, op, entry, operands);
  else if (isFine && hasComplexTensors(op)) {
    block(position, op, "it is not supported on complex numbers");
    isFine = false;
  } else if (isFine) {
    Meanings results = importGraphOp({position, op, operands}, kind);
    if (results && results->size() != getElements(op.outputs()).size()) {
      block(position, op, "it has another number of results than its graph");
      results = std::nullopt;
    }
    isFine = results.has_value();
    if (isFine)
      for (auto [index, result] : llvm::zip(getElements(op.outputs()), *results))
        meanings[index] = result;
  }
  if (!isFine)
    poisoned.insert(getElements(op.outputs()).begin(), getElements(op.outputs()).end());
  return isFine;
}

bool GraphImporter::importOperators() {
  bool ok = true;
  if (!graph.operators())
    return ok;
  for (auto [position, op] : llvm::enumerate(*graph.operators())) {
    if (++model.numImported > maxImported) {
      model.blockers.addToModel("its graphs, as often as they are run, have more than " + Twine(maxImported) +
                                " operators");
      return false;
    }
    ok &= importOperator(position, *op);
  }
  return ok;
}

} // namespace nnc::tflite
