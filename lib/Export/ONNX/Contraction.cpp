// nn.matmul as MatMul, or Gemm where a matrix is transposed; nn.integer_matmul as MatMulInteger.
#include "lib/Export/ONNX/Quantization.h"

#include "dialects/NN/Extent.h"

using namespace mlir;

namespace nnc::onnx_export {

static std::string orient(OpWriter &writer, Value matrix, bool isTransposed) {
  if (!isTransposed)
    return writer.name(matrix);
  int64_t rank = cast<RankedTensorType>(matrix.getType()).getRank();
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  std::swap(permutation[rank - 1], permutation[rank - 2]);
  return writer.transpose(writer.name(matrix), permutation);
}

static void writeMatmul(OpWriter &writer, nn::MatmulOp op) {
  auto lhs = cast<RankedTensorType>(op.getLhs().getType()), rhs = cast<RankedTensorType>(op.getRhs().getType());
  bool isGemm = lhs.getRank() == 2 && rhs.getRank() == 2 && isa<FloatType>(lhs.getElementType());
  if (isGemm && (op.getTransposeLhs() || op.getTransposeRhs()))
    return writer.finish("Gemm", {writer.name(op.getLhs()), writer.name(op.getRhs())},
                         {{"transA", int64_t(op.getTransposeLhs())}, {"transB", int64_t(op.getTransposeRhs())}});
  std::string left = orient(writer, op.getLhs(), op.getTransposeLhs());
  std::string right = orient(writer, op.getRhs(), op.getTransposeRhs());
  writer.finish("MatMul", {left, right});
}

static void writeIntegerMatmul(OpWriter &writer, nn::IntegerMatmulOp op) {
  int64_t lhsRank = getRanked(op.getLhs()).getRank(), rhsRank = getRanked(op.getRhs()).getRank();
  std::string lhsZero = getProductZeroPoint(writer, op.getLhsZeroPoint(), lhsRank, lhsRank - 2);
  std::string rhsZero = getProductZeroPoint(writer, op.getRhsZeroPoint(), rhsRank, rhsRank - 1);
  writer.finish("MatMulInteger", {writer.name(op.getLhs()), writer.name(op.getRhs()), lhsZero, rhsZero});
}

static const WriterEntry table[] = {row<nn::IntegerMatmulOp, writeIntegerMatmul>(), row<nn::MatmulOp, writeMatmul>()};

ArrayRef<WriterEntry> getContractionWriters() { return table; }

} // namespace nnc::onnx_export
