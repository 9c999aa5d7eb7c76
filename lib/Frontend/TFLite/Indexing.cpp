// TFLite operators of the indexing family.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/OpTable.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// Binds indices, which nn has in i32 and i64 only.
static Value bindIndices(OpBinder &op, unsigned index) {
  Value indices = op.operand(index);
  if (!indices)
    return {};
  Type type = getElementTypeOrSelf(indices);
  return type.isInteger(32) || type.isInteger(64) ? indices : op.cast(indices, op.getBuilder().getI64Type());
}

static LogicalResult importGather(OpBinder &op) {
  Value data = op.operand(0), indices = bindIndices(op, 1);
  const auto &options = op.options<format::GatherOptions>();
  if (op.failed())
    return failure();
  int64_t axis = op.normalizeAxis(options.axis(), op.getRank(data)), batch = options.batch_dims();
  if (batch < 0)
    batch += op.getRank(indices);
  if (batch == 0)
    return op.result(op.create<nn::GatherOp>(data, indices, axis));
  if (batch < 0 || batch > op.getRank(indices) || batch != axis)
    return op.reject("batch_dims " + Twine(options.batch_dims()) + " with axis " + Twine(options.axis()) +
                     " is not supported");
  indices = op.create<nn::UnsqueezeOp>(indices, ArrayRef<int64_t>{op.getRank(indices)});
  return op.result(op.create<nn::GatherNDOp>(data, indices, batch));
}

static LogicalResult importGatherND(OpBinder &op) {
  Value data = op.operand(0), indices = bindIndices(op, 1);
  return op.result(op.create<nn::GatherNDOp>(data, indices, 0));
}

static LogicalResult importEmbeddingLookup(OpBinder &op) {
  Value indices = bindIndices(op, 0), data = op.operand(1);
  return op.result(op.create<nn::GatherOp>(data, indices, 0));
}

/// The rows of a table that a sparse list names, each times its weight, are summed into the places that the list has; they
/// are divided by the sum of the weights, or the root of the sum of their squares.
static LogicalResult importEmbeddingLookupSparse(OpBinder &op) {
  Expression ids(op, op.operand(0)), places(op, op.operand(1)), weights(op, op.operand(3)), rows(op, op.operand(4));
  SmallVector<int64_t> dense = op.constantInts(2);
  format::Combiner combiner = op.options<format::EmbeddingLookupSparseOptions>().combiner();
  if (op.failed())
    return failure();
  int64_t depth = places.getRank() == 2 ? places.getExtent(1) : 0, rank = rows.getRank();
  if (ids.getRank() != 1 || weights.getRank() != 1 || rank < 2 || depth < 2 || static_cast<int64_t>(dense.size()) != depth ||
      llvm::any_of(dense, [](int64_t extent) { return extent < 0; }) || !op.getType(rows).hasStaticShape())
    return op.reject("its lists and its table do not fit each other, or have extents that are not known at compile time");
  SmallVector<int64_t> inner = llvm::to_vector(llvm::seq<int64_t>(1, rank)), shape(ArrayRef(dense).drop_back());
  Expression factors = weights.unsqueeze(inner), where = places.slice(1, 0, depth - 1);
  auto scatter = [&](Expression values, ArrayRef<int64_t> extents) {
    SmallVector<int64_t> all(shape);
    llvm::append_range(all, extents);
    Value zeros = op.create<nn::FillOp>(op.ints(all), op.scalar(values.getElementType(), 0));
    return Expression(op, op.create<nn::ScatterNDOp>(zeros, where, values, nn::ScatterReduction::Add));
  };
  Expression sum = scatter(rows.gather(ids, 0) * factors, op.getShape(rows).drop_front());
  if (op.failed() || combiner == format::Combiner::SUM)
    return op.result(sum);
  if (combiner != format::Combiner::MEAN && combiner != format::Combiner::SQRTN)
    return op.reject("how it combines rows is not known");
  // Where the list names nothing, zeros stay as they are.
  SmallVector<int64_t> ones(rank - 1, 1);
  Expression isNamed = scatter((factors * 0.0 + 1), ones) > 0.0;
  Expression total = scatter(combiner == format::Combiner::MEAN ? factors : factors * factors, ones);
  total = combiner == format::Combiner::MEAN ? total : total.unary<nn::SqrtOp>();
  return op.result(sum / isNamed.choose(total, total.like(1)));
}

/// Updates of one element add up.
static LogicalResult importScatterND(OpBinder &op) {
  Value indices = bindIndices(op, 0), updates = op.operand(1), shape = op.indexList(2);
  if (op.failed())
    return failure();
  Value zeros = op.create<nn::FillOp>(shape, op.scalar(getElementTypeOrSelf(updates), 0));
  return op.result(op.create<nn::ScatterNDOp>(zeros, indices, updates, nn::ScatterReduction::Add));
}

static LogicalResult importFill(OpBinder &op) {
  Value shape = op.indexList(0), value = op.operand(1);
  return op.result(op.create<nn::FillOp>(shape, value));
}

static LogicalResult importRange(OpBinder &op) {
  Value start = op.operand(0), limit = op.operand(1), delta = op.operand(2);
  return op.result(op.create<nn::RangeOp>(start, limit, delta));
}

static LogicalResult importShape(OpBinder &op) {
  Value x = op.operand(0);
  return op.result(op.cast(op.create<nn::ShapeOp>(x, 0, op.getRank(x)), op.getResultType(0)));
}

static LogicalResult importRank(OpBinder &op) {
  Value x = op.operand(0);
  return op.result(op.failed() ? Value() : op.scalar(op.getBuilder().getI32Type(), op.getRank(x)));
}

/// An index that is out of range, below 0 as well, gives no element that is on.
static LogicalResult importOneHot(OpBinder &op) {
  Value indices = op.operand(0), depth = op.indexList(1), on = op.operand(2), off = op.operand(3);
  int64_t axis = op.options<format::OneHotOptions>().axis();
  if (op.failed())
    return failure();
  axis = op.normalizeAxis(axis, op.getRank(indices) + 1);
  Type type = getElementTypeOrSelf(indices);
  Value isBelow = op.create<nn::CompareOp>(indices, op.scalar(type, 0), nn::ComparePredicate::Less);
  Value behind = op.create<nn::SqueezeOp>(op.cast(depth, type), ArrayRef<int64_t>{0});
  indices = op.create<nn::WhereOp>(isBelow, behind, indices);
  off = op.create<nn::ReshapeOp>(off, op.ints({1}), /*allow_zero=*/true);
  on = op.create<nn::ReshapeOp>(on, op.ints({1}), /*allow_zero=*/true);
  if (op.failed())
    return failure();
  Value values = op.create<nn::ConcatOp>(ValueRange{off, on}, 0);
  return op.result(op.create<nn::OneHotOp>(indices, depth, values, axis));
}

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::EMBEDDING_LOOKUP, importEmbeddingLookup},
    {Op::EMBEDDING_LOOKUP_SPARSE, importEmbeddingLookupSparse},
    {Op::FILL, importFill},
    {Op::GATHER, importGather, importGather},
    {Op::GATHER_ND, importGatherND, importGatherND},
    {Op::ONE_HOT, importOneHot},
    {Op::RANGE, importRange},
    {Op::RANK, importRank, importRank},
    {Op::SCATTER_ND, importScatterND},
    {Op::SHAPE, importShape, importShape},
};

ArrayRef<OpEntry> getIndexingOps() { return table; }

} // namespace nnc::tflite
