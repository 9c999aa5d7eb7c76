// Element-wise NN operations become one linalg.generic each; the scalar bodies
// are a table.
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nnc {

void populateElementwiseToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {}

} // namespace nnc
