// Folds the arithmetic that makes extents of those of arguments, for one usual input.
#include "lib/Transforms/LikelyExtents.h"

#include "lib/Transforms/ExtentFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace nnc {

static constexpr int64_t usualBatch = 1, usualExtent = 224, mostUsual = 1024;
/// How many operations are folded to find an extent that fits, about.
static constexpr int64_t mostFolds = 1 << 20;
static constexpr StringLiteral likelyExtent = "nnc.likely_extent";

/// Extent `dim` of `argument` where images have `extent`. Images of a batch have four dimensions or more; an image
/// alone may have three.
static int64_t getUsualExtent(BlockArgument argument, int64_t dim, int64_t extent) {
  return dim == 0 && cast<ShapedType>(argument.getType()).getRank() > 3 ? usualBatch : extent;
}

/// What `fits` returns for `extents`, its arguments; none where folding does not tell. Operations that have operands which
/// are not known stay as they are: folding would change some of them in place, for these extents alone.
static std::optional<bool> doFit(func::FuncOp fits, const DenseMap<Value, Attribute> &extents) {
  DenseMap<Value, Attribute> known = extents;
  for (Operation &op : fits.getBody().front().without_terminator()) {
    SmallVector<Attribute> operands = llvm::map_to_vector(op.getOperands(), [&](Value value) { return known[value]; });
    SmallVector<OpFoldResult> results;
    if (llvm::is_contained(operands, Attribute()) || failed(op.fold(operands, results)))
      continue;
    for (auto [result, folded] : llvm::zip(op.getResults(), results))
      known[result] = isa<Attribute>(folded) ? cast<Attribute>(folded) : known[cast<Value>(folded)];
  }
  auto holds = dyn_cast_or_null<IntegerAttr>(known[fits.getBody().front().getTerminator()->getOperand(0)]);
  return holds ? std::optional<bool>(holds.getValue().isOne()) : std::nullopt;
}

void recordLikelyExtent(func::FuncOp main, func::FuncOp fits) {
  struct Place {
    Value extent; ///< an argument of `fits`
    BlockArgument argument;
    int64_t dim;
  };
  SmallVector<Place> places;
  for (BlockArgument argument : main.getArguments())
    if (auto type = dyn_cast<ShapedType>(argument.getType()); type && type.hasRank())
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        if (type.isDynamicDim(dim))
          if (Value extent = getExtentArgument(fits, main, argument, dim))
            places.push_back({extent, argument, dim});
  Builder builder(main.getContext());
  int64_t cost = static_cast<int64_t>(places.size() + fits.getBody().front().getOperations().size());
  int64_t tries = std::min(2 * mostUsual, std::max<int64_t>(1, mostFolds / cost));
  for (int64_t number = 0; number < tries; ++number) {
    // 224, 223, 225, 222, ...
    int64_t distance = llvm::divideCeil(number, 2);
    int64_t extent = number % 2 ? usualExtent - distance : usualExtent + distance;
    if (extent < 1)
      continue;
    DenseMap<Value, Attribute> extents;
    for (const Place &place : places)
      extents[place.extent] = builder.getIndexAttr(getUsualExtent(place.argument, place.dim, extent));
    std::optional<bool> holds = doFit(fits, extents);
    if (holds.value_or(true)) {
      if (holds)
        main->setAttr(likelyExtent, builder.getI64IntegerAttr(extent));
      return;
    }
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
