// TFLite operators of the resampling family.
#include "lib/Frontend/TFLite/OpTable.h"

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

static const OpEntry table[] = {
    {format::BuiltinOperator::RESIZE_BILINEAR, importResizeBilinear},
    {format::BuiltinOperator::RESIZE_NEAREST_NEIGHBOR, importResizeNearest, importResizeNearest},
};

ArrayRef<OpEntry> getResamplingOps() { return table; }

} // namespace nnc::tflite
