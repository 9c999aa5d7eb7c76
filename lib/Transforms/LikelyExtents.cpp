// Folds the arithmetic that makes extents of those of arguments, for one usual input.
#include "lib/Transforms/LikelyExtents.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace nnc {

static constexpr int64_t usualBatch = 1, usualExtent = 224;

/// Images of a batch have four dimensions or more; an image alone may have three.
static int64_t getUsualExtent(BlockArgument argument, int64_t dim) {
  return dim == 0 && cast<ShapedType>(argument.getType()).getRank() > 3 ? usualBatch : usualExtent;
}

LikelyExtents::LikelyExtents(func::FuncOp function)
    : builder(OpBuilder::atBlockBegin(&function.getBody().front())),
      sizes(
          function,
          [](OpBuilder &builder, BlockArgument argument, int64_t dim) -> Value {
            return arith::ConstantIndexOp::create(builder, argument.getLoc(), getUsualExtent(argument, dim));
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
