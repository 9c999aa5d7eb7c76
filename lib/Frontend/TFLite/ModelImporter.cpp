// Builds @main around the operators of the first graph.
#include "lib/Frontend/TFLite/ModelImporter.h"

#include "lib/Frontend/Import/Weights.h"

#include "dialects/NN/ConstantFolding.h"

using namespace mlir;

namespace nnc::tflite {

/// Of the initial value of a variable: it goes into the descriptor of the model.
static constexpr int64_t maxInitialElements = 1 << 20;

/// A name that no tensor before has, made of the tensor's own or of its place.
static std::string makeUnique(llvm::StringSet<> &taken, StringRef name, const Twine &otherwise) {
  std::string base = name.empty() ? otherwise.str() : name.str(), unique = base;
  for (unsigned i = 1; !taken.insert(unique).second; ++i)
    unique = (base + "_" + Twine(i)).str();
  return unique;
}

Value ModelImporter::addInput(frontend::ModelBuilder &main, StringRef name, SmallVector<int64_t> shape,
                              Type elementType) {
  auto fail = [&](const Twine &reason) {
    model.blockers.addToModel("input '" + name + "' " + reason);
    return Value();
  };
  SmallVector<std::string> symbols(shape.size());
  if (auto error = frontend::overrideShape(options.shapes, name, symbols, shape))
    return fail(llvm::toString(std::move(error)));
  SmallVector<int64_t> known;
  llvm::copy_if(shape, std::back_inserter(known), [](int64_t extent) { return !ShapedType::isDynamic(extent); });
  if (!frontend::countElements(known))
    return fail("has extents that are negative or too large");
  return main.addInput(name, RankedTensorType::get(shape, elementType), symbols);
}

/// What the integers of a tensor stand for, where one scale holds for all of them.
static std::optional<frontend::QuantizedNumbers> getQuantizedNumbers(const format::Tensor &tensor, Type elementType) {
  if (!tensor.quantization() || !isa<IntegerType>(elementType) ||
      tensor.quantization()->details_type() != format::QuantizationDetails::NONE)
    return std::nullopt;
  ArrayRef<float> scales = getElements(tensor.quantization()->scale());
  SmallVector<int64_t> zeroPoints = getElements(tensor.quantization()->zero_point());
  if (scales.size() != 1 || zeroPoints.size() > 1 || !(scales.front() > 0) || !std::isfinite(scales.front()))
    return std::nullopt;
  return frontend::QuantizedNumbers{scales.front(), zeroPoints.empty() ? 0 : zeroPoints.front()};
}

bool ModelImporter::addInputs(frontend::ModelBuilder &main, GraphImporter &graph) {
  bool ok = true;
  Metadata metadata = model.reader.getMetadata();
  for (auto [place, index] : llvm::enumerate(getElements(graph.getGraph().inputs()))) {
    const format::Tensor &tensor = graph.getTensor(index);
    std::string name = makeUnique(inputNames, graph.getName(index), "input_" + Twine(place));
    Type elementType = getElementType(model.builder.getContext(), tensor.type());
    if (!elementType) {
      model.blockers.addToModel("input '" + name + "' has elements of type " +
                                Twine(format::EnumNameTensorType(tensor.type())) + ", which are not supported");
      ok = false;
      continue;
    }
    Value value = addInput(main, name, ModelReader::getShape(tensor), elementType);
    ok &= static_cast<bool>(value);
    if (auto preprocessing = value ? metadata.getPreprocessing(place, cast<RankedTensorType>(value.getType())) : std::nullopt)
      main.setPreprocessing(value, *preprocessing);
    if (auto numbers = value ? getQuantizedNumbers(tensor, elementType) : std::nullopt)
      main.setQuantization(value, *numbers);
    if (value && !graph.define(index, {value, std::nullopt})) {
      model.blockers.addToModel("tensor '" + graph.getName(index) + "' is an input twice");
      return false;
    }
  }
  return ok;
}

bool ModelImporter::addOutputs(frontend::ModelBuilder &main, GraphImporter &graph) {
  ArrayRef<int32_t> outputs = getElements(graph.getGraph().outputs());
  Metadata metadata = model.reader.getMetadata();
  for (auto [place, index] : llvm::enumerate(outputs)) {
    Value value = graph.lookup(index).value;
    if (value && graph.getTensor(index).type() == format::TensorType::COMPLEX64) {
      model.blockers.addToModel("output '" + graph.getName(index) + "' has complex numbers, which are not supported there");
      return false;
    }
    if (!value) {
      if (!graph.isPoisoned(index))
        model.blockers.addToModel("output '" + graph.getName(index) + "' is not produced by any operator");
      return false; // otherwise its producer's blocker tells why
    }
    main.addOutput(makeUnique(outputNames, graph.getName(index), "output_" + Twine(place)), value, metadata.getLabels(place),
                   getQuantizedNumbers(graph.getTensor(index), cast<RankedTensorType>(value.getType()).getElementType()));
  }
  return true;
}

void ModelImporter::addNextStates(frontend::ModelBuilder &main) {
  SmallVector<Value> values = model.variables.save();
  // What is never read before it is assigned need not be kept.
  for (auto [variable, value] : llvm::enumerate(values)) {
    Variable &known = model.variables[variable];
    if (!known.before)
      continue;
    DenseElementsAttr initial = known.initial ? nn::getDenseConstant(known.initial, maxInitialElements) : nullptr;
    if (known.initial && !initial)
      model.blockers.addToModel("the initial value of variable '" + known.name + "' has more than " +
                                Twine(maxInitialElements) + " elements");
    main.addNextState(makeUnique(outputNames, known.name + "_next", ""), value ? value : known.before, known.before,
                      initial);
  }
}

OwningOpRef<ModuleOp> ModelImporter::import(StringRef modelName) {
  GraphImporter graph(model, 0);
  llvm::DenseSet<unsigned> seen;
  bool assignsVariables = false;
  graph.findUnsupported(seen, assignsVariables);
  if (!model.blockers.empty())
    return {};
  if (!assignsVariables)
    model.variables.setConstant();
  frontend::ModelBuilder main(model.builder, modelName);
  model.variables.setAddInput([&](Variable &variable, RankedTensorType type) {
    variable.name = makeUnique(inputNames, variable.name, "state");
    return addInput(main, variable.name, SmallVector<int64_t>(type.getShape()), type.getElementType());
  });
  if (!addInputs(main, graph))
    return {};
  bool ok = graph.importOperators();
  if (!ok || !addOutputs(main, graph))
    return {};
  addNextStates(main);
  if (!model.blockers.empty())
    return {};
  if (outputNames.empty()) {
    model.blockers.addToModel("the graph has no outputs");
    return {};
  }
  OwningOpRef<ModuleOp> module = main.finish();
  if (module && model.hasDequantized)
    (*module)->setAttr("nn.dequantized", model.builder.getUnitAttr());
  return module;
}

} // namespace nnc::tflite
