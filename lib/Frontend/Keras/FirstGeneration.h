// Models of Keras 1: the same layers under other names, with other names of parameters.
#ifndef LIB_FRONTEND_KERAS_FIRSTGENERATION_H
#define LIB_FRONTEND_KERAS_FIRSTGENERATION_H

#include "llvm/Support/JSON.h"

namespace nnc::keras {

/// Rewrites a model as Keras 2 would describe it; what is so already stays. A layer whose weights lie otherwise gets one of
/// the parameters below.
void modernize(llvm::json::Value &model);

/// Set by modernize: each gate of a recurrent layer has weights of its own.
constexpr llvm::StringLiteral separateGates = "nnc_separate_gates";
/// Set by modernize: kernels are (output channels, input channels, window...).
constexpr llvm::StringLiteral channelsFirstKernel = "nnc_channels_first_kernel";

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_FIRSTGENERATION_H
