// Loops over static and dynamic extents, at vector width and for remainders.
#ifndef LIB_CODEGEN_LOOPS_H
#define LIB_CODEGEN_LOOPS_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace nnc {

/// Index arithmetic on values and constants, folded where possible.
class Index {
public:
  Index(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  mlir::Value constant(int64_t value) const;
  mlir::Value get(mlir::OpFoldResult value) const;
  mlir::OpFoldResult add(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  mlir::OpFoldResult sub(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  mlir::OpFoldResult mul(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  /// Of non-negative values by a positive one, rounding down and up.
  mlir::OpFoldResult div(mlir::OpFoldResult lhs, int64_t rhs) const;
  mlir::OpFoldResult ceilDiv(mlir::OpFoldResult lhs, int64_t rhs) const;
  mlir::OpFoldResult ceilDiv(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  mlir::OpFoldResult rem(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  mlir::OpFoldResult quotient(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  mlir::OpFoldResult max(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  mlir::OpFoldResult min(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  /// 1 where they are equal, else 0.
  mlir::OpFoldResult isEqual(mlir::OpFoldResult lhs, mlir::OpFoldResult rhs) const;
  mlir::OpFoldResult fold(int64_t value) const;

private:
  mlir::OpBuilder &builder;
  mlir::Location loc;
};

/// The extent of dimension `dim` of a memref.
mlir::OpFoldResult getBufferExtent(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref, int64_t dim);
/// Its value where it is static.
std::optional<int64_t> getStatic(mlir::OpFoldResult value);

using LoopBody = llvm::function_ref<void(mlir::OpBuilder &, mlir::Value)>;

/// Runs `body` for lower, lower + step, ... below upper. One iteration known at
/// compile time needs no loop; none at all, no code.
void forEach(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult lower, mlir::OpFoldResult upper,
             int64_t step, LoopBody body);

/// As forEach from 0 with step 1, in a loop that threads may share.
void parallelForEach(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult upper, LoopBody body);

/// Runs `body` from 0 to upper, carrying values through; returns the last ones.
llvm::SmallVector<mlir::Value>
forEachCarrying(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult lower, mlir::OpFoldResult upper,
                int64_t step, mlir::ValueRange carried,
                llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, mlir::Value, mlir::ValueRange)> body);

/// Covers [0, extent) with `body(index, width)`: full width `lanes` first, then
/// what is left in narrower vectors (static) or one by one (dynamic).
void forEachVector(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult extent, int64_t lanes,
                   llvm::function_ref<void(mlir::OpBuilder &, mlir::Value, int64_t)> body);

/// The powers of two that add up to `count`, largest first, none above `limit`.
llvm::SmallVector<int64_t> splitIntoPowersOfTwo(int64_t count, int64_t limit);

/// `extent` cut into as few tiles of at most `limit` as possible, their sizes
/// differing by at most one: how many have the larger size, and that size.
struct BalancedTiles {
  int64_t numLarge, large, numSmall;

  static BalancedTiles get(int64_t extent, int64_t limit);
};

/// The largest tile, and the least from which on tiles take no longer for their size than larger ones.
struct TileSizes {
  int64_t limit, fast;

  /// The largest tile for what full ones leave over. Each size is code of its own: half of the limit, since two halves
  /// are as good as one tile, but more where halves are not fast.
  int64_t getLargestRest() const;
};

/// Cuts [begin, end), whose length is known at run time only, into full tiles, and what is left into one tile or two of
/// nearly the same size. Where that were a tile that is not fast, the last full tile is shared out as well.
void forEachTileSize(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult begin, mlir::OpFoldResult end,
                     TileSizes sizes, llvm::function_ref<void(mlir::OpBuilder &, mlir::Value at, int64_t size)> body);

} // namespace nnc

#endif // LIB_CODEGEN_LOOPS_H
