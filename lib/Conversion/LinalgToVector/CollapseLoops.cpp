// Merges loops that are one walk through memory.
//
// Two neighbouring loops merge where every operand either uses neither or has
// both as neighbouring dimensions that are contiguous; so an element-wise
// operation on 1x7x7x3 runs over 147 elements, not over rows of 3.
#include "lib/Conversion/LinalgToVector/GenericExpansion.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

/// Position of loop `dim` among the operand's dimensions; -1 where it has none.
static int64_t findDim(AffineMap map, unsigned dim) {
  for (auto [position, result] : llvm::enumerate(map.getResults()))
    if (result == getAffineDimExpr(dim, map.getContext()))
      return position;
  return -1;
}

/// Whether loops `dim` and `dim` + 1 are one walk through `memref`.
static bool isOneWalk(Value memref, AffineMap map, unsigned dim) {
  int64_t first = findDim(map, dim), second = findDim(map, dim + 1);
  if (first < 0 && second < 0)
    return !map.isFunctionOfDim(dim) && !map.isFunctionOfDim(dim + 1);
  if (first < 0 || second != first + 1)
    return false;
  auto type = dyn_cast<MemRefType>(memref.getType());
  if (!type)
    return false;
  SmallVector<ReassociationIndices> groups;
  for (int64_t position = 0; position < type.getRank(); ++position) {
    if (position == second)
      groups.back().push_back(position);
    else
      groups.push_back({position});
  }
  return memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups);
}

static bool canMerge(linalg::GenericOp op, unsigned dim) {
  auto iterators = op.getIteratorTypesArray();
  if (iterators[dim] != iterators[dim + 1])
    return false;
  return llvm::all_of(op->getOpOperands(), [&](OpOperand &operand) {
    AffineMap map = op.getMatchingIndexingMap(&operand);
    return map.isProjectedPermutation(/*allowZeroInResults=*/true) && isOneWalk(operand.get(), map, dim);
  });
}

/// The operand with the dimensions of each group of loops merged, and its map over the groups.
static std::pair<Value, AffineMap> collapseOperand(OpBuilder &builder, Location loc, Value operand, AffineMap map,
                                                   ArrayRef<SmallVector<unsigned>> groups) {
  SmallVector<ReassociationIndices> dims;
  SmallVector<AffineExpr> exprs;
  MLIRContext *context = map.getContext();
  for (unsigned position = 0; position < map.getNumResults();) {
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(position));
    if (!dim) {
      dims.push_back({position++});
      exprs.push_back(getAffineConstantExpr(0, context));
      continue;
    }
    const auto *group =
        llvm::find_if(groups, [&](const auto &members) { return llvm::is_contained(members, dim.getPosition()); });
    ReassociationIndices merged;
    for (size_t i = 0; i < group->size(); ++i)
      merged.push_back(position++);
    dims.push_back(merged);
    exprs.push_back(getAffineDimExpr(group - groups.begin(), context));
  }
  if (dims.size() != map.getNumResults())
    operand = memref::CollapseShapeOp::create(builder, loc, operand, dims);
  return {operand, AffineMap::get(groups.size(), 0, exprs, context)};
}

linalg::GenericOp collapseLoops(RewriterBase &rewriter, linalg::GenericOp op) {
  if (op.getNumLoops() < 2 || !op.getBody()->getOps<linalg::IndexOp>().empty())
    return op;
  SmallVector<SmallVector<unsigned>> groups{{0}};
  for (unsigned dim = 0; dim + 1 < op.getNumLoops(); ++dim) {
    if (canMerge(op, dim))
      groups.back().push_back(dim + 1);
    else
      groups.push_back({dim + 1});
  }
  if (groups.size() == op.getNumLoops())
    return op;
  // A chain of merges needs all of its members contiguous with each other, which pairwise merges guarantee.
  SmallVector<Value> inputs, outputs;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    auto [value, map] = collapseOperand(rewriter, op.getLoc(), operand.get(), op.getMatchingIndexingMap(&operand), groups);
    (op.isDpsInit(&operand) ? outputs : inputs).push_back(value);
    maps.push_back(map);
  }
  SmallVector<utils::IteratorType> iterators;
  for (const auto &group : groups)
    iterators.push_back(op.getIteratorTypesArray()[group.front()]);
  auto collapsed = linalg::GenericOp::create(rewriter, op.getLoc(), inputs, outputs, maps, iterators);
  rewriter.inlineRegionBefore(op.getRegion(), collapsed.getRegion(), collapsed.getRegion().begin());
  rewriter.eraseOp(op);
  return collapsed;
}

} // namespace nnc
