// From sections to a module.
#include "lib/Frontend/Darknet/CfgImporter.h"

#include "lib/Frontend/Darknet/SectionTable.h"
#include "lib/Frontend/Import/Weights.h"

using namespace mlir;

namespace nnc::darknet {

static constexpr StringRef inputName = "input";

static std::string getName(const Section &section, size_t index) { return section.type + "_" + std::to_string(index); }

/// A file that says how to train is run with one image, as darknet's own commands do; another one is meant for
/// inference, with the batch that it names.
static int64_t getBatch(const Section &net) {
  if (net.has("max_batches") || net.has("policy"))
    return 1;
  return std::max<int64_t>(1, net.integer("batch", 1) / std::max<int64_t>(1, net.integer("subdivisions", 1)));
}

bool CfgImporter::addInput(frontend::ModelBuilder &main) {
  const Section &net = config.net;
  network.batch = getBatch(net);
  network.steps = std::max<int64_t>(1, net.integer("time_steps", 1));
  int64_t height = net.integer("height", 0), width = net.integer("width", 0), channels = net.integer("channels", 0);
  bool isImage = height && width && channels;
  int64_t inputs = net.integer("inputs", 0);
  SmallVector<int64_t> shape{network.batch * network.steps, inputs};
  if (isImage)
    shape = {network.batch * network.steps, channels, height, width};
  auto given = options.shapes.inputs.find(inputName);
  if (given != options.shapes.inputs.end()) {
    if (given->second.size() != shape.size() || (isImage && given->second[1] != channels) ||
        (!isImage && given->second[1] != inputs) || given->second[0] % network.steps) {
      blockers.addToModel("--shape may change the number of images, and the height and width of images, but gives other numbers");
      return false;
    }
    shape = given->second;
    network.batch = shape[0] / network.steps;
  }
  auto isTooLarge = [](int64_t extent) { return extent <= 0 || extent > (1 << 24); };
  if (llvm::any_of(shape, isTooLarge) || !frontend::countElements(shape)) {
    blockers.addToModel("[net] needs height, width and channels, or inputs, that are positive and not too large");
    return false;
  }
  Value input = main.addInput(inputName, RankedTensorType::get(shape, builder.getF32Type()));
  // Images are read as numbers from 0 to 1.
  if (isImage)
    main.setPreprocessing(input, {{}, {1.0f / 255}, /*meanImage=*/{}, /*channelAxis=*/1, channels == 3 ? "RGB" : ""});
  network.layers.push_back({input, /*isVector=*/!isImage, {}});
  return true;
}

bool CfgImporter::importSection(size_t index) {
  const Section &section = config.layers[index];
  std::string name = getName(section, index);
  SectionBinder binder(builder, NameLoc::get(builder.getStringAttr(name)), section, index, network);
  const SectionEntry *entry = findSection(section.type);
  if (failed(entry->import(binder)) || binder.failed()) {
    blockers.add(name, "[" + section.type + "], line " + Twine(section.line),
                 binder.failed() ? binder.getReason() : StringRef("it cannot be imported"));
    return false;
  }
  for (StringRef remark : binder.getRemarks())
    remarks.push_back("layer '" + name + "': " + remark.str());
  network.layers.push_back(binder.getResult());
  return true;
}

void CfgImporter::addOutputs(frontend::ModelBuilder &main) {
  // The cost of training is no layer of inference.
  size_t last = config.layers.size();
  while (last > 0 && config.layers[last - 1].type == "cost")
    --last;
  for (size_t index = 0; index < last; ++index) {
    const Section &section = config.layers[index];
    if (index + 1 != last && !isOutputSection(section.type))
      continue;
    Value value = network.layers[index + 1].value;
    auto shape = cast<RankedTensorType>(value.getType()).getShape();
    int64_t classes = isOutputSection(section.type) ? section.integer("classes", 20)
                                                    : llvm::product_of(shape.drop_front(), int64_t{1});
    bool areLabels = static_cast<int64_t>(network.labels.size()) == classes;
    main.addOutput(getName(section, index), value, areLabels ? ArrayRef(network.labels) : ArrayRef<std::string>());
  }
  for (const State &state : network.states)
    if (state.after)
      main.addNextState(state.name + "_next", state.after, state.before);
}

OwningOpRef<ModuleOp> CfgImporter::import(StringRef modelName) {
  size_t numLayers = 0;
  for (auto [index, section] : llvm::enumerate(config.layers)) {
    if (section.type == "cost")
      continue;
    ++numLayers;
    if (!findSection(section.type))
      blockers.add(getName(section, index), "[" + section.type + "], line " + Twine(section.line),
                   "this type of layer is not supported");
  }
  if (!numLayers)
    blockers.addToModel("the network has no layers");
  frontend::ModelBuilder main(builder, modelName);
  network.main = &main;
  if (!blockers.empty() || !addInput(main))
    return {};
  for (size_t index = 0; index < config.layers.size(); ++index) {
    if (config.layers[index].type == "cost") {
      network.layers.push_back(network.layers.back());
      continue;
    }
    // Weights and layers that follow depend on this one.
    if (!importSection(index))
      return {};
  }
  if (network.weights.getRest()) {
    blockers.addToModel("the .weights file has " + Twine(network.weights.getRest()) +
                        " numbers more than the network: it belongs to another .cfg, or to the other --darknet-dialect");
    return {};
  }
  addOutputs(main);
  return main.finish();
}

} // namespace nnc::darknet
