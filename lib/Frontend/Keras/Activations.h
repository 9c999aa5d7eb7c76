// Activation functions by name.
#ifndef LIB_FRONTEND_KERAS_ACTIVATIONS_H
#define LIB_FRONTEND_KERAS_ACTIVATIONS_H

#include "lib/Frontend/Keras/LayerBinder.h"

namespace nnc::keras {

/// x after the function of keras.activations; rejects the layer where there is no such function.
mlir::Value applyActivation(LayerBinder &layer, mlir::Value x, llvm::StringRef name);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_ACTIVATIONS_H
