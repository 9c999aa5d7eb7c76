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

namespace {
/// Extent `dim` of `shaped`.
struct Extent {
  Value shaped;
  int64_t dim;
};
} // namespace

/// The extent that an argument of a loop's body has from the loop's start on; what is carried keeps its shape.
static std::optional<Extent> followArgument(BlockArgument argument, int64_t dim) {
  Operation *parent = argument.getOwner()->getParentOp();
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    if (OpOperand *init = loop.getTiedLoopInit(argument))
      return Extent{init->get(), dim};
  if (auto loop = dyn_cast<scf::WhileOp>(parent))
    return Extent{loop.getInits()[argument.getArgNumber()], dim};
  return std::nullopt;
}

/// The size along `dim` of the result of a slice, which may drop dimensions of size 1.
static OpFoldResult getSliceSize(Operation *op, int64_t dim) {
  auto slice = cast<OffsetSizeAndStrideOpInterface>(op);
  llvm::SmallBitVector dropped = isa<memref::SubViewOp>(op) ? cast<memref::SubViewOp>(op).getDroppedDims()
                                                            : cast<tensor::ExtractSliceOp>(op).getDroppedDims();
  SmallVector<OpFoldResult> kept; // in order
  for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
    if (!dropped[i])
      kept.push_back(size);
  return kept[dim];
}

/// The operand or number that `op` has for the extent `dim` of its result, which is dynamic; null where it has none.
static OpFoldResult findSize(Operation *op, ShapedType type, int64_t dim) {
  unsigned number = type.getDynamicDimIndex(dim);
  if (auto alloc = dyn_cast<memref::AllocOp>(op))
    return OpFoldResult(alloc.getDynamicSizes()[number]);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return OpFoldResult(empty.getDynamicSizes()[number]);
  if (auto view = dyn_cast<memref::ViewOp>(op))
    return OpFoldResult(view.getSizes()[number]);
  if (auto alloc = dyn_cast<bufferization::AllocTensorOp>(op); alloc && !alloc.getCopy())
    return OpFoldResult(alloc.getDynamicSizes()[number]);
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[dim];
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return expand.getMixedOutputShape()[dim];
  if (isa<memref::SubViewOp, tensor::ExtractSliceOp>(op))
    return getSliceSize(op, dim);
  return {};
}

/// The other extent that this one always equals, where its operation says so.
static std::optional<Extent> follow(Value shaped, int64_t dim) {
  auto result = dyn_cast<OpResult>(shaped);
  if (!result)
    return followArgument(cast<BlockArgument>(shaped), dim);
  Operation *op = result.getOwner();
  unsigned number = result.getResultNumber();
  if (isa<memref::CastOp, tensor::CastOp>(op))
    return Extent{op->getOperand(0), dim};
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return Extent{loop.getInitArgs()[number], dim};
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return Extent{loop.getInits()[number], dim};
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return Extent{branch.thenYield().getOperand(number), dim};
  if (auto place = dyn_cast<bufferization::MaterializeInDestinationOp>(op))
    return Extent{place.getDest(), dim};
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return Extent{dps.getTiedOpOperand(result)->get(), dim};
  // A size that is another extent.
  auto size = dyn_cast_if_present<Value>(findSize(op, cast<ShapedType>(result.getType()), dim));
  if (auto other = size ? size.getDefiningOp<tensor::DimOp>() : nullptr)
    if (auto index = other.getConstantIndex())
      return Extent{other.getSource(), *index};
  if (auto other = size ? size.getDefiningOp<memref::DimOp>() : nullptr)
    if (auto index = other.getConstantIndex())
      return Extent{other.getSource(), *index};
  return std::nullopt;
}

FailureOr<Value> SizeExpressions::rebuildExtent(Value shaped, int64_t dim, OpBuilder &builder) {
  while (true) { // networks are deep
    if (int64_t extent = cast<ShapedType>(shaped.getType()).getDimSize(dim); !ShapedType::isDynamic(extent))
      return arith::ConstantIndexOp::create(builder, shaped.getLoc(), extent).getResult();
    auto argument = dyn_cast<BlockArgument>(shaped);
    if (argument && argument.getOwner()->getParentOp() == function)
      if (Value extent = argumentExtent(builder, argument, dim))
        return extent;
    std::optional<Extent> other = follow(shaped, dim);
    if (!other && argument)
      return function.emitError("the extent of a buffer depends on data or on an output's extent");
    if (!other)
      return rebuildResultExtent(cast<OpResult>(shaped), dim, builder);
    std::tie(shaped, dim) = std::pair(other->shaped, other->dim);
  }
}

FailureOr<Value> SizeExpressions::rebuildResultExtent(OpResult result, int64_t dim, OpBuilder &builder) {
  Operation *op = result.getOwner();
  auto fromFold = [&](OpFoldResult size) -> FailureOr<Value> {
    if (auto value = dyn_cast<Value>(size))
      return rebuild(value, builder);
    return arith::ConstantIndexOp::create(builder, op->getLoc(), cast<IntegerAttr>(cast<Attribute>(size)).getInt())
        .getResult();
  };
  if (OpFoldResult size = findSize(op, cast<ShapedType>(result.getType()), dim))
    return fromFold(size);
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op))
    return multiplyExtents(*this, collapse.getSrc(), collapse.getReassociationIndices()[dim], builder);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return multiplyExtents(*this, collapse.getSrc(), collapse.getReassociationIndices()[dim], builder);
  if (auto reshape = dyn_cast<tensor::ReshapeOp>(op))
    if (auto elements = reshape.getShape().getDefiningOp<tensor::FromElementsOp>())
      return rebuildIndex(elements.getElements()[dim], builder);
  if (auto reify = dyn_cast<ReifyRankedShapedTypeOpInterface>(op)) {
    OpBuilder here(op);
    ReifiedRankedShapedTypeDims shapes;
    if (succeeded(reify.reifyResultShapes(here, shapes)))
      return fromFold(shapes[result.getResultNumber()][dim]);
  }
  return op->emitError("the extent of this value depends on data; only extents that follow from those of the inputs "
                       "are supported");
}

} // namespace nnc
