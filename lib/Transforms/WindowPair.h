// A convolution and the windows that alone read its results.
#ifndef LIB_TRANSFORMS_WINDOWPAIR_H
#define LIB_TRANSFORMS_WINDOWPAIR_H

#include "dialects/Kernel/Kernel.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// Which rows the windows of a kernel read.
struct RowWindow {
  int64_t size, stride, padBegin; ///< `size` with dilation
  int64_t inputs, outputs;        ///< rows, dynamic where they are known at run time only

  int64_t getBegin(int64_t output) const { return output * stride - padBegin; }
  int64_t getEnd(int64_t output) const { return getBegin(output - 1) + size; } ///< of the windows before `output`
  int64_t getOverlap() const { return size - stride; } ///< rows that neighbours share; negative: rows between them
};

/// The pattern
///
///     kernel.conv(image) -> middle, kernel.depthwise(middle) or a maximum of kernel.pool(middle)
///
/// on memrefs of rank 4 or more, (N, rows, ..., C), where nothing else reads `middle` and blocks of rows can be computed
/// one after the other: epilogues read one element per channel at most, windows leave no rows out.
struct WindowPair {
  static constexpr int64_t rowDim = 1;

  kernel::ConvOp conv;
  mlir::Operation *windows; ///< kernel.depthwise or kernel.pool
  RowWindow ofConv, ofWindows;

  static llvm::FailureOr<WindowPair> match(mlir::Operation *windows);

  mlir::TypedValue<mlir::MemRefType> getMiddle() const;
  mlir::Value getResult() const; ///< what the windows write
  int64_t getCacheBytes() const { return kernel::getTarget(windows).getL2Bytes(); }
  /// Whether all extents but the batch are static.
  bool hasStaticImages() const;
  /// Erases the two kernels and what lay between them.
  void erase();
};

/// `op`, one of a pair, from rows `input` to rows `init`, where the padding along the rows is another; the one at the end
/// stays unless it is given.
void cloneForRows(mlir::ImplicitLocOpBuilder &builder, mlir::Operation *op, mlir::Value input, mlir::Value init,
                  int64_t padBegin, std::optional<int64_t> padEnd = std::nullopt);

/// Rows [row, row + count) of one image of `operand`.
mlir::Value takeRows(mlir::ImplicitLocOpBuilder &builder, mlir::Value operand, mlir::OpFoldResult image,
                     mlir::OpFoldResult row, mlir::OpFoldResult count);

/// Calls `body` with the index of each image of the pair's batch, in a loop where there may be several.
void forEachImage(mlir::ImplicitLocOpBuilder &builder, const WindowPair &pair,
                  llvm::function_ref<void(mlir::OpFoldResult image)> body);

/// An attribute of loops whose bodies hold whole kernels.
inline constexpr llvm::StringLiteral holdsKernels = "nnc.holds_kernels";

/// Computes a pair with extents of run time in blocks of rows, or at once where blocks do not pay.
void tileRunTimeWindows(WindowPair pair);

} // namespace nnc

#endif // LIB_TRANSFORMS_WINDOWPAIR_H
