// One spatial dimension of a convolution or pool, as the taps that an output
// position reads; ordinary and transposed convolutions are the same from here on.
#ifndef LIB_CONVERSION_KERNELTOVECTOR_SPATIALAXIS_H
#define LIB_CONVERSION_KERNELTOVECTOR_SPATIALAXIS_H

#include "lib/Codegen/Loops.h"
#include <vector>

namespace nnc {

/// Position q (of `count`) writes output q * outStride + outOffset and reads,
/// for t of `taps`, input q * inStride + base + t * tapStep with filter index
/// filterBase + t * filterStep, where that input exists.
struct SpatialAxis {
  mlir::OpFoldResult extent; ///< of the input
  mlir::OpFoldResult count;  ///< number of positions
  int64_t inStride = 1, base = 0;
  int64_t taps = 1, tapStep = 1, filterBase = 0, filterStep = 1;
  int64_t outStride = 1, outOffset = 0;
  int64_t unrolledTaps = 16; ///< longer runs of taps become a loop
  bool areTapsLoops = false; ///< each tap is a loop over channels
  /// No tap reads further than this behind the input's last element, where that is known of a window.
  std::optional<int64_t> overhang;

  /// A window of `size` taps, one position per output.
  static SpatialAxis getWindow(mlir::OpFoldResult extent, mlir::OpFoldResult outputs, int64_t size, int64_t stride,
                               int64_t dilation, int64_t padBegin, int64_t overhang);

  /// The outputs of a transposed convolution fall into phases, one per residue
  /// of the stride, each an ordinary window of its own. An axis without taps
  /// belongs to outputs that read nothing.
  static std::vector<SpatialAxis> getPhases(const Index &index, mlir::OpFoldResult extent,
                                                  mlir::OpFoldResult outputs, int64_t size, int64_t stride,
                                                  int64_t dilation, int64_t padBegin);

  /// Input index that tap t reads at position q.
  mlir::OpFoldResult getInput(const Index &index, mlir::OpFoldResult q, mlir::OpFoldResult t) const;
  mlir::OpFoldResult getOutput(const Index &index, mlir::OpFoldResult q) const;
  mlir::OpFoldResult getFilter(const Index &index, mlir::OpFoldResult t) const;

  /// Taps whose input exists at position q: first and end.
  std::pair<mlir::OpFoldResult, mlir::OpFoldResult> getValidTaps(const Index &index, mlir::OpFoldResult q) const;
  /// Whether tap t exists at position q; extent and count are static.
  bool isValid(int64_t q, int64_t t) const;
  /// Whether tap t may not exist for pixel `pixel` of a tile of `pixels`, wherever that tile is; `overhang` is known.
  bool mayMiss(int64_t pixel, int64_t pixels, int64_t t) const;
  /// Positions all of whose taps exist: first and end (an empty range where first >= end).
  std::pair<mlir::OpFoldResult, mlir::OpFoldResult> getInterior(const Index &index) const;
};

/// A run of neighbouring positions along the last spatial dimension.
struct PixelTile {
  mlir::Value first;
  std::optional<int64_t> position; ///< static value of `first`, where taps differ between the pixels
  int64_t pixels;
  bool isInterior;                 ///< all taps of all pixels exist
  bool isGuarded = false;          ///< taps are unrolled, and those that may not exist are tested

  /// Whether all taps of `pixel` exist wherever the tile is.
  bool isComplete(const SpatialAxis &axis, int64_t pixel) const;

  /// Gets a tap, the input index per pixel (null where the pixel's tap does not exist) and the carried values.
  using TapBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      mlir::OpBuilder &, mlir::OpFoldResult tap, llvm::ArrayRef<mlir::Value> inputs, mlir::ValueRange)>;

  /// Calls `body` for each tap, carrying values through: as many for each pixel, pixel by pixel. Few static taps are
  /// unrolled.
  llvm::SmallVector<mlir::Value> forEachTap(mlir::OpBuilder &builder, mlir::Location loc, const SpatialAxis &axis,
                                            mlir::ValueRange carried, TapBody body) const;

private:
  llvm::SmallVector<mlir::Value> getInputs(const Index &index, const SpatialAxis &axis, mlir::OpFoldResult tap,
                                           llvm::function_ref<bool(int64_t)> exists) const;
  llvm::SmallVector<mlir::Value> forEachStaticTap(mlir::OpBuilder &builder, mlir::Location loc, const SpatialAxis &axis,
                                                  mlir::ValueRange carried, TapBody body) const;
  llvm::SmallVector<mlir::Value> forEachGuardedTap(mlir::OpBuilder &builder, mlir::Location loc,
                                                   const SpatialAxis &axis, mlir::ValueRange carried,
                                                   TapBody body) const;
  llvm::SmallVector<mlir::Value> takeExisting(mlir::OpBuilder &builder, mlir::Location loc, mlir::OpFoldResult tap,
                                              llvm::ArrayRef<mlir::Value> inputs, llvm::ArrayRef<mlir::Value> exist,
                                              mlir::ValueRange carried, TapBody body) const;
  llvm::SmallVector<mlir::Value> forEachEdgeTap(mlir::OpBuilder &builder, mlir::Location loc, const SpatialAxis &axis,
                                                mlir::ValueRange carried, TapBody body) const;
};

/// Cuts the positions of `axis` into tiles of `sizes`. Interior
/// tiles share a loop; those at the edges are emitted one by one where extents
/// are static and they are few. With run-time extents and `guards`, tiles at narrow edges are as wide as others.
void forEachTile(mlir::OpBuilder &builder, mlir::Location loc, const SpatialAxis &axis, TileSizes sizes,
                 llvm::function_ref<void(mlir::OpBuilder &, const PixelTile &)> body, bool guards = false);

using Taps = llvm::ArrayRef<mlir::Value>;

/// Loops over the taps that exist of all `axes` at `positions`, carrying values
/// through; `body` gets the input index and the filter index along each axis.
llvm::SmallVector<mlir::Value>
forEachOuterTap(mlir::OpBuilder &builder, mlir::Location loc, llvm::ArrayRef<SpatialAxis> axes,
                llvm::ArrayRef<mlir::Value> positions, mlir::ValueRange carried,
                llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &, Taps inputs, Taps filters,
                                                                  mlir::ValueRange)>
                    body);

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_SPATIALAXIS_H
