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

#include "llvm/Support/MathExtras.h"
#include "llvm/Support/SaveAndRestore.h"

#include <numeric>

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

Value SizeExpressions::takeQuietly(function_ref<FailureOr<ExtentInterval>()> rebuild, MLIRContext *context) {
  ScopedDiagnosticHandler swallow(context, [](Diagnostic &) { return success(); });
  llvm::SaveAndRestore<bool> quiet(isQuiet, true);
  FailureOr<ExtentInterval> rebuilt = rebuild();
  return succeeded(rebuilt) && rebuilt->isExact() ? rebuilt->upper : Value();
}

Value SizeExpressions::rebuildQuietly(Value value, OpBuilder &builder) {
  return takeQuietly([&] { return rebuild(value, builder); }, value.getContext());
}

Value SizeExpressions::rebuildExtentQuietly(Value shaped, int64_t dim, OpBuilder &builder) {
  return takeQuietly([&] { return rebuildExtent(shaped, dim, builder); }, shaped.getContext());
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

  bool operator==(const Extent &other) const { return shaped == other.shaped && dim == other.dim; }
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

Value getUnplaced(Value yielded) {
  auto copy = yielded.getDefiningOp<bufferization::AllocTensorOp>();
  return copy ? copy.getCopy() : Value();
}

bool isUnplaced(scf::IfOp branch, unsigned number) {
  return !branch.getElseRegion().empty() &&
         (getUnplaced(branch.thenYield().getOperand(number)) || getUnplaced(branch.elseYield().getOperand(number)));
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
  if (auto branch = dyn_cast<scf::IfOp>(op); branch && !isUnplaced(branch, number))
    return Extent{branch.thenYield().getOperand(number), dim};
  if (auto choice = dyn_cast<arith::SelectOp>(op)) // what becomes of a branch
    return Extent{choice.getTrueValue(), dim};
  if (auto place = dyn_cast<bufferization::MaterializeInDestinationOp>(op))
    return Extent{place.getDest(), dim};
  if (auto copy = dyn_cast<bufferization::AllocTensorOp>(op); copy && copy.getCopy())
    return Extent{copy.getCopy(), dim};
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

//===--- Quotients ---===//

namespace {

/// A product of extents and of other numbers.
struct Product {
  int64_t constant = 1;
  SmallVector<Extent> extents;
  SmallVector<Value> numbers; ///< that are no extents

  bool operator*=(int64_t factor) { return !llvm::MulOverflow(constant, factor, constant); }
  /// Takes the factors of `divisor` out of this product; false where one is not among them.
  bool cancel(const Product &divisor);
};

} // namespace

template <typename List, typename Element> static bool eraseOne(List &list, const Element &element) {
  auto *found = llvm::find(list, element);
  if (found == list.end())
    return false;
  list.erase(found);
  return true;
}

bool Product::cancel(const Product &divisor) {
  return llvm::all_of(divisor.extents, [&](const Extent &extent) { return eraseOne(extents, extent); }) &&
         llvm::all_of(divisor.numbers, [&](Value number) { return eraseOne(numbers, number); });
}

/// The extent that `value` is, as far back as can be seen.
static std::optional<Extent> getExtent(Value value) {
  Operation *op = value.getDefiningOp();
  std::optional<int64_t> dim;
  if (auto of = dyn_cast_if_present<memref::DimOp>(op))
    dim = of.getConstantIndex();
  else if (auto of = dyn_cast_if_present<tensor::DimOp>(op))
    dim = of.getConstantIndex();
  if (!dim)
    return std::nullopt;
  Extent extent{op->getOperand(0), *dim};
  while (ShapedType::isDynamic(cast<ShapedType>(extent.shaped.getType()).getDimSize(extent.dim))) {
    std::optional<Extent> before = follow(extent.shaped, extent.dim);
    if (!before)
      break;
    extent = *before;
  }
  return extent;
}

/// The axes that the reshape before it merges to this one; none of other extents.
static SmallVector<int64_t, 2> getMergedAxes(const Extent &extent) {
  Operation *op = extent.shaped.getDefiningOp();
  if (auto collapse = dyn_cast_if_present<memref::CollapseShapeOp>(op))
    return collapse.getReassociationIndices()[extent.dim];
  if (auto collapse = dyn_cast_if_present<tensor::CollapseShapeOp>(op))
    return collapse.getReassociationIndices()[extent.dim];
  return {};
}

/// The factors of `value`; nullopt where they are too many, or too large.
static std::optional<Product> factorize(Value value) {
  constexpr size_t mostFactors = 256;
  Product product;
  SmallVector<Value> open{value};
  SmallVector<Extent> merged;
  auto addExtent = [&](Extent extent) {
    int64_t known = cast<ShapedType>(extent.shaped.getType()).getDimSize(extent.dim);
    if (!ShapedType::isDynamic(known))
      return product *= known;
    if (SmallVector<int64_t, 2> axes = getMergedAxes(extent); !axes.empty()) {
      for (int64_t axis : axes)
        merged.push_back({extent.shaped.getDefiningOp()->getOperand(0), axis});
      return true;
    }
    auto result = dyn_cast<OpResult>(extent.shaped);
    Type type = extent.shaped.getType();
    OpFoldResult size = result ? findSize(result.getOwner(), cast<ShapedType>(type), extent.dim) : OpFoldResult();
    if (auto number = dyn_cast_if_present<Value>(size))
      open.push_back(number);
    else
      product.extents.push_back(extent);
    return true;
  };
  while (!open.empty() || !merged.empty()) {
    if (open.size() + merged.size() + product.extents.size() + product.numbers.size() > mostFactors)
      return std::nullopt;
    if (!merged.empty()) {
      Extent extent = merged.pop_back_val();
      for (auto before = follow(extent.shaped, extent.dim); before; before = follow(extent.shaped, extent.dim))
        extent = *before;
      if (!addExtent(extent))
        return std::nullopt;
      continue;
    }
    Value factor = open.pop_back_val();
    if (auto multiplied = factor.getDefiningOp<arith::MulIOp>()) {
      open.append({multiplied.getLhs(), multiplied.getRhs()});
    } else if (std::optional<int64_t> constant = getConstantIntValue(factor)) {
      if (*constant < 0 || !(product *= *constant))
        return std::nullopt;
    } else if (std::optional<Extent> extent = getExtent(factor)) {
      if (!addExtent(*extent))
        return std::nullopt;
    } else {
      product.numbers.push_back(factor);
    }
  }
  return product;
}

FailureOr<ExtentInterval> SizeExpressions::rebuildCancelled(Operation *op, OpBuilder &builder) {
  if (!op->getResult(0).getType().isIndex())
    return ExtentInterval();
  Value divisor = op->getOperand(1);
  if (auto atLeast = divisor.getDefiningOp<arith::MaxSIOp>(); atLeast && matchPattern(atLeast.getRhs(), m_One()))
    divisor = atLeast.getLhs(); // not 0
  std::optional<Product> product = factorize(op->getOperand(0)), divisors = factorize(divisor);
  if (!product || !divisors || divisors->constant == 0 || !product->cancel(*divisors))
    return ExtentInterval();
  Location loc = op->getLoc();
  auto constant = [&](int64_t value) { return arith::ConstantIndexOp::create(builder, loc, value).getResult(); };
  int64_t common = std::gcd(product->constant, divisors->constant);
  ExtentInterval quotient(constant(product->constant / common));
  auto multiply = [&](FailureOr<ExtentInterval> factor) {
    if (succeeded(factor))
      quotient = multiplyExtents(loc, quotient, *factor, builder);
    return succeeded(factor);
  };
  for (const Extent &extent : product->extents)
    if (!multiply(rebuildExtent(extent.shaped, extent.dim, builder)))
      return failure();
  for (Value number : product->numbers)
    if (!multiply(rebuild(number, builder)))
      return failure();
  Value upper = builder.createOrFold<arith::DivSIOp>(loc, quotient.upper, constant(divisors->constant / common));
  // Nothing is left where the divisor is 0.
  return ExtentInterval(constant(0), upper);
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
