// Why a layer is compiled as it is. Passes say so with MLIR's remarks, at the location of the layer:
//
//   remark::missed(op.getLoc(), about::vectors) << remark::add("one element at a time: {0}", reason);
//
// Without a listener (lib/Driver's DecisionLog, nnc-opt's --remarks-filter) neither text nor arguments are made.
#ifndef LIB_SUPPORT_DECISION_H
#define LIB_SUPPORT_DECISION_H

#include "mlir/IR/Remarks.h"

namespace nnc::about {

/// What decisions are about: names and categories of remarks. `passed` is for what was done, `missed` for what was not
/// and why, `analysis` for what is merely so.
inline constexpr mlir::remark::RemarkOpts subject(llvm::StringRef name) {
  return mlir::remark::RemarkOpts::name(name).category(name);
}

inline constexpr mlir::remark::RemarkOpts algorithm = subject("algorithm"); ///< which kernel computes a layer
inline constexpr mlir::remark::RemarkOpts fusion = subject("fusion");       ///< what a kernel computes besides
inline constexpr mlir::remark::RemarkOpts layout = subject("layout");       ///< order of axes, transposes
inline constexpr mlir::remark::RemarkOpts vectors = subject("vectors");     ///< how loops use vectors
inline constexpr mlir::remark::RemarkOpts threads = subject("threads");     ///< how loops are shared among threads

} // namespace nnc::about

#endif // LIB_SUPPORT_DECISION_H
