// Normalisation of linalg.generic: order of loops, unit extents, merging.
#include "lib/Conversion/LinalgToVector/LoopNest.h"

#include "lib/Codegen/Loops.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

std::optional<int64_t> LoopNest::getStaticExtent(int64_t loop) const { return getStatic(extents[loop]); }

bool LoopNest::isEmpty() const {
  return llvm::any_of(extents, [](OpFoldResult extent) { return getStatic(extent) == 0; });
}

SmallVector<LoopOperand *> LoopNest::getOperands() {
  SmallVector<LoopOperand *> operands;
  for (LoopOperand &operand : inputs)
    operands.push_back(&operand);
  for (LoopOperand &operand : outputs)
    operands.push_back(&operand);
  return operands;
}

bool isContiguous(Value memref) {
  auto type = cast<MemRefType>(memref.getType());
  return type.getRank() > 0 && type.isLastDimUnitStride();
}

Access getAccess(const LoopOperand &operand, int64_t loop) {
  if (operand.isScalar() || llvm::none_of(operand.indices, [&](AffineExpr e) { return e.isFunctionOfDim(loop); }))
    return Access::Invariant;
  for (AffineExpr expr : ArrayRef(operand.indices).drop_back())
    if (expr.isFunctionOfDim(loop))
      return Access::Scattered;
  AffineExpr last = operand.indices.back(), dim = getAffineDimExpr(loop, last.getContext());
  AffineExpr difference = simplifyAffineExpr(last.replace(dim, dim + 1) - last, loop + 64, 0);
  auto step = dyn_cast<AffineConstantExpr>(difference);
  return step && step.getValue() == 1 && isContiguous(operand.value) ? Access::Contiguous : Access::Scattered;
}

//===----------------------------------------------------------------------===//
// Order of loops
//===----------------------------------------------------------------------===//

/// Parallel loops in the order of the first output's dimensions, then the rest.
static SmallVector<int64_t> orderLoops(linalg::GenericOp op) {
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  llvm::SetVector<int64_t> order;
  if (op.getNumDpsInits())
    for (AffineExpr expr : op.getMatchingIndexingMap(op.getDpsInitOperand(0)).getResults())
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        if (iterators[dim.getPosition()] == utils::IteratorType::parallel)
          order.insert(dim.getPosition());
  for (auto type : {utils::IteratorType::parallel, utils::IteratorType::reduction})
    for (int64_t loop = 0; loop < op.getNumLoops(); ++loop)
      if (iterators[loop] == type)
        order.insert(loop);
  return order.takeVector();
}

static bool isUnitDimension(const LoopOperand &operand, int64_t position) {
  auto constant = dyn_cast<AffineConstantExpr>(operand.indices[position]);
  return constant && constant.getValue() == 0 &&
         cast<MemRefType>(operand.value.getType()).getDimSize(position) == 1;
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

/// The dimension of the memref that `loop`, and nothing else, walks along; -1 where there is none.
static int64_t findPlainDimension(const LoopOperand &operand, int64_t loop) {
  int64_t found = -1;
  for (auto [position, expr] : llvm::enumerate(operand.indices)) {
    if (!expr.isFunctionOfDim(loop))
      continue;
    if (found >= 0 || !isa<AffineDimExpr>(expr))
      return -1;
    found = position;
  }
  return found;
}

/// True where dimension `inner` of `type` follows `outer` without a gap.
static bool followsWithoutGap(MemRefType type, int64_t outer, int64_t inner) {
  if (type.getLayout().isIdentity())
    return true;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)) || type.isDynamicDim(inner))
    return false;
  return !ShapedType::isDynamic(strides[outer]) && !ShapedType::isDynamic(strides[inner]) &&
         strides[outer] == strides[inner] * type.getDimSize(inner);
}

/// True where loops `loop` and `loop + 1` are one loop as far as `operand` is concerned.
static bool canMerge(const LoopOperand &operand, int64_t loop) {
  if (operand.isScalar() || (getAccess(operand, loop) == Access::Invariant &&
                             getAccess(operand, loop + 1) == Access::Invariant))
    return true;
  int64_t outer = findPlainDimension(operand, loop), inner = findPlainDimension(operand, loop + 1);
  if (outer < 0 || inner <= outer)
    return false;
  for (int64_t between = outer + 1; between < inner; ++between)
    if (!isUnitDimension(operand, between))
      return false;
  auto type = cast<MemRefType>(operand.value.getType());
  return followsWithoutGap(type, outer, inner);
}

/// The groups of dimensions of `operand` that become one when loops `merged[i]` and i + 1 do; unit
/// dimensions join a neighbour.
static SmallVector<ReassociationIndices> getGroups(const LoopOperand &operand, ArrayRef<bool> merged) {
  SmallVector<ReassociationIndices> groups;
  bool hasOwner = false;
  int64_t lastLoop = -2;
  for (int64_t position = 0, rank = operand.indices.size(); position < rank; ++position) {
    if (isUnitDimension(operand, position)) {
      if (groups.empty())
        groups.emplace_back();
      groups.back().push_back(position);
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(operand.indices[position]);
    int64_t loop = dim ? dim.getPosition() : -2;
    bool joins = hasOwner && dim && loop == lastLoop + 1 && lastLoop >= 0 && merged[lastLoop];
    if (groups.empty() || (hasOwner && !joins))
      groups.emplace_back();
    groups.back().push_back(position);
    hasOwner = true;
    lastLoop = loop;
  }
  return hasOwner ? groups : SmallVector<ReassociationIndices>();
}

/// Collapses `operand` by its groups; the indices become those of the last loop of each merged run.
static void collapse(OpBuilder &builder, Location loc, LoopOperand &operand,
                     ArrayRef<ReassociationIndices> groups) {
  SmallVector<AffineExpr> indices;
  for (const ReassociationIndices &group : groups) {
    AffineExpr index = builder.getAffineConstantExpr(0);
    for (int64_t position : group)
      if (!isUnitDimension(operand, position))
        index = operand.indices[position];
    indices.push_back(index);
  }
  operand.value = memref::CollapseShapeOp::create(builder, loc, operand.value, groups);
  operand.indices = indices;
}

/// Merges neighbouring loops and drops unit dimensions of memrefs.
static void mergeLoops(OpBuilder &builder, LoopNest &nest) {
  int64_t loops = nest.getNumLoops();
  SmallVector<bool> merged(loops, false);
  auto isNamed = [&](int64_t loop) {
    return llvm::any_of(nest.sourceIndices, [&](AffineExpr e) { return e && e.isFunctionOfDim(loop); });
  };
  for (int64_t loop = 0; loop + 1 < loops; ++loop)
    merged[loop] = nest.isReduction[loop] == nest.isReduction[loop + 1] && !isNamed(loop) && !isNamed(loop + 1) &&
                   llvm::all_of(nest.getOperands(), [&](LoopOperand *operand) { return canMerge(*operand, loop); });
  auto isCollapsible = [&](const LoopOperand &operand) {
    return operand.isScalar() || memref::CollapseShapeOp::isGuaranteedCollapsible(
                                     cast<MemRefType>(operand.value.getType()), getGroups(operand, merged));
  };
  if (!llvm::all_of(nest.getOperands(), [&](LoopOperand *operand) { return isCollapsible(*operand); }))
    merged.assign(loops, false);
  for (LoopOperand *operand : nest.getOperands()) {
    if (operand->isScalar() || !isCollapsible(*operand))
      continue;
    SmallVector<ReassociationIndices> groups = getGroups(*operand, merged);
    if (groups.size() < operand->indices.size())
      collapse(builder, nest.loc, *operand, groups);
  }
  // Renumber: a run becomes its last loop.
  Index index(builder, nest.loc);
  SmallVector<AffineExpr> renumbered(loops);
  SmallVector<OpFoldResult> extents;
  SmallVector<bool> isReduction;
  OpFoldResult extent = index.fold(1);
  for (int64_t loop = 0; loop < loops; ++loop) {
    extent = index.mul(extent, nest.extents[loop]);
    renumbered[loop] = builder.getAffineDimExpr(extents.size());
    if (merged[loop])
      continue;
    extents.push_back(extent);
    isReduction.push_back(nest.isReduction[loop]);
    extent = index.fold(1);
  }
  auto renumber = [&](AffineExpr &expr) {
    if (expr)
      expr = expr.replaceDimsAndSymbols(renumbered, {});
  };
  for (LoopOperand *operand : nest.getOperands())
    llvm::for_each(operand->indices, renumber);
  llvm::for_each(nest.sourceIndices, renumber);
  nest.extents = extents;
  nest.isReduction = isReduction;
}

//===----------------------------------------------------------------------===//
// Construction
//===----------------------------------------------------------------------===//

LoopNest LoopNest::get(OpBuilder &builder, linalg::GenericOp op) {
  LoopNest nest{op.getLoc(), op.getBody(), {}, {}, {}, {}, {}};
  SmallVector<int64_t> order = orderLoops(op), known = op.getStaticLoopRanges();
  SmallVector<Range, 4> ranges = cast<linalg::LinalgOp>(op.getOperation()).createLoopRanges(builder, op.getLoc());
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  SmallVector<AffineExpr> replacements(order.size());
  for (int64_t loop : order) {
    if (known[loop] == 1) {
      replacements[loop] = builder.getAffineConstantExpr(0);
      continue;
    }
    replacements[loop] = builder.getAffineDimExpr(nest.extents.size());
    nest.extents.push_back(ShapedType::isDynamic(known[loop]) ? ranges[loop].size
                                                              : OpFoldResult(builder.getIndexAttr(known[loop])));
    nest.isReduction.push_back(iterators[loop] == utils::IteratorType::reduction);
  }
  auto makeOperand = [&](OpOperand &operand) {
    LoopOperand made{operand.get(), {}};
    if (!made.isScalar())
      for (AffineExpr expr : op.getMatchingIndexingMap(&operand).getResults())
        made.indices.push_back(
            simplifyAffineExpr(expr.replaceDimsAndSymbols(replacements, {}), nest.extents.size(), 0));
    return made;
  };
  for (OpOperand *operand : op.getDpsInputOperands())
    nest.inputs.push_back(makeOperand(*operand));
  for (OpOperand &operand : op.getDpsInitsMutable())
    nest.outputs.push_back(makeOperand(operand));
  // Only loops whose index the body reads keep an identity of their own.
  nest.sourceIndices.resize(order.size());
  op.getBody()->walk([&](linalg::IndexOp index) { nest.sourceIndices[index.getDim()] = replacements[index.getDim()]; });
  mergeLoops(builder, nest);
  return nest;
}

} // namespace nnc
