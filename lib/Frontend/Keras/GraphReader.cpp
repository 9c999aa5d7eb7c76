// Reads the configuration of a model. Calls of layers are written in two forms: lists [layer, call, result,
// {arguments}] up to Keras 2, and objects with "args" and "kwargs" since Keras 3.
#include "lib/Frontend/Keras/Graph.h"
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace nnc::keras {

static constexpr size_t maxLayers = 1 << 16;
/// Calls and results of one layer.
static constexpr int64_t maxNumber = 1 << 16;

bool isModelClass(StringRef className) {
  return className == "Functional" || className == "Sequential" || className == "Model";
}

namespace {

class Reader {
public:
  explicit Reader(Graph &graph) : graph(graph) {}
  Error read(const TypedObject &model);
  Error readSequential(const json::Array &layers);

private:
  Error readFunctional(const json::Object &config);
  Error addLayer(const json::Value &value);
  Error readCalls(Layer &layer, const json::Array &nodes);
  Expected<Call> readCall(const json::Object &node);
  Expected<Call> readOldCall(const json::Array &node);
  Expected<Argument> readArgument(const json::Value &value);
  Expected<Argument> readOldArgument(const json::Value &value);
  Expected<TensorRef> readRef(const json::Array &list);
  bool isRef(const json::Value &value) const;
  Error readOutputs(const json::Value &value, StringRef key);
  Error readInputs(const json::Value &value);
  void renumberModels();

  Graph &graph;
  /// Calls are written as Keras 3 does.
  bool hasObjects = false;
  StringMap<unsigned> layerOf;
};

} // namespace

static Error makeError(const Twine &text) { return createStringError(text); }

//===--- Layers ---===//

/// The layers that a wrapper holds.
static Error readInner(Layer &layer);

/// An .h5 file does not say what is an operation; in those of Keras 3 every layer has these parameters and no operation
/// has. Both have some names in common.
static bool isBare(const json::Object &object, const json::Object &config) {
  const json::Array *calls = object.getArray("inbound_nodes");
  return calls && !calls->empty() && calls->front().getAsObject() && !config.get("trainable") && !config.get("dtype");
}

/// A class of the user's may have the name of one of Keras'; since Keras 3 a layer says where its class is from.
static bool isOfUser(const json::Object &object) {
  auto module = object.getString("module");
  bool isOfKeras = module && (*module == "keras" || module->starts_with("keras.") || module->starts_with("tf_keras."));
  return object.getString("registered_name") && !isOfKeras;
}

static Expected<std::unique_ptr<Layer>> readLayer(const json::Value &value) {
  std::optional<TypedObject> typed = asTypedObject(&value);
  static const json::Object none;
  const json::Object *object = value.getAsObject();
  if (!typed)
    return makeError("a layer has no class");
  auto layer = std::make_unique<Layer>();
  layer->className = (isOfUser(*object) ? "a class of the user's, " : "") + typed->className.str();
  layer->config = typed->config ? typed->config : &none;
  layer->name = layer->parameters().getString("name", object->getString("name").value_or("")).str();
  layer->isTrainable = layer->parameters().getBool("trainable", true);
  StringRef module = object->getString("module").value_or("");
  layer->isOperation = module.starts_with("keras.src.ops") || module.starts_with("keras.ops");
  if (module.empty() && !isModelClass(layer->className) && !layer->isInput()) {
    bool isUnknown = !findLayer(*layer);
    layer->isOperation = true;
    layer->isOperation = findLayer(*layer) && (isUnknown || isBare(*object, *layer->config));
  }
  if (isModelClass(layer->className) && !layer->isOperation) {
    auto graph = readGraph(value);
    if (!graph)
      return graph.takeError();
    layer->graph = std::move(*graph);
    if (layer->name.empty())
      layer->name = layer->graph->name;
  }
  if (Error error = readInner(*layer))
    return std::move(error);
  return layer;
}

static Error addInner(Layer &layer, StringRef member, const json::Value *value) {
  if (!value)
    return makeError("layer '" + layer.name + "' (" + layer.className + ") lacks the layer that it wraps");
  auto inner = readLayer(*value);
  if (!inner)
    return inner.takeError();
  layer.inner.emplace_back(member.str(), std::move(*inner));
  return Error::success();
}

static Error readInner(Layer &layer) {
  Parameters parameters = layer.parameters();
  if (layer.className == "RNN")
    return addInner(layer, "cell", parameters.find("cell"));
  if (layer.className == "StackedRNNCells") {
    const json::Value *cells = parameters.find("cells");
    const json::Array *list = cells ? cells->getAsArray() : nullptr;
    if (!list || list->empty())
      return makeError("layer '" + layer.name + "' (StackedRNNCells) has no cells");
    for (const json::Value &cell : *list)
      if (Error error = addInner(layer, "cells", &cell))
        return error;
    return Error::success();
  }
  if (layer.className == "TimeDistributed" || layer.className == "SpectralNormalization")
    return addInner(layer, "layer", parameters.find("layer"));
  if (layer.className == "Bidirectional") {
    if (Error error = addInner(layer, "forward_layer", parameters.find("layer")))
      return error;
    // Where it is not written it is the other one's, and runs the other way.
    const json::Value *backward = parameters.find("backward_layer");
    return addInner(layer, "backward_layer", backward ? backward : parameters.find("layer"));
  }
  return Error::success();
}

Error Reader::addLayer(const json::Value &value) {
  auto layer = readLayer(value);
  if (!layer)
    return layer.takeError();
  if (graph.layers.size() >= maxLayers)
    return makeError("the model has more than " + Twine(maxLayers) + " layers");
  if ((*layer)->name.empty())
    return makeError("a layer has no name");
  if (!layerOf.try_emplace((*layer)->name, graph.layers.size()).second)
    return makeError("two layers have the name '" + (*layer)->name + "'");
  graph.layers.push_back(std::move(*layer));
  return Error::success();
}

//===--- Calls ---===//

bool Reader::isRef(const json::Value &value) const {
  const json::Array *list = value.getAsArray();
  if (!list || list->size() < 3)
    return false;
  auto name = (*list)[0].getAsString();
  return name && (*list)[1].getAsInteger() && (layerOf.contains(*name) || *name == "_CONSTANT_VALUE");
}

Expected<TensorRef> Reader::readRef(const json::Array &list) {
  auto name = list.size() >= 3 ? list[0].getAsString() : std::nullopt;
  auto call = name ? list[1].getAsInteger() : std::nullopt, result = call ? list[2].getAsInteger() : std::nullopt;
  if (!result || *call < 0 || *result < 0 || *call > maxNumber || *result > maxNumber)
    return makeError("a tensor is not written as [layer, call, result]");
  auto layer = layerOf.find(*name);
  if (layer == layerOf.end())
    return makeError("there is no layer '" + *name + "', whose result is used");
  return TensorRef{layer->second, static_cast<unsigned>(*call), static_cast<unsigned>(*result)};
}

/// Makes a list of arguments a constant again where no tensor is in it.
static Argument makeList(std::vector<Argument> items, const json::Value &value) {
  bool hasTensor = any_of(items, [](const Argument &item) { return item.kind != Argument::Constant; });
  Argument argument;
  argument.constant = &value;
  if (hasTensor) {
    argument.kind = Argument::List;
    argument.items = std::move(items);
  }
  return argument;
}

Expected<Argument> Reader::readArgument(const json::Value &value) {
  Argument argument;
  argument.constant = &value;
  if (const json::Array *list = value.getAsArray()) {
    std::vector<Argument> items;
    for (const json::Value &entry : *list) {
      auto item = readArgument(entry);
      if (!item)
        return item.takeError();
      items.push_back(std::move(*item));
    }
    return makeList(std::move(items), value);
  }
  std::optional<TypedObject> typed = asTypedObject(&value);
  if (!typed || typed->className != "__keras_tensor__")
    return argument;
  const json::Array *history = typed->config ? typed->config->getArray("keras_history") : nullptr;
  if (!history)
    return makeError("a tensor has no keras_history");
  auto ref = readRef(*history);
  if (!ref)
    return ref.takeError();
  argument.kind = Argument::Tensor;
  argument.tensor = *ref;
  return argument;
}

/// [layer, call, result], or [_CONSTANT_VALUE, -1, value], or a list of such, or any other value.
Expected<Argument> Reader::readOldArgument(const json::Value &value) {
  Argument argument;
  argument.constant = &value;
  const json::Array *list = value.getAsArray();
  if (list && isRef(value)) {
    if ((*list)[0].getAsString() == StringRef("_CONSTANT_VALUE")) {
      argument.constant = &(*list)[2];
      return argument;
    }
    auto ref = readRef(*list);
    if (!ref)
      return ref.takeError();
    argument.kind = Argument::Tensor;
    argument.tensor = *ref;
    return argument;
  }
  if (!list)
    return argument;
  std::vector<Argument> items;
  for (const json::Value &entry : *list) {
    auto item = readOldArgument(entry);
    if (!item)
      return item.takeError();
    items.push_back(std::move(*item));
  }
  return makeList(std::move(items), value);
}

Expected<Call> Reader::readCall(const json::Object &node) {
  Call call;
  if (const json::Array *args = node.getArray("args"))
    for (const json::Value &value : *args) {
      auto argument = readArgument(value);
      if (!argument)
        return argument.takeError();
      call.positional.push_back(std::move(*argument));
    }
  if (const json::Object *kwargs = node.getObject("kwargs"))
    for (const auto &[key, value] : *kwargs) {
      auto argument = readArgument(value);
      if (!argument)
        return argument.takeError();
      call.named.emplace_back(key.str(), std::move(*argument));
    }
  return call;
}

/// The inputs, and behind the first one the other arguments.
Expected<Call> Reader::readOldCall(const json::Array &node) {
  Call call;
  bool isSingle = !node.empty() && node[0].getAsString();
  const json::Array *first = isSingle ? &node : node.empty() ? nullptr : node[0].getAsArray();
  if (!first || first->size() < 3)
    return makeError("a call of a layer has no inputs");
  std::vector<Argument> items;
  for (size_t i = 0; i < (isSingle ? 1 : node.size()); ++i) {
    const json::Array *entry = isSingle ? &node : node[i].getAsArray();
    if (!entry || entry->size() < 3)
      return makeError("an input of a layer is not written as [layer, call, result]");
    Argument item;
    if ((*entry)[0].getAsString() == StringRef("_CONSTANT_VALUE")) {
      item.constant = &(*entry)[2];
    } else {
      auto ref = readRef(*entry);
      if (!ref)
        return ref.takeError();
      item.kind = Argument::Tensor;
      item.tensor = *ref;
    }
    items.push_back(std::move(item));
  }
  if (items.size() == 1) {
    call.positional.push_back(std::move(items.front()));
  } else {
    Argument list;
    list.kind = Argument::List;
    list.items = std::move(items);
    call.positional.push_back(std::move(list));
  }
  const json::Object *more = first->size() > 3 ? (*first)[3].getAsObject() : nullptr;
  if (more)
    for (const auto &[key, value] : *more) {
      auto argument = readOldArgument(value);
      if (!argument)
        return argument.takeError();
      call.named.emplace_back(key.str(), std::move(*argument));
    }
  return call;
}

Error Reader::readCalls(Layer &layer, const json::Array &nodes) {
  for (const json::Value &node : nodes) {
    const json::Object *object = node.getAsObject();
    const json::Array *list = node.getAsArray();
    if (!object && !list)
      return makeError("layer '" + layer.name + "': a call is neither an object nor a list");
    hasObjects |= object != nullptr;
    auto call = object ? readCall(*object) : readOldCall(*list);
    if (!call)
      return makeError("layer '" + layer.name + "': " + toString(call.takeError()));
    layer.calls.push_back(std::move(*call));
  }
  return Error::success();
}

//===--- Models ---===//

Error Reader::readInputs(const json::Value &value) {
  if (isRef(value)) {
    auto ref = readRef(*value.getAsArray());
    if (!ref)
      return ref.takeError();
    graph.inputs.push_back(*ref);
    return Error::success();
  }
  if (const json::Array *list = value.getAsArray()) {
    for (const json::Value &entry : *list)
      if (Error error = readInputs(entry))
        return error;
    return Error::success();
  }
  if (const json::Object *dictionary = value.getAsObject()) {
    // Python's order of insertion is lost; that of names stays the same for all.
    std::vector<std::string> keys;
    for (const auto &[key, entry] : *dictionary)
      keys.push_back(key.str());
    llvm::sort(keys);
    for (const std::string &key : keys)
      if (Error error = readInputs(*dictionary->get(key)))
        return error;
    return Error::success();
  }
  return makeError("the model's inputs are not written as [layer, call, result]");
}

Error Reader::readOutputs(const json::Value &value, StringRef key) {
  if (isRef(value)) {
    auto ref = readRef(*value.getAsArray());
    if (!ref)
      return ref.takeError();
    graph.outputs.push_back({key.str(), *ref});
    return Error::success();
  }
  if (const json::Array *list = value.getAsArray()) {
    for (const json::Value &entry : *list)
      if (Error error = readOutputs(entry, ""))
        return error;
    return Error::success();
  }
  if (const json::Object *dictionary = value.getAsObject()) {
    std::vector<std::string> keys;
    for (const auto &[name, entry] : *dictionary)
      keys.push_back(name.str());
    llvm::sort(keys);
    for (const std::string &name : keys)
      if (Error error = readOutputs(*dictionary->get(name), name))
        return error;
    return Error::success();
  }
  return makeError("the model's outputs are not written as [layer, call, result]");
}

static void forEachRef(Argument &argument, function_ref<void(TensorRef &)> visit) {
  if (argument.kind == Argument::Tensor)
    visit(argument.tensor);
  for (Argument &item : argument.items)
    forEachRef(item, visit);
}

/// The first call of a nested model, which made it, is not in the file but is counted: since Keras 3 only where a result
/// is one of the outer model, and not of a Sequential; before that everywhere.
void Reader::renumberModels() {
  for (unsigned index = 0; index < graph.layers.size(); ++index) {
    const Layer &nested = *graph.layers[index];
    if (!nested.graph || (hasObjects && nested.className == "Sequential"))
      continue;
    SmallVector<TensorRef *> refs;
    auto collect = [&](TensorRef &ref) {
      if (ref.layer == index)
        refs.push_back(&ref);
    };
    for (Graph::Output &output : graph.outputs)
      collect(output.tensor);
    for (auto &layer : graph.layers)
      for (Call &call : layer->calls)
        if (!hasObjects) {
          for (Argument &argument : call.positional)
            forEachRef(argument, collect);
          for (auto &[name, argument] : call.named)
            forEachRef(argument, collect);
        }
    auto isCounted = [](const TensorRef *ref) { return ref->call >= 1; };
    auto isBeyond = [&](const TensorRef *ref) { return ref->call == nested.calls.size(); };
    bool beginsWithInput = !nested.graph->layers.empty() && nested.graph->layers.front()->isInput();
    if (all_of(refs, isCounted) && (hasObjects || beginsWithInput || any_of(refs, isBeyond)))
      for (TensorRef *ref : refs)
        --ref->call;
  }
}

Error Reader::readFunctional(const json::Object &config) {
  const json::Array *layers = config.getArray("layers");
  const json::Value *inputs = config.get("input_layers"), *outputs = config.get("output_layers");
  if (!layers || !inputs || !outputs)
    return makeError(
        "the model's configuration lacks its layers, inputs or outputs; nnc reads Sequential and functional "
        "models, a subclass of Model is Python code");
  for (const json::Value &layer : *layers)
    if (Error error = addLayer(layer))
      return error;
  for (auto [layer, value] : zip(graph.layers, *layers)) {
    const json::Array *nodes = value.getAsObject()->getArray("inbound_nodes");
    if (nodes)
      if (Error error = readCalls(*layer, *nodes))
        return error;
  }
  if (Error error = readInputs(*inputs))
    return error;
  if (Error error = readOutputs(*outputs, ""))
    return error;
  renumberModels();
  return Error::success();
}

Error Reader::readSequential(const json::Array &layers) {
  graph.isSequential = true;
  for (const json::Value &layer : layers)
    if (Error error = addLayer(layer))
      return error;
  // Each layer is called with what the one before it gave; the first has no call, it gets the model's input.
  for (unsigned i = 1; i < graph.layers.size(); ++i) {
    Argument argument;
    argument.kind = Argument::Tensor;
    argument.tensor = {i - 1, 0, 0};
    Call call;
    call.positional.push_back(std::move(argument));
    graph.layers[i]->calls.push_back(std::move(call));
  }
  if (graph.layers.empty())
    return makeError("the model has no layers");
  graph.inputs.push_back({0, 0, 0});
  graph.outputs.push_back({"", {static_cast<unsigned>(graph.layers.size()) - 1, 0, 0}});
  return Error::success();
}

Error Reader::read(const TypedObject &model) {
  const json::Array *layers = model.config->getArray("layers");
  graph.name = Parameters(*model.config).getString("name", "model").str();
  if (model.className != "Sequential")
    return readFunctional(*model.config);
  return layers ? readSequential(*layers) : makeError("the model's configuration has no layers");
}

Expected<std::unique_ptr<Graph>> readGraph(const json::Value &model) {
  std::optional<TypedObject> typed = asTypedObject(&model);
  if (!typed)
    return makeError("the model's configuration has no class");
  if (!isModelClass(typed->className) && !(typed->config && typed->config->get("input_layers")))
    return makeError("the model is of the class '" + typed->className +
                     "'; nnc reads Sequential and functional models, a class of one's own is Python code");
  auto graph = std::make_unique<Graph>();
  // Up to Keras 2.2 the configuration of a Sequential is the list of its layers.
  const json::Array *layers = model.getAsObject()->getArray("config");
  if (!typed->config && !layers)
    return makeError("the model has no configuration");
  if (layers)
    graph->name = "sequential";
  if (Error error = layers ? Reader(*graph).readSequential(*layers) : Reader(*graph).read(*typed))
    return std::move(error);
  return graph;
}

} // namespace nnc::keras
