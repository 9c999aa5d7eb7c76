// The activations that fused operators of com.microsoft name.
#ifndef LIB_FRONTEND_ONNX_FUSEDACTIVATION_H
#define LIB_FRONTEND_ONNX_FUSEDACTIVATION_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// The activation `name` of x (none where it is empty), with parameters as far as they are given. Rejects the node where
/// it does not know the name.
frontend::Expression applyActivation(NodeBinder &node, frontend::Expression x, llvm::StringRef name,
                                     llvm::ArrayRef<double> parameters);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_FUSEDACTIVATION_H
