// Walks from a size back to constants and argument extents, copying pure
// operations on the way; looks through allocations, views and destination-style
// operations for the extents of what they define.
#include "lib/Transforms/SizeExpressions.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace nnc {

FailureOr<Value> SizeExpressions::rebuild(Value size, OpBuilder &builder) {
  if (Value value = known.lookup(size))
    return value;
  Operation *op = size.getDefiningOp();
  if (!op)
    return function.emitError("the size of a buffer depends on a loop's index or on data");
  FailureOr<Value> value = rebuildOperation(op, size, builder);
  if (succeeded(value))
    known[size] = *value;
  return value;
}

FailureOr<Value> SizeExpressions::rebuildOperation(Operation *op, Value size, OpBuilder &builder) {
  if (auto dim = dyn_cast<memref::DimOp>(op))
    if (auto index = dim.getConstantIndex())
      return rebuildExtent(dim.getSource(), *index, builder);
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (auto index = dim.getConstantIndex())
      return rebuildExtent(dim.getSource(), *index, builder);
  bool scalar = llvm::all_of(op->getOperandTypes(), [](Type type) { return type.isIntOrIndexOrFloat(); });
  if (!isMemoryEffectFree(op) || !scalar || op->getNumRegions() != 0)
    return op->emitError("the size of a buffer depends on data; only sizes that follow from the inputs' extents "
                         "are supported");
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> value = rebuild(operand, builder);
    if (failed(value))
      return failure();
    mapping.map(operand, *value);
  }
  return builder.clone(*op, mapping)->getResult(cast<OpResult>(size).getResultNumber());
}

/// The product of the source's extents that `group` merges into one.
static FailureOr<Value> multiplyExtents(SizeExpressions &sizes, Value source, ArrayRef<int64_t> group,
                                        OpBuilder &builder) {
  Value product;
  for (int64_t dim : group) {
    FailureOr<Value> extent = sizes.rebuildExtent(source, dim, builder);
    if (failed(extent))
      return failure();
    product = product ? arith::MulIOp::create(builder, source.getLoc(), product, *extent).getResult() : *extent;
  }
  return product;
}

FailureOr<Value> SizeExpressions::rebuildIndex(Value size, OpBuilder &builder) {
  FailureOr<Value> value = rebuild(size, builder);
  if (failed(value) || value->getType().isIndex())
    return value;
  return arith::IndexCastOp::create(builder, size.getLoc(), builder.getIndexType(), *value).getResult();
}

FailureOr<Value> SizeExpressions::rebuildExtent(Value shaped, int64_t dim, OpBuilder &builder) {
  auto type = cast<ShapedType>(shaped.getType());
  if (!type.isDynamicDim(dim))
    return arith::ConstantIndexOp::create(builder, shaped.getLoc(), type.getDimSize(dim)).getResult();
  if (auto argument = dyn_cast<BlockArgument>(shaped)) {
    if (argument.getOwner()->getParentOp() == function)
      if (Value extent = argumentExtent(builder, argument, dim))
        return extent;
    if (auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp()))
      if (OpOperand *init = loop.getTiedLoopInit(argument))
        return rebuildExtent(init->get(), dim, builder);
    if (auto loop = dyn_cast<scf::WhileOp>(argument.getOwner()->getParentOp()))
      return rebuildExtent(loop.getInits()[argument.getArgNumber()], dim, builder);
    return function.emitError("the extent of a buffer depends on data or on an output's extent");
  }
  Operation *op = shaped.getDefiningOp();
  auto fromFold = [&](OpFoldResult size) -> FailureOr<Value> {
    if (auto value = dyn_cast<Value>(size))
      return rebuild(value, builder);
    return arith::ConstantIndexOp::create(builder, op->getLoc(), cast<IntegerAttr>(cast<Attribute>(size)).getInt())
        .getResult();
  };
  auto fromDynamic = [&](ValueRange sizes) { return rebuild(sizes[type.getDynamicDimIndex(dim)], builder); };
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return fromDynamic(alloc.getDynamicSizes());
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return fromDynamic(empty.getDynamicSizes());
  if (auto view = dyn_cast<memref::ViewOp>(op))
    return fromDynamic(view.getSizes());
  if (auto cast = dyn_cast<CastOpInterface>(op); cast && isa<memref::CastOp, tensor::CastOp>(op))
    return rebuildExtent(op->getOperand(0), dim, builder);
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op))
    return fromFold(expand.getMixedOutputShape()[dim]);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return fromFold(expand.getMixedOutputShape()[dim]);
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op))
    return multiplyExtents(*this, collapse.getSrc(), collapse.getReassociationIndices()[dim], builder);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return multiplyExtents(*this, collapse.getSrc(), collapse.getReassociationIndices()[dim], builder);
  if (auto slice = dyn_cast<OffsetSizeAndStrideOpInterface>(op); slice && !isa<tensor::InsertSliceOp>(op)) {
    // Dropped unit dimensions keep the order of the rest.
    if (static_cast<int64_t>(slice.getMixedSizes().size()) == type.getRank())
      return fromFold(slice.getMixedSizes()[dim]);
    SmallVector<OpFoldResult> kept;
    llvm::SmallBitVector dropped = isa<memref::SubViewOp>(op) ? llvm::cast<memref::SubViewOp>(op).getDroppedDims()
                                                              : llvm::cast<tensor::ExtractSliceOp>(op).getDroppedDims();
    for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped[i])
        kept.push_back(size);
    return fromFold(kept[dim]);
  }
  if (auto reshape = dyn_cast<tensor::ReshapeOp>(op))
    if (auto elements = reshape.getShape().getDefiningOp<tensor::FromElementsOp>())
      return rebuildIndex(elements.getElements()[dim], builder);
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return rebuildExtent(dps.getTiedOpOperand(llvm::cast<OpResult>(shaped))->get(), dim, builder);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return rebuildExtent(loop.getInitArgs()[llvm::cast<OpResult>(shaped).getResultNumber()], dim, builder);
  if (auto loop = dyn_cast<scf::WhileOp>(op)) // what it carries keeps its shape
    return rebuildExtent(loop.getInits()[llvm::cast<OpResult>(shaped).getResultNumber()], dim, builder);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return rebuildExtent(branch.thenYield().getOperand(llvm::cast<OpResult>(shaped).getResultNumber()), dim, builder);
  if (auto place = dyn_cast<bufferization::MaterializeInDestinationOp>(op))
    return rebuildExtent(place.getDest(), dim, builder);
  if (auto alloc = dyn_cast<bufferization::AllocTensorOp>(op); alloc && !alloc.getCopy())
    return fromDynamic(alloc.getDynamicSizes());
  if (auto reify = dyn_cast<ReifyRankedShapedTypeOpInterface>(op)) {
    OpBuilder here(op);
    ReifiedRankedShapedTypeDims shapes;
    if (succeeded(reify.reifyResultShapes(here, shapes)))
      return fromFold(shapes[llvm::cast<OpResult>(shaped).getResultNumber()][dim]);
  }
  return op->emitError("the extent of this value depends on data; only extents that follow from those of the inputs "
                       "are supported");
}

} // namespace nnc
