// A loop takes one region after the other, since data may decide how many there are. Each has as many bins as the layer
// says, of an extent that data decide: all bins take one more element in each step of another loop, which ends with the
// largest bin.
#include "lib/Frontend/Import/RegionPooling.h"

#include "lib/Frontend/Import/Repetition.h"

#include <cfloat>

using namespace mlir;

namespace nnc::frontend {

Expression roundAway(Expression x) {
  Expression size = x.unary<nn::AbsOp>(), low = size.unary<nn::FloorOp>();
  return (size - low >= 0.5).choose(low + 1, low) * x.unary<nn::SignOp>();
}

Bins Bins::clamp(Expression begin, Expression end, int64_t count, Expression extent) {
  auto clampOne = [&](Expression at) { return at.max(at.like(0)).min(extent); };
  return {clampOne(begin), clampOne(end), count, extent};
}

Bins divideRegion(NodeBuilder &node, Expression first, Expression last, int64_t count, Expression extent) {
  Expression size = last - first + 1;
  size = size.max(size.like(1)) / static_cast<double>(count);
  Expression number = Expression::range(Expression::ints(node, {count})).cast(node.getBuilder().getF32Type());
  return Bins::clamp((number * size).unary<nn::FloorOp>() + first, ((number + 1) * size).unary<nn::CeilOp>() + first,
                     count, extent);
}

/// The largest number of elements of a bin, one i64.
static Expression getLargest(NodeBuilder &node, const Bins &bins) {
  Expression most = (bins.end - bins.begin).reduce(nn::ReductionKind::Max, {0, 1}, /*keepdims=*/false);
  most = most.max(most.like(0)).min(bins.extent);
  return most.cast(node.getBuilder().getI64Type()).reshape({1});
}

/// Largest elements or means of all bins, 0 of one without any: (1, rows, columns, channels).
static Expression pool(NodeBuilder &node, const RegionPool &region) {
  Type i64 = node.getBuilder().getI64Type(), f32 = node.getBuilder().getF32Type();
  const Bins &rows = region.rows, &columns = region.columns;
  if (node.failed())
    return {};
  Expression across = getLargest(node, columns), trips = getLargest(node, rows) * across;
  Expression channels = region.image.extent(node.getRank(region.image) - 1);
  Expression shape = Expression::concat(node, {Expression::ints(node, {1, rows.count, columns.count}), channels}, 0);
  double lowest = region.image.getElementType().isF64() ? -DBL_MAX : -FLT_MAX;
  Expression start = region.image.like(region.isMax ? lowest : 0).broadcast(shape);
  auto step = [&](Expression number, ArrayRef<Expression> carried) -> Iteration {
    auto place = [](const Bins &bins, Expression offset, ArrayRef<int64_t> axes) {
      Expression at = bins.begin + offset, isInside = at < bins.end;
      return std::pair(at.min(bins.extent - 1).unsqueeze(axes), isInside.unsqueeze(axes));
    };
    auto [y, isRow] = place(rows, (number / across).cast(f32), {2});
    auto [x, isColumn] = place(columns, number.unary<nn::ModOp>(Value(across), /*fmod=*/false).cast(f32), {1});
    Expression zero = y * 0 + x * 0; // of the shape of all bins
    SmallVector<Expression> parts(region.leading);
    parts.push_back(y);
    parts.push_back(x);
    for (Expression &part : parts)
      part = (zero + part).cast(i64).unsqueeze({3});
    Expression index = Expression::concat(node, parts, 3);
    Expression element(node, node.create<nn::GatherNDOp>(region.image, index, /*batch_dims=*/0));
    if (node.failed())
      return {};
    Expression before = carried.front(), next = region.isMax ? before.max(element) : before + element;
    return {{(isRow & isColumn).unsqueeze({3}).choose(next, before)}, {}};
  };
  SmallVector<Expression> results = repeat(node, trips, {start}, step);
  if (node.failed())
    return {};
  auto measure = [](const Bins &bins, int64_t axis) { return (bins.end - bins.begin).unsqueeze({axis, 3}); };
  Expression height = measure(rows, 2), width = measure(columns, 1);
  Expression hasAny = (height > 0) & (width > 0), area = (height * width).cast(region.image.getElementType());
  Expression result = region.isMax ? results.front() : results.front() / area.max(area.like(1));
  return hasAny.choose(result, result.like(0));
}

Expression poolRegions(NodeBuilder &node, Expression regions, llvm::function_ref<RegionPool(Expression)> describe) {
  // A sum over all regions but for the others' zeros: picking one would need a check that there are any, in each step.
  Expression numbers = Expression::range(regions.extent(0)).unsqueeze({1});
  auto step = [&](Expression number, ArrayRef<Expression>) -> Iteration {
    Expression region = numbers.equals(number).choose(regions, regions.like(0));
    region = region.reduce(nn::ReductionKind::Sum, {0}, /*keepdims=*/true);
    Expression pooled = pool(node, describe(region));
    return node.failed() ? Iteration() : Iteration{{}, {pooled.squeeze({0})}};
  };
  if (node.failed())
    return {};
  SmallVector<Expression> results = repeat(node, regions.extent(0), {}, step);
  return node.failed() || results.empty() ? Expression() : results.front().transpose({0, 3, 1, 2});
}

} // namespace nnc::frontend
