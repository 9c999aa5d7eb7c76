// Sections of the movement family.
#include "lib/Frontend/Darknet/SectionTable.h"

using namespace mlir;

namespace nnc::darknet {

Value sliceAxis(SectionBinder &layer, Value x, int64_t axis, int64_t start, int64_t end) {
  return layer.create<nn::SliceOp>(x, layer.ints({start}), layer.ints({end}), Value(), ArrayRef<int64_t>{axis});
}

/// dropout, silence, empty: what comes in goes out.
static LogicalResult importIdentity(SectionBinder &layer) {
  return layer.result(layer.previous().value, layer.previous().isVector);
}

/// Layers one after the other, along the channels or, where their sizes differ, as vectors.
static LogicalResult importRoute(SectionBinder &layer) {
  const Section &section = layer.get();
  SmallVector<int64_t> numbers = section.integers("layers");
  if (numbers.empty())
    return layer.reject("layers is missing");
  int64_t groups = layer.isAlexeyAB() ? layer.positive("groups", 1) : 1, group = section.integer("group_id", 0);
  SmallVector<const Layer *> layers;
  bool areImages = true;
  for (int64_t number : numbers) {
    const Layer *source = layer.layerAt(number);
    if (!source || layer.failed())
      return failure();
    layers.push_back(source);
    areImages &= layer.getRank(source->value) == 4 || source->isVector;
  }
  SmallVector<Value> parts;
  for (const Layer *source : layers) {
    Value part = areImages ? layer.image(*source) : layer.flat(*source);
    if (layer.failed())
      return failure();
    if (!parts.empty() && areImages && layer.getShape(part).drop_front(2) != layer.getShape(parts[0]).drop_front(2)) {
      layer.warn("route", "its layers differ in height or width: they are joined as vectors, as darknet does");
      areImages = false;
    }
    parts.push_back(part);
  }
  if (!areImages)
    for (auto [source, part] : llvm::zip(layers, parts))
      part = layer.flat(*source);
  if (groups > 1)
    for (Value &part : parts) {
      int64_t channels = layer.failed() ? 0 : layer.getShape(part)[1];
      if (channels % groups || group < 0 || group >= groups)
        return layer.reject("its channels do not divide into " + Twine(groups) + " groups, or group_id is too large");
      part = sliceAxis(layer, part, 1, group * (channels / groups), (group + 1) * (channels / groups));
    }
  bool isVector = llvm::all_of(layers, [](const Layer *source) {
    return source->isVector && cast<RankedTensorType>(source->value.getType()).getRank() == 2;
  });
  Value result = parts.size() == 1 ? parts.front() : layer.create<nn::ConcatOp>(parts, 1);
  if (isVector && areImages && !layer.failed())
    result = layer.reshape(result, layer.getShape(result).take_front(2));
  return layer.result(result, isVector);
}

/// Darknet's own order: of the input, read as (channels / s^2, rows * s, columns * s), element (row, column) of each
/// block becomes a plane.
static Value reorganize(SectionBinder &layer, Value x, int64_t stride, bool reverse) {
  ArrayRef<int64_t> shape = layer.getShape(x);
  int64_t rows = shape[0], channels = shape[1], height = shape[2], width = shape[3], blocks = stride * stride;
  if (channels % blocks || (!reverse && (height % stride || width % stride))) {
    (void)layer.reject("its channels, rows and columns do not divide by its stride");
    return {};
  }
  int64_t planes = channels / blocks;
  if (reverse) {
    Value parts = layer.reshape(x, {rows, stride, stride, planes, height, width});
    parts = layer.create<nn::TransposeOp>(parts, ArrayRef<int64_t>{0, 3, 4, 1, 5, 2});
    return layer.reshape(parts, {rows, planes, height * stride, width * stride});
  }
  Value parts = layer.reshape(x, {rows, planes, height, stride, width, stride});
  parts = layer.create<nn::TransposeOp>(parts, ArrayRef<int64_t>{0, 3, 5, 1, 2, 4});
  return layer.reshape(parts, {rows, channels * blocks, height / stride, width / stride});
}

static LogicalResult importReorg(SectionBinder &layer) {
  Value x = layer.image();
  const Section &section = layer.get();
  int64_t stride = layer.positive("stride", 1), extra = section.integer("extra", 0);
  bool reverse = section.integer("reverse", 0);
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  if (!layer.isAlexeyAB() && section.integer("flatten", 0)) {
    if (stride != 1)
      return layer.reject("flatten with a stride is not supported");
    SmallVector<int64_t> from = reverse ? SmallVector<int64_t>{shape[0], shape[2] * shape[3], shape[1]}
                                        : SmallVector<int64_t>{shape[0], shape[1], shape[2] * shape[3]};
    Value swapped = layer.create<nn::TransposeOp>(layer.reshape(x, from), ArrayRef<int64_t>{0, 2, 1});
    return layer.result(layer.reshape(swapped, shape));
  }
  if (!layer.isAlexeyAB() && extra) {
    if (extra < 0 || extra > (1 << 24))
      return layer.reject("extra must be positive, and not too large");
    return layer.result(layer.create<nn::PadOp>(layer.flat(), layer.ints({0, extra}), layer.number(0),
                                                ArrayRef<int64_t>{1}, nn::PadMode::Constant));
  }
  layer.remark("reorg: darknet's order of elements, not that of space_to_depth");
  return layer.result(stride == 1 ? x : reorganize(layer, x, stride, reverse));
}

static LogicalResult importReorg3d(SectionBinder &layer) {
  Value x = layer.image();
  int64_t stride = layer.positive("stride", 1);
  if (layer.failed())
    return failure();
  if (layer.get().integer("reverse", 0))
    return layer.result(
        layer.create<nn::DepthToSpaceOp>(x, stride, nn::DepthOrder::DepthColumnRow, nn::Layout::ChannelsFirst));
  return layer.result(
      layer.create<nn::SpaceToDepthOp>(x, stride, nn::DepthOrder::DepthColumnRow, nn::Layout::ChannelsFirst));
}

/// Each element `stride` times in both directions; with a negative stride, sums of blocks.
static LogicalResult importUpsample(SectionBinder &layer) {
  Value x = layer.image();
  const Section &section = layer.get();
  int64_t stride = section.integer("stride", 2);
  if (layer.failed())
    return failure();
  if (stride == 0 || std::abs(stride) > 1024)
    return layer.reject("stride must not be 0, nor too large");
  ArrayRef<int64_t> shape = layer.getShape(x);
  Value result;
  if (stride > 0) {
    Value parts = layer.reshape(x, {shape[0], shape[1], shape[2], 1, shape[3], 1});
    SmallVector<int64_t> wide{shape[0], shape[1], shape[2], stride, shape[3], stride};
    parts = layer.create<nn::BroadcastToOp>(parts, layer.ints(wide));
    result = layer.reshape(parts, {shape[0], shape[1], shape[2] * stride, shape[3] * stride});
  } else {
    int64_t block = -stride;
    if (shape[2] % block || shape[3] % block)
      return layer.reject("its rows and columns do not divide by its stride");
    Value parts = layer.reshape(x, {shape[0], shape[1], shape[2] / block, block, shape[3] / block, block});
    result = layer.create<nn::ReduceOp>(parts, nn::ReductionKind::Sum, ArrayRef<int64_t>{3, 5}, /*keepdims=*/false);
  }
  if (double scale = section.real("scale", 1); scale != 1)
    result = layer.create<nn::MulOp>(result, layer.number(scale));
  return layer.result(result);
}

/// The middle of the image, 2 * x - 1 unless `noadjust`.
static LogicalResult importCrop(SectionBinder &layer) {
  Value x = layer.image();
  const Section &section = layer.get();
  int64_t height = layer.positive("crop_height", 1), width = layer.positive("crop_width", 1);
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  if (height > shape[2] || width > shape[3])
    return layer.reject("its image is smaller than the crop");
  int64_t top = (shape[2] - height) / 2, left = (shape[3] - width) / 2;
  x = sliceAxis(layer, sliceAxis(layer, x, 2, top, top + height), 3, left, left + width);
  if (!section.integer("noadjust", 0))
    x = layer.create<nn::SubOp>(layer.create<nn::MulOp>(x, layer.number(2)), layer.number(1));
  return layer.result(x);
}

static const SectionEntry table[] = {
    {"crop", importCrop},       {"dropout", importIdentity}, {"reorg", importReorg},     {"reorg3d", importReorg3d},
    {"route", importRoute},     {"silence", importIdentity}, {"upsample", importUpsample},
};

ArrayRef<SectionEntry> getMovementSections() { return table; }

} // namespace nnc::darknet
