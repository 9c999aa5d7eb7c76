// One expansion per kernel operation, by family. Each replaces its operation, on
// memrefs, by loops.
#ifndef LIB_CONVERSION_KERNELTOVECTOR_KERNELTOVECTOR_H
#define LIB_CONVERSION_KERNELTOVECTOR_KERNELTOVECTOR_H

#include "dialects/Kernel/Kernel.h"
#include "mlir/IR/PatternMatch.h"

namespace nnc {

/// `threads`: they share the loops.
void expandContract(mlir::RewriterBase &rewriter, kernel::ContractOp op, bool threads);
void expandConv(mlir::RewriterBase &rewriter, kernel::ConvOp op, bool threads);
void expandDepthwise(mlir::RewriterBase &rewriter, kernel::DepthwiseOp op);
void expandPool(mlir::RewriterBase &rewriter, kernel::PoolOp op);
void expandReduce(mlir::RewriterBase &rewriter, kernel::ReduceOp op);
void expandSoftmax(mlir::RewriterBase &rewriter, kernel::SoftmaxOp op);
void expandNormalize(mlir::RewriterBase &rewriter, kernel::NormalizeOp op);
void expandLrn(mlir::RewriterBase &rewriter, kernel::LrnOp op);
void expandTopK(mlir::RewriterBase &rewriter, kernel::TopKOp op);
void expandPackMatrix(mlir::RewriterBase &rewriter, kernel::PackMatrixOp op);
void expandQuantizeBlocks(mlir::RewriterBase &rewriter, kernel::QuantizeBlocksOp op);
void expandPackFilter(mlir::RewriterBase &rewriter, kernel::PackFilterOp op);
void expandWinograd(mlir::RewriterBase &rewriter, kernel::WinogradOp op);
void expandPackWinograd(mlir::RewriterBase &rewriter, kernel::PackWinogradOp op);

/// The same convolution as `op`, in front of it, of images whose pixels are in one row; null where that is no gain or
/// not possible. With `always`, where it is possible.
kernel::ConvOp mergePixels(mlir::RewriterBase &rewriter, kernel::ConvOp op, bool always);

/// Whether the target has a unit for products of tiles that takes `op`.
bool isTiled(kernel::ConvOp op);
/// Expands `op`, which isTiled, for that unit.
void expandTiledConv(mlir::RewriterBase &rewriter, kernel::ConvOp op, bool threads);
/// `op`, in front of it, as a convolution that isTiled; null where there is none.
kernel::ConvOp createTiledConv(mlir::RewriterBase &rewriter, kernel::ContractOp op);

/// `op` by the transposed `matrix`, [B..., N, K], in the place of its packed operand.
void expandDotProducts(mlir::RewriterBase &rewriter, kernel::ContractOp op, mlir::Value matrix);
/// Lets the product by what `pack` packs read the source itself, without `pack`, where that is faster.
void readUnpacked(mlir::RewriterBase &rewriter, kernel::PackMatrixOp pack);

} // namespace nnc

#endif // LIB_CONVERSION_KERNELTOVECTOR_KERNELTOVECTOR_H
