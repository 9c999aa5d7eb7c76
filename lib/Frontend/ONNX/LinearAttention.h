// Attention without a softmax, which LinearAttention and GatedDeltaNet share.
#ifndef LIB_FRONTEND_ONNX_LINEARATTENTION_H
#define LIB_FRONTEND_ONNX_LINEARATTENTION_H

#include "lib/Frontend/ONNX/AttentionParts.h"

namespace nnc::onnx {

/// The operands of one node, all in the type that is computed in; heads of queries are (groups, queries of a group).
struct LinearAttentionNode {
  Expression query;       ///< (B, T, G, H / G, D), scaled
  Expression rows;        ///< (B, T, G, H / G, D), or with one more: what the state is multiplied by, the keys first
  Expression overlaps;    ///< (B, T, G, H / G, 1), products of queries and keys of the same position
  Expression keys;        ///< (B, T, G, D)
  Expression values;      ///< (B, T, G, V)
  Expression state;       ///< (B, G, D, V)
  Expression decay, rate; ///< (B, T, G, D or 1) and (B, T, G or 1); null where the rule has none
};

/// Reads the attribute update_rule; rejects the node where it does not want the operands that are there.
llvm::LogicalResult checkUpdateRule(NodeBinder &node, bool hasDecay, bool hasRate);

/// What the queries read, (B, T, G, H / G, V), and the state after the last position, (B, G, D, V). `rows` and `overlaps`
/// are made here.
std::pair<Expression, Expression> attendLinearly(NodeBinder &node, LinearAttentionNode read);

/// GatedDeltaNet of com.microsoft.
llvm::LogicalResult importGatedDeltaNet(NodeBinder &node);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_LINEARATTENTION_H
