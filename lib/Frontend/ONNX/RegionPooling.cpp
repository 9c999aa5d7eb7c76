// ONNX operators that pool regions of images: samples between elements, gathered
// channels last, then reduced over the samples of each bin.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

namespace {

/// The samples of all regions along one axis, (regions, samples): the two elements that each lies between, their
/// weights, and whether it counts.
struct AxisSamples {
  Expression low, high, lowWeight, highWeight, inside;
};

/// What RoiAlign's attributes say.
struct Alignment {
  int64_t sampling;
  double scale;
  bool isHalfPixel, isMax;

  AxisSamples sample(NodeBinder &node, Expression begin, Expression end, Expression extent, int64_t bins) const;
};

} // namespace

/// `begin` and `end` of the regions, (regions, 1), in the coordinates of the model; `extent` of the image.
AxisSamples Alignment::sample(NodeBinder &node, Expression begin, Expression end, Expression extent,
                              int64_t bins) const {
  double offset = isHalfPixel ? 0.5 : 0;
  Expression first = begin * scale - offset, size = end * scale - offset - first;
  if (!isHalfPixel)
    size = size.max(size.like(1));
  SmallVector<int64_t> steps = llvm::to_vector(llvm::seq<int64_t>(0, bins * sampling));
  Expression number = Expression::ints(node, steps).cast(first.getElementType());
  Expression at = first + (number + 0.5) * (size / static_cast<double>(bins * sampling));
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

static LogicalResult importRoiAlign(NodeBinder &node) {
  Expression image(node, node.operand(0)), regions(node, node.operand(1)), batch(node, node.operand(2));
  int64_t height = node.intAttr("output_height", 1), width = node.intAttr("output_width", 1);
  std::string mode = node.stringAttr("mode", "avg");
  std::string pixels = node.stringAttr("coordinate_transformation_mode",
                                       node.getOpset() < 16 ? "output_half_pixel" : "half_pixel");
  Alignment align{node.intAttr("sampling_ratio", 0), node.floatAttr("spatial_scale", 1), pixels == "half_pixel", mode == "max"};
  if (node.failed())
    return failure();
  if (mode != "avg" && mode != "max")
    return node.reject("mode '" + mode + "' is not known");
  if (pixels != "half_pixel" && pixels != "output_half_pixel")
    return node.reject("coordinate_transformation_mode '" + pixels + "' is not known");
  if (align.sampling < 1)
    return node.reject("a sampling_ratio of 0, for which each region decides its number of samples, is not supported");
  if (image.getRank() != 4 || regions.getRank() != 2 || batch.getRank() != 1 || height < 1 || width < 1 ||
      !isa<FloatType>(image.getElementType()))
    return node.reject("images (N, C, H, W), regions (R, 4) and batch indices (R) do not fit");
  Type f32 = node.getBuilder().getF32Type();
  regions = regions.cast(f32);
  auto column = [&](int64_t i) { return regions.slice(1, i, i + 1); };
  AxisSamples y = align.sample(node, column(1), column(3), image.extent(2).cast(f32), height);
  AxisSamples x = align.sample(node, column(0), column(2), image.extent(3).cast(f32), width);
  if (node.failed())
    return failure();
  Expression inside = y.inside.unsqueeze({2}) & x.inside.unsqueeze({1});
  Expression last = image.transpose({0, 2, 3, 1}), which = batch.cast(f32).reshape({-1, 1, 1}), sum;
  for (auto [yAt, yWeight] : {std::pair(y.low, y.lowWeight), std::pair(y.high, y.highWeight)})
    for (auto [xAt, xWeight] : {std::pair(x.low, x.lowWeight), std::pair(x.high, x.highWeight)}) {
      Expression weight = yWeight.unsqueeze({2}) * xWeight.unsqueeze({1});
      Expression read = readTap(node, last, which, yAt.unsqueeze({2}), xAt.unsqueeze({1}), weight);
      sum = !sum ? read : align.isMax ? sum.max(read) : sum + read; // the largest of the weighted elements, as all do
    }
  if (node.failed())
    return failure();
  sum = inside.unsqueeze({3}).choose(sum, sum.like(0));
  sum = sum.reshape({0, height, align.sampling, width, align.sampling, -1});
  nn::ReductionKind kind = align.isMax ? nn::ReductionKind::Max : nn::ReductionKind::Mean;
  return node.result(sum.reduce(kind, {2, 4}, /*keepdims=*/false).transpose({0, 3, 1, 2}));
}

static const OpEntry table[] = {
    {"RoiAlign", 10, importRoiAlign},
};

ArrayRef<OpEntry> getRegionPoolingOps() { return table; }

} // namespace nnc::onnx
