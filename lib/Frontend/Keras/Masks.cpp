// Masks of arguments.
#include "lib/Frontend/Keras/Masks.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

Expression getSteps(LayerBinder &layer, const Operand *argument) {
  if (!argument || !argument->isMasked)
    return {};
  if (!argument->mask)
    (void)layer.reject("which steps the mask of its input leaves out is not known here");
  if (layer.isBeforeKeras3())
    (void)layer.reject("masks (of Masking, or Embedding with mask_zero) in models of before Keras 3 are not supported here");
  return layer.failed() ? Expression() : Expression(layer, argument->mask);
}

} // namespace nnc::keras
