// ONNX operators of the element-wise family.
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

/// One operand, one NN operation.
template <typename OpTy> static LogicalResult importUnary(NodeBinder &node) {
  Value x = node.operand(0);
  return node.result(node.create<OpTy>(x));
}

/// Two operands that broadcast, one NN operation.
template <typename OpTy> static LogicalResult importBinary(NodeBinder &node) {
  Value x = node.operand(0), y = node.operand(1);
  return node.result(node.create<OpTy>(x, y));
}

static const OpEntry table[] = {
    {"Add", 7, importBinary<nn::AddOp>},
    {"Exp", 6, importUnary<nn::ExpOp>},
    {"Mul", 7, importBinary<nn::MulOp>},
    {"Relu", 6, importUnary<nn::ReluOp>},
};

ArrayRef<OpEntry> getElementwiseOps() { return table; }

} // namespace nnc::onnx
