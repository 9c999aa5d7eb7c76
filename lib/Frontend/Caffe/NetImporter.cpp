// Imports a net layer by layer.
#include "lib/Frontend/Caffe/NetImporter.h"

#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Caffe/NetReader.h"
#include "lib/Frontend/Caffe/Transformation.h"
#include "lib/Frontend/Import/Weights.h"

using namespace mlir;

namespace nnc::caffe {

/// Layers that are still believed.
static constexpr int maxLayers = 1 << 16;

NetImporter::NetImporter(MLIRContext *context, std::shared_ptr<const format::Net> net,
                         std::shared_ptr<const format::Net> weights, std::string folder,
                         const frontend::ImportOptions &options)
    : builder(context), net(std::move(net)), weightNet(std::move(weights)), folder(std::move(folder)), options(options) {}

void NetImporter::block(const format::Layer &layer, const Twine &reason) {
  blockers.add(layer.name(), layer.type(), reason);
}

bool NetImporter::blockUnknownFields(const format::Layer &layer) {
  std::vector<std::string> fields = listUnknownFields(layer);
  for (const std::string &field : fields)
    block(layer, field);
  return !fields.empty();
}

//===--- Checks before anything is built ---===//

void NetImporter::findUnsupported() {
  for (const format::Layer &layer : net->layer()) {
    StringRef type = layer.type();
    if (!findLayer(layer) && !isDataLayer(layer) && !isLossLayer(type) && type != "Silence" && type != "HDF5Output")
      block(layer, getRefusal(type));
    if (!isLossLayer(type)) // which may be left out
      blockUnknownFields(layer);
  }
  if (net->layer_size() > maxLayers)
    blockers.addToModel("the net has more than " + Twine(maxLayers) + " layers");
  if (!net->layer_size())
    blockers.addToModel("the net has no layers");
}

/// Whether a layer works in the memory of its bottom `top`, as far as names tell.
static bool namesInPlace(const format::Layer &layer, int top) {
  return top < layer.bottom_size() && layer.bottom(top) == layer.top(top);
}

bool NetImporter::checkBlobs() {
  llvm::StringMap<std::pair<int, int>> producers;
  readers.resize(net->layer_size());
  for (auto [index, layer] : llvm::enumerate(net->layer())) {
    for (const std::string &bottom : layer.bottom()) {
      auto producer = producers.find(bottom);
      if (producer == producers.end()) {
        block(layer, "its bottom '" + bottom + "' is not made by any layer before it");
        continue;
      }
      ++readers[producer->second.first][producer->second.second];
    }
    readers[index].assign(layer.top_size(), 0);
    for (auto [top, name] : llvm::enumerate(layer.top())) {
      bool inPlace = namesInPlace(layer, top);
      if (!inPlace && producers.contains(name))
        block(layer, "its top '" + name + "' is made by another layer already");
      StringRef type = layer.type();
      if (inPlace &&
          (type == "Reshape" || type == "Flatten" || type == "Tile" || type == "Eltwise" || type == "AbsVal"))
        block(layer, "it cannot work in place: its top is its bottom");
      producers[name] = {static_cast<int>(index), static_cast<int>(top)};
    }
  }
  return blockers.empty();
}

//===--- Weights ---===//

/// The names of the first few layers with weights that are not in `layerOf`.
static std::string listUnmatched(const format::Net &weightNet, const llvm::StringMap<int> &layerOf) {
  constexpr unsigned mostListed = 5;
  std::string list;
  unsigned number = 0;
  for (const format::Layer &record : weightNet.layer())
    if (record.blobs_size() && !layerOf.contains(record.name()) && ++number <= mostListed)
      list += (list.empty() ? "'" : ", '") + record.name() + "'";
  return number > mostListed ? list + " and " + std::to_string(number - mostListed) + " more" : list;
}

void NetImporter::joinWeights() {
  weights.resize(net->layer_size());
  llvm::StringMap<int> layerOf; // the first layer of a name gets its weights
  llvm::StringMap<const format::Blob *> sharedBlobs;
  for (auto [index, layer] : llvm::enumerate(net->layer()))
    layerOf.try_emplace(layer.name(), index);
  std::string unmatched = listUnmatched(*weightNet, layerOf);
  for (LayerWeights &joined : weights) {
    joined.owner = weightNet;
    joined.hasOwnFile = weightNet != net;
    joined.unmatched = unmatched;
  }
  for (const format::Layer &record : weightNet->layer()) {
    auto found = layerOf.find(record.name());
    if (found == layerOf.end() || (weightNet == net && !record.blobs_size()))
      continue;
    const format::Layer &layer = net->layer(found->second);
    LayerWeights &joined = weights[found->second];
    joined.hasRecord = true;
    joined.blobs.clear();
    for (auto [i, blob] : llvm::enumerate(record.blobs())) {
      // In HDF5 form a blob that is another layer's as well is not here.
      bool isElsewhere = !blob.has_shape() && !blob.has_num() && !blob.data_size() && !blob.double_data_size();
      joined.blobs.push_back(isElsewhere ? nullptr : &blob);
      if (isElsewhere)
        continue;
      if (static_cast<int>(i) < layer.param_size() && !layer.param(i).name().empty())
        sharedBlobs[layer.param(i).name()] = &blob;
    }
    joined.isShared.assign(joined.blobs.size(), false);
  }
  for (auto [index, joined] : llvm::enumerate(weights)) {
    const auto &params = net->layer(index).param();
    for (auto [i, param] : llvm::enumerate(params)) {
      auto shared = sharedBlobs.find(param.name());
      if (param.name().empty() || shared == sharedBlobs.end())
        continue;
      if (joined.blobs.size() <= i) {
        joined.blobs.resize(i + 1);
        joined.isShared.resize(i + 1, false);
      }
      joined.isShared[i] = joined.blobs[i] != shared->second;
      joined.blobs[i] = shared->second;
    }
  }
}

//===--- Blobs ---===//

NetImporter::BlobRef NetImporter::makeBlob(Value value) {
  BlobRef blob;
  blob.memory = memories.size();
  memories.push_back({value, 0});
  blob.shape.assign(LayerBinder::getShape(value).begin(), LayerBinder::getShape(value).end());
  blob.value = value;
  return blob;
}

Value NetImporter::read(BlobRef &blob, Location loc) {
  Memory &memory = memories[blob.memory];
  if (blob.value && blob.writes == memory.writes)
    return blob.value;
  blob.writes = memory.writes;
  blob.value = memory.value;
  if (LayerBinder::getShape(memory.value) != ArrayRef<int64_t>(blob.shape)) {
    frontend::NodeBuilder nodes(builder, loc);
    SmallVector<int64_t> shape(blob.shape);
    std::replace_if(shape.begin(), shape.end(), ShapedType::isDynamic, -1);
    blob.value = nodes.create<nn::ReshapeOp>(memory.value, nodes.ints(shape), /*allow_zero=*/false);
  }
  return blob.value;
}

void NetImporter::defineTop(int layer, int top, BlobRef blob) {
  blob.numReaders = readers[layer][top];
  auto [entry, isNew] = blobs.insert_or_assign(net->layer(layer).top(top), std::move(blob));
  if (isNew)
    order.push_back(entry->getKey());
}

//===--- Inputs ---===//

/// The shape that the file gives the input of a data layer; empty where it gives none.
static SmallVector<int64_t> getInputShape(const format::Layer &layer, int top) {
  auto copy = [](const format::BlobShape &shape) {
    return SmallVector<int64_t>(shape.dim().begin(), shape.dim().end());
  };
  if (layer.type() == "Input") {
    const auto &shapes = layer.input_param().shape();
    int index = shapes.size() == 1 ? 0 : top;
    return index < shapes.size() ? copy(shapes.Get(index)) : SmallVector<int64_t>();
  }
  if (layer.type() == "DummyData") {
    const format::DummyDataParam &param = layer.dummy_data_param();
    auto pick = [&](const auto &list) -> int64_t {
      return list.size() == 1 ? list.Get(0) : top < list.size() ? list.Get(top) : 0;
    };
    if (param.shape_size())
      return param.shape_size() == 1    ? copy(param.shape(0))
             : top < param.shape_size() ? copy(param.shape(top))
                                        : SmallVector<int64_t>();
    if (param.num_size())
      return {pick(param.num()), pick(param.channels()), pick(param.height()), pick(param.width())};
  }
  if (layer.type() == "MemoryData" && top == 0) {
    const format::MemoryDataParam &param = layer.memory_data_param();
    return {param.batch_size(), param.channels(), param.height(), param.width()};
  }
  return {};
}

/// Caffe fixes extents when it makes the net, and users change them then: --shape replaces the file's.
static std::string chooseShape(const frontend::ShapeOverrides &shapes, StringRef input, SmallVectorImpl<int64_t> &shape,
                               bool isKnown) {
  auto given = shapes.inputs.find(input);
  if (given != shapes.inputs.end()) {
    if (isKnown && given->second.size() != shape.size())
      return ("--shape gives '" + input + "' " + Twine(given->second.size()) + " dimensions, the net " +
              Twine(shape.size()))
          .str();
    shape = given->second;
  } else if (!isKnown) {
    return ("the file does not give the shape of '" + input + "'; give one with --shape").str();
  }
  if (llvm::any_of(shape, [](int64_t extent) { return extent <= 0; }) || !frontend::countElements(shape))
    return ("the extents of '" + input + "' must be positive numbers, and not too large").str();
  return "";
}

void NetImporter::addInput(int index, int top) {
  const format::Layer &layer = net->layer(index);
  SmallVector<int64_t> shape = getInputShape(layer, top);
  // A scalar is a shape that is there and empty.
  bool isKnown = !shape.empty() || (layer.type() == "Input" && layer.input_param().shape_size());
  std::string problem = chooseShape(options.shapes, layer.top(top), shape, isKnown);
  if (!problem.empty()) {
    block(layer, problem);
    shape.clear();
  }
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  BlobRef blob = makeBlob(main->addInput(layer.top(top), type));
  std::string remark;
  if (auto preprocessing = top ? std::nullopt : readTransformation(layer, type, folder, remark))
    main->setPreprocessing(blob.value, *preprocessing);
  if (!remark.empty())
    remarks.push_back("layer '" + layer.name() + "' (" + layer.type() + "): " + remark);
  blob.isInput = true;
  blob.kind = problem.empty() ? BlobRef::Normal : BlobRef::Failed;
  defineTop(index, top, std::move(blob));
}

void NetImporter::importDataLayer(int index) {
  const format::Layer &layer = net->layer(index);
  for (int top = 0; top < layer.top_size(); ++top) {
    // The second top of a data layer is the label, of which a deployed network knows nothing.
    if (top > 0 && layer.type() != "Input" && layer.type() != "DummyData" && layer.type() != "HDF5Data") {
      BlobRef label;
      label.kind = BlobRef::Label;
      defineTop(index, top, std::move(label));
      continue;
    }
    const format::DummyDataParam &dummy = layer.dummy_data_param();
    format::Filler filler;
    if (dummy.data_filler_size())
      filler = dummy.data_filler(dummy.data_filler_size() == 1 ? 0 : std::min(top, dummy.data_filler_size() - 1));
    SmallVector<int64_t> shape = getInputShape(layer, top);
    if (layer.type() == "DummyData" && !shape.empty() && filler.type() == "constant" &&
        llvm::all_of(shape, [](int64_t extent) { return extent > 0; })) {
      frontend::NodeBuilder nodes(builder, NameLoc::get(builder.getStringAttr(layer.name())));
      if (auto numbers = makeFilled(filler, shape)) {
        defineTop(index, top, makeBlob(nodes.floats(shape, std::move(*numbers))));
        continue;
      }
    }
    addInput(index, top);
  }
}

//===--- Layers ---===//

void NetImporter::importLayer(int index) {
  const format::Layer &layer = net->layer(index);
  if (isDataLayer(layer))
    return importDataLayer(index);
  auto spread = [&](BlobRef::Kind kind) {
    for (int top = 0; top < layer.top_size(); ++top) {
      BlobRef blob;
      blob.kind = kind;
      defineTop(index, top, std::move(blob));
    }
  };
  unsigned labels = 0;
  for (const std::string &bottom : layer.bottom()) {
    labels += blobs[bottom].kind == BlobRef::Label;
    if (blobs[bottom].kind == BlobRef::Failed)
      return spread(BlobRef::Failed); // its producer's blocker tells why
  }
  StringRef type = layer.type();
  if (labels && (isLossLayer(type) || labels == static_cast<unsigned>(layer.bottom_size()))) {
    if (isLossLayer(type)) {
      remarks.push_back("layer '" + layer.name() + "' (" + layer.type() +
                        "): left out, its labels come from a data layer");
      for (const std::string &bottom : layer.bottom())
        if (blobs[bottom].numReaders)
          --blobs[bottom].numReaders; // what only a loss reads is a result
    }
    return spread(BlobRef::Label);
  }
  if (type == "Silence" || type == "HDF5Output")
    return;
  if (labels)
    block(layer, "it needs a label that comes from a data layer");
  if (labels || (isLossLayer(type) && blockUnknownFields(layer)))
    return spread(BlobRef::Failed);
  const LayerEntry *entry = findLayer(layer);
  if (!entry) {
    block(layer, getRefusal(type));
    return spread(BlobRef::Failed);
  }
  Location loc = NameLoc::get(builder.getStringAttr(layer.name()));
  SmallVector<Value> bottoms;
  for (const std::string &bottom : layer.bottom())
    bottoms.push_back(read(blobs[bottom], loc));
  auto isTooOpen = [&](Value bottom) {
    ArrayRef<int64_t> shape = LayerBinder::getShape(bottom);
    if (entry->open == OpenExtents::First && !shape.empty())
      shape = shape.drop_front();
    return entry->open != OpenExtents::Any && llvm::any_of(shape, ShapedType::isDynamic);
  };
  if (llvm::any_of(bottoms, isTooOpen)) {
    block(layer, "data decide an extent of its bottom, which nnc does not support for this type of layer");
    return spread(BlobRef::Failed);
  }
  LayerBinder binder(builder, loc, layer, bottoms, weights[index]);
  LogicalResult imported = entry->import(binder);
  binder.checkWeights();
  if (failed(imported) || binder.failed() || static_cast<int>(binder.getResults().size()) != layer.top_size()) {
    block(layer, binder.failed() ? binder.getReason() : StringRef("it has another number of tops than its type makes"));
    return spread(BlobRef::Failed);
  }
  for (StringRef remark : binder.getRemarks())
    remarks.push_back(("layer '" + layer.name() + "' (" + layer.type() + "): " + remark).str());
  defineResults(index, binder.getResults());
}

void NetImporter::defineResults(int index, ArrayRef<Value> results) {
  const format::Layer &layer = net->layer(index);
  // Tops may have the names of bottoms, so these are looked up before.
  SmallVector<BlobRef> bottoms;
  for (const std::string &bottom : layer.bottom())
    bottoms.push_back(blobs[bottom]);
  for (auto [top, value] : llvm::enumerate(results)) {
    BlobRef blob;
    bool isAlias = isAliasLayer(layer);
    // A blob that others read as well is copied before a layer works on it.
    bool inPlace = namesInPlace(layer, top) && bottoms[top].numReaders == 1;
    if (!isAlias && !inPlace) {
      defineTop(index, top, makeBlob(value));
      continue;
    }
    const BlobRef &source = bottoms[isAlias ? 0 : top];
    Memory &memory = memories[source.memory];
    if (!isAlias) {
      memory.value = value;
      ++memory.writes;
    }
    blob.memory = source.memory;
    blob.shape.assign(LayerBinder::getShape(value).begin(), LayerBinder::getShape(value).end());
    blob.value = value;
    blob.writes = memory.writes;
    defineTop(index, top, std::move(blob));
  }
}

//===--- The whole net ---===//

void NetImporter::addOutputs() {
  bool any = false;
  for (StringRef name : order) {
    BlobRef &blob = blobs[name];
    if (blob.numReaders || blob.isInput || blob.kind != BlobRef::Normal)
      continue;
    main->addOutput(name, read(blob, NameLoc::get(builder.getStringAttr(name))));
    any = true;
  }
  if (!any && blockers.empty())
    blockers.addToModel("the net has no outputs");
}

OwningOpRef<ModuleOp> NetImporter::import(StringRef modelName) {
  findUnsupported();
  if (!blockers.empty() || !checkBlobs())
    return {};
  joinWeights();
  frontend::ModelBuilder model(builder, modelName);
  main = &model;
  for (int index = 0; index < net->layer_size(); ++index)
    importLayer(index);
  addOutputs();
  main = nullptr;
  return blockers.empty() ? model.finish() : OwningOpRef<ModuleOp>();
}

} // namespace nnc::caffe
