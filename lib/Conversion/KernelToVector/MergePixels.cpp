// Convolutions that read one pixel for each result do not care where rows end.
//
// With run-time extents a row may be shorter than a register tile, or a little longer; of all rows together little is
// left over by full tiles. With static extents rows stay: they are cut into tiles of their own length.
#include "lib/Conversion/KernelToVector/KernelToVector.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

/// Of a value with dimensions `first` to `first + count - 1` for the pixels' positions: they become one.
static FailureOr<SmallVector<ReassociationIndices>> getGroups(Value value, int64_t first, int64_t count) {
  auto type = cast<MemRefType>(value.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (dim > first && dim < first + count)
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  }
  if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
    return failure();
  return groups;
}

/// How an operand of the epilogue is read once dimensions 1 to `spatial` of the results are one.
struct MergedOperand {
  std::optional<SmallVector<ReassociationIndices>> groups; ///< where it has an element for each pixel
  AffineMap map;
};

static FailureOr<MergedOperand> mergeOperand(Value operand, AffineMap map, int64_t spatial) {
  auto isSpatial = [&](AffineExpr expression) {
    auto dim = dyn_cast<AffineDimExpr>(expression);
    return dim && dim.getPosition() >= 1 && static_cast<int64_t>(dim.getPosition()) <= spatial;
  };
  MergedOperand merged;
  SmallVector<AffineExpr> results;
  for (auto [place, expression] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expression);
    if (!isSpatial(expression)) {
      bool isChannel = dim && static_cast<int64_t>(dim.getPosition()) > spatial;
      results.push_back(isChannel ? getAffineDimExpr(2, map.getContext()) : expression);
      continue;
    }
    if (dim.getPosition() > 1) {
      bool follows = place > 0 && map.getResult(place - 1) == getAffineDimExpr(dim.getPosition() - 1, map.getContext());
      if (!follows)
        return failure();
      continue;
    }
    FailureOr<SmallVector<ReassociationIndices>> groups = getGroups(operand, place, spatial);
    if (merged.groups || llvm::count_if(map.getResults(), isSpatial) != spatial || failed(groups))
      return failure();
    merged.groups = *groups;
    results.push_back(expression);
  }
  if (!merged.groups && llvm::any_of(map.getResults(), isSpatial))
    return failure();
  merged.map = AffineMap::get(3, 0, results, map.getContext());
  return merged;
}

/// Whether result i reads input i alone, and where rows end is not known.
static bool canMerge(kernel::ConvOp op) {
  auto input = cast<MemRefType>(op.getInput().getType()), init = cast<MemRefType>(op.getInit().getType());
  int64_t spatial = input.getRank() - 2;
  auto areAll = [](ArrayRef<int64_t> values, int64_t value) {
    return llvm::all_of(values, [value](int64_t other) { return other == value; });
  };
  return spatial > 1 && !op.getTransposed() &&
         areAll(cast<MemRefType>(op.getFilter().getType()).getShape().slice(2, spatial), 1) &&
         areAll(op.getStrides(), 1) && areAll(op.getPadsBegin(), 0) && areAll(op.getPadsEnd(), 0) &&
         (ShapedType::isDynamicShape(input.getShape().slice(1, spatial)) ||
          ShapedType::isDynamicShape(init.getShape().slice(1, spatial)));
}

kernel::ConvOp mergePixels(RewriterBase &rewriter, kernel::ConvOp op) {
  if (!canMerge(op))
    return {};
  Location loc = op.getLoc();
  int64_t spatial = cast<MemRefType>(op.getInput().getType()).getRank() - 2;
  SmallVector<MergedOperand> merged;
  auto maps = op.getEpilogueMaps().getAsValueRange<AffineMapAttr>();
  for (auto [operand, map] : llvm::zip(op.getEpilogueInputs(), maps)) {
    FailureOr<MergedOperand> found = mergeOperand(operand, map, spatial);
    if (failed(found))
      return {};
    merged.push_back(*found);
  }
  auto input = getGroups(op.getInput(), 1, spatial), filter = getGroups(op.getFilter(), 2, spatial),
       init = getGroups(op.getInit(), 1, spatial);
  if (failed(input) || failed(filter) || failed(init))
    return {};
  auto collapse = [&](Value value, ArrayRef<ReassociationIndices> groups) -> Value {
    return memref::CollapseShapeOp::create(rewriter, loc, value, groups);
  };
  SmallVector<Value> operands{collapse(op.getInput(), *input), collapse(op.getFilter(), *filter)};
  SmallVector<AffineMap> newMaps;
  for (auto [operand, how] : llvm::zip(op.getEpilogueInputs(), merged)) {
    operands.push_back(how.groups ? collapse(operand, *how.groups) : operand);
    newMaps.push_back(how.map);
  }
  operands.push_back(collapse(op.getInit(), *init));
  auto one = rewriter.getDenseI64ArrayAttr({1}), zero = rewriter.getDenseI64ArrayAttr({0});
  auto line = cast<kernel::ConvOp>(rewriter.clone(*op));
  line->setOperands(operands);
  line.setStridesAttr(one);
  line.setDilationsAttr(one);
  line.setPadsBeginAttr(zero);
  line.setPadsEndAttr(zero);
  line.setEpilogueMapsAttr(rewriter.getAffineMapArrayAttr(newMaps));
  return line;
}

} // namespace nnc
