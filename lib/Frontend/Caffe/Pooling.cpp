// Layers of the pooling family.
//
// Caffe rounds the number of windows up. A last window that begins behind the
// image and its padding is dropped, but only where there is padding; so windows
// may lie partly or wholly outside. An average is divided by the part of the
// window inside image and padding.
#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Caffe/Windows.h"

#include <cfloat>

using namespace mlir;

namespace nnc::caffe {

SmallVector<int64_t> SpatialWindow::countFloor(ArrayRef<int64_t> extents) const {
  SmallVector<int64_t> counts;
  for (auto [axis, extent] : llvm::enumerate(extents)) {
    int64_t room = extent + 2 * pads[axis] - dilations[axis] * (size[axis] - 1) - 1;
    counts.push_back(room / strides[axis] + 1); // as C divides
  }
  return counts;
}

/// The number of windows that Caffe's Pooling has along each axis.
static SmallVector<int64_t> countWindows(const SpatialWindow &window, ArrayRef<int64_t> extents, bool floors) {
  SmallVector<int64_t> counts = window.countFloor(extents);
  bool isPadded = llvm::any_of(window.pads, [](int64_t pad) { return pad > 0; });
  for (auto [axis, count] : llvm::enumerate(counts)) {
    int64_t room = extents[axis] + 2 * window.pads[axis] - window.size[axis];
    // ceil(room / stride), also of a negative room larger than -stride.
    if (!floors)
      count = (room >= 0 ? llvm::divideCeil(room, window.strides[axis]) : -(-room / window.strides[axis])) + 1;
    if (isPadded && (count - 1) * window.strides[axis] >= extents[axis] + window.pads[axis])
      --count;
  }
  return counts;
}

namespace {

/// A pool over images; the counts of windows are Caffe's.
struct ImagePool {
  SpatialWindow window;
  SmallVector<int64_t> counts;
  /// What is missing behind image and padding for the last window; less than the pads where windows end earlier.
  SmallVector<int64_t> padsEnd;
  bool isOutside = false; ///< a window lies wholly outside the image
  bool isPartial = false; ///< a window reaches behind image and padding
};

} // namespace

static ImagePool placeWindows(LayerBinder &layer, Value x, SpatialWindow window, bool floors) {
  ImagePool pool{std::move(window), {}, {}};
  ArrayRef<int64_t> extents = layer.getShape(x).drop_front(2);
  pool.counts = countWindows(pool.window, extents, floors);
  for (int axis = 0; axis < 2; ++axis) {
    int64_t size = pool.window.size[axis], stride = pool.window.strides[axis], pad = pool.window.pads[axis];
    if (pool.counts[axis] < 1) {
      (void)layer.reject("its window does not fit the image");
      return pool;
    }
    int64_t last = (pool.counts[axis] - 1) * stride - pad;
    pool.isOutside |= last >= extents[axis] || size <= pad;
    pool.isPartial |= last + size > extents[axis] + pad;
    pool.padsEnd.push_back(std::max<int64_t>(0, last + size - extents[axis]));
  }
  return pool;
}

static Value buildMaxPool(LayerBinder &layer, Value x, const ImagePool &pool) {
  SmallVector<int64_t> padsBegin(pool.window.pads), padsEnd(pool.padsEnd);
  if (pool.isOutside) {
    layer.remark("a window lies wholly outside the image: its maximum is -FLT_MAX");
    SmallVector<int64_t> pads(padsBegin);
    pads.append(padsEnd);
    x = layer.create<nn::PadOp>(x, layer.ints(pads), layer.number(-FLT_MAX), ArrayRef<int64_t>{2, 3},
                                nn::PadMode::Constant);
    padsBegin = padsEnd = {0, 0};
  }
  return layer.create<nn::MaxPoolOp>(x, nn::Layout::ChannelsFirst, pool.window.size, pool.window.strides,
                                     pool.window.dilations, padsBegin, padsEnd, /*ceil=*/false);
}

static Value buildAveragePool(LayerBinder &layer, Value x, const ImagePool &pool) {
  const SpatialWindow &window = pool.window;
  if (!pool.isPartial)
    return layer.create<nn::AvgPoolOp>(x, nn::Layout::ChannelsFirst, window.size, window.strides, window.dilations,
                                       window.pads, pool.padsEnd, /*ceil=*/false, /*count_include_pad=*/true);
  layer.remark("average pooling: windows that reach behind the padding are divided by their part before it");
  Value sum = layer.create<nn::SumPoolOp>(x, nn::Layout::ChannelsFirst, window.size, window.strides, window.dilations,
                                          window.pads, pool.padsEnd, /*ceil=*/false);
  std::vector<float> divisors;
  auto getPart = [&](int axis, int64_t position) {
    int64_t start = position * window.strides[axis] - window.pads[axis];
    int64_t end = std::min(start + window.size[axis], layer.getShape(x)[axis + 2] + window.pads[axis]);
    return end - start;
  };
  for (int64_t row = 0; row < pool.counts[0]; ++row)
    for (int64_t column = 0; column < pool.counts[1]; ++column)
      divisors.push_back(getPart(0, row) * getPart(1, column));
  return layer.create<nn::DivOp>(sum, layer.floats({pool.counts[0], pool.counts[1]}, std::move(divisors)));
}

/// The index in its plane of each window's first maximum, as a float.
static Value buildMaxIndices(LayerBinder &layer, Value x, const ImagePool &pool) {
  int64_t width = layer.getShape(x)[3];
  Patches patches = gatherPatches(layer, x, pool.window.toWindow(), pool.counts, -FLT_MAX);
  if (layer.failed())
    return {};
  Value inWindow = layer.create<nn::ArgReduceOp>(patches.values, 2, /*keepdims=*/false, /*min=*/false, /*last=*/false);
  // Each row of the window but the first is a row of the image further, less the window's width.
  Type integer = layer.getBuilder().getI64Type();
  Value row = layer.create<nn::DivOp>(inWindow, layer.scalar(integer, pool.window.size[1]));
  Value skipped = layer.create<nn::MulOp>(row, layer.scalar(integer, width - pool.window.size[1]));
  Value offset = layer.create<nn::CastOp>(layer.create<nn::AddOp>(inWindow, skipped), layer.getBuilder().getF32Type());
  Value origins = layer.floats({pool.counts[0] * pool.counts[1]}, patches.origins);
  Value index = layer.create<nn::AddOp>(offset, origins);
  return layer.reshape(index, {layer.getShape(x)[0], layer.getShape(x)[1], pool.counts[0], pool.counts[1]});
}

static SpatialWindow readPoolWindow(LayerBinder &layer, Value x) {
  const format::PoolingParam &param = layer.get().pooling_param();
  int64_t kernelH = param.has_kernel_size() ? param.kernel_size() : param.kernel_h();
  int64_t kernelW = param.has_kernel_size() ? param.kernel_size() : param.kernel_w();
  if (param.global_pooling()) {
    if (param.has_kernel_size() || param.has_kernel_h() || param.has_kernel_w())
      (void)layer.reject("global pooling with a kernel size");
    kernelH = layer.getShape(x)[2];
    kernelW = layer.getShape(x)[3];
  } else if (param.has_kernel_size() == (param.has_kernel_h() || param.has_kernel_w())) {
    (void)layer.reject("needs kernel_size, or kernel_h and kernel_w");
  }
  bool hasStrides = param.has_stride_h() || param.has_stride_w(), hasPads = param.has_pad_h() || param.has_pad_w();
  if ((param.has_stride() && hasStrides) || (param.has_pad() && hasPads))
    (void)layer.reject("stride or pad is given twice");
  int64_t strideH = hasStrides ? param.stride_h() : param.stride(), padH = hasPads ? param.pad_h() : param.pad();
  int64_t strideW = hasStrides ? param.stride_w() : param.stride(), padW = hasPads ? param.pad_w() : param.pad();
  if (param.global_pooling() && (padH || padW || strideH != 1 || strideW != 1))
    (void)layer.reject("global pooling with pads or strides");
  int64_t limit = 1 << 20;
  for (int64_t positive : {kernelH, kernelW, strideH, strideW})
    if (positive < 1 || positive > limit)
      (void)layer.reject("kernel sizes and strides must be positive, and not too large");
  if ((padH || padW) && (padH >= kernelH || padW >= kernelW))
    (void)layer.reject("pads must be smaller than the kernel");
  return {{kernelH, kernelW}, {strideH, strideW}, {padH, padW}, {1, 1}};
}

static LogicalResult importPooling(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  if (layer.failed())
    return failure();
  const format::PoolingParam &param = layer.get().pooling_param();
  SpatialWindow window = readPoolWindow(layer, x);
  if (layer.failed())
    return failure();
  if (param.pool() == format::STOCHASTIC)
    return layer.reject("stochastic pooling is not supported");
  ImagePool pool = placeWindows(layer, x, std::move(window), param.round_mode() == format::PoolingParam::FLOOR);
  if (layer.failed())
    return failure();
  if (pool.isPartial)
    layer.remark("ceil pooling: clipped last window");
  if (param.pool() == format::AVE)
    return layer.result(buildAveragePool(layer, x, pool));
  if (failed(layer.result(buildMaxPool(layer, x, pool))))
    return failure();
  if (layer.getNumTops() == 1)
    return success();
  if (!layer.getType(x).hasStaticShape())
    return layer.reject("data decide the number of its images, which the places of maxima do not support");
  return layer.result(buildMaxIndices(layer, x, pool));
}

/// A pyramid of pools with 1, 2, 4 .. windows along each axis, flattened and joined.
static LogicalResult importSPP(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  if (layer.failed())
    return failure();
  const format::SPPParam &param = layer.get().spp_param();
  if (param.pyramid_height() < 1 || param.pyramid_height() > 10)
    return layer.reject("pyramid_height must be between 1 and 10");
  if (param.pool() == format::STOCHASTIC)
    return layer.reject("stochastic pooling is not supported");
  ArrayRef<int64_t> shape = layer.getShape(x);
  SmallVector<Value> levels;
  for (unsigned level = 0; level < param.pyramid_height(); ++level) {
    int64_t bins = int64_t(1) << level;
    SpatialWindow window;
    for (int axis = 0; axis < 2; ++axis) {
      int64_t size = llvm::divideCeil(shape[axis + 2], bins);
      window.size.push_back(size);
      window.strides.push_back(size);
      window.pads.push_back((size * bins - shape[axis + 2] + 1) / 2);
      window.dilations.push_back(1);
      if (window.pads.back() >= size)
        return layer.reject("the image is too small for " + Twine(bins) + " windows");
    }
    ImagePool pool = placeWindows(layer, x, std::move(window), /*floors=*/false);
    if (layer.failed())
      return failure();
    levels.push_back(param.pool() == format::AVE ? buildAveragePool(layer, x, pool) : buildMaxPool(layer, x, pool));
    if (param.pyramid_height() == 1)
      return layer.result(levels.front());
    int64_t count = layer.failed() ? 0 : layer.getType(levels.back()).getNumElements() / shape[0];
    levels.back() = layer.reshape(levels.back(), {shape[0], count});
  }
  return layer.result(layer.create<nn::ConcatOp>(levels, 1));
}

static const LayerEntry table[] = {{"Pooling", importPooling, OpenExtents::First}, {"SPP", importSPP}};

ArrayRef<LayerEntry> getPoolingLayers() { return table; }

} // namespace nnc::caffe
