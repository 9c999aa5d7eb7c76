// The register tile that all sums of products are made of: `rows` pixels (or
// matrix rows) times `vectors` hardware vectors of output columns, accumulated
// in registers over the reduction, then passed through the epilogue.
//
// Per step of the reduction: load `vectors` vectors of packed weights, and for
// each row broadcast one input element and multiply-add it to all of them.
#ifndef LIB_CONVERSION_KERNELTOVECTOR_MICROKERNEL_H
#define LIB_CONVERSION_KERNELTOVECTOR_MICROKERNEL_H

#include "dialects/Kernel/Kernel.h"
#include "lib/Codegen/Loops.h"
#include "mlir/IR/Builders.h"

namespace nnc {

/// Accumulators, row-major: rows x vectors.
using Accumulators = llvm::SmallVector<mlir::Value>;

/// A tile's share of the panel of weights behind its own: it is brought to the cache while the tile is computed, since
/// the weights of a network come from memory.
struct PanelAhead {
  mlir::Value packed;
  llvm::SmallVector<mlir::Value> at; ///< the indices of the panel's first element
  mlir::OpFoldResult first;          ///< the share's first element, as an offset from there
  mlir::OpFoldResult perStep;        ///< elements per step of the reduction
  int64_t lines = 0;                 ///< cache lines per step; 0: nothing is brought
};

class MicroKernel {
public:
  /// For inputs of `inputType` and packed panels of rows of `packedWidth` elements; `isPaired`: those are of pairs of
  /// bf16.
  MicroKernel(mlir::Operation *kernel, mlir::Type inputType, int64_t packedWidth, bool isPaired = false);

  int64_t getLanes() const { return lanes; }
  /// Output columns of a panel as the tile sees it: of a part of a packed one where that is wider than the tile.
  int64_t getPanelWidth() const { return panelWidth; }
  /// Such parts in one packed panel.
  int64_t getPanelParts() const { return parts; }
  /// Neighbours along the summed extent that one step takes: more than one for integers of 8 bits, two for pairs of
  /// bf16.
  int64_t getGroup() const { return group; }
  /// Vectors in one panel.
  int64_t getPanelVectors() const { return panelWidth / lanes; }
  /// Vectors of `columns` columns.
  int64_t getNumVectors(int64_t columns) const { return llvm::divideCeil(columns, lanes); }
  /// The most rows whose accumulators, with `vectors` weights and one input, fit the registers.
  int64_t getMaxRows(int64_t vectors) const;
  /// Tiles of at most `limit` rows.
  TileSizes getTileSizes(int64_t limit, int64_t vectors) const { return {limit, fastSums / vectors}; }
  mlir::Type getAccumulatorType() const { return accumulatorType; }

  /// Zeros for `rows` rows of `columns` columns.
  Accumulators createZeros(mlir::OpBuilder &builder, int64_t rows, int64_t columns) const;

  /// One step: `weights` are vectors, `inputs` scalars, one per row that takes
  /// part (null: the row's accumulators stay).
  Accumulators step(mlir::OpBuilder &builder, llvm::ArrayRef<mlir::Value> inputs, llvm::ArrayRef<mlir::Value> weights,
                    mlir::ValueRange accumulators) const;

  /// Vector `number` of `panel`, of which `columns` columns exist; the packed operand's dimensions are `outer`, the
  /// packed panels, `inner`, and columns.
  mlir::Value loadWeights(mlir::OpBuilder &builder, mlir::Value packed, mlir::ValueRange outer, mlir::Value panel,
                          mlir::ValueRange inner, int64_t number, int64_t columns) const;
  /// The same as they are stored.
  mlir::Value loadPacked(mlir::OpBuilder &builder, mlir::Value packed, mlir::ValueRange outer, mlir::Value panel,
                         mlir::ValueRange inner, int64_t number, int64_t columns) const;
  /// The share of `rows` of the `total` rows (or pixels) that use each panel, from `row` on, in the panel behind `panel`.
  /// Nothing where `packed` are no weights of the model, or too few to matter.
  PanelAhead getPanelAhead(mlir::OpBuilder &builder, mlir::Value packed, mlir::ValueRange outer, mlir::Value panel,
                           mlir::OpFoldResult row, int64_t rows, mlir::OpFoldResult total) const;
  /// Brings what belongs to step `step`.
  void prefetch(mlir::OpBuilder &builder, const PanelAhead &ahead, mlir::OpFoldResult step) const;
  /// One input element as an accumulator scalar; a group of bytes or bf16 as the bits of an integer.
  /// Of the last pair of an odd extent, `isLast`, there is only the first.
  mlir::Value loadInput(mlir::OpBuilder &builder, mlir::Value input, mlir::ValueRange indices,
                        bool isLast = false) const;

private:
  /// With as many sums, each need not wait for its own last step.
  static constexpr int64_t fastSums = 10;

  int64_t getVectorLanes(int64_t number, int64_t columns) const;
  mlir::Value spreadInput(mlir::OpBuilder &builder, mlir::Value input) const;
  mlir::Value accumulateDot(mlir::OpBuilder &builder, mlir::Value input, mlir::Value weight,
                            mlir::Value accumulator) const;

  mlir::Location loc;
  kernel::TargetAttr target;
  mlir::Type inputType, accumulatorType;
  int64_t panelWidth, lanes, group = 1, parts = 1;
};

/// Stores a tile's accumulators: row r goes to output index `rowIndices[r]`,
/// whose last entry is the tile's first column, of which `columns` exist.
void storeTile(mlir::OpBuilder &builder, kernel::EpilogueOpInterface kernel, mlir::ValueRange accumulators,
               llvm::ArrayRef<llvm::SmallVector<mlir::Value>> rowIndices, int64_t lanes, int64_t columns);

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_MICROKERNEL_H
