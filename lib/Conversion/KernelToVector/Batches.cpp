// Leading dimensions of products.
#include "lib/Conversion/KernelToVector/Batches.h"

#include "lib/Codegen/Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc {

OpFoldResult getBatchCount(OpBuilder &builder, Location loc, Value memref) {
  Index index(builder, loc);
  OpFoldResult count = index.fold(1);
  for (int64_t dim = 0, rank = cast<MemRefType>(memref.getType()).getRank(); dim < rank - 2; ++dim)
    count = index.mul(count, getBufferExtent(builder, loc, memref, dim));
  return count;
}

SmallVector<Value> getBatch(OpBuilder &builder, Location loc, Value memref, OpFoldResult linear) {
  Index index(builder, loc);
  SmallVector<Value> batch(cast<MemRefType>(memref.getType()).getRank() - 2);
  OpFoldResult rest = linear;
  for (int64_t dim = static_cast<int64_t>(batch.size()) - 1; dim >= 0; --dim) {
    OpFoldResult extent = getBufferExtent(builder, loc, memref, dim);
    batch[dim] = index.get(dim == 0 ? rest : index.rem(rest, extent));
    rest = index.quotient(rest, extent);
  }
  return batch;
}

SmallVector<Value> getOperandBatch(OpBuilder &builder, Location loc, Value operand, Value target, ArrayRef<Value> batch) {
  SmallVector<Value> indices(batch);
  auto type = cast<MemRefType>(operand.getType()), targetType = cast<MemRefType>(target.getType());
  Index index(builder, loc);
  for (auto [dim, at] : llvm::enumerate(indices)) {
    if (type.getDimSize(dim) == 1) {
      at = index.constant(0);
    } else if (type.isDynamicDim(dim) && !targetType.isDynamicDim(dim)) {
      Value extent = index.get(getBufferExtent(builder, loc, operand, dim));
      Value isOne = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq, extent, index.constant(1));
      at = arith::SelectOp::create(builder, loc, isOne, index.constant(0), at);
    }
  }
  return indices;
}

} // namespace nnc
