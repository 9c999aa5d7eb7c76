// Creation and registration of the passes that check a stage's contract.
#ifndef LIB_PIPELINES_PASSES_H
#define LIB_PIPELINES_PASSES_H

#include "mlir/Pass/Pass.h"

namespace nnc {

#define GEN_PASS_DECL
#include "lib/Pipelines/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "lib/Pipelines/Passes.h.inc"

} // namespace nnc

#endif // LIB_PIPELINES_PASSES_H
