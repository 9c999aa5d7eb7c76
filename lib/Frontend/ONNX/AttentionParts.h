// The parts of attention that ONNX's operators and those of com.microsoft share.
// Queries are (batch, heads, queries, size); keys and values (batch, heads, keys,
// size), where the heads of the queries may be a multiple of theirs.
#ifndef LIB_FRONTEND_ONNX_ATTENTIONPARTS_H
#define LIB_FRONTEND_ONNX_ATTENTIONPARTS_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

using frontend::Expression;

/// (B, S, H * D) as (B, H, S, D).
Expression splitHeads(Expression x, int64_t heads);
/// The inverse.
Expression mergeHeads(Expression x);

/// 0 where `mask` is true, else minus infinity, of element type `type`.
Expression toBias(Expression mask, mlir::Type type);

/// Whether query i sees key j: offset + i - left <= j <= offset + i + right; -1 does not limit. One is not -1.
Expression allowCausal(Expression query, Expression keys, Expression offset, int64_t left, int64_t right);

/// query * scale; with a scale of 0 that of the head size, 1 / sqrt(D).
Expression scaleQuery(Expression query, double scale);

/// (B, H, Q, D) x (B, G, K, D) -> (B, H, Q, K); each G serves H / G neighbouring heads.
Expression multiplyByKeys(NodeBinder &node, Expression query, Expression keys);
/// (B, H, Q, K) x (B, G, K, D) -> (B, H, Q, D).
Expression multiplyByValues(NodeBinder &node, Expression weights, Expression values);

/// The softmax of scores to which `bias` (may be null) was added; with `mayMaskAll`,
/// a query whose bias is minus infinity everywhere has weights 0.
Expression maskedSoftmax(Expression scores, Expression bias, bool mayMaskAll);

/// `cache` with `update` written over it: row s of batch b at place `position`[b, s] of the axis, of which it has as
/// many as `update`. Positions must be in range.
Expression writeRows(NodeBinder &node, Expression cache, Expression update, Expression position, int64_t axis);

/// Pairs of elements of the last axis turned by angles: element i with i + D / 2, or 2i with 2i + 1.
/// Only the first `size` elements where it is not 0.
Expression rotate(NodeBinder &node, Expression x, Expression cosines, Expression sines, int64_t size,
                  bool isInterleaved);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_ATTENTIONPARTS_H
