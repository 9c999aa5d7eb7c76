// Folds the arithmetic that makes extents of those of arguments, for one usual input.
#include "lib/Transforms/LikelyExtents.h"

#include "lib/Transforms/ExtentFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace nnc {

static constexpr int64_t usualBatch = 1, usualExtent = 224, mostUsual = 1024;
static constexpr StringLiteral likelyExtent = "nnc.likely_extent";

/// Extent `dim` of `argument` where images have `extent`. Images of a batch have four dimensions or more; an image
/// alone may have three.
static int64_t getUsualExtent(BlockArgument argument, int64_t dim, int64_t extent) {
  return dim == 0 && cast<ShapedType>(argument.getType()).getRank() > 3 ? usualBatch : extent;
}

/// Whether `fits` returns true for `extents`, its arguments; false too where folding does not tell.
static bool doFit(func::FuncOp fits, const DenseMap<Value, Attribute> &extents) {
  DenseMap<Value, Attribute> known = extents;
  for (Operation &op : fits.getBody().front().without_terminator()) {
    SmallVector<Attribute> operands = llvm::map_to_vector(op.getOperands(), [&](Value value) { return known[value]; });
    SmallVector<OpFoldResult> results;
    if (failed(op.fold(operands, results)))
      continue;
    for (auto [result, folded] : llvm::zip(op.getResults(), results))
      known[result] = isa<Attribute>(folded) ? cast<Attribute>(folded) : known[cast<Value>(folded)];
  }
  auto holds = dyn_cast_or_null<IntegerAttr>(known[fits.getBody().front().getTerminator()->getOperand(0)]);
  return holds && holds.getValue().isOne();
}

void recordLikelyExtent(func::FuncOp main, func::FuncOp fits) {
  Builder builder(main.getContext());
  auto isLikely = [&](int64_t extent) {
    DenseMap<Value, Attribute> extents;
    for (BlockArgument argument : main.getArguments())
      if (auto type = dyn_cast<ShapedType>(argument.getType()); type && type.hasRank())
        for (int64_t dim = 0; dim < type.getRank(); ++dim)
          if (type.isDynamicDim(dim))
            if (Value place = getExtentArgument(fits, main, argument, dim))
              extents[place] = builder.getIndexAttr(getUsualExtent(argument, dim, extent));
    return doFit(fits, extents);
  };
  for (int64_t distance = 0; distance < mostUsual; ++distance)
    for (int64_t extent : {usualExtent - distance, usualExtent + distance})
      if (extent > 0 && isLikely(extent)) {
        main->setAttr(likelyExtent, builder.getI64IntegerAttr(extent));
        return;
      }
}

LikelyExtents::LikelyExtents(func::FuncOp function)
    : builder(OpBuilder::atBlockBegin(&function.getBody().front())),
      sizes(
          function,
          [function](OpBuilder &builder, BlockArgument argument, int64_t dim) -> Value {
            auto recorded = function->getAttrOfType<IntegerAttr>(likelyExtent);
            return arith::ConstantIndexOp::create(
                builder, argument.getLoc(), getUsualExtent(argument, dim, recorded ? recorded.getInt() : usualExtent));
          },
          [](OpBuilder &, BlockArgument, int64_t) { return Value(); }) {}

std::optional<int64_t> LikelyExtents::get(Value shaped, int64_t dim) {
  int64_t extent = cast<ShapedType>(shaped.getType()).getDimSize(dim);
  if (!ShapedType::isDynamic(extent))
    return extent;
  Value rebuilt = sizes.rebuildExtentQuietly(shaped, dim, builder);
  return rebuilt ? getConstantIntValue(rebuilt) : std::nullopt;
}

} // namespace nnc
