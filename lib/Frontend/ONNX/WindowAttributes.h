// The attributes that ONNX convolutions and pools share: kernel_shape, strides,
// dilations, pads and auto_pad.
#ifndef LIB_FRONTEND_ONNX_WINDOWATTRIBUTES_H
#define LIB_FRONTEND_ONNX_WINDOWATTRIBUTES_H

#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// One entry per spatial dimension in each list.
struct WindowAttributes {
  llvm::SmallVector<int64_t> size, strides, dilations, padsBegin, padsEnd;

  int64_t getReach(unsigned axis) const { return dilations[axis] * (size[axis] - 1) + 1; }
};

/// Reads the attributes of a node whose input is (N, C, spatial...), with pads as
/// auto_pad says where it does. `size` is the window's where the node does not
/// have a kernel_shape of its own to say so. Rejects the node where something does not fit.
WindowAttributes readWindow(NodeBinder &node, mlir::Value input, llvm::ArrayRef<int64_t> size = {});

/// As readWindow. Where the pads of auto_pad depend on extents that only a run knows, `input` becomes the padded image,
/// which has `padding` there, and the window has no pads.
WindowAttributes readWindowAndPad(NodeBinder &node, mlir::Value &input, llvm::ArrayRef<int64_t> size = {},
                                  double padding = 0);

/// As readWindow, without auto_pad and pads (zeros).
WindowAttributes readWindowWithoutPads(NodeBinder &node, mlir::Value input, llvm::ArrayRef<int64_t> size = {});

/// Rejects the node where its window is larger than the padded image, as far as extents are known; a run checks the others.
/// With `ceil` it may end up to a stride behind.
void requireFit(NodeBinder &node, mlir::Value input, const WindowAttributes &window, bool ceil = false);

/// Sets the pads of one axis to `total` in sum, the odd one at the end or at the beginning.
void splitPads(WindowAttributes &window, unsigned axis, int64_t total, bool oddAtEnd);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_WINDOWATTRIBUTES_H
