// Folders and verifiers of the element-wise family.
#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc::nn {

} // namespace nnc::nn
