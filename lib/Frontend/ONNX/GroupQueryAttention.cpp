// GroupQueryAttention and SparseAttention of com.microsoft: causal attention with a cache of keys and values, rotations
// by position, and fewer heads of keys than of queries; of the second one each head sees some blocks of keys only.
#include "lib/Frontend/ONNX/AttentionParts.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

using namespace mlir;

namespace nnc::onnx {

namespace {

/// The operands and attributes of one node. Queries are (B, H, S, D), keys and values (B, G, S, D), those of the cache
/// (B, G, P, D).
struct GroupQueryNode {
  Expression query, keys, values, pastKeys, pastValues, lengths, total;
  Expression begins; ///< (B), how many positions of each sequence are in the cache
  /// How many rows the cache has afterwards, where it need not be those before and the new ones; else null.
  Expression capacity;
  /// Where data decide the whole length, the cache has room for all, and this is how many rows it really has; else null.
  Expression kept;
  Expression bias, sink;
  Expression blocks; ///< (H, n, n): whether queries of a block see keys of another; null: all do
  int64_t blockSize = 1;
  int64_t heads = 0, groups = 0, window = -1; ///< how many keys, its own included, a query sees; -1: all
  bool isCausal = true, hasSmoothSoftmax = false;
  double scale = 0, softcap = 0;
};

} // namespace

/// Attributes and operands of what is not supported.
static LogicalResult checkGroupQuery(NodeBinder &node) {
  for (StringRef quantized : {"k_quant_type", "v_quant_type"})
    if (node.stringAttr(quantized, "NONE") != "NONE")
      return node.reject("caches that are quantised are not supported");
  if (node.intAttr("kv_cache_bit_width", 0) || node.optionalOperand(12) || node.optionalOperand(13))
    return node.reject("caches that are quantised are not supported");
  if (node.intAttr("sliding_window_cache", 0))
    return node.reject("caches as long as the window are not supported");
  if (node.intAttr("qk_output", 0) > 0 || node.wantsResult(3))
    return node.reject("scores as an output are not supported");
  if (node.optionalOperand(16))
    return node.reject("padded chunks of queries are not supported");
  return success(!node.failed());
}

/// Queries, keys and values (B, S, heads * D), or all in one, as heads.
static LogicalResult splitOperands(NodeBinder &node, GroupQueryNode &read) {
  int64_t heads = read.heads, groups = read.groups;
  if (!read.keys != !read.values)
    return node.reject("keys and values must come together");
  if (read.query.getRank() != 3 || (read.keys && (read.keys.getRank() != 3 || read.values.getRank() != 3)))
    return node.reject("queries, keys and values must have 3 dimensions");
  if (!read.keys) {
    int64_t columns = read.query.getExtent(2), all = heads + 2 * groups;
    if (ShapedType::isDynamic(columns) || columns % all)
      return node.reject("what holds queries, keys and values must be known to hold all heads");
    int64_t size = columns / all;
    Expression packed = read.query;
    read.query = packed.slice(2, 0, heads * size);
    read.keys = packed.slice(2, heads * size, (heads + groups) * size);
    read.values = packed.slice(2, (heads + groups) * size, columns);
  }
  read.query = splitHeads(read.query, heads);
  read.keys = splitHeads(read.keys, groups);
  read.values = splitHeads(read.values, groups);
  return success(!node.failed());
}

/// The norm of each head, where the node has weights for it.
static LogicalResult normalizeHeads(NodeBinder &node, GroupQueryNode &read) {
  double shared = node.floatAttr("qk_norm_epsilon", 1e-6);
  double epsilons[] = {node.floatAttr("q_norm_epsilon", shared), node.floatAttr("k_norm_epsilon", shared)};
  Expression *parts[] = {&read.query, &read.keys};
  for (unsigned i = 0; i < 2; ++i)
    if (Value weights = node.optionalOperand(14 + i); weights && !node.failed())
      *parts[i] = {node, node.create<nn::RmsNormOp>(*parts[i], weights, 3, APFloat(static_cast<float>(epsilons[i])))};
  return success(!node.failed());
}

/// The caches of cosines and sines are the operand `first` and the next one.
static LogicalResult rotateHeads(NodeBinder &node, GroupQueryNode &read, unsigned first, Expression positions) {
  bool isInterleaved = node.intAttr("rotary_interleaved", 0), isRotated = node.intAttr("do_rotary", 0);
  Expression cosines(node, node.optionalOperand(first)), sines(node, node.optionalOperand(first + 1));
  if (!isRotated)
    return success(!node.failed());
  if (!cosines || !sines || cosines.getRank() != 2 || sines.getRank() != 2 ||
      ShapedType::isDynamic(cosines.getExtent(1)) || (positions && positions.getRank() != 2))
    return node.reject("rotations need caches of cosines and sines whose width is known, and positions (batch, sequence)");
  if (!positions)
    positions = read.begins.unsqueeze({1}) + Expression::range(read.query.extent(2));
  Expression cosine = cosines.gather(positions, 0).unsqueeze({1}), sine = sines.gather(positions, 0).unsqueeze({1});
  int64_t size = 2 * cosines.getExtent(1);
  read.query = rotate(node, read.query, cosine, sine, size, isInterleaved);
  read.keys = rotate(node, read.keys, cosine, sine, size, isInterleaved);
  return success(!node.failed());
}

/// What both operators begin with.
static LogicalResult readHeads(NodeBinder &node, GroupQueryNode &read) {
  read.query = {node, node.operand(0)};
  read.keys = {node, node.optionalOperand(1)};
  read.values = {node, node.optionalOperand(2)};
  read.pastKeys = {node, node.optionalOperand(3)};
  read.pastValues = {node, node.optionalOperand(4)};
  read.heads = node.intAttr("num_heads", 0);
  read.groups = node.intAttr("kv_num_heads", 0);
  read.scale = node.floatAttr("scale", 0);
  if (node.failed())
    return failure();
  constexpr int64_t maxHeads = 1 << 20;
  if (read.heads < 1 || read.groups < 1 || read.heads > maxHeads || read.heads % read.groups || read.window < -1 ||
      read.window == 0)
    return node.reject("numbers of heads or the window are out of range");
  if (!read.pastKeys != !read.pastValues || (read.pastKeys && (read.pastKeys.getRank() != 4 || read.pastValues.getRank() != 4)))
    return node.reject("past keys and past values must come together, and have 4 dimensions");
  return splitOperands(node, read);
}

/// Whether `value` is made of inputs of the model, constants and extents, by operations that sizes may be made of.
static bool canBeSize(Value value, unsigned depth = 0) {
  Operation *op = value.getDefiningOp();
  if (!op || isa<nn::ShapeOp, nn::SizeOp>(op) || op->hasTrait<OpTrait::ConstantLike>())
    return true;
  return depth < 16 &&
         isa<nn::CastOp, nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp, nn::GatherOp, nn::AddOp, nn::SubOp>(op) &&
         llvm::all_of(op->getOperands(), [&](Value operand) { return canBeSize(operand, depth + 1); });
}

/// Where each sequence begins.
static void placeQueries(NodeBinder &node, GroupQueryNode &read, Expression total) {
  Type i64 = node.getBuilder().getI64Type();
  // Of the first positions the whole sequence is new, whatever its length.
  Expression count = read.query.extent(2), past = read.pastKeys ? read.pastKeys.extent(2) : Expression::ints(node, {0});
  read.begins = (read.lengths.cast(i64).reshape({-1}) + 1 - count).max(past.like(0)).min(past);
  if (read.pastKeys && read.pastKeys.getExtent(2) != 0) {
    // A cache may have room for more than it holds, which shows only by the whole length.
    read.capacity = read.blocks ? past : past.max(total);
    if (!read.blocks && !canBeSize(total)) {
      read.kept = read.capacity;
      read.capacity = past + count;
      Expression fits = (total <= read.capacity).reshape(ArrayRef<int64_t>{});
      requireOfData(node, fits, "a GroupQueryAttention has no more keys than the cache and the new ones");
    }
    read.begins = read.begins.min(read.capacity - count).max(past.like(0));
  }
}

static LogicalResult readGroupQuery(NodeBinder &node, GroupQueryNode &read) {
  if (failed(checkGroupQuery(node)))
    return failure();
  read.lengths = {node, node.operand(5)};
  read.total = {node, node.operand(6)};
  read.bias = {node, node.optionalOperand(10)};
  read.sink = {node, node.optionalOperand(11)};
  read.window = node.intAttr("local_window_size", -1);
  read.isCausal = node.intAttr("causal", 1);
  read.hasSmoothSoftmax = node.intAttr("smooth_softmax", 0) > 0;
  read.softcap = node.floatAttr("softcap", 0);
  if (node.failed() || failed(readHeads(node, read)) || failed(normalizeHeads(node, read)))
    return failure();
  Expression total = read.total.cast(node.getBuilder().getI64Type()).reshape({1});
  // As ONNX Runtime has it: a cache that grows by the new keys, or one that has room for them.
  Expression past = read.pastKeys ? read.pastKeys.extent(2) : total.like(0);
  Expression fits = total.equals(past + read.query.extent(2)) | (total <= past);
  requireOfData(node, fits, "total_sequence_length of a GroupQueryAttention is that of cache and new keys, or at most the cache's");
  placeQueries(node, read, total);
  return rotateHeads(node, read, 7, {node, node.optionalOperand(9)});
}

/// The cache, of another length, with the new rows behind what each sequence has in it, and zeros behind them; with blocks
/// what was there.
static Expression insertRows(NodeBinder &node, const GroupQueryNode &read, Expression past, Expression rows) {
  past = past.cast(rows.getElementType());
  if (node.failed())
    return {};
  if (!read.blocks) { // before rows are added: what is kept is copied once
    Expression isFilled = Expression::range(past.extent(2)).unsqueeze({0}) < read.begins.unsqueeze({1});
    past = {node, keepShape(node, isFilled.unsqueeze({1, 3}).choose(past, rows.like(0)), past)};
  }
  Expression added = Expression::concat(node, {past.shape(0, 2), read.capacity - past.extent(2), past.shape(3, 4)}, 0);
  Expression cache = Expression::concat(node, {past, rows.like(0).broadcast(added)}, 2);
  if (node.failed())
    return {};
  Expression position = read.begins.unsqueeze({1}) + Expression::range(rows.extent(2)).unsqueeze({0});
  return writeRows(node, cache, rows, position, 2);
}

/// The cache with the new rows behind what each sequence has in it.
static Expression appendRows(NodeBinder &node, const GroupQueryNode &read, Expression past, Expression rows) {
  if (read.capacity)
    return insertRows(node, read, past, rows);
  Expression all = past ? Expression::concat(node, {past.cast(rows.getElementType()), rows}, 2) : rows;
  if (node.failed())
    return {};
  if (past && read.query.getExtent(0) != 1) {
    // Row j is that of the cache up to where the sequence ends in it, from there on one of the new ones.
    Expression place = Expression::range(all.extent(2)).unsqueeze({0}), begin = read.begins.unsqueeze({1});
    Expression added = (place - begin + past.extent(2)).min(all.extent(2) - 1);
    Expression index = (place < begin).choose(place, added).unsqueeze({2});
    Expression moved(node, node.create<nn::GatherNDOp>(all.transpose({0, 2, 1, 3}), index, /*batch_dims=*/1));
    if (node.failed())
      return {};
    Expression isFilled = (place < begin + rows.extent(2)).unsqueeze({1, 3});
    moved = isFilled.choose(moved.transpose({0, 2, 1, 3}), moved.like(0)); // behind a shorter sequence there is nothing
    all = {node, keepShape(node, moved, all)};
  }
  return all;
}

/// Which keys each query sees, (B, 1 or H, S, T).
static Expression findVisible(NodeBinder &node, const GroupQueryNode &read, Expression keys) {
  // There must be as many keys as the node says: a cache that has room for more is not what it means.
  Expression total = read.total.cast(node.getBuilder().getI64Type()).reshape({1});
  Expression key = Expression::range(keys.extent(2));
  if (!read.kept)
    key = {node, keepShape(node, Expression::range(total), key)};
  key = key.unsqueeze({0, 1, 2});
  Expression begin = read.begins.unsqueeze({1, 2, 3});
  Expression query = Expression::range(read.query.extent(2)).unsqueeze({0, 1, 3}) + begin;
  if (!read.isCausal)
    return key <= read.lengths.cast(begin.getElementType()).reshape({-1, 1, 1, 1});
  Expression visible = key <= query;
  if (read.blocks) {
    auto block = [&](Expression place) { return place.reshape({-1}) / static_cast<double>(read.blockSize); };
    // One batch for all: the sequences are equally long.
    Expression rows = read.blocks.gather(block(query.slice(0, 0, 1)), 1).gather(block(key), 2);
    visible = visible & rows.unsqueeze({0});
  }
  return read.window < 0 ? visible : visible & (key > query - static_cast<double>(read.window));
}

/// The softmax of scores, of which a share goes to a score (for each head) that no value belongs to.
static Expression takeSoftmax(NodeBinder &node, const GroupQueryNode &read, Expression scores) {
  if (!read.sink && !read.hasSmoothSoftmax)
    return scores.softmax(3);
  Expression sink = read.sink ? read.sink.cast(scores.getElementType()).reshape({1, -1, 1, 1}) : scores.like(0);
  Expression shape = Expression::concat(node, {scores.shape(0, 3), Expression::ints(node, {1})}, 0);
  Expression all = Expression::concat(node, {scores, sink.broadcast(shape)}, 3).softmax(3);
  Expression result = all.slice(3, 0, -1);
  return {node, keepShape(node, result, scores)};
}

static LogicalResult attendGroups(NodeBinder &node, const GroupQueryNode &read) {
  Type type = read.query.getElementType();
  Expression keys = appendRows(node, read, read.pastKeys, read.keys);
  Expression values = appendRows(node, read, read.pastValues, read.values);
  if (node.failed())
    return failure();
  Expression allKeys = keys, allValues = values;
  if (read.kept) {
    allKeys = keys.slice(2, Expression::ints(node, {0}), read.kept);
    allValues = values.slice(2, Expression::ints(node, {0}), read.kept);
  }
  if (read.capacity) { // room is not looked at
    Expression total = read.total.cast(node.getBuilder().getI64Type()).reshape({1});
    keys = keys.slice(2, Expression::ints(node, {0}), total);
    values = values.slice(2, Expression::ints(node, {0}), total);
  }
  Expression scores = multiplyByKeys(node, scaleQuery(read.query, read.scale), keys);
  if (node.failed())
    return failure();
  scores = scores.cast(type.isF64() ? type : node.getBuilder().getF32Type());
  if (read.softcap > 0)
    scores = (scores / read.softcap).unary<nn::TanhOp>() * read.softcap;
  if (read.bias)
    scores = {node, keepShape(node, scores + read.bias.cast(scores.getElementType()), scores)};
  Expression visible = findVisible(node, read, keys);
  Expression masked = visible.choose(scores, scores.like(-std::numeric_limits<double>::infinity()));
  scores = {node, keepShape(node, masked, scores)};
  if (node.failed())
    return failure();
  Expression weights = takeSoftmax(node, read, scores).cast(type);
  Expression result = multiplyByValues(node, weights, values);
  if (node.failed())
    return failure();
  for (Expression each : {mergeHeads(result), allKeys, allValues})
    if (failed(node.result(each)))
      return failure();
  return success();
}

static LogicalResult importGroupQueryAttention(NodeBinder &node) {
  GroupQueryNode read;
  return failed(readGroupQuery(node, read)) ? failure() : attendGroups(node, read);
}

/// The blocks of (layout, row) that the compressed rows of two constant operands name, for each head.
static LogicalResult readBlocks(NodeBinder &node, GroupQueryNode &read) {
  SmallVector<int64_t> starts = node.constantInts(5), columns = node.constantInts(6);
  Expression rows(node, node.operand(5)), places(node, node.operand(6));
  if (node.failed())
    return failure();
  if (rows.getRank() != 2 || places.getRank() != 2 || rows.getExtent(0) != places.getExtent(0) ||
      rows.getExtent(0) < 1 || rows.getExtent(1) < 2 || read.heads % rows.getExtent(0))
    return node.reject("the blocks must have a row for each of as many layouts as divide the heads");
  int64_t layouts = rows.getExtent(0), count = rows.getExtent(1) - 1, width = places.getExtent(1);
  constexpr int64_t maxFlags = 1 << 22;
  if (count > (1 << 13) || read.heads > maxFlags / (count * count))
    return node.reject("there are too many blocks");
  SmallVector<int64_t> flags(read.heads * count * count, 0);
  for (int64_t head = 0; head < read.heads; ++head)
    for (int64_t row = 0, layout = head % layouts; row < count; ++row) {
      int64_t begin = starts[layout * (count + 1) + row], end = starts[layout * (count + 1) + row + 1];
      if (begin < 0 || end < begin || end > width)
        return node.reject("a row of blocks is out of range");
      for (int64_t at = begin; at < end; ++at) {
        int64_t column = columns[layout * width + at];
        if (column < 0 || column >= count)
          return node.reject("a block is out of range");
        flags[(head * count + row) * count + column] = 1;
      }
      if (!flags[(head * count + row) * count + row])
        return node.reject("a query does not see its own block");
    }
  read.blocks = Expression::ints(node, flags).reshape({read.heads, count, count}).cast(node.getBuilder().getI1Type());
  int64_t room = read.pastKeys.getExtent(2);
  if (ShapedType::isDynamic(room) || room > count * read.blockSize)
    return node.reject("the cache must have a known length that the blocks cover");
  return success(!node.failed());
}

static LogicalResult importSparseAttention(NodeBinder &node) {
  GroupQueryNode read;
  read.total = {node, node.operand(7)};
  read.blockSize = node.intAttr("sparse_block_size", 0);
  Expression lengths(node, node.operand(8));
  if (node.failed() || failed(readHeads(node, read)))
    return failure();
  if (!read.pastKeys || read.blockSize < 1 || read.blockSize > (1 << 20))
    return node.reject("needs a cache, and blocks of keys");
  if (failed(readBlocks(node, read)))
    return failure();
  Type i64 = node.getBuilder().getI64Type();
  Expression total = read.total.cast(i64).reshape({1});
  lengths = lengths.cast(i64).reshape({-1});
  // ONNX Runtime and its documentation differ on shorter sequences.
  Expression isLongest = lengths.equals(total).cast(i64).reduce(nn::ReductionKind::Min, {0}, /*keepdims=*/false);
  Expression fits = total.reshape(ArrayRef<int64_t>{}) <= static_cast<double>(read.pastKeys.getExtent(2));
  requireOfData(node, (isLongest > 0.0) & fits, "sequences of SparseAttention are equally long, and fit the cache");
  if (node.failed())
    return failure();
  read.lengths = lengths - 1;
  placeQueries(node, read, total);
  if (failed(rotateHeads(node, read, 9, {})))
    return failure();
  return attendGroups(node, read);
}

static const OpEntry table[] = {
    {"GroupQueryAttention", 1, importGroupQueryAttention, "com.microsoft"},
    {"SparseAttention", 1, importSparseAttention, "com.microsoft"},
};

ArrayRef<OpEntry> getGroupQueryAttentionOps() { return table; }

} // namespace nnc::onnx
