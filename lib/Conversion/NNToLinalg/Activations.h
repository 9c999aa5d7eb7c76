// The functions that recurrent layers apply to their gates.
#ifndef LIB_CONVERSION_NNTOLINALG_ACTIVATIONS_H
#define LIB_CONVERSION_NNTOLINALG_ACTIVATIONS_H

#include "dialects/NN/NN.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// A gate's function with its parameters.
struct GateActivation {
  nn::Activation kind;
  float alpha;
  float beta;
};

/// The function of a scalar `x`, an f32 or f64.
mlir::Value buildActivation(mlir::ImplicitLocOpBuilder &builder, GateActivation activation, mlir::Value x);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_ACTIVATIONS_H
