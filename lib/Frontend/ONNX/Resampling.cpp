// ONNX operators of the resampling family.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// How a resize is asked for; axes that keep their extent are left out.
struct ResizeRequest {
  SmallVector<int64_t> axes;
  Value sizes, scales, region; // one entry per axis; the region has two
  nn::ResizeMode mode = nn::ResizeMode::Nearest;
  nn::CoordinateMode coordinates = nn::CoordinateMode::HalfPixel;
  nn::NearestMode nearest = nn::NearestMode::RoundPreferFloor;
  float cubicCoefficient = -0.75f;
  bool excludeOutside = false;
  bool antialias = false;
  float extrapolationValue = 0;
};

/// A 1-D operand of `length` elements as `type`; null where it is left out or has none, as older exporters write it.
static Value getVector(NodeBinder &node, unsigned index, Type type, int64_t length) {
  Value value = node.optionalOperand(index);
  if (!value || (node.getType(value).getRank() == 1 && node.getType(value).getDimSize(0) == 0))
    return {};
  if (node.getRank(value) != 1) {
    (void)node.reject("operand " + Twine(index) + " is not a list of numbers");
    return {};
  }
  value = fixLength(node, value, length);
  return getElementTypeOrSelf(value) == type ? value : node.create<nn::CastOp>(value, type);
}

static Value floats(NodeBinder &node, ArrayRef<float> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, node.getBuilder().getF32Type());
  return arith::ConstantOp::create(node.getBuilder(), node.getLoc(), DenseElementsAttr::get(type, values));
}

/// The entries at `positions` of a list.
static Value pick(NodeBinder &node, Value list, ArrayRef<int64_t> positions) {
  return list ? node.create<nn::GatherOp>(list, node.ints(positions), 0) : list;
}

/// Leaves out the axes whose constant scale is 1, or whose size is the extent they have.
static void dropUnchangedAxes(NodeBinder &node, Value x, ResizeRequest &request) {
  if (request.region)
    return;
  auto scales = nn::getConstantFloats(request.scales);
  auto sizes = request.sizes ? nn::getKnownInts(request.sizes) : std::nullopt;
  if (request.sizes && !sizes)
    return;
  SmallVector<int64_t> kept, axes;
  for (auto [i, axis] : llvm::enumerate(request.axes)) {
    bool isUnchanged = request.scales ? scales && (*scales)[i] == 1 : true;
    if (sizes) {
      const nn::KnownInt &size = (*sizes)[i];
      isUnchanged &= size.value ? *size.value == node.getType(x).getDimSize(axis) : size.tensor == x && size.axis == axis;
    }
    if (isUnchanged)
      continue;
    kept.push_back(i);
    axes.push_back(axis);
  }
  request.sizes = pick(node, request.sizes, kept);
  request.scales = pick(node, request.scales, kept);
  request.axes = axes;
}

/// Rounded toward zero, after the errors of weights of f32 are off: what they make of a whole number is that number.
static Value cutToIntegers(NodeBinder &node, Value result, Type type) {
  Expression value(node, result), whole = value.unary<nn::RoundOp>();
  Expression error = (value - whole).unary<nn::AbsOp>();
  Expression size = whole.unary<nn::AbsOp>() * 1e-6;
  Expression isWhole = error <= size.max(size.like(1e-4));
  return isWhole.choose(whole, value).cast(type);
}

static Value createResize(NodeBinder &node, Value x, const ResizeRequest &request) {
  return node.create<nn::ResizeOp>(x, request.sizes, request.scales, request.region, request.axes, request.mode,
                                   request.coordinates, request.nearest, llvm::APFloat(request.cubicCoefficient),
                                   request.excludeOutside, request.antialias, llvm::APFloat(request.extrapolationValue));
}

static LogicalResult buildResize(NodeBinder &node, Value x, ResizeRequest &request) {
  if (node.failed())
    return failure();
  if (!request.sizes && !request.scales)
    return node.reject("has neither scales nor sizes");
  auto count = static_cast<int64_t>(request.axes.size());
  for (Value list : {request.sizes, request.scales}) {
    if (list && node.getType(list).getDimSize(0) != count)
      return node.reject("scales or sizes and axes differ in number");
  }
  dropUnchangedAxes(node, x, request);
  if (request.axes.empty())
    return node.result(x);
  Type element = getElementTypeOrSelf(x);
  bool isOfIntegers = request.mode != nn::ResizeMode::Nearest && !isa<FloatType>(element);
  if (isOfIntegers && (request.mode == nn::ResizeMode::Cubic || request.antialias || element.isInteger(1)))
    return node.reject("of integers, only linear interpolation without antialiasing is defined alike everywhere");
  if (isOfIntegers)
    x = node.create<nn::CastOp>(x, node.getBuilder().getF64Type());
  Value result = createResize(node, x, request);
  return node.result(isOfIntegers ? cutToIntegers(node, result, element) : result);
}

static std::optional<nn::ResizeMode> parseMode(NodeBinder &node) {
  std::string name = node.stringAttr("mode", "nearest");
  auto mode = nn::symbolizeResizeMode(name == "bilinear" ? "linear" : name);
  if (!mode)
    (void)node.reject("mode '" + name + "' is not known");
  return mode;
}

/// One scale for all axes that keeps the proportions of the image within (or around) the sizes asked for.
static LogicalResult keepAspectRatio(NodeBinder &node, Value x, bool larger, ResizeRequest &request) {
  if (!request.sizes)
    return node.reject("keep_aspect_ratio_policy needs sizes");
  if (auto sizes = nn::getConstantInts(request.sizes))
    if (llvm::any_of(*sizes, [](int64_t size) { return size <= 0; }))
      return node.reject("a size is not positive");
  if (node.getShape(request.sizes) != ArrayRef<int64_t>{static_cast<int64_t>(request.axes.size())})
    return node.reject("scales or sizes and axes differ in number");
  Builder &builder = node.getBuilder();
  Type f32 = builder.getF32Type(), i64 = builder.getI64Type();
  SmallVector<Expression> extents, scaled;
  Expression sizes(node, request.sizes), scale;
  for (auto [i, axis] : llvm::enumerate(request.axes)) {
    extents.push_back(Expression(node, x).extent(axis).cast(f32));
    Expression ratio = sizes.slice(0, i, i + 1).cast(f32) / extents.back();
    scale = !scale ? ratio : larger ? scale.max(ratio) : scale.min(ratio);
  }
  for (Expression extent : extents)
    scaled.push_back((scale * extent + 0.5).unary<nn::FloorOp>().cast(i64));
  if (node.failed() || scaled.empty())
    return failure();
  request.sizes = Expression::concat(node, scaled, 0);
  request.scales = Expression::concat(node, SmallVector<Expression>(scaled.size(), scale), 0);
  return success();
}

/// The elements that `importScaledResize` takes along one axis, by a scale that only a run knows.
static Expression pickNearest(NodeBinder &node, Expression x, int64_t axis, Expression scale) {
  Type f32 = node.getBuilder().getF32Type(), i64 = node.getBuilder().getI64Type();
  Expression size = (x.extent(axis).cast(f32) * scale).unary<nn::FloorOp>().cast(i64);
  Expression place = Expression::range(size).cast(f32) / scale;
  place = (scale < 1).choose(place.unary<nn::CeilOp>(), place.unary<nn::FloorOp>());
  return x.gather(place.cast(i64).min(x.extent(axis) - 1), axis);
}

/// Version 10 knows scales alone, and the mapping of Upsample, but of what shrinks the next element counts, not the one
/// before: so have ONNX's own tests of that version it, and ONNX Runtime.
static LogicalResult importScaledResize(NodeBinder &node, Value x, ResizeRequest &request) {
  request.coordinates = nn::CoordinateMode::Asymmetric;
  request.nearest = nn::NearestMode::Floor;
  auto scales = nn::getConstantFloats(request.scales);
  bool shrinks = !scales || llvm::any_of(*scales, [](double scale) { return scale < 1; });
  if (request.mode != nn::ResizeMode::Nearest || !shrinks || node.failed())
    return buildResize(node, x, request);
  if (!scales) {
    Expression result(node, x), all(node, request.scales);
    for (int64_t axis : request.axes)
      result = pickNearest(node, result, axis, all.slice(0, axis, axis + 1));
    return node.result(result);
  }
  SmallVector<int64_t> axes[2];
  for (auto [axis, scale] : llvm::enumerate(*scales))
    axes[scale < 1].push_back(axis);
  ResizeRequest part = request;
  part.axes = axes[1];
  part.scales = pick(node, request.scales, axes[1]);
  part.nearest = nn::NearestMode::Ceil;
  request.axes = axes[0];
  request.scales = pick(node, request.scales, axes[0]);
  return buildResize(node, createResize(node, x, part), request);
}

static LogicalResult importResize(NodeBinder &node) {
  Value x = node.operand(0);
  ResizeRequest request;
  auto mode = parseMode(node);
  if (node.failed())
    return failure();
  request.mode = *mode;
  Type f32 = node.getBuilder().getF32Type();
  request.axes = llvm::to_vector(llvm::seq<int64_t>(0, node.getRank(x)));
  if (node.getOpset() < 11) {
    request.scales = getVector(node, 1, f32, request.axes.size());
    return importScaledResize(node, x, request);
  }
  std::string coordinates = node.stringAttr("coordinate_transformation_mode", "half_pixel");
  std::string nearest = node.stringAttr("nearest_mode", "round_prefer_floor");
  std::string policy = node.stringAttr("keep_aspect_ratio_policy", "stretch");
  auto coordinateMode = nn::symbolizeCoordinateMode(coordinates);
  auto nearestMode = nn::symbolizeNearestMode(nearest);
  if (!coordinateMode || !nearestMode)
    return node.reject("'" + (coordinateMode ? nearest : coordinates) + "' is not known");
  request.coordinates = *coordinateMode;
  request.nearest = *nearestMode;
  request.cubicCoefficient = node.floatAttr("cubic_coeff_a", -0.75);
  request.antialias = node.intAttr("antialias", 0) && request.mode != nn::ResizeMode::Nearest;
  // Of two neighbours one is always inside, and alone it weighs what both together do where the edge is repeated.
  bool hasWideFilter = request.mode == nn::ResizeMode::Cubic || request.antialias;
  request.excludeOutside = node.intAttr("exclude_outside", 0) && hasWideFilter;
  request.extrapolationValue = node.floatAttr("extrapolation_value", 0);
  if (node.hasAttr("axes")) {
    request.axes.clear();
    for (int64_t axis : node.intsAttr("axes"))
      request.axes.push_back(node.normalizeAxis(axis, node.getRank(x)));
  }
  request.scales = getVector(node, 2, f32, request.axes.size());
  request.sizes = getVector(node, 3, node.getBuilder().getI64Type(), request.axes.size());
  if (request.scales && request.sizes)
    return node.reject("has both scales and sizes");
  if (request.coordinates == nn::CoordinateMode::TfCropAndResize)
    request.region = getVector(node, 1, f32, 2 * request.axes.size());
  if (policy != "stretch") {
    if (policy != "not_larger" && policy != "not_smaller")
      return node.reject("keep_aspect_ratio_policy '" + policy + "' is not known");
    if (failed(keepAspectRatio(node, x, policy == "not_smaller", request)))
      return failure();
  }
  return buildResize(node, x, request);
}

/// Scales are an attribute, from opset 9 on an operand.
static LogicalResult importUpsample(NodeBinder &node) {
  Value x = node.operand(0);
  ResizeRequest request;
  auto mode = parseMode(node);
  if (node.failed())
    return failure();
  request.mode = *mode;
  request.coordinates = nn::CoordinateMode::Asymmetric;
  request.nearest = nn::NearestMode::Floor;
  request.axes = llvm::to_vector(llvm::seq<int64_t>(0, node.getRank(x)));
  if (node.getOpset() < 9) {
    SmallVector<double> scales = node.floatsAttr("scales");
    request.scales = floats(node, SmallVector<float>(scales.begin(), scales.end()));
  } else {
    (void)node.operand(1);
    request.scales = getVector(node, 1, node.getBuilder().getF32Type(), request.axes.size());
  }
  return buildResize(node, x, request);
}

static const OpEntry table[] = {
    {"Resize", 10, importResize},
    {"Upsample", 7, importUpsample},
};

ArrayRef<OpEntry> getResamplingOps() { return table; }

} // namespace nnc::onnx
