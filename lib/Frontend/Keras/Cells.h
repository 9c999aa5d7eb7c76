// Cells of recurrent layers, step by step: for layers that no recurrent operation of the NN dialect does.
#ifndef LIB_FRONTEND_KERAS_CELLS_H
#define LIB_FRONTEND_KERAS_CELLS_H

#include "lib/Frontend/Keras/LayerBinder.h"

namespace nnc::keras {

/// The kind of a cell, or of the layer that runs one: LSTM, GRU or SimpleRNN; "" of other classes.
llvm::StringRef getCellKind(llvm::StringRef className);

/// The weights of one cell, gates in Keras's order.
struct Cell {
  LayerBinder *layer; ///< which has the parameters
  llvm::StringRef kind;
  int64_t units = 1, gates = 1;
  bool isResetAfter = false; ///< of a GRU
  mlir::Value kernel = {}, recurrent = {}, bias = {}, recurrentBias = {};

  unsigned getNumStates() const { return kind == "LSTM" ? 2 : 1; }
};

/// Reads a cell, whose input has `features`. Where the layer was rejected the cell is of no use.
Cell bindCell(LayerBinder &layer, int64_t features);

/// What a step needs of an input (..., features), before the state is known.
mlir::Value projectInput(const Cell &cell, mlir::Value x);
/// One step from what projectInput gave (batch, gates); the first of the new states is the result.
mlir::Value runCell(const Cell &cell, mlir::Value projected, llvm::MutableArrayRef<mlir::Value> states);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_CELLS_H
