// TFLite operators of the resampling family.
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace nnc::tflite {

/// `input` with rows and columns as many as operand 1 says.
static LogicalResult resize(OpBinder &op, nn::ResizeMode mode, nn::CoordinateMode coordinates,
                            nn::NearestMode nearest) {
  Value x = op.operand(0), sizes = op.indexList(1);
  if (op.failed())
    return failure();
  if (op.getRank(x) != 4)
    return op.reject("its input must have four axes");
  return op.result(op.create<nn::ResizeOp>(x, sizes, Value(), Value(), ArrayRef<int64_t>{1, 2}, mode, coordinates,
                                           nearest, /*cubic_coefficient=*/llvm::APFloat(-0.75f),
                                           /*exclude_outside=*/false, /*antialias=*/false,
                                           /*extrapolation_value=*/llvm::APFloat(0.0f)));
}

static LogicalResult importResizeBilinear(OpBinder &op) {
  const auto &options = op.options<format::ResizeBilinearOptions>();
  if (options.align_corners() && options.half_pixel_centers())
    return op.reject("align_corners and half_pixel_centers exclude each other");
  nn::CoordinateMode coordinates = options.align_corners()        ? nn::CoordinateMode::AlignCorners
                                   : options.half_pixel_centers() ? nn::CoordinateMode::HalfPixel
                                                                  : nn::CoordinateMode::Asymmetric;
  return resize(op, nn::ResizeMode::Linear, coordinates, nn::NearestMode::Floor);
}

static LogicalResult importResizeNearest(OpBinder &op) {
  const auto &options = op.options<format::ResizeNearestNeighborOptions>();
  if (options.align_corners() && options.half_pixel_centers())
    return op.reject("align_corners and half_pixel_centers exclude each other");
  if (options.align_corners())
    return resize(op, nn::ResizeMode::Nearest, nn::CoordinateMode::AlignCorners, nn::NearestMode::RoundPreferCeil);
  return resize(op, nn::ResizeMode::Nearest,
                options.half_pixel_centers() ? nn::CoordinateMode::TfHalfPixelForNearest
                                             : nn::CoordinateMode::Asymmetric,
                nn::NearestMode::Floor);
}

/// The two places of an image between which each place of the result is, and how far it is from the first, in 1024ths.
struct Neighbours {
  SmallVector<int32_t> lower, upper, distance;
};

static Neighbours findNeighbours(int64_t from, int64_t to, const format::ResizeBilinearOptions &options) {
  Neighbours result;
  int64_t scale = ((from << 10) + to / 2) / to;
  if (options.align_corners() && to > 1)
    scale = (((from - 1) << 10) + (to - 1) / 2) / (to - 1);
  for (int64_t i = 0; i < to; ++i) {
    int64_t place = i * scale + (options.half_pixel_centers() ? scale / 2 - (1 << 9) : 0);
    int64_t lower = std::max<int64_t>(place / (1 << 10), 0);
    result.lower.push_back(lower);
    result.upper.push_back(std::min((place + (1 << 10) - 1) / (1 << 10), from - 1));
    result.distance.push_back(place - (lower << 10));
  }
  return result;
}

/// Along one axis of a tensor of four, in 1024ths of what it was.
static Value interpolate(OpBinder &op, Value x, int64_t axis, const Neighbours &at) {
  SmallVector<int64_t> shape(4, 1);
  shape[axis] = at.lower.size();
  Type type = getElementTypeOrSelf(x);
  Value distance = op.cast(op.reshape(makeInts(op, at.distance), shape), type);
  auto pick = [&](ArrayRef<int32_t> places) {
    return op.create<nn::GatherOp>(x, op.reshape(makeInts(op, places), {static_cast<int64_t>(places.size())}), axis);
  };
  Value near = op.create<nn::MulOp>(pick(at.lower), op.create<nn::SubOp>(op.scalar(type, 1 << 10), distance));
  return op.create<nn::AddOp>(near, op.create<nn::MulOp>(pick(at.upper), distance));
}

/// As above, in fractions of f32, which the reference kernel has for unsigned numbers. Weights of the first and second place.
struct Fractions {
  Neighbours at;
  SmallVector<float> near, far;
};

static Fractions findFractions(int64_t from, int64_t to, const format::ResizeBilinearOptions &options) {
  Fractions result;
  float scale = static_cast<float>(from) / to;
  if (options.align_corners() && to > 1)
    scale = static_cast<float>(from - 1) / (to - 1);
  for (int64_t i = 0; i < to; ++i) {
    // Products in f64 are exact: each result is rounded once, whatever a compiler makes of a product and a sum.
    float place = static_cast<float>(static_cast<double>(i) * scale);
    if (options.half_pixel_centers())
      place = static_cast<float>((static_cast<double>(i) + 0.5) * scale) - 0.5f;
    auto lower = std::max(static_cast<int32_t>(std::floor(place)), 0);
    result.at.lower.push_back(lower);
    result.at.upper.push_back(std::min<int64_t>(static_cast<int32_t>(std::ceil(place)), from - 1));
    result.far.push_back(place - static_cast<float>(lower));
    result.near.push_back(1 - result.far.back());
  }
  return result;
}

/// Each product is rounded to f32, and so is each sum; the result to the nearest integer.
static LogicalResult importUnsignedResize(OpBinder &op, Value x, ArrayRef<int64_t> sizes,
                                          const format::ResizeBilinearOptions &options) {
  Type f32 = op.getBuilder().getF32Type(), f64 = op.getBuilder().getF64Type();
  Fractions at[2];
  Value pixels[2][2], sum;
  for (int axis = 0; axis < 2; ++axis)
    at[axis] = findFractions(op.getShape(x)[axis + 1], sizes[axis], options);
  auto pick = [&](Value value, int axis, bool isUpper) {
    ArrayRef<int32_t> places = isUpper ? at[axis].at.upper : at[axis].at.lower;
    return op.create<nn::GatherOp>(value, op.reshape(makeInts(op, places), {sizes[axis]}), axis + 1);
  };
  for (int column = 0; column < 2; ++column)
    for (int row = 0; row < 2; ++row)
      pixels[column][row] = op.cast(pick(pick(x, 0, row), 1, column), f32);
  auto weigh = [&](Value value, int axis, bool isUpper) {
    SmallVector<int64_t> shape(4, 1);
    shape[axis + 1] = sizes[axis];
    ArrayRef<float> weights = isUpper ? at[axis].far : at[axis].near;
    Value factors = op.cast(op.floats(shape, std::vector<float>(weights.begin(), weights.end())), f64);
    return op.cast(op.create<nn::MulOp>(op.cast(value, f64), factors), f32);
  };
  for (int column = 0; column < 2; ++column)
    for (int row = 0; row < 2; ++row) {
      Value term = weigh(weigh(pixels[column][row], 0, row), 1, column);
      sum = sum ? op.create<nn::AddOp>(sum, term) : term;
    }
  return op.result(op.cast(op.create<nn::AddOp>(sum, op.scalar(f32, 0.5)), getElementTypeOrSelf(x)));
}

/// In fixed point, rounded once; of unsigned numbers in floats.
static LogicalResult importQuantizedResizeBilinear(OpBinder &op) {
  requireOneScale(op);
  const auto &options = op.options<format::ResizeBilinearOptions>();
  Value x = op.operand(0);
  SmallVector<int64_t> sizes = op.constantInts(1);
  if (op.failed())
    return failure();
  if (options.align_corners() && options.half_pixel_centers())
    return op.reject("align_corners and half_pixel_centers exclude each other");
  Type elements = getElementTypeOrSelf(x);
  auto isReasonable = [](int64_t extent) { return extent >= 1 && extent <= (1 << 20); };
  if (op.getRank(x) != 4 || sizes.size() != 2 || !llvm::all_of(sizes, isReasonable) ||
      !llvm::all_of(op.getShape(x).slice(1, 2), isReasonable))
    return op.reject("its spatial extents must be known at compile time, positive and reasonable");
  SmallVector<int64_t> extents(op.getShape(x));
  if (elements.isUnsignedInteger(8))
    return importUnsignedResize(op, x, sizes, options);
  if (!elements.isSignlessInteger(8) && !elements.isSignlessInteger(16))
    return op.reject("on quantised numbers it is supported for 8 bits, and signed ones of 16");
  Type wide = elements.isInteger(8) ? op.getBuilder().getI32Type() : op.getBuilder().getI64Type();
  Value sum = op.cast(x, wide);
  for (int64_t axis : {1, 2})
    sum = interpolate(op, sum, axis, findNeighbours(extents[axis], sizes[axis - 1], options));
  // Halves away from zero, and then towards it.
  Value isPositive = op.create<nn::CompareOp>(sum, op.scalar(wide, 0), nn::ComparePredicate::Greater);
  Value half = op.create<nn::WhereOp>(isPositive, op.scalar(wide, 1 << 19), op.scalar(wide, -(1 << 19)));
  Value result = op.create<nn::DivOp>(op.create<nn::AddOp>(sum, half), op.scalar(wide, 1 << 20));
  return op.result(op.cast(result, elements));
}

static const OpEntry table[] = {
    {format::BuiltinOperator::RESIZE_BILINEAR, importResizeBilinear, importQuantizedResizeBilinear},
    {format::BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, importResizeNearest, importResizeNearest},
};

ArrayRef<OpEntry> getResamplingOps() { return table; }

} // namespace nnc::tflite
