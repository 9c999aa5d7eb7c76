// Pools over windows and over whole images.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Windows.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

static Windows getWindows(LayerBinder &layer, Value x, size_t numSpatial) {
  Windows windows;
  windows.layout = layer.getLayout();
  windows.sizes = layer.positives("pool_size", numSpatial, 2);
  windows.strides = windows.sizes;
  if (layer.parameters().has("strides"))
    windows.strides = layer.positives("strides", numSpatial, 1);
  windows.dilations.assign(numSpatial, 1);
  setPads(layer, x, layer.parameters().getString("padding", "valid"), windows);
  return windows;
}

template <int numSpatial> static LogicalResult importMaxPooling(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  Windows windows = getWindows(layer, x, numSpatial);
  return layer.result(layer.create<nn::MaxPoolOp>(x, windows.layout, windows.sizes, windows.strides, windows.dilations,
                                                  windows.padsBegin, windows.padsEnd, /*ceil=*/false));
}

template <int numSpatial> static LogicalResult importAveragePooling(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  Windows windows = getWindows(layer, x, numSpatial);
  return layer.result(layer.create<nn::AvgPoolOp>(x, windows.layout, windows.sizes, windows.strides, windows.dilations,
                                                  windows.padsBegin, windows.padsEnd, /*ceil=*/false,
                                                  /*count_include_pad=*/false));
}

template <int numSpatial, nn::ReductionKind kind> static LogicalResult importGlobalPooling(LayerBinder &layer) {
  Value x = layer.inputOfRank(numSpatial + 2);
  SmallVector<int64_t> axes;
  for (int64_t i = 0; i < numSpatial; ++i)
    axes.push_back(getFirstSpatialAxis(layer.getLayout()) + i);
  return layer.result(layer.create<nn::ReduceOp>(x, kind, axes, layer.parameters().getBool("keepdims", false)));
}

/// The mean of the steps that count.
static LogicalResult importGlobalAveragePooling1D(LayerBinder &layer) {
  Value mask = layer.mask();
  if (!mask)
    return layer.failed() ? failure() : importGlobalPooling<1, nn::ReductionKind::Mean>(layer);
  Expression x(layer, layer.inputOfRank(3)), counts(layer, mask);
  if (layer.failed())
    return failure();
  int64_t time = getFirstSpatialAxis(layer.getLayout());
  bool keepDims = layer.parameters().getBool("keepdims", false);
  counts = counts.cast(x.getElementType()).unsqueeze({time == 1 ? 2 : 1});
  Expression sum = (x * counts).reduce(nn::ReductionKind::Sum, {time}, keepDims);
  return layer.result(sum / counts.reduce(nn::ReductionKind::Sum, {time}, keepDims));
}

static constexpr nn::ReductionKind mean = nn::ReductionKind::Mean, max = nn::ReductionKind::Max;

static const LayerEntry table[] = {
    {"AveragePooling1D", importAveragePooling<1>},
    {"AveragePooling2D", importAveragePooling<2>},
    {"AveragePooling3D", importAveragePooling<3>},
    {"GlobalAveragePooling1D", importGlobalAveragePooling1D},
    {"GlobalAveragePooling2D", importGlobalPooling<2, mean>},
    {"GlobalAveragePooling3D", importGlobalPooling<3, mean>},
    {"GlobalMaxPooling1D", importGlobalPooling<1, max>},
    {"GlobalMaxPooling2D", importGlobalPooling<2, max>},
    {"GlobalMaxPooling3D", importGlobalPooling<3, max>},
    {"MaxPooling1D", importMaxPooling<1>},
    {"MaxPooling2D", importMaxPooling<2>},
    {"MaxPooling3D", importMaxPooling<3>},
};

ArrayRef<LayerEntry> getPoolingLayers() { return table; }

} // namespace nnc::keras
