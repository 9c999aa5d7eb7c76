// TFLite operators of the selection family, and those that gather into segments.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "dialects/NN/ConstantFolding.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// The positions of what is not zero, a row for each.
static LogicalResult importWhere(OpBinder &op) {
  Value indices = op.create<nn::NonZeroOp>(op.operand(0));
  return op.result(op.cast(op.create<nn::TransposeOp>(indices, ArrayRef<int64_t>{1, 0}), op.getResultType(0)));
}

/// Distinct elements in the order in which they first occur, and the place among them of each.
static LogicalResult importUnique(OpBinder &op) {
  Value x = op.operand(0);
  (void)op.options<format::UniqueOptions>();
  if (op.failed() || op.getRank(x) != 1)
    return op.reject("its input must have one axis");
  SmallVector<Value> places = op.createAll<nn::UniqueOp>(3, x, /*axis=*/0, /*sorted=*/false);
  if (op.failed() || failed(op.result(op.create<nn::GatherOp>(x, places[0], 0))))
    return failure();
  return op.result(op.cast(places[1], op.getResultType(1)));
}

//===--- Suppression ---===//

/// A list of one f32; null where there is no operand.
static Value asRow(OpBinder &op, unsigned index) {
  Value value = op.operand(index);
  return op.create<nn::ReshapeOp>(op.cast(value, op.getBuilder().getF32Type()), op.ints({1}), /*allow_zero=*/false);
}

/// The first `count` of a list of a length that data decide, and zeros behind it.
static Value padTo(OpBinder &op, Value list, int64_t count) {
  if (op.failed())
    return {};
  Value zeros = op.create<nn::FillOp>(op.ints({count}), op.scalar(getElementTypeOrSelf(list), 0));
  if (op.failed())
    return {};
  Value longer = op.create<nn::ConcatOp>(ValueRange{list, zeros}, 0);
  return op.create<nn::ReshapeOp>(op.sliceAxis(longer, 0, 0, count), op.ints({count}), /*allow_zero=*/true);
}

/// The chosen boxes, as many as there may be, with zeros behind them, and how many there are. A box is left out where it
/// overlaps as much as the threshold; with scores, these come too.
template <bool withScores> static LogicalResult importNonMaxSuppression(OpBinder &op) {
  Expression boxes(op, op.operand(0)), scores(op, op.operand(1));
  int64_t most = op.constantInt(2);
  Value score = asRow(op, 4), overlap = asRow(op, 3);
  if (withScores && !op.failed()) {
    auto sigma = nn::getConstantFloats(op.operand(5));
    if (op.failed() || !sigma || sigma->size() != 1 || sigma->front() != 0)
      return op.reject("scores that sink with the overlap (a sigma that is not 0, or not known) are not supported");
  }
  auto limit = op.failed() ? std::nullopt : nn::getConstantFloats(overlap);
  if (op.failed() || !limit || limit->size() != 1 || most < 0 || most > (1 << 20))
    return op.reject("how many boxes it gives, and how much they may overlap, must be known at compile time");
  overlap = op.floats({1}, {std::nextafter(static_cast<float>(limit->front()), -std::numeric_limits<float>::infinity())});
  Value rows = op.create<nn::NonMaxSuppressionOp>(boxes.unsqueeze({0}), scores.unsqueeze({0, 1}), op.ints({most}),
                                                  overlap, score, /*center_point_box=*/false);
  Value chosen = op.create<nn::SqueezeOp>(op.sliceAxis(rows, 1, 2, 3), ArrayRef<int64_t>{1});
  Value count = op.create<nn::SqueezeOp>(op.create<nn::ShapeOp>(rows, 0, 1), ArrayRef<int64_t>{0});
  if (op.failed() || failed(op.result(op.cast(padTo(op, chosen, most), op.getResultType(0)))))
    return failure();
  if (withScores && failed(op.result(padTo(op, op.create<nn::GatherOp>(scores, chosen, 0), most))))
    return failure();
  return op.result(op.cast(count, op.getResultType(withScores ? 2 : 1)));
}

//===--- Segments ---===//

/// The element that a reduction begins with.
static Value makeNeutral(OpBinder &op, Type type, nn::ScatterReduction kind) {
  double limit = std::numeric_limits<float>::max();
  if (auto integer = dyn_cast<IntegerType>(type))
    limit = std::ldexp(1.0, integer.getWidth() - 1);
  switch (kind) {
  case nn::ScatterReduction::Max:
    return op.scalar(type, -limit);
  case nn::ScatterReduction::Min:
    return op.scalar(type, isa<FloatType>(type) ? limit : limit - 1);
  default:
    return op.scalar(type, kind == nn::ScatterReduction::Mul ? 1 : 0);
  }
}

/// Slices of `data` meet in the slices of the result that `segments` names; those of negative numbers are left out.
static LogicalResult reduceSegments(OpBinder &op, Value data, Value segments, int64_t count, nn::ScatterReduction kind) {
  if (op.failed())
    return failure();
  Type type = getElementTypeOrSelf(data);
  int64_t rank = op.getRank(data), depth = op.getRank(segments);
  if (count < 0 || count > INT32_MAX || depth > rank || !op.getType(data).hasStaticShape() ||
      (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() > 32))
    return op.reject("its extents must be known at compile time, and its elements have at most 32 bits");
  SmallVector<int64_t> shape{count + 1};
  llvm::append_range(shape, op.getShape(data).drop_front(depth));
  Value start = op.create<nn::FillOp>(op.ints(shape), makeNeutral(op, type, kind));
  Expression indices = Expression(op, segments).cast(op.getBuilder().getI64Type());
  indices = (indices < 0.0).choose(indices.like(count), indices).unsqueeze({depth});
  Value all = op.create<nn::ScatterNDOp>(start, indices, data, kind);
  return op.result(op.sliceAxis(all, 0, 0, count));
}

template <nn::ScatterReduction kind> static LogicalResult importUnsortedSegment(OpBinder &op) {
  Value data = op.operand(0), segments = op.operand(1);
  return reduceSegments(op, data, segments, op.constantInt(2), kind);
}

/// The last of the numbers, which ascend, says how many segments there are.
static LogicalResult importSegmentSum(OpBinder &op) {
  Value data = op.operand(0), segments = op.operand(1);
  SmallVector<int64_t> numbers = op.constantInts(1);
  if (op.failed() || !llvm::is_sorted(numbers) || (!numbers.empty() && numbers.front() < 0))
    return op.reject("the numbers of its segments must be known at compile time and ascend");
  return reduceSegments(op, data, segments, numbers.empty() ? 0 : numbers.back() + 1, nn::ScatterReduction::Add);
}

//===--- Tables ---===//

/// A dense tensor with some elements given by their positions.
static LogicalResult importSparseToDense(OpBinder &op) {
  Expression indices(op, op.operand(0)), shape(op, op.indexList(1)), values(op, op.operand(2)), rest(op, op.operand(3));
  if (op.failed())
    return failure();
  (void)op.options<format::SparseToDenseOptions>();
  indices = indices.cast(op.getBuilder().getI64Type());
  if (indices.getRank() == 0)
    indices = indices.unsqueeze({0, 1});
  else if (indices.getRank() == 1)
    indices = indices.unsqueeze({1});
  if (op.failed() || indices.getRank() != 2 || values.getRank() > 1)
    return op.reject("its indices have more than two axes, or its values more than one");
  values = values.broadcast(indices.extent(0));
  Value dense = op.create<nn::FillOp>(shape, rest);
  return op.result(op.create<nn::ScatterNDOp>(dense, indices, values, nn::ScatterReduction::None));
}

/// The rows of a table whose keys are looked for, zeros where there is none, and whether there is.
static LogicalResult importHashtableLookup(OpBinder &op) {
  Expression wanted(op, op.operand(0)), keys(op, op.operand(1)), rows(op, op.operand(2));
  if (op.failed() || wanted.getRank() != 1 || keys.getRank() != 1 || rows.getRank() < 1)
    return op.reject("what it looks for and its keys must have one axis");
  Type i32 = op.getBuilder().getI32Type();
  Expression equal = wanted.unsqueeze({1}).equals(keys.unsqueeze({0})).cast(i32);
  Expression found = equal.reduce(nn::ReductionKind::Max, {1}, /*keepdims=*/false).cast(op.getBuilder().getI1Type());
  Expression place(op, op.create<nn::ArgReduceOp>(equal, 1, /*keepdims=*/false, /*min=*/false, /*last=*/false));
  Expression values = rows.gather(place, 0), hit = found;
  if (rows.getRank() > 1)
    hit = hit.unsqueeze(llvm::to_vector(llvm::seq<int64_t>(1, rows.getRank())));
  if (op.failed() || failed(op.result(hit.choose(values, values.like(0)))))
    return failure();
  return op.result(op.cast(found, op.getResultType(1)));
}

/// How many of the boundaries, which ascend, are not above each element.
static LogicalResult importBucketize(OpBinder &op) {
  Value x = op.operand(0);
  const auto *given = op.options<format::BucketizeOptions>().boundaries();
  if (op.failed())
    return failure();
  std::vector<float> boundaries;
  if (given)
    boundaries.assign(given->begin(), given->end());
  if (!llvm::is_sorted(boundaries) || llvm::any_of(boundaries, [](float limit) { return std::isnan(limit); }))
    return op.reject("its boundaries do not ascend");
  Type type = getElementTypeOrSelf(x);
  if (!isa<FloatType>(type))
    x = op.cast(x, op.getBuilder().getF64Type());
  Expression value = Expression(op, x).unsqueeze({op.getRank(x)});
  Expression limits(op, op.cast(op.floats({static_cast<int64_t>(boundaries.size())}, boundaries), value.getElementType()));
  // NaN is below none: its bucket is the last.
  Expression reached = (value < limits).cast(op.getBuilder().getI32Type()) * -1 + 1;
  return op.result(reached.reduce(nn::ReductionKind::Sum, {op.getRank(x)}, /*keepdims=*/false));
}

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::BUCKETIZE, importBucketize},
    {Op::HASHTABLE_LOOKUP, importHashtableLookup},
    {Op::NON_MAX_SUPPRESSION_V4, importNonMaxSuppression<false>},
    {Op::NON_MAX_SUPPRESSION_V5, importNonMaxSuppression<true>},
    {Op::SEGMENT_SUM, importSegmentSum},
    {Op::SPARSE_TO_DENSE, importSparseToDense},
    {Op::UNIQUE, importUnique},
    {Op::UNSORTED_SEGMENT_MAX, importUnsortedSegment<nn::ScatterReduction::Max>},
    {Op::UNSORTED_SEGMENT_MIN, importUnsortedSegment<nn::ScatterReduction::Min>},
    {Op::UNSORTED_SEGMENT_PROD, importUnsortedSegment<nn::ScatterReduction::Mul>},
    {Op::UNSORTED_SEGMENT_SUM, importUnsortedSegment<nn::ScatterReduction::Add>},
    {Op::WHERE, importWhere},
};

ArrayRef<OpEntry> getSelectionOps() { return table; }

} // namespace nnc::tflite
