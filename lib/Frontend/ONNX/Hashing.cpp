// Operators of com.microsoft that hash numbers and strings.
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/PackedSequences.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/Strings.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "com.microsoft";

static Expression exclusiveOr(Expression x, Expression y) { return x.binary<nn::BitwiseXorOp>(y); }

//===--- MurmurHash3 ---===//

static Expression shiftRight(Expression x, int bits) { return x.binary<nn::ShiftRightOp>(x.like(bits)); }

static Expression rotateLeft(Expression x, int bits) {
  return x.binary<nn::ShiftLeftOp>(x.like(bits)).binary<nn::BitwiseOrOp>(shiftRight(x, 32 - bits));
}

/// MurmurHash3_x86_32 of the bytes of each number or string, by Austin Appleby.
static LogicalResult importMurmurHash3(NodeBinder &node) {
  Expression x(node, node.operand(0));
  int64_t seed = node.intAttr("seed", 0);
  bool isPositive = node.intAttr("positive", 1);
  if (node.failed())
    return failure();
  OpBuilder &builder = node.getBuilder();
  Type ui32 = builder.getIntegerType(32, /*isSigned=*/false), i32 = builder.getI32Type();
  Type result = isPositive ? ui32 : i32;
  if (text::isStrings(Value(x).getType())) {
    SmallVector<int64_t> key{static_cast<uint32_t>(seed)};
    return node.result(x.unary<text::HashOp>(node.getBuilder().getDenseI64ArrayAttr(key)).cast(result));
  }
  unsigned bits = x.getElementType().getIntOrFloatBitWidth();
  if (bits != 32 && bits != 64)
    return node.reject("needs numbers of 32 or 64 bits");
  Expression number = x.unary<nn::BitcastOp>(builder.getIntegerType(bits, /*isSigned=*/false));
  SmallVector<Expression> words{number.cast(ui32)};
  if (bits == 64)
    words.push_back(shiftRight(number, 32).cast(ui32));
  Expression hash = Expression::scalar(node, ui32, static_cast<uint32_t>(seed));
  for (Expression word : words) {
    word = rotateLeft(word * 0xcc9e2d51u, 15) * 0x1b873593u;
    hash = rotateLeft(exclusiveOr(hash, word), 13) * 5 + 0xe6546b64u;
  }
  hash = exclusiveOr(hash, hash.like(bits / 8));
  hash = exclusiveOr(hash, shiftRight(hash, 16)) * 0x85ebca6bu;
  hash = exclusiveOr(hash, shiftRight(hash, 13)) * 0xc2b2ae35u;
  hash = exclusiveOr(hash, shiftRight(hash, 16));
  return node.failed() ? failure() : node.result(hash.unary<nn::BitcastOp>(result));
}

//===--- Hashes of n-grams ---===//

namespace {
/// The operands and attributes that both forms have.
struct NGramHash {
  NGramHash(NodeBinder &node, unsigned pastOperand);

  /// For the last n - 1 tokens the ones before them: those of `getTokens`, until one is behind a boundary.
  template <typename Tokens, typename Boundary>
  Expression hash(NodeBinder &node, Expression ids, Tokens getTokens, Boundary isBehindBoundary) const;

  Expression multipliers, sizes, past, offsets, eos, fill;
  int64_t longest = 0, heads = 0;
  bool stopsAtEos = false;
};
} // namespace

/// What the operands behind the ids and those of the sequences are.
NGramHash::NGramHash(NodeBinder &node, unsigned pastOperand)
    : multipliers(node, node.operand(1)), sizes(node, node.operand(2)), past(node, node.optionalOperand(pastOperand)),
      offsets(node, node.optionalOperand(pastOperand + 1)), eos(node, node.optionalOperand(pastOperand + 2)),
      longest(node.intAttr("max_ngram_size", 0)), heads(node.intAttr("n_head_per_ngram", 0)) {
  stopsAtEos = node.intAttr("reset_on_eos", 0) && eos;
  int64_t pad = node.intAttr("pad_id", 0);
  if (node.failed())
    return;
  if (longest < 2 || heads < 1 || multipliers.getRank() != 1 || sizes.getRank() != 1 ||
      sizes.getExtent(0) != (longest - 1) * heads)
    (void)node.reject("needs n-grams of two or more tokens, one or more heads, and a size for each");
  if (longest > 64)
    (void)node.reject("n-grams of more than 64 tokens are not supported");
  Type type = multipliers.getElementType();
  fill = eos ? eos.reshape(ArrayRef<int64_t>{}) : Expression::scalar(node, type, static_cast<double>(pad));
  sizes = {node, require(node, sizes, sizes.reduce(nn::ReductionKind::Min, {0}, /*keepdims=*/true) > 0)};
}

template <typename Tokens, typename Boundary>
Expression NGramHash::hash(NodeBinder &node, Expression ids, Tokens getTokens, Boundary isBehindBoundary) const {
  if (node.failed())
    return {};
  int64_t last = ids.getRank();
  Expression mix = ids * multipliers.slice(0, 0, 1), isOver;
  SmallVector<Expression> parts;
  for (int64_t distance = 1; distance < longest; ++distance) {
    Expression tokens = getTokens(distance), stops = isBehindBoundary(distance);
    if (stopsAtEos) {
      Expression isEos = tokens.equals(fill);
      stops = stops ? stops | isEos : isEos;
    }
    if (stops) {
      isOver = isOver ? isOver | stops : stops;
      tokens = isOver.choose(fill, tokens);
    }
    mix = exclusiveOr(mix, tokens * multipliers.slice(0, distance, distance + 1));
    int64_t begin = (distance - 1) * heads, end = distance * heads;
    Expression part(node, node.create<nn::ModOp>(mix.unsqueeze({last}), sizes.slice(0, begin, end), /*fmod=*/false));
    parts.push_back(offsets ? part + offsets.slice(0, begin, end) : part);
  }
  return Expression::concat(node, parts, last);
}

/// `past` (N, length), of `fill` where there is none.
static Expression getHistory(NodeBinder &node, const NGramHash &hash, Expression past, Expression fill, Expression count) {
  if (node.failed() || past)
    return past;
  return fill.broadcast(Expression::concat(node, {count, Expression::ints(node, {hash.longest - 1})}, 0));
}

static LogicalResult importNGramHash(NodeBinder &node) {
  Expression ids(node, node.operand(0)), segments(node, node.optionalOperand(6));
  NGramHash hash(node, 3);
  if (node.failed())
    return failure();
  if (ids.getRank() != 2)
    return node.reject("needs rows of ids");
  int64_t reach = hash.longest - 1;
  Expression count = ids.extent(1), width = count + static_cast<double>(reach);
  Expression all = Expression::concat(node, {getHistory(node, hash, hash.past, hash.fill, ids.extent(0)), ids}, 1);
  // No segment ends before the ids that are given.
  Expression before;
  if (segments)
    before = Expression::concat(
        node, {segments.slice(1, 0, 1).broadcast(Expression::concat(node, {ids.extent(0), Expression::ints(node, {reach})}, 0)),
               segments}, 1);
  auto shift = [&](Expression from, int64_t distance) {
    Expression begin = Expression::ints(node, {reach - distance});
    return from.slice(1, begin, begin + count);
  };
  Expression result = hash.hash(
      node, ids, [&](int64_t distance) { return shift(all, distance); },
      [&](int64_t distance) {
        return before ? ~shift(before, distance - 1).equals(shift(before, distance)) : Expression();
      });
  if (node.failed() || failed(node.result(result)) || !node.wantsResult(1))
    return success(!node.failed());
  return node.result(all.slice(1, count, width));
}

/// The same of sequences that are packed.
static LogicalResult importPackedNGramHash(NodeBinder &node) {
  Expression ids(node, node.operand(0)), starts(node, node.operand(3)), segments(node, node.optionalOperand(7)),
      pastSegments(node, node.optionalOperand(8)), counts(node, node.optionalOperand(9));
  NGramHash hash(node, 4);
  int64_t capacity = node.intAttr("state_update_capacity", 0), pad = node.intAttr("pad_id", 0);
  if (node.failed())
    return failure();
  if (ids.getRank() != 1)
    return node.reject("needs one row of ids");
  if (pastSegments && !segments)
    return node.reject("'past_segment_ids' needs 'segment_ids'");
  PackedSequences sequences(node, starts, ids);
  if (node.failed())
    return failure();
  Expression count = starts.extent(0) - 1, history = getHistory(node, hash, hash.past, hash.fill, count), earlier;
  if (segments)
    earlier = getHistory(node, hash, pastSegments, sequences.first(segments).unsqueeze({1}), count);
  Expression result = hash.hash(
      node, ids, [&](int64_t distance) { return sequences.lookBack(ids, history, distance); },
      [&](int64_t distance) {
        return segments ? ~sequences.lookBack(segments, earlier, distance - 1)
                               .equals(sequences.lookBack(segments, earlier, distance))
                        : Expression();
      });
  if (node.failed() || failed(node.result(result)))
    return failure();
  if (node.wantsResult(1) || node.getNumResults() > 2)
    if (failed(node.result(sequences.last(ids, history))))
      return failure();
  if (node.getNumResults() > 2) {
    if (node.wantsResult(2) && !segments)
      return node.reject("its third result needs 'segment_ids'");
    if (failed(node.result(segments ? sequences.last(segments, earlier) : ids)))
      return failure();
  }
  if (!node.wantsResult(3))
    return success();
  if (capacity < 1 || !counts)
    return node.reject("its fourth result needs 'capture_count' and 'state_update_capacity'");
  Expression isUsed = sequences.isCaptured(counts, capacity).unsqueeze({2});
  return node.result(isUsed.choose(sequences.prefixes(ids, history, capacity), ids.like(static_cast<double>(pad))));
}

static const OpEntry table[] = {
    {"MurmurHash3", 1, importMurmurHash3, domain},
    {"NGramHashMapping", 1, importNGramHash, domain},
    {"VarlenNGramHashMapping", 1, importPackedNGramHash, domain},
};

ArrayRef<OpEntry> getHashingOps() { return table; }

} // namespace nnc::onnx
