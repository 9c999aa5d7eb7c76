// ONNX operators that pool regions of images: samples between elements, gathered
// channels last, then reduced over the samples of each bin.
#include "lib/Frontend/Import/RegionPooling.h"
#include "lib/Frontend/Import/Repetition.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

namespace {

/// The samples of all regions along one axis, (regions, samples): the two elements that each lies between, their
/// weights, and whether it counts.
struct AxisSamples {
  Expression low, high, lowWeight, highWeight, inside;
};

/// All regions along one axis of the image, (regions, 1), in elements.
struct RegionAxis {
  Expression first, size, extent;
  int64_t bins;

  AxisSamples sample(Expression at) const;
  /// How many samples each bin of a region has where nothing else is said: one for each element, or less. Of a bin that
  /// is far larger than the image, fewer; of NaN none.
  Expression getGrid() const {
    Expression grid = (size / static_cast<double>(bins)).unary<nn::CeilOp>(), most = extent * 2 + 64;
    return (grid <= most).choose(grid, (grid >= most).choose(most, grid.like(0)));
  }
};

/// What RoiAlign's attributes say.
struct Alignment {
  int64_t sampling;
  double scale;
  bool isHalfPixel, isMax;

  RegionAxis measure(Expression begin, Expression end, Expression extent, int64_t bins) const;
};

} // namespace

/// `begin` and `end` of the regions, (regions, 1), in the coordinates of the model; `extent` of the image.
RegionAxis Alignment::measure(Expression begin, Expression end, Expression extent, int64_t bins) const {
  double offset = isHalfPixel ? 0.5 : 0;
  Expression first = begin * scale - offset, size = end * scale - offset - first;
  if (!isHalfPixel)
    size = size.max(size.like(1));
  return {first, size, extent, bins};
}

AxisSamples RegionAxis::sample(Expression at) const {
  Expression inside = (at >= -1.0) & (at <= extent), last = extent - 1;
  at = at.max(at.like(0));
  Expression low = at.unary<nn::FloorOp>().min(last), isEdge = low >= last;
  Expression fraction = isEdge.choose(at * 0, at - low);
  return {low, (low + 1).min(last), fraction * -1 + 1, fraction, inside};
}

/// image (N, H, W, C) at (regions, y, x): (regions, y, x, C), times the weight.
static Expression readTap(NodeBinder &node, Expression image, Expression batch, Expression y, Expression x,
                          Expression weight) {
  Type i64 = node.getBuilder().getI64Type();
  Expression zero = y * 0 + x * 0; // of the shape of all samples
  SmallVector<Expression> parts;
  for (Expression part : {batch, y, x})
    parts.push_back((zero + part).cast(i64).unsqueeze({3}));
  Expression index = Expression::concat(node, parts, 3);
  Expression elements(node, node.create<nn::GatherNDOp>(image, index, /*batch_dims=*/0));
  return elements * weight.unsqueeze({3}).cast(image.getElementType());
}

namespace {

/// Regions (R) of images (N, H, W, C), each of image `batch` (R, 1, 1).
struct Regions {
  Expression image, batch;
  RegionAxis y, x;
  Alignment align;

  Expression interpolate(NodeBinder &node, const AxisSamples &ySamples, const AxisSamples &xSamples) const;
  Expression poolEvenly(NodeBinder &node) const;
  Expression poolByGrid(NodeBinder &node) const;
};

} // namespace

/// The image at all pairs of samples: (R, samples, samples, C); 0 where one is outside.
Expression Regions::interpolate(NodeBinder &node, const AxisSamples &ySamples, const AxisSamples &xSamples) const {
  Expression sum;
  for (auto [yAt, yWeight] :
       {std::pair(ySamples.low, ySamples.lowWeight), std::pair(ySamples.high, ySamples.highWeight)})
    for (auto [xAt, xWeight] :
         {std::pair(xSamples.low, xSamples.lowWeight), std::pair(xSamples.high, xSamples.highWeight)}) {
      Expression weight = yWeight.unsqueeze({2}) * xWeight.unsqueeze({1});
      Expression read = readTap(node, image, batch, yAt.unsqueeze({2}), xAt.unsqueeze({1}), weight);
      sum = !sum ? read : align.isMax ? sum.max(read) : sum + read; // the largest of the weighted elements, as all do
    }
  Expression inside = ySamples.inside.unsqueeze({2}) & xSamples.inside.unsqueeze({1});
  return node.failed() ? Expression() : inside.unsqueeze({3}).choose(sum, sum.like(0));
}

/// As many samples in each bin as the node says: (R, bins, bins, C).
Expression Regions::poolEvenly(NodeBinder &node) const {
  auto sample = [&](const RegionAxis &axis) {
    int64_t count = axis.bins * align.sampling;
    Expression number =
        Expression::ints(node, llvm::to_vector(llvm::seq<int64_t>(0, count))).cast(axis.first.getElementType());
    return axis.sample(axis.first + (number + 0.5) * (axis.size / static_cast<double>(count)));
  };
  Expression sum = interpolate(node, sample(y), sample(x));
  if (node.failed())
    return {};
  sum = sum.reshape({0, y.bins, align.sampling, x.bins, align.sampling, -1});
  nn::ReductionKind kind = align.isMax ? nn::ReductionKind::Max : nn::ReductionKind::Mean;
  return sum.reduce(kind, {2, 4}, /*keepdims=*/false);
}

/// The largest of the grids of all regions, as i64 of one element. Beyond any image no number is believed.
static Expression getLargest(NodeBinder &node, Expression grid) {
  Expression largest = grid.reduce(nn::ReductionKind::Max, {0, 1}, /*keepdims=*/false);
  return largest.max(largest.like(0)).min(largest.like(1 << 24)).cast(node.getBuilder().getI64Type()).reshape({1});
}

/// Each region decides its number of samples: as often as the largest number, all regions that have as many take one
/// more.
Expression Regions::poolByGrid(NodeBinder &node) const {
  Expression yGrid = y.getGrid(), xGrid = x.getGrid(), columns = getLargest(node, xGrid);
  Expression trips = getLargest(node, yGrid) * columns;
  Type f32 = node.getBuilder().getF32Type();
  Expression shape =
      Expression::concat(node, {y.first.extent(0), Expression::ints(node, {y.bins, x.bins}), image.extent(3)}, 0);
  Expression start =
      Expression::scalar(node, image.getElementType(), align.isMax ? -std::numeric_limits<double>::infinity() : 0);
  auto step = [&](Expression number, ArrayRef<Expression> carried) -> frontend::Iteration {
    auto sample = [&](const RegionAxis &axis, Expression grid, Expression place) {
      Expression bin = Expression::ints(node, llvm::to_vector(llvm::seq<int64_t>(0, axis.bins))).cast(f32);
      Expression size = axis.size / static_cast<double>(axis.bins);
      return axis.sample(axis.first + bin * size + (place + 0.5) * size / grid.max(grid.like(1)));
    };
    Expression row = (number / columns).cast(f32);
    Expression column = number.unary<nn::ModOp>(Value(columns), /*fmod=*/false).cast(f32);
    Expression element = interpolate(node, sample(y, yGrid, row), sample(x, xGrid, column));
    if (node.failed())
      return {};
    Expression counts = ((row < yGrid) & (column < xGrid)).unsqueeze({2, 3});
    Expression next = align.isMax ? carried.front().max(element) : carried.front() + element;
    return {{Expression(node, keepShape(node, counts.choose(next, carried.front()), carried.front()))}, {}};
  };
  SmallVector<Expression> results = frontend::repeat(node, trips, {start.broadcast(shape)}, step);
  if (node.failed())
    return {};
  Expression count = (yGrid.max(yGrid.like(0)) * xGrid.max(xGrid.like(0))).unsqueeze({2, 3});
  if (align.isMax)
    return (count > 0).choose(results.front(), start.like(0));
  return results.front() / count.max(count.like(1)).cast(image.getElementType());
}

static LogicalResult importRoiAlign(NodeBinder &node) {
  Expression image(node, node.operand(0)), regions(node, node.operand(1)), batch(node, node.operand(2));
  int64_t height = node.intAttr("output_height", 1), width = node.intAttr("output_width", 1);
  std::string mode = node.stringAttr("mode", "avg");
  std::string pixels =
      node.stringAttr("coordinate_transformation_mode", node.getOpset() < 16 ? "output_half_pixel" : "half_pixel");
  Alignment align{node.intAttr("sampling_ratio", 0), node.floatAttr("spatial_scale", 1), pixels == "half_pixel",
                  mode == "max"};
  if (node.failed())
    return failure();
  if (mode != "avg" && mode != "max")
    return node.reject("mode '" + mode + "' is not known");
  if (pixels != "half_pixel" && pixels != "output_half_pixel")
    return node.reject("coordinate_transformation_mode '" + pixels + "' is not known");
  constexpr int64_t maxBins = 1 << 16;
  if (image.getRank() != 4 || regions.getRank() != 2 || batch.getRank() != 1 || height < 1 || width < 1 ||
      height > maxBins || width > maxBins || align.sampling < 0 || align.sampling > maxBins ||
      !isa<FloatType>(image.getElementType()))
    return node.reject("images (N, C, H, W), regions (R, 4), batch indices (R) and the attributes do not fit");
  Type f32 = node.getBuilder().getF32Type();
  regions = regions.cast(f32);
  auto column = [&](int64_t i) { return regions.slice(1, i, i + 1); };
  Regions pooled{image.transpose({0, 2, 3, 1}), batch.cast(f32).unsqueeze({1, 2}),
                 align.measure(column(1), column(3), image.extent(2).cast(f32), height),
                 align.measure(column(0), column(2), image.extent(3).cast(f32), width), align};
  if (node.failed())
    return failure();
  Expression result = align.sampling ? pooled.poolEvenly(node) : pooled.poolByGrid(node);
  return node.failed() ? failure() : node.result(result.transpose({0, 3, 1, 2}));
}

//===--- MaxRoiPool ---===//

/// The largest element of each bin of regions (R, 5): the image, and left, top, right and bottom; 0 of empty bins.
static LogicalResult importMaxRoiPool(NodeBinder &node) {
  Expression image(node, node.operand(0)), regions(node, node.operand(1));
  double scale = node.floatAttr("spatial_scale", 1);
  SmallVector<int64_t> shape = node.intsAttr("pooled_shape");
  if (node.failed())
    return failure();
  auto isSize = [](int64_t extent) { return extent >= 1 && extent <= (1 << 16); };
  if (image.getRank() != 4 || regions.getRank() != 2 || shape.size() != 2 || !isSize(shape[0]) || !isSize(shape[1]) ||
      !isa<FloatType>(image.getElementType()))
    return node.reject("images (N, C, H, W), regions (R, 5) and pooled_shape do not fit");
  Type f32 = node.getBuilder().getF32Type();
  Expression last = image.transpose({0, 2, 3, 1});
  Expression extents[] = {image.extent(2).cast(f32), image.extent(3).cast(f32)};
  auto pool = [&](Expression region) -> frontend::RegionPool {
    auto column = [&](int64_t i) { return region.slice(1, i, i + 1); };
    auto divide = [&](int64_t from, int64_t to, int64_t axis) {
      return frontend::divideRegion(node, frontend::roundAway(column(from) * scale),
                                    frontend::roundAway(column(to) * scale), shape[axis], extents[axis]);
    };
    return {last, {column(0).unsqueeze({2})}, divide(2, 4, 0), divide(1, 3, 1), /*isMax=*/true};
  };
  Expression result = frontend::poolRegions(node, regions.cast(f32), pool);
  return node.failed() ? failure() : node.result(result);
}

//===--- CropAndResize ---===//

/// Where the crops of all boxes are read along one axis, (boxes, crop): corners on corners.
static Expression placeCrops(Expression begin, Expression end, Expression extent, Expression crop) {
  Expression last = extent - 1, steps = (crop.max(crop.like(2)) - 1).cast(extent.getElementType());
  Expression number = Expression::range(crop).cast(extent.getElementType());
  Expression places = begin * last + number * ((end - begin) * last / steps);
  return crop.equals(1).choose((begin + end) * 0.5 * last, places);
}

/// Of com.microsoft, after TensorFlow: boxes (B, 4), as parts of the image, at one size.
static LogicalResult importCropAndResize(NodeBinder &node) {
  Expression image(node, node.operand(0)), boxes(node, node.operand(1)), batch(node, node.operand(2));
  Expression size(node, node.operand(3));
  std::string mode = node.stringAttr("mode", "bilinear");
  double outside = node.floatAttr("extrapolation_value", 0);
  if (node.failed())
    return failure();
  if (mode != "bilinear" && mode != "nearest")
    return node.reject("mode '" + mode + "' is not known");
  if (image.getRank() != 4 || boxes.getRank() != 2 || batch.getRank() != 1 || size.getRank() != 1 ||
      size.getExtent(0) != 2 || !isa<FloatType>(image.getElementType()))
    return node.reject("images (N, C, H, W), boxes (B, 4), batch indices (B) and the size do not fit");
  Type f32 = node.getBuilder().getF32Type();
  boxes = boxes.cast(f32);
  size = size.cast(node.getBuilder().getI64Type());
  Expression height = size.slice(0, 0, 1), width = size.slice(0, 1, 2);
  boxes = {node, require(node, boxes, (height >= 1) & (width >= 1))};
  auto column = [&](int64_t i) { return boxes.slice(1, i, i + 1); };
  Expression extents[] = {image.extent(2).cast(f32), image.extent(3).cast(f32)};
  Expression y = placeCrops(column(0), column(2), extents[0], height);
  Expression x = placeCrops(column(1), column(3), extents[1], width);
  Expression last = image.transpose({0, 2, 3, 1}), which = batch.cast(f32).unsqueeze({1, 2}), result;
  if (node.failed())
    return failure();
  auto isInside = [](Expression at, Expression extent) { return (at >= 0) & (at <= extent - 1); };
  Expression inside = isInside(y, extents[0]).unsqueeze({2}) & isInside(x, extents[1]).unsqueeze({1});
  auto clamp = [](Expression at, Expression extent) { return at.max(at.like(0)).min(extent - 1); };
  y = clamp(y, extents[0]);
  x = clamp(x, extents[1]);
  if (mode == "nearest") {
    Expression weight = x.like(1).reshape({1, 1, 1});
    auto round = [](Expression at) { // halves up
      Expression low = at.unary<nn::FloorOp>();
      return (at - low >= 0.5).choose(low + 1, low);
    };
    result = readTap(node, last, which, round(y).unsqueeze({2}), round(x).unsqueeze({1}), weight);
  } else {
    Expression yLow = y.unary<nn::FloorOp>(), xLow = x.unary<nn::FloorOp>();
    Expression yPart = y - yLow, xPart = x - xLow;
    for (int i = 0; i < 4 && !node.failed(); ++i) {
      bool isLower = i / 2, isRight = i % 2;
      Expression yAt = isLower ? (yLow + 1).min(extents[0] - 1) : yLow,
                 xAt = isRight ? (xLow + 1).min(extents[1] - 1) : xLow;
      Expression yWeight = isLower ? yPart : yPart * -1 + 1, xWeight = isRight ? xPart : xPart * -1 + 1;
      Expression read = readTap(node, last, which, yAt.unsqueeze({2}), xAt.unsqueeze({1}),
                                yWeight.unsqueeze({2}) * xWeight.unsqueeze({1}));
      result = result ? result + read : read;
    }
  }
  if (node.failed())
    return failure();
  result = inside.unsqueeze({3}).choose(result, result.like(outside));
  return node.result(result.transpose({0, 3, 1, 2}));
}

static const OpEntry table[] = {
    {"CropAndResize", 1, importCropAndResize, "com.microsoft"},
    {"MaxRoiPool", 1, importMaxRoiPool},
    {"RoiAlign", 10, importRoiAlign},
};

ArrayRef<OpEntry> getRegionPoolingOps() { return table; }

} // namespace nnc::onnx
