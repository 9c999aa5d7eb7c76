// Layers of the movement family.
#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Import/Weights.h"

using namespace mlir;

namespace nnc::caffe {

/// All tops are the bottom.
static LogicalResult importSplit(LayerBinder &layer) {
  for (unsigned top = 0; top < layer.getNumTops(); ++top)
    if (failed(layer.result(layer.bottom(0))))
      return failure();
  return success();
}

static LogicalResult importConcat(LayerBinder &layer) {
  const format::ConcatParam &param = layer.get().concat_param();
  SmallVector<Value> operands;
  for (unsigned i = 0; i < std::max(1u, layer.getNumBottoms()); ++i)
    operands.push_back(layer.bottom(i));
  if (layer.failed())
    return failure();
  if (param.has_axis() && param.has_concat_dim())
    return layer.reject("axis and concat_dim are both given");
  int64_t axis = layer.getAxis(param.has_concat_dim() ? int64_t(param.concat_dim()) : param.axis(), operands.front());
  return layer.result(operands.size() == 1 ? operands.front() : layer.create<nn::ConcatOp>(operands, axis));
}

/// Elements `start` up to but without `end` of an axis.
static Value sliceAxis(LayerBinder &layer, Value x, int64_t axis, int64_t start, int64_t end) {
  return layer.create<nn::SliceOp>(x, layer.ints({start}), layer.ints({end}), Value(), ArrayRef<int64_t>{axis});
}

static LogicalResult importSlice(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::SliceParam &param = layer.get().slice_param();
  if (layer.failed())
    return failure();
  if (param.has_axis() && param.has_slice_dim())
    return layer.reject("axis and slice_dim are both given");
  int64_t axis = layer.getAxis(param.has_slice_dim() ? int64_t(param.slice_dim()) : param.axis(), x);
  if (layer.failed())
    return failure();
  int64_t extent = layer.getShape(x)[axis], tops = layer.getNumTops();
  if (tops == 1)
    return layer.result(x);
  if (ShapedType::isDynamic(extent))
    return layer.reject("data decide the extent of the axis that it divides");
  SmallVector<int64_t> points{0};
  points.append(param.slice_point().begin(), param.slice_point().end());
  if (!param.slice_point_size()) {
    if (extent % tops)
      return layer.reject("an axis of " + Twine(extent) + " elements does not divide into " + Twine(tops) + " tops");
    for (int64_t top = 1; top < tops; ++top)
      points.push_back(top * (extent / tops));
  }
  points.push_back(extent);
  if (static_cast<int64_t>(points.size()) != tops + 1)
    return layer.reject("needs one slice_point less than tops");
  for (int64_t top = 0; top < tops; ++top) {
    if (points[top] >= points[top + 1])
      return layer.reject("its slice points must rise, and stay inside its bottom");
    if (failed(layer.result(sliceAxis(layer, x, axis, points[top], points[top + 1]))))
      return failure();
  }
  return success();
}

/// Replaces `num_axes` axes from `axis` on; 0 copies an extent, -1 is computed.
static LogicalResult importReshape(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::ReshapeParam &param = layer.get().reshape_param();
  if (layer.failed())
    return failure();
  int64_t rank = layer.getRank(x), start = param.axis() >= 0 ? param.axis() : rank + param.axis() + 1;
  int64_t end = param.num_axes() == -1 ? rank : start + param.num_axes();
  if (start < 0 || start > rank || param.num_axes() < -1 || end > rank)
    return layer.reject("axis and num_axes reach beyond its bottom's axes");
  ArrayRef<int64_t> old = layer.getShape(x);
  SmallVector<int64_t> shape(old.take_front(start));
  int64_t open = -1;
  for (int64_t extent : param.shape().dim()) {
    int64_t position = shape.size();
    if (extent == 0 && position >= rank)
      return layer.reject("a dimension of 0 has no extent to copy");
    if (extent < -1 || (extent == -1 && open >= 0))
      return layer.reject("its dimensions must be positive, 0, or once -1");
    if (extent == -1)
      open = position;
    shape.push_back(extent == 0 ? old[position] : extent == -1 ? 1 : extent);
  }
  shape.append(old.begin() + end, old.end());
  // An extent that data decide is a factor on both sides: copied, or, with what else does not fit, the one of -1.
  auto isStatic = [](int64_t extent) { return !ShapedType::isDynamic(extent); };
  bool takesOpen = llvm::all_of(shape, isStatic) && !llvm::all_of(old, isStatic);
  auto known = frontend::countElements(llvm::filter_to_vector(shape, isStatic));
  int64_t total = *frontend::countElements(llvm::filter_to_vector(old, isStatic));
  if (!known || !*known || total % *known || (open < 0 && (takesOpen || total != *known)))
    return layer.reject("its dimensions do not fit the " + Twine(total) + " elements of its bottom");
  if (open >= 0)
    shape[open] = takesOpen ? ShapedType::kDynamic : total / *known;
  return layer.result(layer.reshape(x, shape));
}

static LogicalResult importFlatten(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::FlattenParam &param = layer.get().flatten_param();
  int64_t first = x ? layer.getAxis(param.axis(), x) : 0, last = x ? layer.getAxis(param.end_axis(), x) : 0;
  if (layer.failed())
    return failure();
  if (last < first)
    return layer.reject("end_axis is before axis");
  SmallVector<int64_t> shape(layer.getShape(x).take_front(first));
  shape.push_back(layer.multiplyExtents(layer.getShape(x).slice(first, last - first + 1)));
  llvm::append_range(shape, layer.getShape(x).drop_front(last + 1));
  return layer.result(layer.reshape(x, shape));
}

/// The extents of the second bottom, from `axis` on, at an offset.
static LogicalResult importCrop(LayerBinder &layer) {
  Value x = layer.bottom(0), reference = layer.bottom(1);
  const format::CropParam &param = layer.get().crop_param();
  int64_t axis = x ? layer.getAxis(param.axis(), x) : 0;
  if (layer.failed())
    return failure();
  int64_t rank = layer.getRank(x);
  if (layer.getRank(reference) != rank)
    return layer.reject("its bottoms differ in their number of axes");
  if (param.offset_size() > 1 && param.offset_size() != rank - axis)
    return layer.reject("needs one offset, or one per cropped axis");
  SmallVector<int64_t> starts, ends, axes;
  for (int64_t i = axis; i < rank; ++i) {
    int64_t offset = param.offset_size() == 0 ? 0 : param.offset(param.offset_size() == 1 ? 0 : i - axis);
    if (layer.getShape(x)[i] - offset < layer.getShape(reference)[i])
      return layer.reject("the crop of axis " + Twine(i) + " reaches beyond its bottom");
    starts.push_back(offset);
    ends.push_back(offset + layer.getShape(reference)[i]);
    axes.push_back(i);
  }
  return layer.result(layer.create<nn::SliceOp>(x, layer.ints(starts), layer.ints(ends), Value(), axes));
}

static LogicalResult importTile(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::TileParam &param = layer.get().tile_param();
  int64_t axis = x ? layer.getAxis(param.axis(), x) : 0;
  if (layer.failed())
    return failure();
  if (param.tiles() < 1)
    return layer.reject("tiles must be positive");
  SmallVector<int64_t> repeats(layer.getRank(x), 1);
  repeats[axis] = param.tiles();
  return layer.result(layer.create<nn::TileOp>(x, layer.ints(repeats)));
}

/// Of SSD: axes in another order.
static LogicalResult importPermute(LayerBinder &layer) {
  Value x = layer.bottom(0);
  SmallVector<int64_t> order;
  for (uint32_t axis : layer.get().permute_param().order()) {
    if (axis >= layer.getRank(x) || llvm::is_contained(order, axis))
      return layer.reject("its order must name axes of its bottom, each once");
    order.push_back(axis);
  }
  for (int64_t axis = 0; axis < layer.getRank(x); ++axis)
    if (!llvm::is_contained(order, axis))
      order.push_back(axis);
  return layer.result(layer.create<nn::TransposeOp>(x, order));
}

/// Of ShuffleNet: channels of `group` groups are interleaved.
static LogicalResult importShuffleChannel(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  int64_t groups = layer.get().shuffle_channel_param().group();
  if (layer.failed())
    return failure();
  SmallVector<int64_t> shape(layer.getShape(x));
  if (groups < 1 || shape[1] % groups)
    return layer.reject("its channels do not divide into " + Twine(groups) + " groups");
  Value parts = layer.reshape(x, {shape[0], groups, shape[1] / groups, shape[2] * shape[3]});
  return layer.result(layer.reshape(layer.create<nn::TransposeOp>(parts, ArrayRef<int64_t>{0, 2, 1, 3}), shape));
}

/// Of darknet's ports: blocks of `stride` rows and columns become channels. As in darknet, the image is read as if it
/// had fewer channels and more rows and columns, so that neighbours do not stay together.
static LogicalResult importReorg(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  const format::ReorgParam &param = layer.get().reorg_param();
  int64_t stride = param.stride();
  if (layer.failed())
    return failure();
  if (!param.has_stride() || param.reverse())
    return layer.reject("needs a stride, and does not support reverse");
  ArrayRef<int64_t> shape = layer.getShape(x);
  if (stride < 1 || stride > shape[2] || stride > shape[3] || shape[1] % (stride * stride) || shape[2] % stride ||
      shape[3] % stride)
    return layer.reject("its channels, rows and columns do not divide by a stride of " + Twine(stride));
  layer.remark("elements go where darknet puts them; a few ports differ");
  int64_t images = shape[0], channels = shape[1], rows = shape[2], columns = shape[3];
  Value parts = layer.reshape(x, {images, channels / (stride * stride), rows, stride, columns, stride});
  Value moved = layer.create<nn::TransposeOp>(parts, ArrayRef<int64_t>{0, 3, 5, 1, 2, 4});
  return layer.result(layer.reshape(moved, {images, channels * stride * stride, rows / stride, columns / stride}));
}

static const LayerEntry table[] = {
    {"Concat", importConcat, OpenExtents::First},
    {"Crop", importCrop},
    {"Flatten", importFlatten, OpenExtents::First},
    {"Permute", importPermute, OpenExtents::First},
    {"Reorg", importReorg},
    {"Reshape", importReshape, OpenExtents::First},
    {"ShuffleChannel", importShuffleChannel},
    {"Slice", importSlice, OpenExtents::Any},
    {"Split", importSplit, OpenExtents::Any},
    {"Tile", importTile},
};

ArrayRef<LayerEntry> getMovementLayers() { return table; }

} // namespace nnc::caffe
