// Layers that pool regions of images, of Fast R-CNN and R-FCN.
#include "lib/Frontend/Import/RegionPooling.h"
#include "lib/Frontend/Caffe/LayerTable.h"

using namespace mlir;

namespace nnc::caffe {

using frontend::Bins;
using frontend::Expression;
using frontend::RegionPool;

/// 0, 1 .. as floats.
static Expression countUp(LayerBinder &layer, int64_t count) {
  return Expression::ints(layer, llvm::to_vector(llvm::seq<int64_t>(0, count))).cast(layer.getBuilder().getF32Type());
}

/// The extent `axis` of `image` as a float (1).
static Expression measure(LayerBinder &layer, Expression image, int64_t axis) {
  return image.extent(axis).cast(layer.getBuilder().getF32Type());
}

/// Pools `regions` as `describe` says of each.
static LogicalResult poolRegions(LayerBinder &layer, Expression regions,
                                 llvm::function_ref<RegionPool(Expression)> describe) {
  Expression result = frontend::poolRegions(layer, regions, describe);
  return layer.failed() ? failure() : layer.result(result);
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
    return frontend::divideRegion(layer, frontend::roundAway(from * param.spatial_scale()),
                                  frontend::roundAway(to * param.spatial_scale()), count, measure(layer, image, axis));
  };
  return poolRegions(layer, regions, [&](Expression region) -> RegionPool {
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
    Expression begin = frontend::roundAway(from) * scale, size = (frontend::roundAway(to) + 1) * scale - begin;
    size = size.max(size.like(0.1)) / static_cast<double>(bins);
    Expression number = countUp(layer, bins);
    return Bins::clamp((number * size + begin).unary<nn::FloorOp>(), ((number + 1) * size + begin).unary<nn::CeilOp>(),
                       bins, measure(layer, image, axis));
  };
  // Channels (outputs, rows, columns of bins) come last but for the bins, which are axes of their own.
  Expression parts(layer, layer.reshape(image, {shape[0], outputs, bins, bins, shape[2], shape[3]}));
  parts = parts.transpose({0, 2, 3, 4, 5, 1});
  if (layer.failed())
    return failure();
  Expression number = countUp(layer, bins);
  return poolRegions(layer, regions, [&](Expression region) -> RegionPool {
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
