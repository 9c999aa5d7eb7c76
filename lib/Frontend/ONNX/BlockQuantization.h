// Weights of a few bits, with a scale for each block of them.
#ifndef LIB_FRONTEND_ONNX_BLOCKQUANTIZATION_H
#define LIB_FRONTEND_ONNX_BLOCKQUANTIZATION_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// `packed` [..., bytes] of ui8 as [..., bytes * 8 / bits] of ui8, the first element in the low bits of a byte, or in
/// the high ones. The number of bytes must be known.
frontend::Expression unpackBits(NodeBinder &node, frontend::Expression packed, int64_t bits, bool highFirst = false);

/// An entry for each of `extent` elements along `axis`, of `blocks`, which has one for each `size` of them. Rejects the
/// node where there are more than any model has.
frontend::Expression spreadBlocks(NodeBinder &node, frontend::Expression blocks, int64_t axis, int64_t extent,
                                  int64_t size);

/// (value - zero) * scale, in floats of the type of `scale`; `zero` may be null.
frontend::Expression dequantizeBlocks(frontend::Expression value, frontend::Expression scale,
                                      frontend::Expression zero);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_BLOCKQUANTIZATION_H
