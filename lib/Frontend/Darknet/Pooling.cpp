// Sections of the pooling family. `padding` is the sum of both sides; the smaller
// half is before the image.
#include "lib/Frontend/Darknet/SectionTable.h"

#include <cfloat>

using namespace mlir;

namespace nnc::darknet {

namespace {

struct PoolShape {
  SmallVector<int64_t> size, strides, padsBegin, padsEnd;
  bool isOutside = false; ///< a window lies wholly outside the image
};

} // namespace

static PoolShape readPool(SectionBinder &layer, Value x) {
  const Section &section = layer.get();
  int64_t stride = layer.positive("stride", 1);
  int64_t strideY = layer.isAlexeyAB() && section.has("stride_y") ? layer.positive("stride_y", 1) : stride;
  int64_t strideX = layer.isAlexeyAB() && section.has("stride_x") ? layer.positive("stride_x", 1) : stride;
  int64_t size = layer.positive("size", stride), padding = section.integer("padding", size - 1);
  PoolShape pool{{size, size}, {strideY, strideX}, {}, {}};
  if (layer.failed() || padding < 0 || padding > (1 << 20)) {
    (void)layer.reject("padding must not be negative, nor too large");
    return pool;
  }
  for (int axis = 0; axis < 2; ++axis) {
    int64_t extent = layer.getShape(x)[axis + 2], before = padding / 2, room = extent + padding - size;
    if (room < 0) {
      (void)layer.reject("its window is larger than the image");
      return pool;
    }
    int64_t last = room / pool.strides[axis] * pool.strides[axis] - before;
    pool.padsBegin.push_back(before);
    pool.padsEnd.push_back(std::max<int64_t>(0, last + size - extent));
    pool.isOutside |= before >= size || last >= extent;
  }
  return pool;
}

/// The largest of the channels k, k + n, k + 2n .. for n channels.
static LogicalResult importMaxpoolDepth(SectionBinder &layer, Value x) {
  int64_t channels = layer.positive("out_channels", 1);
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  if (shape[1] % channels || layer.get().integer("stride", 1) != 1)
    return layer.reject("maxpool_depth needs channels that out_channels divides, and no stride");
  Value parts = layer.reshape(x, {shape[0], shape[1] / channels, channels, shape[2], shape[3]});
  return layer.result(
      layer.create<nn::ReduceOp>(parts, nn::ReductionKind::Max, ArrayRef<int64_t>{1}, /*keepdims=*/false));
}

static LogicalResult importMaxpool(SectionBinder &layer) {
  Value x = layer.image();
  if (layer.isAlexeyAB())
    layer.refuseKeys({"antialiasing", "maxpool_zero_nonmax"});
  if (layer.failed())
    return failure();
  if (layer.isAlexeyAB() && layer.get().integer("maxpool_depth", 0))
    return importMaxpoolDepth(layer, x);
  PoolShape pool = readPool(layer, x);
  if (layer.failed())
    return failure();
  if (pool.isOutside) {
    SmallVector<int64_t> pads(pool.padsBegin);
    pads.append(pool.padsEnd);
    x = layer.create<nn::PadOp>(x, layer.ints(pads), layer.number(-FLT_MAX), ArrayRef<int64_t>{2, 3},
                                nn::PadMode::Constant);
    pool.padsBegin = pool.padsEnd = {0, 0};
  }
  return layer.result(layer.create<nn::MaxPoolOp>(x, nn::Layout::ChannelsFirst, pool.size, pool.strides,
                                                  ArrayRef<int64_t>{1, 1}, pool.padsBegin, pool.padsEnd,
                                                  /*ceil=*/false));
}

static LogicalResult importLocalAvgpool(SectionBinder &layer) {
  Value x = layer.image();
  if (layer.failed())
    return failure();
  PoolShape pool = readPool(layer, x);
  if (layer.failed())
    return failure();
  if (pool.isOutside)
    return layer.reject("a window lies wholly outside the image");
  return layer.result(layer.create<nn::AvgPoolOp>(x, nn::Layout::ChannelsFirst, pool.size, pool.strides,
                                                  ArrayRef<int64_t>{1, 1}, pool.padsBegin, pool.padsEnd,
                                                  /*ceil=*/false, /*count_include_pad=*/false));
}

/// Over all rows and columns.
static LogicalResult importAvgpool(SectionBinder &layer) {
  Value x = layer.image();
  return layer.result(
      layer.create<nn::ReduceOp>(x, nn::ReductionKind::Mean, ArrayRef<int64_t>{2, 3}, /*keepdims=*/false),
      /*isVector=*/true);
}

static const SectionEntry table[] = {
    {"avgpool", importAvgpool},
    {"local_avgpool", importLocalAvgpool},
    {"maxpool", importMaxpool},
};

ArrayRef<SectionEntry> getPoolingSections() { return table; }

} // namespace nnc::darknet
