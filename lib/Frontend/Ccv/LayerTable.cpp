// The five layers of libccv. Images are (rows, columns, channels).
#include "lib/Frontend/Ccv/LayerTable.h"

#include "lib/Frontend/Ccv/Ccv.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace nnc::ccv {

/// Filters are (count, rows, columns, channels of a group); behind every convolution is a ReLU.
static LogicalResult importConvolutional(LayerBinder &layer) {
  const Layer &params = layer.get();
  Value x = layer.image();
  if (layer.failed() || failed(layer.checkWindows(params.windowRows, params.windowColumns)))
    return failure();
  int64_t channels = layer.getShape(x)[3], groups = params.partition;
  if (channels != params.channels)
    return layer.reject("it is for " + Twine(params.channels) + " channels, and the layer before it makes " +
                        Twine(channels));
  if (groups < 1 || channels % groups || params.count < 1 || params.count % groups)
    return layer.reject("its channels do not divide into " + Twine(groups) + " partitions");
  Value filter = layer.weights({params.count, params.windowRows, params.windowColumns, channels / groups});
  filter = layer.create<nn::TransposeOp>(filter, ArrayRef<int64_t>{0, 3, 1, 2});
  SmallVector<int64_t> strides(2, params.strides), dilations(2, 1), borders(2, params.border);
  Value sums = layer.create<nn::ConvOp>(x, filter, layer.bias(), nn::Layout::ChannelsLast, strides, dilations, borders,
                                        borders, groups);
  return layer.result(layer.create<nn::ReluOp>(sums));
}

static LogicalResult importFullConnect(LayerBinder &layer) {
  const Layer &params = layer.get();
  Value x = layer.flat();
  int64_t nodes = layer.getShape(x)[1];
  if (nodes != params.nodes || params.count < 1)
    return layer.reject("it is for " + Twine(params.nodes) + " elements, and the layer before it makes " + Twine(nodes));
  Value weights = layer.weights({params.count, nodes});
  Value product = layer.create<nn::MatmulOp>(x, weights, /*transpose_lhs=*/false, /*transpose_rhs=*/true);
  Value sums = layer.create<nn::AddOp>(product, layer.bias());
  return layer.result(params.hasRelu ? layer.create<nn::ReluOp>(sums) : sums);
}

/// The border never wins, and does not count in a mean.
template <typename PoolOp, typename... Args> static LogicalResult importPool(LayerBinder &layer, Args... args) {
  const Layer &params = layer.get();
  Value x = layer.image();
  if (layer.failed() || failed(layer.checkWindows(params.size, params.size)))
    return failure();
  if (params.border >= params.size)
    return layer.reject("a window lies wholly in its border");
  SmallVector<int64_t> size(2, params.size), strides(2, params.strides), ones(2, 1), borders(2, params.border);
  return layer.result(layer.create<PoolOp>(x, nn::Layout::ChannelsLast, size, strides, ones, borders, borders,
                                           /*ceil=*/false, args...));
}

static LogicalResult importMaxPool(LayerBinder &layer) { return importPool<nn::MaxPoolOp>(layer); }

static LogicalResult importAveragePool(LayerBinder &layer) {
  return importPool<nn::AvgPoolOp>(layer, /*count_include_pad=*/false);
}

/// x * (kappa + alpha * sum of x^2)^-beta, over size / 2 channels on both sides that lie in the same partition.
static LogicalResult importLocalResponseNorm(LayerBinder &layer) {
  const Layer &params = layer.get();
  Value x = layer.image();
  if (layer.failed())
    return failure();
  SmallVector<int64_t> shape(layer.getShape(x));
  int64_t partition = params.partition, taps = params.size / 2 * 2 + 1;
  if (partition < 1 || shape[3] % partition || params.size < 1)
    return layer.reject("its channels do not divide into " + Twine(partition) + " partitions, or its size is 0");
  Value groups = layer.reshape(x, {shape[0], shape[1], shape[2] * partition, shape[3] / partition});
  Value result = layer.create<nn::LrnOp>(groups, nn::Layout::ChannelsLast, taps, APFloat(params.alpha * taps),
                                         APFloat(params.beta), APFloat(params.kappa));
  return layer.result(layer.reshape(result, shape));
}

static const LayerEntry table[] = {
    {1, "convolutional", importConvolutional},
    {2, "full_connect", importFullConnect},
    {3, "max_pool", importMaxPool},
    {4, "average_pool", importAveragePool},
    {5, "local_response_norm", importLocalResponseNorm},
};

ArrayRef<LayerEntry> getLayers() { return table; }

const LayerEntry *findLayer(int64_t type) {
  const LayerEntry *found = llvm::find_if(table, [&](const LayerEntry &entry) { return entry.type == type; });
  return found == std::end(table) ? nullptr : found;
}

void printSupportedOps(llvm::raw_ostream &os) {
  for (StringRef name : llvm::to_vector(llvm::map_range(table, [](const LayerEntry &entry) { return entry.name; })))
    os << "ccv " << name << " 1\n";
}

} // namespace nnc::ccv
