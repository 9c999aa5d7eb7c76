// Masks: which steps of a sequence count.
#ifndef LIB_FRONTEND_KERAS_MASKS_H
#define LIB_FRONTEND_KERAS_MASKS_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerBinder.h"

namespace nnc::keras {

/// Which steps of an argument count, (batch, time) of booleans; null where all do, or where the argument is left out. Rejects
/// the layer where that is not known, or where a Keras before 3 made the file, whose layers used masks in other ways.
frontend::Expression getSteps(LayerBinder &layer, const Operand *argument);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_MASKS_H
