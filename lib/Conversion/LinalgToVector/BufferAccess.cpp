// Reads and writes along a loop: contiguous elements as vectors, scattered ones lane by lane.
#include "lib/Conversion/LinalgToVector/BufferAccess.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

SmallVector<Value> getIndices(OpBuilder &builder, Location loc, const LoopOperand &operand, ValueRange position) {
  return llvm::map_to_vector(operand.indices, [&](AffineExpr expr) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      return position[dim.getPosition()];
    return affine::expandAffineExpr(builder, loc, expr, position, {});
  });
}

/// `position` moved `lane` steps along `loop`.
static SmallVector<Value> shift(OpBuilder &builder, Location loc, ValueRange position, int64_t loop, int64_t lane) {
  SmallVector<Value> shifted(position);
  Index index(builder, loc);
  shifted[loop] = index.get(index.add(shifted[loop], index.fold(lane)));
  return shifted;
}

Value readAlong(OpBuilder &builder, Location loc, const LoopOperand &operand, ValueRange position, int64_t loop,
                int64_t width) {
  if (operand.isScalar())
    return operand.value;
  Access access = width == 1 ? Access::Invariant : getAccess(operand, loop);
  if (access == Access::Invariant)
    return memref::LoadOp::create(builder, loc, operand.value, getIndices(builder, loc, operand, position));
  if (access == Access::Contiguous)
    return loadWide(builder, loc, operand.value, getIndices(builder, loc, operand, position), width);
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < width; ++lane) {
    SmallVector<Value> at = getIndices(builder, loc, operand, shift(builder, loc, position, loop, lane));
    elements.push_back(memref::LoadOp::create(builder, loc, operand.value, at));
  }
  auto type = VectorType::get({width}, getElementTypeOrSelf(operand.value.getType()));
  return vector::FromElementsOp::create(builder, loc, type, elements);
}

void writeAlong(OpBuilder &builder, Location loc, Value value, const LoopOperand &operand, ValueRange position,
                int64_t loop, int64_t width) {
  if (width == 1 || getAccess(operand, loop) == Access::Contiguous) {
    storeWide(builder, loc, broadcastTo(builder, loc, value, width), operand.value,
              getIndices(builder, loc, operand, position), width);
    return;
  }
  for (int64_t lane = 0; lane < width; ++lane) {
    Value element = isa<VectorType>(value.getType()) ? Value(vector::ExtractOp::create(builder, loc, value, lane))
                                                     : value;
    SmallVector<Value> at = getIndices(builder, loc, operand, shift(builder, loc, position, loop, lane));
    memref::StoreOp::create(builder, loc, element, operand.value, at);
  }
}

} // namespace nnc
