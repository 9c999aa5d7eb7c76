// Folds the arithmetic that makes extents of those of arguments, for one usual input.
#include "lib/Transforms/LikelyExtents.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;

namespace nnc {

static constexpr int64_t usualBatch = 1, usualExtent = 224;

LikelyExtents::LikelyExtents(func::FuncOp function)
    : builder(OpBuilder::atBlockBegin(&function.getBody().front())),
      sizes(
          function,
          [](OpBuilder &builder, BlockArgument argument, int64_t dim) -> Value {
            return arith::ConstantIndexOp::create(builder, argument.getLoc(), dim == 0 ? usualBatch : usualExtent);
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
