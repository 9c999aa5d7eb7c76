// From the tables of a network to a module.
#include "lib/Frontend/Ccv/Ccv.h"

#include "lib/Frontend/Ccv/LayerTable.h"
#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/Import/Weights.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Path.h"

#include <cstring>

using namespace mlir;

namespace nnc::ccv {

static constexpr StringRef inputName = "input";

bool isCcv(const frontend::ModelFile &file) { return isDatabase(file.getContent()); }

static std::string getName(const Layer &layer, size_t index) {
  const LayerEntry *entry = findLayer(layer.type);
  return (entry ? entry->name.str() : "layer") + "_" + std::to_string(index);
}

/// The input; null, with a blocker, where it is too large or `--shape` does not fit.
static Value addInput(frontend::ModelBuilder &main, OpBuilder &builder, const Layer &first,
                      const frontend::ImportOptions &options, frontend::Blockers &blockers) {
  SmallVector<int64_t> shape{1, first.rows, first.columns, first.channels};
  if (auto given = options.shapes.inputs.find(inputName); given != options.shapes.inputs.end()) {
    shape = given->second;
    if (shape.size() != 4 || shape[3] != first.channels) {
      blockers.addToModel("--shape may change the number of images, their rows and columns, but gives other numbers");
      return {};
    }
  }
  auto isWrong = [](int64_t extent) { return extent < 1 || extent > (1 << 24); };
  if (llvm::any_of(shape, isWrong) || !frontend::countElements(shape)) {
    blockers.addToModel("the extents of the input must be positive, and not too large");
    return {};
  }
  return main.addInput(inputName, RankedTensorType::get(shape, builder.getF32Type()));
}

/// Classification subtracts the mean of the images that it was trained with from one of their size, and cuts the middle
/// out of the difference.
static void describeInput(frontend::ModelBuilder &main, Value input, const Network &network) {
  auto shape = cast<RankedTensorType>(input.getType()).getShape();
  frontend::Preprocessing preprocessing;
  preprocessing.channelAxis = 3;
  preprocessing.channelOrder = shape[3] == 3 ? "RGB" : "";
  if (network.mean) {
    std::vector<float> mean(network.mean->size() / sizeof(float));
    memcpy(mean.data(), network.mean->data(), mean.size() * sizeof(float));
    auto middle = frontend::cutMiddle(mean, 1, {network.inputRows, network.inputColumns}, {shape[1], shape[2]}, shape[3]);
    if (!middle.empty())
      preprocessing.meanImage =
          frontend::makeWeights(input.getContext(), shape.drop_front(), std::move(middle), "mean_activity");
  }
  main.setPreprocessing(input, preprocessing);
}

/// The module, or null with the blockers recorded.
static OwningOpRef<ModuleOp> importLayers(MLIRContext &context, const Network &network, StringRef name,
                                          const frontend::ImportOptions &options, frontend::Blockers &blockers) {
  if (network.layers.empty())
    blockers.addToModel("the network has no layers");
  for (auto [index, layer] : llvm::enumerate(network.layers))
    if (!findLayer(layer.type))
      blockers.add(getName(layer, index), "type " + Twine(layer.type), "this type of layer is not supported");
  if (!blockers.empty())
    return {};
  OpBuilder builder(&context);
  frontend::ModelBuilder main(builder, name);
  Value value = addInput(main, builder, network.layers.front(), options, blockers);
  if (value)
    describeInput(main, value, network);
  for (size_t index = 0; value && index < network.layers.size(); ++index) {
    const Layer &layer = network.layers[index];
    std::string layerName = getName(layer, index);
    LayerBinder binder(builder, NameLoc::get(builder.getStringAttr(layerName)), layer, value, layerName);
    const LayerEntry *entry = findLayer(layer.type);
    if (failed(entry->import(binder)))
      blockers.add(layerName, "type " + Twine(layer.type),
                   binder.failed() ? binder.getReason() : StringRef("it cannot be imported"));
    value = binder.getResult();
    if (index + 1 == network.layers.size() && value)
      main.addOutput(layerName, value);
  }
  OwningOpRef<ModuleOp> module = main.finish();
  return blockers.empty() ? std::move(module) : OwningOpRef<ModuleOp>();
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, const frontend::ModelFile &file,
                                  const frontend::ImportOptions &options) {
  frontend::loadDialects(context);
  Location loc = FileLineColLoc::get(&context, file.path, 0, 0);
  auto network = readNetwork(file.getContent());
  if (!network) {
    emitError(loc) << llvm::toString(network.takeError());
    return {};
  }
  frontend::Blockers blockers("layer");
  OwningOpRef<ModuleOp> module =
      importLayers(context, *network, options.name.empty() ? llvm::sys::path::stem(file.path) : StringRef(options.name),
                   options, blockers);
  blockers.report(loc);
  return module;
}

} // namespace nnc::ccv
