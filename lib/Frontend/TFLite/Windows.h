// Windows that slide over an image, and the padding that TFLite names instead of counting it.
#ifndef LIB_FRONTEND_TFLITE_WINDOWS_H
#define LIB_FRONTEND_TFLITE_WINDOWS_H

#include "lib/Frontend/TFLite/OpBinder.h"

namespace nnc::tflite {

/// One entry per spatial dimension in each list.
struct Windows {
  llvm::SmallVector<int64_t> size, strides, dilations, padsBegin, padsEnd;

  int64_t getReach(unsigned axis) const { return dilations[axis] * (size[axis] - 1) + 1; }
};

/// Completes the pads of windows over `input` (N, spatial..., C). Rejects the operator where a number is out of range
/// or an extent that counts is not known.
void setPads(OpBinder &op, mlir::Value input, format::Padding padding, Windows &windows);

/// The windows of an operator whose options have the fields of Conv2DOptions, over filters of the given extents.
template <typename Options>
Windows readWindows(OpBinder &op, mlir::Value input, const Options &options, llvm::ArrayRef<int64_t> size) {
  Windows windows;
  windows.size.assign(size.begin(), size.end());
  windows.strides = {options.stride_h(), options.stride_w()};
  windows.dilations = {options.dilation_h_factor(), options.dilation_w_factor()};
  setPads(op, input, options.padding(), windows);
  return windows;
}

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_WINDOWS_H
