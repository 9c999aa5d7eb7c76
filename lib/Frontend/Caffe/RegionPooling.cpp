// Layers that pool regions of images, of Fast R-CNN and R-FCN. A loop takes one region after the other, since data may
// decide how many there are. Each has as many bins as the layer says, of an extent that data decide: all bins take one
// more element in each step of another loop, which ends with the largest bin.
#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Repetition.h"

#include <cfloat>

using namespace mlir;

namespace nnc::caffe {

using frontend::Expression;

namespace {

/// The bins of a region along one axis of the image, (1, bins): the first element and the one behind the last.
struct Bins {
  Expression begin, end;
  int64_t count, extent;

  /// The largest number of elements, one i64.
  Expression getLargest(LayerBinder &layer) const {
    Expression most = (end - begin).reduce(nn::ReductionKind::Max, {0, 1}, /*keepdims=*/false);
    most = most.max(most.like(0)).min(most.like(static_cast<double>(extent)));
    return most.cast(layer.getBuilder().getI64Type()).reshape({1});
  }
};

/// What is pooled: the image with its channels last, and the indices of the bins' elements before row and column.
struct Pool {
  Expression image;                ///< (images, channels' bins..., H, W, channels)
  SmallVector<Expression> leading; ///< each broadcasts to (1, rows, columns)
  Bins rows, columns;
  bool isMax;

  Expression build(LayerBinder &layer) const;
};

} // namespace

/// Halves away from zero, as C rounds.
static Expression roundAway(Expression x) {
  Expression size = x.unary<nn::AbsOp>(), low = size.unary<nn::FloorOp>();
  return (size - low >= 0.5).choose(low + 1, low) * x.unary<nn::SignOp>();
}

static Bins clampBins(Expression begin, Expression end, int64_t count, int64_t extent) {
  auto clamp = [&](Expression at) { return at.max(at.like(0)).min(at.like(static_cast<double>(extent))); };
  return {clamp(begin), clamp(end), count, extent};
}

/// 0, 1 .. as floats.
static Expression countUp(LayerBinder &layer, int64_t count) {
  return Expression::ints(layer, llvm::to_vector(llvm::seq<int64_t>(0, count))).cast(layer.getBuilder().getF32Type());
}

/// Largest elements or means of all bins, 0 of one without any: (1, rows, columns, channels).
Expression Pool::build(LayerBinder &layer) const {
  Type i64 = layer.getBuilder().getI64Type(), f32 = layer.getBuilder().getF32Type();
  if (layer.failed())
    return {};
  Expression across = columns.getLargest(layer), trips = rows.getLargest(layer) * across;
  int64_t rank = layer.getRank(image);
  SmallVector<int64_t> shape{1, rows.count, columns.count, layer.getShape(image)[rank - 1]};
  Expression start = image.like(isMax ? -FLT_MAX : 0).broadcast(Expression::ints(layer, shape));
  auto step = [&](Expression number, ArrayRef<Expression> carried) -> frontend::Iteration {
    auto place = [](const Bins &bins, Expression offset, ArrayRef<int64_t> axes) {
      Expression at = bins.begin + offset, isInside = at < bins.end;
      return std::pair(at.min(at.like(static_cast<double>(bins.extent - 1))).unsqueeze(axes), isInside.unsqueeze(axes));
    };
    auto [y, isRow] = place(rows, (number / across).cast(f32), {2});
    auto [x, isColumn] = place(columns, number.unary<nn::ModOp>(Value(across), /*fmod=*/false).cast(f32), {1});
    Expression zero = y * 0 + x * 0; // of the shape of all bins
    SmallVector<Expression> parts(leading);
    parts.push_back(y);
    parts.push_back(x);
    for (Expression &part : parts)
      part = (zero + part).cast(i64).unsqueeze({3});
    Expression index = Expression::concat(layer, parts, 3);
    Expression element(layer, layer.create<nn::GatherNDOp>(image, index, /*batch_dims=*/0));
    if (layer.failed())
      return {};
    Expression before = carried.front(), next = isMax ? before.max(element) : before + element;
    return {{(isRow & isColumn).unsqueeze({3}).choose(next, before)}, {}};
  };
  SmallVector<Expression> results = frontend::repeat(layer, trips, {start}, step);
  if (layer.failed())
    return {};
  auto measure = [](const Bins &bins, int64_t axis) { return (bins.end - bins.begin).unsqueeze({axis, 3}); };
  Expression height = measure(rows, 2), width = measure(columns, 1);
  Expression hasAny = (height > 0) & (width > 0), area = height * width;
  Expression result = isMax ? results.front() : results.front() / area.max(area.like(1));
  return hasAny.choose(result, result.like(0));
}

/// Pools one region after the other, each (1, 5), as `describe` says of it: (regions, channels, rows, columns).
static LogicalResult poolRegions(LayerBinder &layer, Expression regions,
                                 llvm::function_ref<Pool(Expression)> describe) {
  // A sum over all regions but for the others' zeros: picking one would need a check that there are any, in each step.
  Expression numbers = Expression::range(regions.extent(0)).unsqueeze({1});
  auto step = [&](Expression number, ArrayRef<Expression>) -> frontend::Iteration {
    Expression region = numbers.equals(number).choose(regions, regions.like(0));
    region = region.reduce(nn::ReductionKind::Sum, {0}, /*keepdims=*/true);
    Expression pooled = describe(region).build(layer);
    return layer.failed() ? frontend::Iteration() : frontend::Iteration{{}, {pooled.squeeze({0})}};
  };
  if (layer.failed())
    return failure();
  SmallVector<Expression> results = frontend::repeat(layer, regions.extent(0), {}, step);
  return layer.failed() ? failure() : layer.result(results.front().transpose({0, 3, 1, 2}));
}

/// A number of a region, (1, 1); a region is (image, x1, y1, x2, y2).
static Expression getColumn(Expression region, int64_t number) { return region.slice(1, number, number + 1); }

/// The regions of a second bottom as (regions, 5), and a check of the first; null where they do not fit.
static Expression bindRegions(LayerBinder &layer) {
  Value image = layer.imageBottom(0), regions = layer.bottom(1);
  if (layer.failed())
    return {};
  ArrayRef<int64_t> shape = layer.getShape(regions);
  if (ShapedType::isDynamic(layer.getShape(image)[0])) {
    (void)layer.reject("data decide the number of its images");
    return {};
  }
  if (shape.empty() || layer.multiplyExtents(shape.drop_front()) != 5) {
    (void)layer.reject("its second bottom must have five numbers for each region");
    return {};
  }
  return {layer, layer.reshape(regions, {shape[0], 5})};
}

/// Extents of results that are still believed.
static constexpr int64_t maxBins = 1 << 12;

/// Of Fast R-CNN: the corners of a region are rounded to elements, the corners of its bins to whole elements around
/// them.
static LogicalResult importROIPooling(LayerBinder &layer) {
  Expression regions = bindRegions(layer);
  const format::ROIPoolingParam &param = layer.get().roi_pooling_param();
  if (layer.failed())
    return failure();
  int64_t rows = param.pooled_h(), columns = param.pooled_w();
  if (rows < 1 || columns < 1 || rows > maxBins || columns > maxBins)
    return layer.reject("pooled_h and pooled_w must be positive, and not too large");
  Expression image(layer, layer.bottom(0));
  Expression last = image.transpose({0, 2, 3, 1});
  auto divide = [&](Expression from, Expression to, int64_t count, int64_t axis) {
    Expression begin = roundAway(from * param.spatial_scale()), end = roundAway(to * param.spatial_scale());
    Expression size = end - begin + 1;
    size = size.max(size.like(1)) / static_cast<double>(count);
    Expression number = countUp(layer, count);
    return clampBins((number * size).unary<nn::FloorOp>() + begin, ((number + 1) * size).unary<nn::CeilOp>() + begin,
                     count, layer.getShape(image)[axis]);
  };
  return poolRegions(layer, regions, [&](Expression region) -> Pool {
    return {last,
            {getColumn(region, 0).unsqueeze({2})},
            divide(getColumn(region, 2), getColumn(region, 4), rows, 2),
            divide(getColumn(region, 1), getColumn(region, 3), columns, 3),
            /*isMax=*/true};
  });
}

/// Of R-FCN: each bin is the mean of channels of its own; corners of regions are rounded before they are scaled.
static LogicalResult importPSROIPooling(LayerBinder &layer) {
  Expression regions = bindRegions(layer);
  const format::PSROIPoolingParam &param = layer.get().psroi_pooling_param();
  if (layer.failed())
    return failure();
  int64_t bins = param.group_size(), outputs = param.output_dim();
  Expression image(layer, layer.bottom(0));
  ArrayRef<int64_t> shape = layer.getShape(image);
  if (bins < 1 || bins > maxBins || outputs < 1 || shape[1] != outputs * bins * bins)
    return layer.reject("its channels must be output_dim for each of group_size * group_size bins");
  double scale = param.spatial_scale();
  auto divide = [&](Expression from, Expression to, int64_t axis) {
    Expression begin = roundAway(from) * scale, size = (roundAway(to) + 1) * scale - begin;
    size = size.max(size.like(0.1)) / static_cast<double>(bins);
    Expression number = countUp(layer, bins);
    return clampBins((number * size + begin).unary<nn::FloorOp>(), ((number + 1) * size + begin).unary<nn::CeilOp>(),
                     bins, layer.getShape(image)[axis]);
  };
  // Channels (outputs, rows, columns of bins) come last but for the bins, which are axes of their own.
  Expression parts(layer, layer.reshape(image, {shape[0], outputs, bins, bins, shape[2], shape[3]}));
  parts = parts.transpose({0, 2, 3, 4, 5, 1});
  if (layer.failed())
    return failure();
  Expression number = countUp(layer, bins);
  return poolRegions(layer, regions, [&](Expression region) -> Pool {
    return {parts,
            {getColumn(region, 0).unsqueeze({2}), number.unsqueeze({0, 2}), number.unsqueeze({0, 1})},
            divide(getColumn(region, 2), getColumn(region, 4), 2),
            divide(getColumn(region, 1), getColumn(region, 3), 3),
            /*isMax=*/false};
  });
}

static const LayerEntry table[] = {
    {"PSROIPooling", importPSROIPooling, OpenExtents::First},
    {"ROIPooling", importROIPooling, OpenExtents::First},
};

ArrayRef<LayerEntry> getRegionPoolingLayers() { return table; }

} // namespace nnc::caffe
