// The two networks as tables. A file of weights has, for each convolution, its filters (outputs, inputs, rows, columns) and
// its biases as f32, one after the other and without a header.
#include "lib/Frontend/OverFeat/OverFeat.h"

#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/Import/NodeBuilder.h"
#include "lib/Frontend/Import/Weights.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace nnc::overfeat {

namespace {

/// A convolution, a ReLU behind all but the last, and where `pool` is not 0 the largest of windows of that size.
struct Stage {
  int64_t outputs, window, stride, pad, pool, poolStride;
};

struct Network {
  StringRef name;
  int64_t extent; ///< rows and columns of the images that it was trained with
  ArrayRef<Stage> stages;
};

} // namespace

static constexpr int64_t imageChannels = 3;
/// Of the numbers, 0 to 255, of the images that both were trained with.
static constexpr float meanOfImages = 118.380948f, deviationOfImages = 61.896913f;
static constexpr StringRef inputName = "input", outputName = "scores";

static constexpr Stage fastStages[] = {
    {96, 11, 4, 0, 2, 2},  {256, 5, 1, 0, 2, 2},  {512, 3, 1, 1, 0, 0},  {1024, 3, 1, 1, 0, 0},
    {1024, 3, 1, 1, 2, 2}, {3072, 6, 1, 0, 0, 0}, {4096, 1, 1, 0, 0, 0}, {1000, 1, 1, 0, 0, 0},
};
static constexpr Stage accurateStages[] = {
    {96, 7, 2, 0, 3, 3},   {256, 7, 1, 0, 2, 2},  {512, 3, 1, 1, 0, 0},  {512, 3, 1, 1, 0, 0},  {1024, 3, 1, 1, 0, 0},
    {1024, 3, 1, 1, 3, 3}, {4096, 5, 1, 0, 0, 0}, {4096, 1, 1, 0, 0, 0}, {1000, 1, 1, 0, 0, 0},
};
static constexpr Network networks[] = {{"fast", 231, fastStages}, {"accurate", 221, accurateStages}};

static size_t countBytes(const Network &network) {
  size_t count = 0;
  int64_t channels = imageChannels;
  for (const Stage &stage : network.stages) {
    count += stage.outputs * (channels * stage.window * stage.window + 1);
    channels = stage.outputs;
  }
  return count * sizeof(float);
}

static const Network *findNetwork(StringRef content) {
  for (const Network &network : networks)
    if (content.size() == countBytes(network))
      return &network;
  return nullptr;
}

bool isOverFeat(const frontend::ModelFile &file) { return findNetwork(file.getContent()); }

/// The input; null, with a blocker, where `--shape` does not fit.
static Value addInput(frontend::ModelBuilder &main, OpBuilder &builder, const Network &network,
                      const frontend::ImportOptions &options, frontend::Blockers &blockers) {
  SmallVector<int64_t> shape{1, imageChannels, network.extent, network.extent};
  if (auto given = options.shapes.inputs.find(inputName); given != options.shapes.inputs.end())
    shape = given->second;
  auto isWrong = [](int64_t extent) { return extent < 1 || extent > (1 << 16); };
  if (shape.size() == 4 && shape[1] == imageChannels && !llvm::any_of(shape, isWrong))
    return main.addInput(inputName, RankedTensorType::get(shape, builder.getF32Type()));
  blockers.addToModel("--shape may change the number of images, and their rows and columns, but gives other numbers");
  return {};
}

/// Cuts the file into the weights of one layer after the other.
namespace {

class StageBuilder : public frontend::NodeBuilder {
public:
  StageBuilder(OpBuilder &builder, Location loc, const frontend::ModelFile &file, size_t &position)
      : NodeBuilder(builder, loc), file(file), position(position) {}

  Value weights(ArrayRef<int64_t> shape, const Twine &name) {
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    StringRef bytes = file.getContent().substr(position, frontend::getBytes(type));
    position += bytes.size();
    return constant(llvm::cantFail(frontend::makeWeights(type, bytes, file.buffer, name.str())));
  }

private:
  const frontend::ModelFile &file;
  size_t &position;
};

} // namespace

static Value importStage(StageBuilder &node, Value x, const Stage &stage, bool isLast, const Twine &name) {
  SmallVector<int64_t> strides(2, stage.stride), ones(2, 1), none(2, 0), pads(2, stage.pad);
  for (int64_t extent : node.getShape(x).drop_front(2))
    if (extent + 2 * stage.pad < stage.window) {
      (void)node.reject("the image is too small: its window has " + Twine(stage.window) + " rows and columns, of which the "
                        "image has " + Twine(extent));
      return {};
    }
  Value filter = node.weights({stage.outputs, node.getShape(x)[1], stage.window, stage.window}, name);
  Value bias = node.weights({stage.outputs}, name + ".bias");
  Value result = node.create<nn::ConvOp>(x, filter, bias, nn::Layout::ChannelsFirst, strides, ones, pads, pads,
                                         /*groups=*/1);
  if (!isLast)
    result = node.create<nn::ReluOp>(result);
  if (!stage.pool)
    return result;
  SmallVector<int64_t> pool(2, stage.pool), poolStrides(2, stage.poolStride);
  return node.create<nn::MaxPoolOp>(result, nn::Layout::ChannelsFirst, pool, poolStrides, ones, none, none,
                                    /*ceil=*/false);
}

static OwningOpRef<ModuleOp> importNetwork(MLIRContext &context, const frontend::ModelFile &file,
                                           const Network &network, const frontend::ImportOptions &options,
                                           frontend::Blockers &blockers) {
  OpBuilder builder(&context);
  frontend::ModelBuilder main(builder,
                              options.name.empty() ? llvm::sys::path::stem(file.path) : StringRef(options.name));
  Value value = addInput(main, builder, network, options, blockers);
  if (value)
    main.setPreprocessing(value, {{meanOfImages}, {1 / deviationOfImages}, /*meanImage=*/{}, /*channelAxis=*/1, "RGB"});
  size_t position = 0;
  for (size_t i = 0; value && i < network.stages.size(); ++i) {
    std::string name = "conv" + std::to_string(i + 1);
    StageBuilder node(builder, NameLoc::get(builder.getStringAttr(name)), file, position);
    value = importStage(node, value, network.stages[i], i + 1 == network.stages.size(), name);
    if (!value)
      blockers.add(name, "stage " + Twine(i + 1), node.getReason());
  }
  if (value)
    main.addOutput(outputName, value);
  OwningOpRef<ModuleOp> module = main.finish();
  return value ? std::move(module) : OwningOpRef<ModuleOp>();
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, const frontend::ModelFile &file,
                                  const frontend::ImportOptions &options) {
  frontend::loadDialects(context);
  Location loc = FileLineColLoc::get(&context, file.path, 0, 0);
  const Network *network = findNetwork(file.getContent());
  if (!network) {
    InFlightDiagnostic error = emitError(loc) << "a file of " << file.getContent().size() << " bytes is no network of OverFeat;";
    for (const Network &known : networks)
      error << " " << known.name << " has " << countBytes(known) << (&known == std::prev(std::end(networks)) ? "" : ",");
    return {};
  }
  frontend::Blockers blockers("layer");
  OwningOpRef<ModuleOp> module = importNetwork(context, file, *network, options, blockers);
  blockers.report(loc);
  return module;
}

void printSupportedOps(llvm::raw_ostream &os) {
  for (const Network &network : networks)
    os << "overfeat " << network.name << " 1\n";
}

} // namespace nnc::overfeat
