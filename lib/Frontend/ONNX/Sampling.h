// Images read between their elements.
#ifndef LIB_FRONTEND_ONNX_SAMPLING_H
#define LIB_FRONTEND_ONNX_SAMPLING_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// image (N, spatial..., C) at `positions`, one (N, out...) for each spatial axis, in elements: (N, out..., C), by linear
/// interpolation between neighbours; those outside are 0.
frontend::Expression sampleLinearly(NodeBinder &node, frontend::Expression image,
                                    llvm::ArrayRef<frontend::Expression> positions);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_SAMPLING_H
