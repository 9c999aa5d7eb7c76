// Convolutions that read one pixel for each result do not care where rows end.
//
// With run-time extents a row may be shorter than a register tile, or a little longer; of all rows together little is
// left over by full tiles. With static extents rows stay: they are cut into tiles of their own length, but for tiles of one
// size (`always`).
#include "lib/Codegen/Loops.h"
#include "lib/Conversion/KernelToVector/KernelToVector.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

namespace {

/// How the dimensions for the pixels' positions become one.
struct PixelMerge {
  SmallVector<ReassociationIndices> groups;
  memref::SubViewOp rows; ///< whole rows of an image whose pixels can be merged; null where the value's own can

  Value create(OpBuilder &builder, Location loc, Value value) const;
};

} // namespace

/// Whether `rows` are all of its source but along dimensions 0 to `first`.
static bool areWholeRows(memref::SubViewOp rows, int64_t first) {
  MemRefType source = rows.getSourceType();
  auto isWhole = [&](int64_t dim) {
    OpFoldResult size = rows.getMixedSizes()[dim];
    if (!source.isDynamicDim(dim))
      return getConstantIntValue(size) == source.getDimSize(dim);
    auto value = dyn_cast<Value>(size);
    if (auto alloc = rows.getSource().getDefiningOp<memref::AllocOp>())
      return value == alloc.getDynamicSizes()[source.getDynamicDimIndex(dim)];
    if (auto view = rows.getSource().getDefiningOp<memref::ViewOp>())
      return value == view.getSizes()[source.getDynamicDimIndex(dim)];
    auto extent = value ? value.getDefiningOp<memref::DimOp>() : nullptr;
    return extent && extent.getSource() == rows.getSource() && extent.getConstantIndex() == dim;
  };
  return rows.getDroppedDims().none() && rows.hasUnitStride() &&
         llvm::all_of(llvm::seq(first + 1, source.getRank()), [&](int64_t dim) {
           return getConstantIntValue(rows.getMixedOffsets()[dim]) == 0 && isWhole(dim);
         });
}

/// Of a value with dimensions `first` to `first + count - 1` for the pixels' positions.
static FailureOr<PixelMerge> findMerge(Value value, int64_t first, int64_t count) {
  auto type = cast<MemRefType>(value.getType());
  PixelMerge merge;
  for (int64_t dim = 0; dim < type.getRank(); ++dim) {
    if (dim > first && dim < first + count)
      merge.groups.back().push_back(dim);
    else
      merge.groups.push_back({dim});
  }
  if (memref::CollapseShapeOp::isGuaranteedCollapsible(type, merge.groups))
    return merge;
  merge.rows = value.getDefiningOp<memref::SubViewOp>();
  if (merge.rows && areWholeRows(merge.rows, first) &&
      memref::CollapseShapeOp::isGuaranteedCollapsible(merge.rows.getSourceType(), merge.groups))
    return merge;
  return failure();
}

Value PixelMerge::create(OpBuilder &builder, Location loc, Value value) const {
  if (!rows)
    return memref::CollapseShapeOp::create(builder, loc, value, groups);
  Index index(builder, loc);
  SmallVector<OpFoldResult> offsets, sizes, strides(groups.size(), index.fold(1));
  auto rowOffsets = memref::SubViewOp(rows).getMixedOffsets(), rowSizes = memref::SubViewOp(rows).getMixedSizes();
  for (const ReassociationIndices &group : groups) {
    OpFoldResult offset = rowOffsets[group.front()], size = rowSizes[group.front()];
    for (int64_t dim : ArrayRef(group).drop_front()) {
      offset = index.mul(offset, rowSizes[dim]);
      size = index.mul(size, rowSizes[dim]);
    }
    offsets.push_back(offset);
    sizes.push_back(size);
  }
  Value all = memref::CollapseShapeOp::create(builder, loc, memref::SubViewOp(rows).getSource(), groups);
  return memref::SubViewOp::create(builder, loc, all, offsets, sizes, strides);
}

/// How an operand of the epilogue is read once dimensions 1 to `spatial` of the results are one.
struct MergedOperand {
  std::optional<PixelMerge> merge; ///< where it has an element for each pixel
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
    FailureOr<PixelMerge> merge = findMerge(operand, place, spatial);
    if (merged.merge || llvm::count_if(map.getResults(), isSpatial) != spatial || failed(merge))
      return failure();
    merged.merge = *merge;
    results.push_back(expression);
  }
  if (!merged.merge && llvm::any_of(map.getResults(), isSpatial))
    return failure();
  merged.map = AffineMap::get(3, 0, results, map.getContext());
  return merged;
}

/// Whether result i reads input i alone, and (unless `always`) where rows end is not known.
static bool canMerge(kernel::ConvOp op, bool always) {
  auto input = cast<MemRefType>(op.getInput().getType()), init = cast<MemRefType>(op.getInit().getType());
  int64_t spatial = input.getRank() - 2;
  auto areAll = [](ArrayRef<int64_t> values, int64_t value) {
    return llvm::all_of(values, [value](int64_t other) { return other == value; });
  };
  return spatial > 1 && !op.getTransposed() &&
         areAll(cast<MemRefType>(op.getFilter().getType()).getShape().slice(2, spatial), 1) &&
         areAll(op.getStrides(), 1) && areAll(op.getPadsBegin(), 0) && areAll(op.getPadsEnd(), 0) &&
         (always || ShapedType::isDynamicShape(input.getShape().slice(1, spatial)) ||
          ShapedType::isDynamicShape(init.getShape().slice(1, spatial)));
}

kernel::ConvOp mergePixels(RewriterBase &rewriter, kernel::ConvOp op, bool always) {
  if (!canMerge(op, always))
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
  auto input = findMerge(op.getInput(), 1, spatial), filter = findMerge(op.getFilter(), 2, spatial),
       init = findMerge(op.getInit(), 1, spatial);
  if (failed(input) || failed(filter) || failed(init))
    return {};
  SmallVector<Value> operands{input->create(rewriter, loc, op.getInput()), filter->create(rewriter, loc, op.getFilter())};
  SmallVector<AffineMap> newMaps;
  for (auto [operand, how] : llvm::zip(op.getEpilogueInputs(), merged)) {
    operands.push_back(how.merge ? how.merge->create(rewriter, loc, operand) : operand);
    newMaps.push_back(how.map);
  }
  operands.push_back(init->create(rewriter, loc, op.getInit()));
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
