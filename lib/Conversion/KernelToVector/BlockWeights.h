// Products by weights that are small integers times a scale for each block (see kernel.contract).
#ifndef LIB_CONVERSION_KERNELTOVECTOR_BLOCKWEIGHTS_H
#define LIB_CONVERSION_KERNELTOVECTOR_BLOCKWEIGHTS_H

#include "dialects/Kernel/Kernel.h"
#include "lib/Codegen/Loops.h"
#include "lib/Conversion/KernelToVector/MicroKernel.h"
#include "mlir/IR/Builders.h"

namespace nnc {

/// A register tile: `rows` rows of lhs from `row` on times the columns of `panels` of rhs, of which `columns` exist.
struct BlockTile {
  const MicroKernel &tile;
  mlir::Value lhs, rhs;
  llvm::SmallVector<mlir::Value> panels;
  int64_t columns;
  mlir::Value row;
  int64_t rows;

  int64_t getNumVectors() const { return tile.getNumVectors(columns); }
};

class BlockWeights {
public:
  BlockWeights(mlir::Operation *kernel, kernel::WeightBlocksAttr blocks)
      : loc(kernel->getLoc()), target(kernel::getTarget(kernel)), blocks(blocks) {}

  /// Stores the weights of panel `panel` of `packed`, [P, rows of blocks, W] of i32, to `numbers`[at], [K, W] of f32.
  void unpackPanel(mlir::OpBuilder &builder, mlir::Value packed, mlir::Value panel, mlir::Value numbers,
                   mlir::Value at) const;

  /// The sums of a tile, by a loop over blocks. An lhs of f32 is multiplied by weights that are widened in registers, one of
  /// i32, which has bytes, by the integers. Each block has sums of its own, which its scale multiplies once.
  Accumulators accumulate(mlir::OpBuilder &builder, const BlockTile &tile) const;

private:
  mlir::Value createWord(mlir::OpBuilder &builder, mlir::Type type, uint32_t bits) const;
  mlir::Value widenCode(mlir::OpBuilder &builder, mlir::Value words, int64_t row) const;
  mlir::Value getNumbers(mlir::OpBuilder &builder, mlir::Value words) const;
  llvm::SmallVector<mlir::Value> loadRow(mlir::OpBuilder &builder, const BlockTile &tile, mlir::OpFoldResult row) const;
  llvm::SmallVector<mlir::Value> loadNumbers(mlir::OpBuilder &builder, const BlockTile &tile, mlir::OpFoldResult row) const;
  llvm::SmallVector<mlir::Value> loadInputs(mlir::OpBuilder &builder, const BlockTile &tile, mlir::OpFoldResult column) const;
  Accumulators sumBlock(mlir::OpBuilder &builder, const BlockTile &tile, mlir::Value block, mlir::OpFoldResult base,
                        llvm::ArrayRef<mlir::Value> offsets) const;
  Accumulators sumWord(mlir::OpBuilder &builder, const BlockTile &tile, llvm::ArrayRef<mlir::Value> words,
                       llvm::ArrayRef<mlir::Value> offsets, mlir::OpFoldResult first, Accumulators sums) const;
  Accumulators sumIntegers(mlir::OpBuilder &builder, const BlockTile &tile, mlir::Value block, mlir::OpFoldResult base,
                           llvm::ArrayRef<mlir::Value> inputSums) const;
  void addProducts(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Value> words, llvm::ArrayRef<mlir::Value> inputs,
                   Accumulators &sums, int64_t part) const;

  mlir::Location loc;
  kernel::TargetAttr target;
  kernel::WeightBlocksAttr blocks;
};

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_BLOCKWEIGHTS_H
