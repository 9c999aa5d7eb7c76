// TFLite operators of the resampling family.
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

#include <algorithm>

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

/// In fixed point, rounded once.
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
  if (!elements.isInteger(8) && !elements.isInteger(16))
    return op.reject("on quantised numbers it is supported for signed ones");
  auto isReasonable = [](int64_t extent) { return extent >= 1 && extent <= (1 << 20); };
  if (op.getRank(x) != 4 || sizes.size() != 2 || !llvm::all_of(sizes, isReasonable) ||
      !llvm::all_of(op.getShape(x).slice(1, 2), isReasonable))
    return op.reject("its spatial extents must be known at compile time, positive and reasonable");
  SmallVector<int64_t> extents(op.getShape(x));
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
