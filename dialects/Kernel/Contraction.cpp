// Verifiers of the contraction family.
#include "dialects/Kernel/Kernel.h"

using namespace mlir;

namespace nnc::kernel {

LogicalResult ContractOp::verify() { return verifyStructured(cast<EpilogueOpInterface>(getOperation())); }

} // namespace nnc::kernel
