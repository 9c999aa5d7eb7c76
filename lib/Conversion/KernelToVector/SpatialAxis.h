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

  /// A window of `size` taps, one position per output.
  static SpatialAxis getWindow(mlir::OpFoldResult extent, mlir::OpFoldResult outputs, int64_t size, int64_t stride,
                               int64_t dilation, int64_t padBegin);

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
  /// Positions all of whose taps exist: first and end (an empty range where first >= end).
  std::pair<mlir::OpFoldResult, mlir::OpFoldResult> getInterior(const Index &index) const;
};

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_SPATIALAXIS_H
