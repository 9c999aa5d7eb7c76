// Imports a model call by call.
#include "lib/Frontend/Keras/ModelImporter.h"

#include "dialects/Text/Text.h"
#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/Keras/FirstGeneration.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc::keras {

ModelImporter::ModelImporter(MLIRContext *context, const Graph &graph, const Hdf5File &file, StringRef archive,
                             int kerasVersion, const frontend::ImportOptions &options)
    : builder(context), graph(graph), file(file), archive(archive), kerasVersion(kerasVersion), shapes(options.shapes) {}

void ModelImporter::block(const Layer &layer, const Twine &reason) {
  std::string kind = layer.isOperation ? "operation " + layer.className : layer.className;
  if (StringRef function = layer.parameters().getString("function"); !layer.isOperation && !function.empty())
    kind += (" " + function).str();
  blockers.add(layer.name, kind, reason);
}

//===--- Checks before anything is built ---===//

/// Whether a layer has parameters of Keras 1 that have no later name, or say something else than they did later.
static bool isOfKeras1(const Layer &layer) {
  static constexpr StringRef names[] = {"border_mode",      "dim_ordering", "subsample", "nb_filter",
                                        "inner_activation", "atrous_rate",  "nb_row",    "subsample_length"};
  bool isOther = layer.className == "BatchNormalization" && layer.parameters().getInt("mode", 0) != 0;
  return isOther || (!layer.isOperation &&
                     llvm::any_of(names, [&](StringRef name) { return layer.config->get(name) != nullptr; }));
}

bool ModelImporter::isOfTheano() const {
  for (StringRef path : {"", "model_weights"})
    if (const std::vector<std::string> *backend = file.findAttribute(path, "backend"))
      return llvm::is_contained(*backend, "theano");
  return false;
}

void ModelImporter::findUnsupported(const Layer &layer) {
  if (layer.graph)
    return findUnsupported(*layer.graph);
  if (isOfKeras1(layer))
    return block(layer, "it is described in the form of Keras 1, with parameters that are not supported; load and save the "
                        "model with Keras 2");
  if (layer.parameters().has(channelsFirstKernel))
    return block(layer, "kernels with their channels first, as Keras 1 wrote them for Theano, are not supported; load and "
                        "save the model with Keras 2");
  if (isOfTheano() && StringRef(layer.className).contains("Conv"))
    return block(layer,
                 "its kernels are mirrored, as the backend Theano has them; load and save the model with another one");
  for (const auto &[member, inner] : layer.inner)
    findUnsupported(*inner);
  if (!layer.isInput() && !findLayer(layer))
    block(layer, getRefusal(layer.className));
  else if (!layer.weightProblem.empty())
    block(layer, layer.weightProblem);
}

void ModelImporter::findUnsupported(const Graph &graph) {
  for (const auto &layer : graph.layers)
    findUnsupported(*layer);
}

//===--- Weights ---===//

Value ModelImporter::getWeight(LayerBinder &layer, const Hdf5Dataset &dataset) {
  Value &value = weights[&dataset];
  if (value)
    return value;
  Type elementType = dataset.getElementType(builder.getContext());
  if (!elementType) {
    (void)layer.reject("weight '" + dataset.path + "' has an element type that is not supported");
    return {};
  }
  RankedTensorType type = RankedTensorType::get(dataset.shape, elementType);
  auto elements = file.read(dataset, frontend::getBytes(type));
  if (!elements) {
    (void)layer.reject(llvm::toString(elements.takeError()));
    return {};
  }
  auto constant = frontend::makeWeights(type, elements->bytes, elements->owner, dataset.path);
  if (!constant) {
    (void)layer.reject(llvm::toString(constant.takeError()));
    return {};
  }
  return value = layer.constant(*constant);
}

llvm::Expected<frontend::SharedBytes> ModelImporter::readAsset(const Layer &layer, StringRef name) const {
  std::string path = ("assets/" + layer.path + name).str();
  if (!frontend::hasArchiveFile(archive, path))
    return llvm::createStringError("there is no '" + path + "'");
  return frontend::readArchiveFile(archive, path);
}

//===--- Inputs ---===//

/// The shape of an input, `?` where the configuration has null; nullopt where it has none.
static std::optional<SmallVector<int64_t>> getInputShape(const Layer &layer) {
  for (StringRef key : {"batch_shape", "batch_input_shape"})
    if (const llvm::json::Value *shape = layer.parameters().find(key))
      return asInts(*shape, ShapedType::kDynamic);
  return std::nullopt;
}

/// The batch is the same for all inputs.
static SmallVector<std::string> getSymbols(ArrayRef<int64_t> shape, StringRef input) {
  SmallVector<std::string> symbols;
  for (auto [axis, extent] : llvm::enumerate(shape))
    symbols.push_back(!ShapedType::isDynamic(extent) ? "" : axis == 0 ? "batch" : (input + "_" + Twine(axis)).str());
  return symbols;
}

Operand ModelImporter::addInput(const Layer &layer, StringRef name) {
  std::optional<SmallVector<int64_t>> shape = getInputShape(layer);
  if (!shape) {
    auto given = shapes.inputs.find(name);
    if (given == shapes.inputs.end())
      block(layer, "the shape of the input '" + name + "' is not in the file; give one with --shape");
    shape = given == shapes.inputs.end() ? SmallVector<int64_t>{ShapedType::kDynamic} : given->second;
  }
  const llvm::json::Value *dtype = layer.parameters().find("dtype");
  StringRef typeName = dtype && layer.isInput() ? dtype->getAsString().value_or("") : "float32";
  Type elementType = typeName == "string" ? builder.getIndexType() : parseElementType(builder, typeName);
  if (!elementType) {
    block(layer, "inputs of the element type '" + typeName + "' are not supported");
    elementType = builder.getF32Type();
  }
  if (layer.isInput() && (layer.parameters().getBool("sparse", false) || layer.parameters().getBool("ragged", false)))
    block(layer, "sparse and ragged inputs are not supported");
  SmallVector<std::string> symbols = getSymbols(*shape, name);
  if (llvm::Error error = frontend::overrideShape(shapes, name, symbols, *shape))
    block(layer, "the input '" + name + "' " + llvm::toString(std::move(error)));
  SmallVector<int64_t> known;
  for (int64_t extent : *shape)
    if (!ShapedType::isDynamic(extent))
      known.push_back(extent < 1 ? -1 : extent);
  if (!frontend::countElements(known)) {
    block(layer, "the extents of the input '" + name + "' must be positive numbers, and not too large");
    shape->clear();
    symbols.clear();
  }
  Operand operand;
  operand.kind = Argument::Tensor;
  operand.value = main->addInput(name, RankedTensorType::get(*shape, elementType), symbols);
  return operand;
}

void ModelImporter::addInputs(std::vector<Operand> &inputs) {
  llvm::StringSet<> names;
  std::vector<std::pair<const Layer *, std::string>> sources;
  for (TensorRef ref : graph.inputs) {
    const Layer &layer = *graph.layers[ref.layer];
    // The input of a Sequential may be described by its first layer, or by the one that a nested model begins with.
    const Layer *source = &layer;
    while (graph.isSequential && source->graph && source->graph->inputs.size() == 1)
      source = source->graph->layers[source->graph->inputs.front().layer].get();
    std::string name = layer.isInput() ? layer.name : layer.name + "_input";
    if (!names.insert(name).second)
      block(layer, "the input is listed twice");
    std::optional<SmallVector<int64_t>> shape = getInputShape(*source);
    if (llvm::Error error = frontend::fixSymbols(shapes, name, shape ? getSymbols(*shape, name) : SmallVector<std::string>()))
      block(layer, "the input '" + name + "' " + llvm::toString(std::move(error)));
    sources.push_back({source, name});
  }
  if (blockers.empty())
    for (auto &[source, name] : sources)
      inputs.push_back(addInput(*source, name));
}

//===--- Graphs ---===//

std::optional<Operand> ModelImporter::resolve(const Graph &graph, const Argument &argument, const Values &values) {
  Operand operand;
  operand.kind = argument.kind;
  operand.constant = argument.constant;
  if (argument.kind == Argument::Tensor) {
    const auto &calls = values[argument.tensor.layer];
    if (argument.tensor.call >= calls.size() || argument.tensor.result >= calls[argument.tensor.call].size())
      return std::nullopt;
    return calls[argument.tensor.call][argument.tensor.result];
  }
  for (const Argument &item : argument.items) {
    std::optional<Operand> resolved = resolve(graph, item, values);
    if (!resolved)
      return std::nullopt;
    operand.items.push_back(std::move(*resolved));
  }
  return operand;
}

static void forEachTensor(const Argument &argument, llvm::function_ref<void(TensorRef)> visit) {
  if (argument.kind == Argument::Tensor)
    visit(argument.tensor);
  for (const Argument &item : argument.items)
    forEachTensor(item, visit);
}

/// Imports all calls, each after those whose results it takes.
bool ModelImporter::importCalls(const Graph &graph, Values &values) {
  struct Place {
    unsigned layer, call;
  };
  std::vector<std::vector<unsigned>> missing(graph.layers.size());
  llvm::DenseMap<std::pair<unsigned, unsigned>, std::vector<Place>> users;
  std::vector<Place> ready;
  unsigned numLeft = 0;
  for (unsigned l = 0; l < graph.layers.size(); ++l) {
    missing[l].assign(graph.layers[l]->calls.size(), 0);
    for (unsigned c = 0; c < graph.layers[l]->calls.size(); ++c, ++numLeft) {
      auto count = [&](TensorRef ref) {
        if (ref.call < values[ref.layer].size() && !values[ref.layer][ref.call].empty())
          return;
        ++missing[l][c];
        users[{ref.layer, ref.call}].push_back({l, c});
      };
      for (const Argument &argument : graph.layers[l]->calls[c].positional)
        forEachTensor(argument, count);
      for (const auto &[name, argument] : graph.layers[l]->calls[c].named)
        forEachTensor(argument, count);
      if (!missing[l][c])
        ready.push_back({l, c});
    }
  }
  bool isDone = true;
  for (size_t next = 0; next < ready.size(); ++next, --numLeft) {
    Place place = ready[next];
    const Layer &layer = *graph.layers[place.layer];
    const Call &call = layer.calls[place.call];
    Operands operands;
    bool isKnown = true;
    auto take = [&](const Argument &argument) {
      std::optional<Operand> operand = resolve(graph, argument, values);
      isKnown &= operand.has_value();
      return operand.value_or(Operand());
    };
    for (const Argument &argument : call.positional)
      operands.positional.push_back(take(argument));
    for (const auto &[name, argument] : call.named)
      operands.named.emplace_back(name, take(argument));
    std::vector<Operand> results;
    if (!isKnown || !importLayer(layer, operands, results))
      isDone = false; // what comes before it tells why
    values[place.layer].resize(std::max<size_t>(values[place.layer].size(), place.call + 1));
    values[place.layer][place.call] = std::move(results);
    for (Place user : users[{place.layer, place.call}])
      if (--missing[user.layer][user.call] == 0)
        ready.push_back(user);
  }
  if (numLeft)
    blockers.addToModel("the layers of '" + graph.name +
                        "' need each other in a circle, or a result that there is not");
  return isDone && !numLeft;
}

bool ModelImporter::importGraph(const Graph &graph, ArrayRef<Operand> inputs, std::vector<Operand> &outputs) {
  Values values(graph.layers.size());
  if (inputs.size() != graph.inputs.size()) {
    blockers.addToModel("the model '" + graph.name + "' has " + Twine(graph.inputs.size()) +
                        " inputs, and is called with " + Twine(inputs.size()));
    return false;
  }
  for (auto [ref, operand] : llvm::zip(graph.inputs, inputs)) {
    const Layer &layer = *graph.layers[ref.layer];
    std::vector<Operand> results{operand};
    if (!layer.isInput()) {
      Operands operands;
      operands.positional.push_back(operand);
      results.clear();
      if (!importLayer(layer, operands, results))
        return false;
    }
    values[ref.layer].resize(std::max<size_t>(values[ref.layer].size(), ref.call + 1));
    values[ref.layer][ref.call] = std::move(results);
  }
  if (!importCalls(graph, values))
    return false;
  for (const Graph::Output &output : graph.outputs) {
    Argument argument;
    argument.kind = Argument::Tensor;
    argument.tensor = output.tensor;
    std::optional<Operand> operand = resolve(graph, argument, values);
    if (!operand) {
      block(*graph.layers[output.tensor.layer], "an output of the model is a result that it does not have");
      return false;
    }
    outputs.push_back(std::move(*operand));
  }
  return true;
}

//===--- Layers ---===//

/// Says which steps of a layer's results count.
static void setMask(MaskUse use, LayerBinder &layer, std::vector<Operand> &results) {
  ArrayRef<Operand> inputs = layer.getInputs();
  auto isMasked = [](const Operand &input) { return input.isMasked; };
  Operand &first = results.front();
  switch (use) {
  case MaskUse::Uses:
    first.mask = layer.getResultMask();
    first.isMasked = static_cast<bool>(first.mask);
    return;
  case MaskUse::Passes:
    first.isMasked = llvm::any_of(inputs, isMasked);
    first.mask = first.isMasked && inputs.size() == 1 ? inputs.front().mask : Value();
    return;
  case MaskUse::Merges: {
    // Steps that count in one of the inputs, if all have a mask.
    first.isMasked = !inputs.empty() && llvm::all_of(inputs, isMasked);
    if (!first.isMasked || !llvm::all_of(inputs, [](const Operand &input) { return static_cast<bool>(input.mask); }))
      return;
    // Before Keras 3 steps had to count in all of them.
    if (layer.isBeforeKeras3() && !llvm::all_of(inputs, [&](const Operand &input) { return input.mask == inputs.front().mask; }))
      return;
    first.mask = inputs.front().mask;
    for (const Operand &input : inputs.drop_front())
      if (input.mask != first.mask)
        first.mask = layer.create<nn::OrOp>(first.mask, input.mask);
    return;
  }
  case MaskUse::Unknown:
    for (Operand &result : results)
      result.isMasked = llvm::any_of(inputs, isMasked);
    return;
  case MaskUse::Drops:
  case MaskUse::Needs:
    return;
  }
}

bool ModelImporter::importLayer(const Layer &layer, const Operands &operands, std::vector<Operand> &results) {
  LayerBinder binder(*this, builder, NameLoc::get(builder.getStringAttr(layer.name)), layer, operands);
  if (layer.graph)
    return importGraph(*layer.graph, binder.getInputs(), results);
  const LayerEntry *entry = findLayer(layer);
  if (!entry) {
    block(layer, layer.isInput() ? "the input is none of the inputs of its model" : getRefusal(layer.className));
    return false;
  }
  bool isMasked = llvm::any_of(binder.getInputs(), [](const Operand &input) { return input.isMasked; });
  MaskUse use = getMaskUse(layer);
  bool hasStrings = llvm::any_of(binder.getInputs(), [](const Operand &input) { return input.value && text::isStrings(input.value.getType()); });
  if (hasStrings && !takesStrings(layer))
    (void)binder.reject("its input is strings");
  if (isMasked && use == MaskUse::Needs)
    (void)binder.reject("masks (of Masking, or Embedding with mask_zero) are not supported here");
  if (binder.failed() || failed(entry->import(binder)) || binder.failed() || binder.getResults().empty()) {
    block(layer, binder.failed() ? binder.getReason() : StringRef("it has no results"));
    return false;
  }
  for (Value value : binder.getResults()) {
    Operand result;
    result.kind = Argument::Tensor;
    result.value = value;
    results.push_back(std::move(result));
  }
  setMask(use, binder, results);
  return true;
}

//===--- The whole model ---===//

void ModelImporter::addOutputs(ArrayRef<Operand> outputs) {
  llvm::StringMap<unsigned> used;
  for (auto [output, operand] : llvm::zip(graph.outputs, outputs)) {
    std::string base = output.key.empty() ? graph.layers[output.tensor.layer]->name : output.key, name = base;
    // Two outputs of one layer get numbers.
    while (used.contains(name))
      name = base + "_" + std::to_string(++used[base]);
    used.try_emplace(name, 0);
    main->addOutput(name, operand.value);
  }
}

OwningOpRef<ModuleOp> ModelImporter::import(StringRef modelName) {
  findUnsupported(graph);
  if (!blockers.empty())
    return {};
  frontend::ModelBuilder model(builder, modelName);
  main = &model;
  std::vector<Operand> inputs, outputs;
  addInputs(inputs);
  if (blockers.empty() && importGraph(graph, inputs, outputs))
    addOutputs(outputs);
  else if (blockers.empty())
    blockers.addToModel("a layer uses a result that there is not");
  main = nullptr;
  return blockers.empty() ? model.finish() : OwningOpRef<ModuleOp>();
}

} // namespace nnc::keras
