// Transposes squares of elements in registers.
//
// Each of log2(n) rounds interleaves row i with row i + n/2 (a perfect shuffle of
// the square's elements); after all rounds rows and columns have changed places.
#include "lib/Codegen/Transpose.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

SmallVector<Value> transposeSquare(OpBuilder &builder, Location loc, ArrayRef<Value> rows) {
  int64_t size = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < size / 2; ++i) {
    low.append({i, size + i});
    high.append({size / 2 + i, size + size / 2 + i});
  }
  SmallVector<Value> current(rows);
  for (int64_t round = 1; round < size; round *= 2) {
    SmallVector<Value> next;
    for (int64_t i = 0; i < size / 2; ++i) {
      next.push_back(vector::ShuffleOp::create(builder, loc, current[i], current[i + size / 2], low));
      next.push_back(vector::ShuffleOp::create(builder, loc, current[i], current[i + size / 2], high));
    }
    current = std::move(next);
  }
  return current;
}

} // namespace nnc
