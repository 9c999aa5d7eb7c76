// ONNX operators of the contraction family.
#include "lib/Frontend/ONNX/FusedActivation.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Precision.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

/// Sums and products wrap, and are the same with and without a sign.
static LogicalResult importMatMul(NodeBinder &node) {
  frontend::Expression lhs(node, node.operand(0)), rhs(node, node.operand(1));
  if (node.failed())
    return failure();
  Type type = lhs.getElementType();
  if (!type.isUnsignedInteger() || rhs.getElementType() != type)
    return node.result(lhs.matmul(rhs));
  Type withSign = node.getBuilder().getIntegerType(type.getIntOrFloatBitWidth());
  return node.result(lhs.unary<nn::BitcastOp>(withSign).matmul(rhs.unary<nn::BitcastOp>(withSign)).unary<nn::BitcastOp>(type));
}

/// An operand (M, ..., K) as matrices (..., M, K).
static frontend::Expression moveBatchFirst(frontend::Expression x) {
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(1, x.getRank()));
  permutation.insert(permutation.end() - 1, 0);
  return x.transpose(permutation);
}

/// Of com.microsoft: operands whose matrices, or whose batches, are transposed, and a factor.
static LogicalResult importFusedMatMul(NodeBinder &node) {
  frontend::Expression operands[] = {{node, node.operand(0)}, {node, node.operand(1)}};
  bool transposes[] = {node.intAttr("transA", 0) != 0, node.intAttr("transB", 0) != 0};
  bool movesBatch[] = {node.intAttr("transBatchA", 0) != 0, node.intAttr("transBatchB", 0) != 0};
  double alpha = node.floatAttr("alpha", 1);
  if (node.failed())
    return failure();
  for (int i = 0; i < 2; ++i) {
    transposes[i] &= operands[i].getRank() > 1; // as in ONNX Runtime, a vector is not transposed
    if (movesBatch[i] && operands[i].getRank() < 3)
      return node.reject("there is no batch to transpose");
    if (movesBatch[i])
      operands[i] = moveBatchFirst(operands[i]);
  }
  frontend::Expression product(node, node.create<nn::MatmulOp>(operands[0], operands[1], transposes[0], transposes[1]));
  return node.result(alpha == 1 || node.failed() ? product : product * alpha);
}

/// `value` times a number; as it is where that is 1.
static Value scale(NodeBinder &node, Value value, double factor) {
  if (factor == 1 || !value)
    return value;
  return node.create<nn::MulOp>(value, node.scalar(getElementTypeOrSelf(value), factor));
}

/// alpha * A * B + beta * C, with A and B transposed on demand.
static Value buildGemm(NodeBinder &node) {
  Value lhs = node.operand(0), rhs = node.operand(1), addend = node.optionalOperand(2);
  bool transposeLhs = node.intAttr("transA", 0), transposeRhs = node.intAttr("transB", 0);
  double alpha = node.floatAttr("alpha", 1), beta = node.floatAttr("beta", 1);
  if (node.failed())
    return {};
  if (node.getRank(lhs) != 2 || node.getRank(rhs) != 2) {
    (void)node.reject("A and B must be matrices");
    return {};
  }
  Value product = node.create<nn::MatmulOp>(lhs, rhs, transposeLhs, transposeRhs);
  product = scale(node, product, alpha);
  if (node.failed() || !addend || beta == 0)
    return product;
  return keepShape(node, node.create<nn::AddOp>(product, scale(node, addend, beta)), product);
}

static LogicalResult importGemm(NodeBinder &node) { return node.result(buildGemm(node)); }

/// A product and an activation, whose parameters are attributes of their own.
static LogicalResult importFusedGemm(NodeBinder &node) {
  std::string activation = node.stringAttr("activation", "");
  SmallVector<double> parameters;
  for (StringRef name : {"activation_alpha", "activation_beta", "activation_gamma"})
    if (node.hasAttr(name))
      parameters.push_back(node.floatAttr(name, 0));
  frontend::Expression product(node, buildGemm(node));
  return node.failed() ? failure() : node.result(applyActivation(node, product, activation, parameters));
}

/// A product of integers of 16 bits as one of 32.
static LogicalResult importMatMulInteger16(NodeBinder &node) {
  frontend::Expression lhs(node, node.operand(0)), rhs(node, node.operand(1));
  if (node.failed())
    return failure();
  bool isUnsigned = lhs.getElementType().isUnsignedInteger() && rhs.getElementType().isUnsignedInteger();
  Type sum = node.getBuilder().getIntegerType(32, /*isSigned=*/false);
  if (!isUnsigned)
    sum = node.getBuilder().getI32Type();
  return node.result(lhs.cast(sum).matmul(rhs.cast(sum)));
}

static const OpEntry table[] = {
    {"FusedGemm", 1, importWide<importFusedGemm>, "com.microsoft"},
    {"FusedMatMul", 1, importFusedMatMul, "com.microsoft"},
    {"Gemm", 7, importWide<importGemm>},
    {"MatMul", 1, importMatMul},
    {"MatMulInteger16", 1, importMatMulInteger16, "com.microsoft"},
    {"TransposeMatMul", 1, importFusedMatMul, "com.microsoft"}, // its name before
};

ArrayRef<OpEntry> getContractionOps() { return table; }

} // namespace nnc::onnx
