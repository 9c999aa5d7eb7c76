// Walks from a size back to constants and argument extents, copying pure
// operations on the way; looks through allocations, views and destination-style
// operations for the extents of what they define.
#include "lib/Transforms/SizeExpressions.h"

#include "dialects/Kernel/Kernel.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace nnc {

FailureOr<ExtentInterval> SizeExpressions::rebuild(Value size, OpBuilder &builder) {
  if (auto found = known.find(size); found != known.end())
    return found->second;
  if (isQuiet && failing.contains(size))
    return failure();
  Operation *op = size.getDefiningOp();
  if (!op)
    return function.emitError("the size of a buffer depends on a loop's index or on data");
  FailureOr<ExtentInterval> value = rebuildOperation(op, size, builder);
  if (succeeded(value))
    known[size] = *value;
  else
    failing.insert(size);
  return value;
}

Value SizeExpressions::rebuildQuietly(Value value, OpBuilder &builder) {
  ScopedDiagnosticHandler swallow(value.getContext(), [](Diagnostic &) { return success(); });
  llvm::SaveAndRestore<bool> quiet(isQuiet, true);
  FailureOr<ExtentInterval> rebuilt = rebuild(value, builder);
  return succeeded(rebuilt) && rebuilt->isExact() ? rebuilt->upper : Value();
}

/// `op` with other operands, folded where they are constants.
static Value cloneOrFold(Operation *op, unsigned result, const IRMapping &mapping, OpBuilder &builder) {
  IRMapping copied(mapping);
  Operation *copy = builder.clone(*op, copied);
  SmallVector<Value> folded;
  if (failed(builder.tryFold(copy, folded)) || folded.empty())
    return copy->getResult(result);
  copy->erase();
  return folded[result];
}

/// The arithmetic of an affine operation in front of it; null of other operations.
static Value expandAffine(Operation *op) {
  OpBuilder here(op);
  auto expand = [&](AffineMap map, ValueRange operands) {
    auto values = affine::expandAffineMap(here, op->getLoc(), map, operands);
    return values ? SmallVector<Value>(values->begin(), values->end()) : SmallVector<Value>();
  };
  auto reduce = [&](ArrayRef<Value> values, bool isMin) {
    Value result = values.empty() ? Value() : values.front();
    for (Value value : values.drop_front(result ? 1 : 0))
      result = isMin ? arith::MinSIOp::create(here, op->getLoc(), result, value).getResult()
                     : arith::MaxSIOp::create(here, op->getLoc(), result, value).getResult();
    return result;
  };
  if (auto apply = dyn_cast<affine::AffineApplyOp>(op))
    return reduce(expand(apply.getAffineMap(), apply.getOperands()), true);
  if (auto min = dyn_cast<affine::AffineMinOp>(op))
    return reduce(expand(min.getAffineMap(), min.getOperands()), true);
  if (auto max = dyn_cast<affine::AffineMaxOp>(op))
    return reduce(expand(max.getAffineMap(), max.getOperands()), false);
  return {};
}

/// The argument of `function`, and the position in it, that `op` reads; nullopt where it reads something else.
static std::optional<std::pair<BlockArgument, int64_t>> findElement(func::FuncOp function, Operation *op) {
  if (!isa<tensor::ExtractOp, memref::LoadOp>(op))
    return std::nullopt;
  Value source = op->getOperand(0);
  auto type = cast<ShapedType>(source.getType());
  int64_t position = 0;
  for (auto [index, extent] : llvm::zip(op->getOperands().drop_front(), type.getShape())) {
    std::optional<int64_t> constant = getConstantIntValue(index);
    if (!constant || ShapedType::isDynamic(extent) || *constant < 0 || *constant >= extent)
      return std::nullopt;
    position = position * extent + *constant;
  }
  // Row-major positions stay what they are.
  while (Operation *view = source.getDefiningOp()) {
    if (!isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, memref::CastOp, memref::ExpandShapeOp,
             memref::CollapseShapeOp>(view))
      return std::nullopt;
    source = view->getOperand(0);
  }
  auto argument = cast<BlockArgument>(source);
  if (argument.getOwner()->getParentOp() != function || !cast<ShapedType>(source.getType()).hasStaticShape())
    return std::nullopt;
  return std::pair(argument, position);
}

FailureOr<ExtentInterval> SizeExpressions::rebuildOperation(Operation *op, Value size, OpBuilder &builder) {
  if (auto dim = dyn_cast<memref::DimOp>(op))
    if (auto index = dim.getConstantIndex())
      return rebuildExtent(dim.getSource(), *index, builder);
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    if (auto index = dim.getConstantIndex())
      return rebuildExtent(dim.getSource(), *index, builder);
  if (auto element = findElement(function, op))
    if (Value known = argumentElement(builder, element->first, element->second))
      return ExtentInterval(known);
  if (auto bounded = dyn_cast<kernel::BoundedOp>(op)) {
    FailureOr<ExtentInterval> bound = rebuild(bounded.getBound(), builder);
    if (failed(bound))
      return failure();
    return buildInterval(op, {ExtentInterval(), *bound}, builder);
  }
  bool scalar = llvm::all_of(op->getOperandTypes(), [](Type type) { return type.isIntOrIndexOrFloat(); });
  if (!isMemoryEffectFree(op) || !scalar || op->getNumRegions() != 0)
    return op->emitError("the size of a buffer depends on data; only sizes that follow from the inputs' extents "
                         "are supported");
  if (auto select = dyn_cast<arith::SelectOp>(op); select && !rebuildQuietly(select.getCondition(), builder))
    return rebuildChoice(op, builder);
  IRMapping mapping;
  SmallVector<ExtentInterval> operands;
  for (Value operand : op->getOperands()) {
    FailureOr<ExtentInterval> value = rebuild(operand, builder);
    if (failed(value))
      return failure();
    operands.push_back(*value);
    mapping.map(operand, value->upper);
  }
  if (llvm::all_of(operands, [](const ExtentInterval &operand) { return operand.isExact(); }))
    return ExtentInterval(cloneOrFold(op, cast<OpResult>(size).getResultNumber(), mapping, builder));
  if (isa<arith::SelectOp>(op)) {
    auto choose = [&](Value yes, Value no) {
      return builder.createOrFold<arith::SelectOp>(op->getLoc(), operands[0].upper, yes, no);
    };
    return ExtentInterval(choose(operands[1].lower, operands[2].lower), choose(operands[1].upper, operands[2].upper));
  }
  if (Value expanded = expandAffine(op))
    return rebuild(expanded, builder);
  if (isa<arith::DivSIOp, arith::DivUIOp>(op) && !operands[1].isExact()) {
    FailureOr<ExtentInterval> cancelled = rebuildCancelled(op, builder);
    if (failed(cancelled) || cancelled->upper)
      return cancelled;
  }
  return buildInterval(op, operands, builder);
}

FailureOr<ExtentInterval> SizeExpressions::rebuildChoice(Operation *op, OpBuilder &builder) {
  auto select = cast<arith::SelectOp>(op);
  FailureOr<ExtentInterval> yes = rebuild(select.getTrueValue(), builder);
  FailureOr<ExtentInterval> no = rebuild(select.getFalseValue(), builder);
  if (failed(yes) || failed(no))
    return failure();
  return buildHull(op->getLoc(), *yes, *no, builder);
}

static ExtentInterval multiplyExtents(Location loc, ExtentInterval a, ExtentInterval b, OpBuilder &builder) {
  if (a.isExact() && b.isExact())
    return ExtentInterval(builder.createOrFold<arith::MulIOp>(loc, a.upper, b.upper));
  return {multiplySaturated(loc, a.lower, b.lower, builder), multiplySaturated(loc, a.upper, b.upper, builder)};
}

/// The factors that `value` is the product of.
static void collectFactors(Value value, SmallVectorImpl<Value> &factors) {
  SmallVector<Value> worklist{value};
  while (!worklist.empty()) {
    Value factor = worklist.pop_back_val();
    if (auto product = factor.getDefiningOp<arith::MulIOp>())
      worklist.append({product.getLhs(), product.getRhs()});
    else
      factors.push_back(factor);
  }
}

FailureOr<ExtentInterval> SizeExpressions::rebuildCancelled(Operation *op, OpBuilder &builder) {
  Value divisor = op->getOperand(1);
  if (auto atLeast = divisor.getDefiningOp<arith::MaxSIOp>(); atLeast && matchPattern(atLeast.getRhs(), m_One()))
    divisor = atLeast.getLhs(); // not 0
  SmallVector<Value> factors, divisors;
  collectFactors(op->getOperand(0), factors);
  collectFactors(divisor, divisors);
  for (Value each : divisors) {
    auto *found = llvm::find(factors, each);
    if (found == factors.end())
      return ExtentInterval();
    factors.erase(found);
  }
  ExtentInterval product(arith::ConstantIndexOp::create(builder, op->getLoc(), 1).getResult());
  for (Value factor : factors) {
    FailureOr<ExtentInterval> next = rebuild(factor, builder);
    if (failed(next))
      return failure();
    product = multiplyExtents(op->getLoc(), product, *next, builder);
  }
  // Nothing is left where the divisor is 0.
  return ExtentInterval(arith::ConstantIndexOp::create(builder, op->getLoc(), 0), product.upper);
}

FailureOr<ExtentInterval> SizeExpressions::rebuildIndex(Value size, OpBuilder &builder) {
  FailureOr<ExtentInterval> value = rebuild(size, builder);
  if (failed(value) || value->upper.getType().isIndex())
    return value;
  auto cast = [&](Value end) {
    return builder.createOrFold<arith::IndexCastOp>(size.getLoc(), builder.getIndexType(), end);
  };
  Value upper = cast(value->upper);
  return ExtentInterval(value->isExact() ? upper : cast(value->lower), upper);
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
  if (auto cast = dyn_cast<memref::ReinterpretCastOp>(op))
    return cast.getMixedSizes()[dim];
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
  if (auto choice = dyn_cast<arith::SelectOp>(op)) // what becomes of a branch
    return Extent{choice.getTrueValue(), dim};
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

FailureOr<ExtentInterval> SizeExpressions::rebuildExtent(Value shaped, int64_t dim, OpBuilder &builder) {
  while (true) { // networks are deep
    if (int64_t extent = cast<ShapedType>(shaped.getType()).getDimSize(dim); !ShapedType::isDynamic(extent))
      return ExtentInterval(arith::ConstantIndexOp::create(builder, shaped.getLoc(), extent).getResult());
    auto argument = dyn_cast<BlockArgument>(shaped);
    if (argument && argument.getOwner()->getParentOp() == function)
      if (Value extent = argumentExtent(builder, argument, dim))
        return ExtentInterval(extent);
    std::optional<Extent> other = follow(shaped, dim);
    if (!other && argument)
      return function.emitError("the extent of a buffer depends on data or on an output's extent");
    if (!other)
      return rebuildResultExtent(cast<OpResult>(shaped), dim, builder);
    std::tie(shaped, dim) = std::pair(other->shaped, other->dim);
  }
}

FailureOr<ExtentInterval> SizeExpressions::rebuildMergedExtent(Value source, ArrayRef<int64_t> group,
                                                               OpBuilder &builder) {
  ExtentInterval product(arith::ConstantIndexOp::create(builder, source.getLoc(), 1).getResult());
  for (int64_t dim : group) {
    FailureOr<ExtentInterval> extent = rebuildExtent(source, dim, builder);
    if (failed(extent))
      return failure();
    product = multiplyExtents(source.getLoc(), product, *extent, builder);
  }
  return product;
}

FailureOr<ExtentInterval> SizeExpressions::rebuildResultExtent(OpResult result, int64_t dim, OpBuilder &builder) {
  Operation *op = result.getOwner();
  auto fromFold = [&](OpFoldResult size) -> FailureOr<ExtentInterval> {
    if (auto value = dyn_cast<Value>(size))
      return rebuild(value, builder);
    int64_t constant = cast<IntegerAttr>(cast<Attribute>(size)).getInt();
    return ExtentInterval(arith::ConstantIndexOp::create(builder, op->getLoc(), constant).getResult());
  };
  if (OpFoldResult size = findSize(op, cast<ShapedType>(result.getType()), dim))
    return fromFold(size);
  if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op))
    return rebuildMergedExtent(collapse.getSrc(), collapse.getReassociationIndices()[dim], builder);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return rebuildMergedExtent(collapse.getSrc(), collapse.getReassociationIndices()[dim], builder);
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
