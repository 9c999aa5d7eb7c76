// Right-hand sides that are read where they are. Packing pays when many rows read each panel; of a matrix that is
// computed at run time and multiplied by a few rows (attention of one query, a convolution with few outputs), the copy
// would take longer than the product. Of run-time rows there are both, and the number decides.
#include "lib/Analysis/DotProducts.h"
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/MicroKernel.h"
#include "lib/Support/ViewedBuffer.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace nnc {

/// Whether the buffer behind `memref` has no other name: what a loop carries may be read and written under two.
static bool hasOneName(Value memref) {
  Value buffer = getViewedBuffer(memref);
  auto argument = dyn_cast<BlockArgument>(buffer);
  return argument ? isa<FunctionOpInterface>(argument.getOwner()->getParentOp()) : isa<memref::AllocOp, memref::GetGlobalOp>(buffer.getDefiningOp());
}

/// The only product that reads what `pack` writes; null where there are others, or where the source may have changed by then.
static kernel::ContractOp findProduct(kernel::PackMatrixOp pack) {
  auto packed = pack.getInit().getDefiningOp<memref::AllocOp>();
  if (!packed || llvm::range_size(packed->getUses()) != 2)
    return {};
  kernel::ContractOp product;
  for (Operation *user : packed->getUsers())
    if (auto contract = dyn_cast<kernel::ContractOp>(user))
      product = contract;
  if (!product || product.getRhs() != packed || product->getBlock() != pack->getBlock() || !pack->isBeforeInBlock(product))
    return {};
  for (Operation *op = pack->getNextNode(); op != product; op = op->getNextNode()) {
    auto other = dyn_cast<kernel::PackMatrixOp>(op);
    bool writesElsewhere = other && getViewedBuffer(other.getInit()) != getViewedBuffer(pack.getSource());
    if (!isMemoryEffectFree(op) && !isa<memref::AllocOp>(op) && !writesElsewhere)
      return {};
  }
  return product;
}

/// The most rows of `product` for which a copy of `source`, [B..., K, N], takes longer than it saves. More tiles of rows
/// read each panel again: from the cache, but for rows that share its sets or lie on too many pages.
static int64_t getMostRows(kernel::ContractOp product, MemRefType source, int64_t panelWidth) {
  constexpr int64_t mostTiles = 8, mostSpreadTiles = 2, setPeriodBytes = 4096, mostPages = 1024;
  int64_t rank = source.getRank(), k = source.getDimSize(rank - 2);
  int64_t rowBytes = source.getDimSize(rank - 1) * llvm::divideCeil(source.getElementTypeBitWidth(), 8);
  MicroKernel tile(product, cast<MemRefType>(product.getLhs().getType()).getElementType(), panelWidth);
  bool isSpread = ShapedType::isDynamic(k) || k > mostPages || rowBytes % setPeriodBytes == 0;
  if (tile.getPanelParts() != 1 || tile.getGroup() != 1)
    return 0;
  return (isSpread ? mostSpreadTiles : mostTiles) * tile.getMaxRows(tile.getPanelVectors());
}

/// Whether `source` begins where its buffer does and its matrices, [B..., K, N], are contiguous; between them there may be room.
static bool hasWholeMatrices(MemRefType source) {
  if (source.getLayout().isIdentity())
    return true;
  auto [strides, offset] = source.getStridesAndOffset();
  int64_t rank = source.getRank();
  return offset == 0 && strides[rank - 1] == 1 && strides[rank - 2] == source.getDimSize(rank - 1);
}

/// How far apart the elements of `source` are along each dimension.
static SmallVector<OpFoldResult> getDistances(OpBuilder &builder, Location loc, Value source) {
  Index index(builder, loc);
  auto type = cast<MemRefType>(source.getType());
  SmallVector<int64_t> known = type.getStridesAndOffset().first;
  SmallVector<OpFoldResult> distances(type.getRank());
  if (type.getLayout().isIdentity()) {
    OpFoldResult distance = index.fold(1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      distances[dim] = distance;
      distance = index.mul(getBufferExtent(builder, loc, source, dim), distance);
    }
    return distances;
  }
  auto metadata = memref::ExtractStridedMetadataOp::create(builder, loc, source);
  for (auto [dim, distance] : llvm::enumerate(distances))
    distance = ShapedType::isDynamic(known[dim]) ? OpFoldResult(metadata.getStrides()[dim]) : index.fold(known[dim]);
  return distances;
}

/// `source`, [B..., K, N], as [B..., ceil(N / width), K, width]; of the last panel there are only N % width columns.
static Value viewAsPanels(OpBuilder &builder, Location loc, Value source, MemRefType packed) {
  Index index(builder, loc);
  int64_t rank = packed.getRank(), width = packed.getShape().back();
  SmallVector<OpFoldResult> sizes, strides(rank, index.fold(1));
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    sizes.push_back(getBufferExtent(builder, loc, source, dim));
  OpFoldResult columns = sizes.back(), rows = sizes[rank - 3];
  SmallVector<OpFoldResult> distances = getDistances(builder, loc, source);
  for (int64_t dim = 0; dim < rank - 3; ++dim)
    strides[dim] = distances[dim];
  strides[rank - 3] = index.fold(width);
  strides[rank - 2] = columns;
  sizes[rank - 3] = index.ceilDiv(columns, width);
  sizes[rank - 2] = rows;
  sizes.push_back(index.fold(width));
  auto [staticStrides, dynamicStrides] = decomposeMixedValues(strides);
  SmallVector<int64_t> shape(decomposeMixedValues(sizes).first);
  auto type = MemRefType::get(shape, packed.getElementType(), StridedLayoutAttr::get(builder.getContext(), 0, staticStrides));
  return memref::ReinterpretCastOp::create(builder, loc, type, source, index.fold(0), sizes, strides);
}

/// Whether `product` by the transposed `source` is of floats that are summed in their own type, along contiguous rows.
static bool areDotProducts(kernel::ContractOp product, MemRefType source) {
  auto lhs = cast<MemRefType>(product.getLhs().getType()), init = cast<MemRefType>(product.getInit().getType());
  Type element = source.getElementType();
  return !lhs.isDynamicDim(lhs.getRank() - 1) && isa<FloatType>(element) && element.getIntOrFloatBitWidth() >= 32 &&
         lhs.getElementType() == element &&
         product.getEpilogue().front().getArgument(0).getType() == element && init.getElementType() == element &&
         source.getStridesAndOffset().first.back() == 1;
}

/// Moves `pack` and `product` into the second branch of one that asks whether there are `most` rows or fewer; returns a copy of
/// the product in the first.
static kernel::ContractOp branchOnRows(RewriterBase &rewriter, kernel::PackMatrixOp pack, kernel::ContractOp product,
                                       int64_t most) {
  Location loc = product.getLoc();
  rewriter.setInsertionPoint(product);
  Index index(rewriter, loc);
  int64_t rank = cast<MemRefType>(product.getInit().getType()).getRank();
  Value rows = index.get(getBufferExtent(rewriter, loc, product.getInit(), rank - 2));
  Value areFew = arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::ule, rows, index.constant(most));
  auto branch = scf::IfOp::create(rewriter, loc, areFew, /*withElseRegion=*/true);
  rewriter.setInsertionPointToStart(branch.thenBlock());
  auto few = cast<kernel::ContractOp>(rewriter.clone(*product));
  rewriter.moveOpBefore(pack, branch.elseBlock()->getTerminator());
  rewriter.moveOpBefore(product, branch.elseBlock()->getTerminator());
  return few;
}

void readUnpacked(RewriterBase &rewriter, kernel::PackMatrixOp pack) {
  auto source = cast<MemRefType>(pack.getSource().getType()), packed = cast<MemRefType>(pack.getInit().getType());
  kernel::ContractOp product = findProduct(pack);
  if (!product || source.getElementType() != packed.getElementType() || !hasOneName(pack.getSource()) ||
      !hasOneName(product.getInit()))
    return;
  // A result may have taken the place of what the epilogue read.
  for (Value operand : product->getOperands())
    if (getViewedBuffer(operand) == getViewedBuffer(pack.getSource()))
      return;
  auto init = cast<MemRefType>(product.getInit().getType());
  bool isTransposed = pack.getTransposed();
  int64_t most = 0;
  if (isTransposed && areDotProducts(product, source))
    most = getMostDotProducts(init, source.getShape(), source.getShape().back());
  else if (!isTransposed && hasWholeMatrices(source) && !source.isDynamicDim(source.getRank() - 1))
    most = getMostRows(product, source, packed.getShape().back());
  int64_t rows = init.getDimSize(init.getRank() - 2);
  if (most == 0 || (!ShapedType::isDynamic(rows) && rows > most))
    return;
  if (ShapedType::isDynamic(rows))
    product = branchOnRows(rewriter, pack, product, most);
  rewriter.setInsertionPoint(product);
  if (isTransposed) {
    expandDotProducts(rewriter, product, pack.getSource());
    rewriter.eraseOp(product);
  } else {
    product.getRhsMutable().set(viewAsPanels(rewriter, product.getLoc(), pack.getSource(), packed));
  }
  if (ShapedType::isDynamic(rows))
    return;
  Value place = pack.getInit();
  rewriter.eraseOp(pack);
  rewriter.eraseOp(place.getDefiningOp());
}

} // namespace nnc
